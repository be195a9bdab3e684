"""Protobuf encoding of a v2 document as gnostic's ``openapi.v2.Document``.

Only the fields that our documents use are here. Field numbers are those of gnostic's OpenAPIv2.proto; maps are repeated
(name, value) messages there, and extensions hold their value as YAML, of which JSON is a part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from headwater.base import jsonio

Object = Mapping[str, Any]

_METHODS = {"get": 2, "put": 3, "post": 4, "delete": 5, "options": 6, "head": 7, "patch": 8}


def encode_document(document: Object) -> bytes:
    """The bytes of a v2 document given as an object."""
    info = _text(1, document["info"]["title"]) + _text(2, document["info"]["version"])
    paths = b"".join(_message(2, _named(name, _path_item(item))) for name, item in document["paths"].items())
    return b"".join(
        (
            _text(1, document["swagger"]),
            _message(2, info),
            _message(8, paths),
            _message(9, _schemas(document["definitions"])),
        )
    )


def _path_item(item: Object) -> bytes:
    out = [_message(number, _operation(item[method])) for method, number in _METHODS.items() if method in item]
    out += [_message(9, _parameter(parameter)) for parameter in item.get("parameters", ())]
    return b"".join(out)


def _operation(operation: Object) -> bytes:
    responses = (_message(1, _named(code, _response(value))) for code, value in operation["responses"].items())
    return b"".join(
        (
            _texts(1, operation["tags"]),
            _text(3, operation["description"]),
            _text(5, operation["operationId"]),
            _texts(6, operation["produces"]),
            _texts(7, operation["consumes"]),
            *(_message(8, _parameter(parameter)) for parameter in operation["parameters"]),
            _message(9, b"".join(responses)),
            _texts(10, operation["schemes"]),
            _extensions(13, operation),
        )
    )


def _response(response: Object) -> bytes:
    """A ResponseValue, of which only the Response alternative is used."""
    return _message(1, _text(1, response["description"]) + _message(2, _message(1, _schema(response["schema"]))))


def _parameter(parameter: Object) -> bytes:
    """A ParametersItem: Parameter, then BodyParameter or NonBodyParameter with the alternative for its place."""
    if parameter["in"] == "body":
        body = (
            _text(2, "body")
            + _text(3, "body")
            + _flag(4, parameter.get("required"))
            + _message(5, _schema(parameter["schema"]))
        )
        return _message(1, _message(1, body))
    in_path = parameter["in"] == "path"
    alternative = 4 if in_path else 3
    type_number, unique_number = (5, 18) if in_path else (6, 20)
    content = b"".join(
        (
            _flag(1, parameter.get("required")),
            _text(2, parameter["in"]),
            _text(3, parameter["description"]),
            _text(4, parameter["name"]),
            _text(type_number, parameter["type"]),
            _flag(unique_number, parameter.get("uniqueItems")),
        )
    )
    return _message(1, _message(2, _message(alternative, content)))


def _schemas(schemas: Object) -> bytes:
    """Named schemas, as in Definitions and Properties."""
    return b"".join(_message(1, _named(name, _schema(schema))) for name, schema in schemas.items())


def _schema(schema: Object) -> bytes:
    out = [encode(schema[name]) for name, encode in _SCHEMA_FIELDS.items() if name in schema]
    out.append(_extensions(31, schema))
    return b"".join(out)


def _additional_properties(value: Any) -> bytes:
    return _message(21, _flag(2, value) if isinstance(value, bool) else _message(1, _schema(value)))


def _any(value: Any) -> bytes:
    return _text(2, jsonio.dumps(value).decode() + "\n")


_SCHEMA_FIELDS: dict[str, Callable[[Any], bytes]] = {
    "$ref": lambda value: _text(1, value),
    "format": lambda value: _text(2, value),
    "description": lambda value: _text(4, value),
    "default": lambda value: _message(5, _any(value)),
    "required": lambda value: _texts(19, value),
    "enum": lambda values: b"".join(_message(20, _any(value)) for value in values),
    "additionalProperties": _additional_properties,
    "type": lambda value: _message(22, _text(1, value)),
    "items": lambda value: _message(23, _message(1, _schema(value))),
    "properties": lambda value: _message(25, _schemas(value)),
}


def _extensions(number: int, holder: Object) -> bytes:
    return b"".join(
        _message(number, _text(1, name) + _message(2, _any(value)))
        for name, value in holder.items()
        if name.startswith("x-")
    )


def _named(name: str, value: bytes) -> bytes:
    return _text(1, name) + _message(2, value)


def _texts(number: int, values: Iterable[str]) -> bytes:
    return b"".join(_text(number, value) for value in values)


def _text(number: int, value: str) -> bytes:
    return _message(number, value.encode()) if value else b""


def _flag(number: int, value: Any) -> bytes:
    return _varint(number << 3) + b"\x01" if value else b""


def _message(number: int, content: bytes) -> bytes:
    """A length-delimited field."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    if value < 0x80:
        return _SINGLE_BYTES[value]
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_SINGLE_BYTES = [bytes((value,)) for value in range(0x80)]
