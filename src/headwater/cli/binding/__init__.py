"""`headwater bind`: the APIs of pclusters, and a Placement that says where workloads run.

`command` has the command, `spec` makes the Placement from its flags, `exports` binds APIs, and `waiting` waits.
"""
