"""Deletion of APIBindings: first the objects of what was bound, then the binding."""
