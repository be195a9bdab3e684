"""Placement scheduling: answers each Placement with targets, and says in its status what was decided and why."""
