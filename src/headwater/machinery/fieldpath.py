"""Errors of single fields, worded as Kubernetes words them, and the paths that name the fields.

Validators collect `FieldError` values and never stop at the first; `errors.invalid` makes one answer of them. Paths are
plain strings: ``spec.ports[0].name``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from headwater.base import jsonio

NOT_FOUND = "FieldValueNotFound"
REQUIRED = "FieldValueRequired"
DUPLICATE = "FieldValueDuplicate"
INVALID = "FieldValueInvalid"
NOT_SUPPORTED = "FieldValueNotSupported"
FORBIDDEN = "FieldValueForbidden"
TOO_LONG = "FieldValueTooLong"
TOO_MANY = "FieldValueTooMany"
TYPE_INVALID = "FieldValueTypeInvalid"
INTERNAL = "InternalError"

_TITLES = {
    NOT_FOUND: "Not found",
    REQUIRED: "Required value",
    DUPLICATE: "Duplicate value",
    INVALID: "Invalid value",
    NOT_SUPPORTED: "Unsupported value",
    FORBIDDEN: "Forbidden",
    TOO_LONG: "Too long",
    TOO_MANY: "Too many",
    TYPE_INVALID: "Invalid value",
    INTERNAL: "Internal error",
}
_WITHOUT_VALUE = frozenset({REQUIRED, FORBIDDEN, TOO_LONG, INTERNAL})


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with one field; ``type`` is the cause's reason on the wire."""

    type: str
    field: str
    bad_value: Any = None
    detail: str = ""

    @property
    def body(self) -> str:
        """The message without the field."""
        title = _TITLES[self.type]
        text = title if self.type in _WITHOUT_VALUE else f"{title}: {_printed(self.bad_value)}"
        return f"{text}: {self.detail}" if self.detail else text

    def __str__(self) -> str:
        return f"{self.field or '<nil>'}: {self.body}"


def child(path: str, *names: str) -> str:
    """The path of a member: ``child("spec", "ports")`` is ``spec.ports``."""
    return ".".join((path, *names) if path else names)


def index(path: str, position: int) -> str:
    """The path of a list item: ``spec.ports[0]``."""
    return f"{path}[{position}]"


def key(path: str, name: str) -> str:
    """The path of a map entry: ``metadata.labels[app]``."""
    return f"{path}[{name}]"


def required(path: str, detail: str = "") -> FieldError:
    return FieldError(REQUIRED, path, "", detail)


def invalid_value(path: str, value: Any, detail: str) -> FieldError:
    return FieldError(INVALID, path, value, detail)


def type_invalid(path: str, value: Any, detail: str) -> FieldError:
    """The value is of the wrong JSON type."""
    return FieldError(TYPE_INVALID, path, value, detail)


def not_supported(path: str, value: Any, supported: Sequence[str] = ()) -> FieldError:
    """The value is none of the allowed ones."""
    detail = "supported values: " + ", ".join(quote(entry) for entry in supported) if supported else ""
    return FieldError(NOT_SUPPORTED, path, value, detail)


def forbidden_field(path: str, detail: str) -> FieldError:
    return FieldError(FORBIDDEN, path, "", detail)


def duplicate(path: str, value: Any) -> FieldError:
    return FieldError(DUPLICATE, path, value)


def not_found(path: str, value: Any) -> FieldError:
    """The field names something that does not exist."""
    return FieldError(NOT_FOUND, path, value)


def too_long(path: str, maximum: int) -> FieldError:
    """The value has more than ``maximum`` bytes; it is left out of the message."""
    return FieldError(TOO_LONG, path, "<value omitted>", f"may not be more than {maximum} {_plural('byte', maximum)}")


def too_many(path: str, actual: int, maximum: int) -> FieldError:
    return FieldError(TOO_MANY, path, actual, f"must have at most {maximum} {_plural('item', maximum)}")


def internal_error(path: str, detail: str) -> FieldError:
    """The check itself failed, whatever the user wrote."""
    return FieldError(INTERNAL, path, None, detail)


def aggregate(errors: Sequence[object]) -> str:
    """Several messages as one text: a single one as it is, more in brackets, each once."""
    messages = list(dict.fromkeys(str(error) for error in errors))
    return messages[0] if len(messages) == 1 else f"[{', '.join(messages)}]"


def quote(text: str) -> str:
    """Text in double quotes as Go's ``%q`` prints it."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(_ESCAPES.get(char) or _escape(char) for char in text) + '"'


_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\n": "\\n",
    "\t": "\\t",
    "\r": "\\r",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\v": "\\v",
}


def _escape(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _printed(value: Any) -> str:
    if isinstance(value, str):
        return quote(value)
    try:
        return jsonio.dumps(value).decode()
    except jsonio.EncodeError:
        return repr(value)


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"
