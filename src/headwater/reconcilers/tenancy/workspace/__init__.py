"""Workspace: schedules it onto a shard, makes its logical cluster, mirrors that one's phase, and deletes it again."""
