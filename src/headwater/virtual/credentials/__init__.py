"""The virtual workspace where syncers get their credentials, and where owners of pclusters give and revoke them.

`service` speaks HTTP and says who may do what, `issuing` does it, `notices` tells people by Events.
"""
