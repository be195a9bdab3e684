"""Namespace scheduling: which sync targets a namespace's content goes to, from the Placements that select it."""
