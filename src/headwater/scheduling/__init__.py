"""Where workloads run: pure functions from a world of targets, locations, policies and workloads to a decision.

No I/O and no clock of its own, so that the same code decides, explains and plans. Values are in `model` and
`workload`; `snapshot`, `pods` and `gather` read them from API objects. `world` keeps them, `fleet` and `candidates`
compile what policies allow into arrays, and `ledger` says what room is left. `home` chooses the targets of a policy,
`assign` (by `choosing`, `filling` and `division`) those of a workload, `explain` says why, and `plan` what if.
"""
