"""Puts revisions into stored JSON without decoding it.

Stored bytes carry no resourceVersion and begin with `{"apiVersion":…,"kind":…,"metadata":{`, so the first
`"metadata":{` is the object's own: a quote inside a JSON string would be escaped, so no string before it can hold this
text.
"""

from __future__ import annotations

_METADATA = b'"metadata":{'


def splice_revision(stored: bytes, revision: int) -> bytes:
    """The stored bytes with `"resourceVersion":"<revision>"` as the first field of metadata, which is never empty.

    Bytes without a metadata object come back as they are.
    """
    return stored.replace(_METADATA, b'"metadata":{"resourceVersion":"%d",' % revision, 1)


def replace_revision(spliced: bytes, old: int, new: int) -> bytes:
    """Spliced bytes with another revision in place of the one they carry."""
    return spliced.replace(
        b'"metadata":{"resourceVersion":"%d",' % old, b'"metadata":{"resourceVersion":"%d",' % new, 1
    )
