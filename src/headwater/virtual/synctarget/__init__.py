"""What the virtual workspaces of a SyncTarget share: who may enter, which resources there are, and how they are read.

`target` lets a caller through, `domain` says which resources are served, `forward` reads and writes upstream,
`messages` turns bodies into objects and objects into bodies.
"""
