"""The upsyncer virtual workspace: objects that live on one pcluster, and are copied up by its syncer.

`rules` says what a written object may hold, `diff` changes it on its way, `placed` where objects may be made at all,
and `service` speaks HTTP.
"""
