"""`headwater placements`: where the workloads of a workspace run, once or live.

`targets` reads one workload, `rows` makes the table of a workspace, `surroundings` fetches what it needs; `once` and
`live` print it, `screen` redraws a terminal.
"""
