"""The protobuf wire format: a message as pairs of field number and raw value."""

from __future__ import annotations

from collections.abc import Iterator

MAX_DEPTH = 64
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class WireError(ValueError):
    """The bytes are no protobuf message, or one that is nested too deeply."""


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers with their values: an int for varints, bytes for everything else. Raises WireError."""
    position, end = 0, len(data)
    while position < end:
        tag, position = varint(data, position)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise WireError("a field has the number 0")
        if kind == _VARINT:
            value, position = varint(data, position)
            yield number, value
            continue
        if kind == _BYTES:
            size, position = varint(data, position)
        elif kind == _FIXED64:
            size = 8
        elif kind == _FIXED32:
            size = 4
        else:
            raise WireError(f"field {number} is of the unknown wire type {kind}")
        if position + size > end:
            raise WireError(f"field {number} is cut off")
        yield number, data[position : position + size]
        position += size


def varint(data: bytes, position: int) -> tuple[int, int]:
    """An unsigned number of up to 64 bits, and the position after it."""
    value = shift = 0
    while True:
        if position >= len(data) or shift > 63:
            raise WireError("a number is cut off or too long")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, position
        shift += 7


def signed(value: int) -> int:
    """A varint as int64."""
    return value - (1 << 64) if value >= 1 << 63 else value
