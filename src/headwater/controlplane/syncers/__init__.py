"""Credentials of syncers: what is signed, who is let in with it, and how open watches end with it."""
