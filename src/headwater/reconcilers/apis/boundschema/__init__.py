"""Keeps copies of bound APIResourceSchemas, so that consumers stay served when a provider removes the original."""
