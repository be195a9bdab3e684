"""Behaviour of the builtin kinds on writes, one module for each family."""
