"""The syncer: one agent for each SyncTarget, which runs its workloads on a pcluster and reports their status.

Follow `run` (from options to connections), `agent` (what runs), `target` (the SyncTarget and its rights), `spec`
(upstream to downstream), `status` (downstream to upstream), `capacity` and `namespaces`. `mutate` holds the pure
changes between an upstream object and its downstream copy. It talks to both sides over their APIs only.
"""
