"""Puts revisions into stored JSON without decoding it.

Stored bytes carry no resourceVersion and begin with `{"apiVersion":…,"kind":…,"metadata":{`, so the first
`"metadata":{` is the object's own: a quote inside a JSON string would be escaped, so no string before it can hold this
text.
"""

from __future__ import annotations

_METADATA = b'"metadata":{'
_CLOSING_BRACE = ord("}")


def splice_revision(stored: bytes, revision: int) -> bytes:
    """The stored bytes with `"resourceVersion":"<revision>"` as the first field of metadata.

    Bytes without a metadata object come back as they are.
    """
    at = stored.find(_METADATA)
    if at < 0:
        return stored
    at += len(_METADATA)
    separator = b"" if stored[at] == _CLOSING_BRACE else b","
    return b'%b"resourceVersion":"%d"%b%b' % (stored[:at], revision, separator, stored[at:])


def replace_revision(spliced: bytes, old: int, new: int) -> bytes:
    """Spliced bytes with another revision in place of the one they carry."""
    return spliced.replace(
        b'%b"resourceVersion":"%d"' % (_METADATA, old), b'%b"resourceVersion":"%d"' % (_METADATA, new), 1
    )
