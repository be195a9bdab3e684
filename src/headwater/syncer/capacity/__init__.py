"""What the pcluster has, and what of it is left for placed workloads, for `status.capacity` and `status.allocatable`.

`outline` reduces nodes and pods to what counts, `tally` adds it up (both pure), `report` follows the pcluster.
"""
