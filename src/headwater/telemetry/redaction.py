"""Blanks credentials in what is about to be logged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

REDACTED = "[redacted]"

_SECRET_WORDS = ("token", "password", "passwd", "authorization", "cookie", "credential", "secret", "private", "apikey")
_SECRET_KEYS = frozenset({"client-key-data", "client_key_data", "keydata", "key_data", "tls.key"})
_HARMLESS = frozenset({"secret_name", "secretname", "secret_namespace", "secretref", "token_id", "continue_token"})
_OBJECT_DATA = ("data", "stringData")
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_PEM_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_MAX_DEPTH = 8
_PLAIN = frozenset({int, float, bool, type(None)})


def redact(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the fields with credentials blanked, by key, by the look of a text, and in Secret objects."""
    return {
        key: value if value.__class__ in _PLAIN else REDACTED if is_secret_key(key) and value else _clean(value, 0)
        for key, value in fields.items()
    }


@lru_cache(maxsize=2048)
def is_secret_key(key: str) -> bool:
    """Whether a field of this name is taken for a credential."""
    lowered = key.lower()
    if lowered in _HARMLESS:
        return False
    return lowered in _SECRET_KEYS or any(word in lowered for word in _SECRET_WORDS)


def redact_text(text: str) -> str:
    """The text without bearer tokens, JSON web tokens and private keys."""
    if "eyJ" in text:
        text = _JWT.sub(REDACTED, text)
    if "Bearer" in text or "Basic" in text:
        text = _BEARER.sub(rf"\1 {REDACTED}", text)
    return _PEM_KEY.sub(REDACTED, text) if "PRIVATE KEY" in text else text


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return redact_text(value)
    if depth > _MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        is_secret = value.get("kind") == "Secret"
        return {
            key: REDACTED
            if inner and ((is_secret and key in _OBJECT_DATA) or is_secret_key(str(key)))
            else _clean(inner, depth + 1)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_clean(inner, depth + 1) for inner in value]
    return value
