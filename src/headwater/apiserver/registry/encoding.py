"""Objects as bytes: how they are stored, and what a store operation answers."""

from __future__ import annotations

from headwater.base import jsonio
from headwater.machinery.errors import BadRequest
from headwater.machinery.objects import Object

_HEAD: Object = {"apiVersion": "", "kind": "", "metadata": {}}


def encode_stored(obj: Object) -> bytes:
    """Bytes to store: no resourceVersion, and apiVersion, kind and metadata first, which the splicing relies on.

    Takes the resourceVersion out of `obj`. Raises BadRequest for what can't be written down.
    """
    obj["metadata"].pop("resourceVersion", None)
    try:
        return jsonio.dumps({**_HEAD, **obj})
    except jsonio.EncodeError as error:
        raise BadRequest(f"the object can't be stored: {error}") from None


class Answer:
    """An object that a store operation answers: bytes with resourceVersion, decoded when asked for."""

    __slots__ = ("_decoded", "created", "revision", "value")

    def __init__(self, value: bytes, revision: int, *, created: bool = False, decoded: Object | None = None) -> None:
        self.value = value
        self.revision = revision
        self.created = created
        self._decoded = decoded

    @property
    def decoded(self) -> Object:
        """The object; the caller must not change it."""
        if self._decoded is None:
            self._decoded = jsonio.loads(self.value)
        return self._decoded
