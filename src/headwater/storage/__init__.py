"""Key-value storage with revisions, and the watch cache that answers reads and watches from memory.

Nothing here knows Kubernetes: a value is bytes, a key is a path, a revision is a number.
"""
