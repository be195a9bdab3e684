"""Config maps and secrets: keys, size, immutability, and the forms of secrets."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from headwater.apiserver.builtin.strategies.native import NativeStrategy
from headwater.apiserver.registry.metadata import immutable
from headwater.apiserver.registry.strategy import WriteContext
from headwater.base import jsonio
from headwater.machinery.fieldpath import FieldError, forbidden_field, invalid_value, key, required, too_long
from headwater.machinery.objects import Object

MAX_BYTES = 1024 * 1024
OPAQUE = "Opaque"
TOKEN_TYPE = "kubernetes.io/service-account-token"  # noqa: S105  the name of a type
ACCOUNT_NAME_ANNOTATION = "kubernetes.io/service-account.name"

_KEY = re.compile(r"[-._a-zA-Z0-9]+").fullmatch
_KEY_MAX = 253
_KEY_MESSAGE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  "
    "or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
_IMMUTABLE = "field is immutable when `immutable` is set"


@lru_cache(maxsize=4096)
def _is_key(name: str) -> bool:
    return _KEY(name) is not None and len(name) <= _KEY_MAX and name != "." and not name.startswith("..")


def _all_key_errors(path: str, data: Mapping[str, str]) -> list[FieldError]:
    return [error for name in data if not _is_key(name) for error in _key_errors(path, name)]


def _size(data: Mapping[str, str]) -> int:
    return sum(map(len, data.values()))


def _decoded_size(data: Mapping[str, str]) -> int:
    """Bytes that values in base64 stand for."""
    return sum(len(value) * 3 // 4 - value[-2:].count("=") for value in data.values())


def _key_errors(path: str, name: str) -> list[FieldError]:
    if _KEY(name) is None:
        return [invalid_value(key(path, name), name, _KEY_MESSAGE)]
    if len(name) > _KEY_MAX:
        return [invalid_value(key(path, name), name, f"must be no more than {_KEY_MAX} bytes")]
    return [invalid_value(key(path, name), name, "must not be '.', '..' or start with '..'")]


def _frozen(obj: Object, old: Object, fields: Sequence[str]) -> list[FieldError]:
    if not old.get("immutable"):
        return []
    found = [] if obj.get("immutable") else [forbidden_field("immutable", _IMMUTABLE)]
    return found + [forbidden_field(field, _IMMUTABLE) for field in fields if _data(obj, field) != _data(old, field)]


def _data(obj: Object, field: str) -> Mapping[str, str]:
    return obj.get(field) or {}


class ConfigMapStrategy(NativeStrategy):
    """Config maps."""

    def validate(self, ctx: WriteContext, obj: Object) -> Sequence[FieldError]:
        data, binary = _data(obj, "data"), _data(obj, "binaryData")
        found = _all_key_errors("data", data) + _all_key_errors("binaryData", binary)
        if binary:
            why = "duplicate of key present in binaryData"
            found += [invalid_value(key("data", name), name, why) for name in data if name in binary]
        if _size(data) + _decoded_size(binary) > MAX_BYTES:
            found.append(too_long("", MAX_BYTES))
        return found

    def validate_update(self, ctx: WriteContext, obj: Object, old: Object) -> Sequence[FieldError]:
        return _frozen(obj, old, ("data", "binaryData"))


class SecretStrategy(NativeStrategy):
    """Secrets: `stringData` is written into `data`, and each type asks for its keys."""

    def __init__(self) -> None:
        super().__init__(field_labels=("type",))

    def default(self, ctx: WriteContext, obj: Object) -> None:
        plain = obj.get("stringData")
        if plain:
            data = obj["data"] = dict(obj.get("data") or {})
            for name, value in plain.items():
                if isinstance(value, str):
                    data[name] = base64.b64encode(value.encode()).decode()
        obj.pop("stringData", None)
        if not obj.get("type"):
            obj["type"] = OPAQUE

    def validate(self, ctx: WriteContext, obj: Object) -> Sequence[FieldError]:
        data = _data(obj, "data")
        found = _all_key_errors("data", data)
        if _decoded_size(data) > MAX_BYTES:
            found.append(too_long("data", MAX_BYTES))
        return found + _type_errors(obj, data)

    def validate_update(self, ctx: WriteContext, obj: Object, old: Object) -> Sequence[FieldError]:
        return immutable("type", obj.get("type"), old.get("type")) + _frozen(obj, old, ("data",))


_NEEDED = {
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
}
_JSON_KEYS = (".dockercfg", ".dockerconfigjson")


def _type_errors(obj: Object, data: Mapping[str, str]) -> list[FieldError]:
    kind = obj.get("type")
    if kind == TOKEN_TYPE:
        annotations = obj["metadata"].get("annotations") or {}
        if not annotations.get(ACCOUNT_NAME_ANNOTATION):
            return [required(key("metadata.annotations", ACCOUNT_NAME_ANNOTATION))]
        return []
    if kind == "kubernetes.io/basic-auth":
        if "username" not in data and "password" not in data:
            return [required(key("data", "username")), required(key("data", "password"))]
        return []
    found = [required(key("data", name)) for name in _NEEDED.get(str(kind), ()) if name not in data]
    if found:
        return found
    return [
        invalid_value(key("data", name), "<secret contents redacted>", "invalid JSON")
        for name in _NEEDED.get(str(kind), ())
        if name in _JSON_KEYS and not _is_json(data[name])
    ]


def _is_json(encoded: str) -> bool:
    try:
        jsonio.loads(base64.b64decode(encoded))
    except ValueError:
        return False
    return True
