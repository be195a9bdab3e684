"""`headwater plan`: what a change would do, on the live state or on a file, changing nothing.

`changes` has the commands, `manifests` reads files, `live` asks the control plane, `onfile` works it out here, and
`view` shows the answer, which has the same form either way.
"""
