"""From a protobuf message of a built-in kind to the object that the same request in JSON would carry."""

from __future__ import annotations

import base64
import gzip
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from headwater.apis.kube.schemas import kube_kinds
from headwater.base import jsonio
from headwater.base.protobuf import MAX_DEPTH, WireError, fields, signed
from headwater.machinery.errors import BadRequest, UnsupportedMediaType
from headwater.machinery.gvk import GroupVersion, GroupVersionKind
from headwater.machinery.objects import Object
from headwater.machinery.timestamps import format_micro_time, format_time

MAGIC = b"k8s\x00"
_DATA = Path(__file__).parent / "data" / "layouts.gz"
_META = "k8s.io.apimachinery.pkg.apis.meta.v1."
_POINTER, _REQUIRED, _INLINE = 1, 2, 4
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Field(NamedTuple):
    """One field of a message: its JSON name, kind of value (`M` first for maps), message type, and what it keeps.

    Go writes the zero values of plain fields, so a zero says something only where the Go field is a pointer or the
    field is required.
    """

    name: str
    kind: str
    message: str
    repeated: bool
    pointer: bool
    required: bool
    inline: bool


@cache
def _layouts() -> dict[str, list[list[Any]]]:
    layouts: dict[str, list[list[Any]]] = jsonio.loads(gzip.decompress(_DATA.read_bytes()))
    return layouts


@cache
def _layout(message: str) -> dict[int, Field]:
    return {
        number: Field(
            name, kind, target, bool(repeated), bool(flags & _POINTER), bool(flags & _REQUIRED), bool(flags & _INLINE)
        )
        for number, name, kind, target, repeated, flags in _layouts()[message]
    }


def decode_object(data: bytes) -> Object:
    """The object in an enveloped body. Raises BadRequest for a broken one, UnsupportedMediaType for unknown kinds."""
    if not data.startswith(MAGIC):
        raise BadRequest("the body is not in Kubernetes' protobuf encoding")
    try:
        api_version, kind, raw = _envelope(data[len(MAGIC) :])
        message = _message_of(api_version, kind)
        if message is None:
            raise UnsupportedMediaType(
                f"{kind} in {api_version} can't be sent as protobuf to this server, only as JSON"
            )
        decoded = _message(message, raw, 0)
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"the protobuf body can't be decoded: {error}") from None
    return {"apiVersion": api_version, "kind": kind, **decoded}


def _envelope(data: bytes) -> tuple[str, str, bytes]:
    api_version = kind = ""
    raw = b""
    for number, value in fields(data):
        if number == 1 and isinstance(value, bytes):
            for inner, text in fields(value):
                if isinstance(text, bytes) and inner == 1:
                    api_version = text.decode()
                elif isinstance(text, bytes) and inner == 2:
                    kind = text.decode()
        elif number == 2 and isinstance(value, bytes):
            raw = value
        elif number == 3 and value:
            raise WireError("the content is encoded")
    return api_version, kind, raw


def _message_of(api_version: str, kind: str) -> str | None:
    if kind == "DeleteOptions":
        return f"{_META}DeleteOptions"
    group, version = GroupVersion.parse(api_version)
    found = kube_kinds().get(GroupVersionKind(group, version, kind))
    message = found.definition.removeprefix("io.") if found is not None else ""
    # OpenAPI turns k8s.io around.
    message = message.replace("k8s.", "k8s.io.", 1)
    return message if message in _layouts() else None


def _message(message: str, data: bytes, depth: int) -> Object:
    if depth > MAX_DEPTH:
        raise WireError("the message is nested too deeply")
    layout = _layout(message)
    out: Object = {}
    for number, raw in fields(data):
        field = layout.get(number)
        if field is None:
            continue
        if field.kind[0] == "M":
            key, value = _entry(field, raw, depth)
            out.setdefault(field.name, {})[key] = value
            continue
        value = _value(field.kind, field.message, raw, depth)
        if field.repeated:
            out.setdefault(field.name, []).append(value)
        elif field.inline:
            out.update(value)
        elif value is not None and (field.pointer or field.required or value not in ("", 0, {})):
            out[field.name] = value
    return out


def _entry(field: Field, raw: int | bytes, depth: int) -> tuple[str, Any]:
    key, kind = "", field.kind[1:]
    value: Any = "" if kind in "sb" else {}
    for number, part in fields(_bytes(raw)):
        if number == 1:
            key = _bytes(part).decode()
        elif number == 2:
            value = _value(kind, field.message, part, depth)
    return key, value


def _value(kind: str, message: str, raw: int | bytes, depth: int) -> Any:
    if kind == "s":
        return _bytes(raw).decode()
    if kind == "i":
        return signed(_int(raw))
    if kind == "t":
        return bool(_int(raw))
    if kind == "b":
        return base64.b64encode(_bytes(raw)).decode()
    if kind == "d":
        return struct.unpack("<d", _bytes(raw))[0]
    special = _SPECIAL.get(message)
    if special is not None:
        return special(_bytes(raw))
    return _message(message, _bytes(raw), depth + 1)


def _bytes(raw: int | bytes) -> bytes:
    if isinstance(raw, int):
        raise WireError("a number stands where text or a message should")
    return raw


def _int(raw: int | bytes) -> int:
    if isinstance(raw, bytes):
        raise WireError("text stands where a number should")
    return raw


def _moment(data: bytes) -> datetime | None:
    parts = dict(fields(data))
    if not parts:
        return None
    seconds, nanoseconds = signed(_int(parts.get(1, 0))), signed(_int(parts.get(2, 0)))
    return _EPOCH + timedelta(seconds=seconds, microseconds=nanoseconds // 1000)


def _time(data: bytes) -> str | None:
    moment = _moment(data)
    return None if moment is None else format_time(moment)


def _micro_time(data: bytes) -> str | None:
    moment = _moment(data)
    return None if moment is None else format_micro_time(moment)


def _quantity(data: bytes) -> str:
    text = dict(fields(data)).get(1, b"0")
    return _bytes(text).decode() or "0"


def _int_or_string(data: bytes) -> int | str:
    parts = dict(fields(data))
    if _int(parts.get(1, 0)) == 1:
        return _bytes(parts.get(3, b"")).decode()
    return signed(_int(parts.get(2, 0)))


def _raw_json(data: bytes) -> Any:
    raw = _bytes(dict(fields(data)).get(1, b""))
    return jsonio.loads(raw) if raw else None


def _items(data: bytes) -> list[str]:
    return [_bytes(value).decode() for number, value in fields(data) if number == 1]


_SPECIAL: dict[str, Callable[[bytes], Any]] = {
    f"{_META}Time": _time,
    f"{_META}MicroTime": _micro_time,
    f"{_META}FieldsV1": _raw_json,
    "k8s.io.apimachinery.pkg.runtime.RawExtension": _raw_json,
    "k8s.io.apimachinery.pkg.api.resource.Quantity": _quantity,
    "k8s.io.apimachinery.pkg.util.intstr.IntOrString": _int_or_string,
    "k8s.io.api.authentication.v1.ExtraValue": _items,
    "k8s.io.api.authorization.v1.ExtraValue": _items,
    "k8s.io.api.certificates.v1.ExtraValue": _items,
}
