"""Where workloads run: a pure function from a snapshot of targets, locations and policies to a decision.

No I/O and no clock of its own, so that the same code decides, explains and plans. `model` holds the snapshot,
`filters` say why a target can't be used, `decide` picks.
"""
