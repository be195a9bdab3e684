"""The one door to JSON: decoding, encoding, splicing of ready bytes, and the search for duplicate keys.

Integers beyond 64 bits become floats, as in Kubernetes' own decoder.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

DecodeError = orjson.JSONDecodeError
"""Raised by `loads`; a `ValueError`."""
EncodeError = orjson.JSONEncodeError
"""Raised by `dumps`; a `TypeError`."""

Fragment = orjson.Fragment
"""Bytes that are JSON already; `dumps` puts them into its output as they are."""

loads = orjson.loads
"""Decode bytes or text; raises `DecodeError`. The last of duplicate keys wins."""

dumps = orjson.dumps
"""Encode to compact UTF-8 bytes in the order of the keys; raises `EncodeError`."""


def dumps_sorted(obj: Any) -> bytes:
    """Encode with sorted keys: equal values give equal bytes, so the result can be hashed or compared."""
    return orjson.dumps(obj, option=orjson.OPT_SORT_KEYS)


def dumps_pretty(obj: Any, *, sort_keys: bool = False) -> bytes:
    """Encode for people and for files under version control: two spaces of indent and a final newline."""
    option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(obj, option=option | orjson.OPT_SORT_KEYS if sort_keys else option)


def dumps_lenient(obj: Any) -> bytes:
    """Encode whatever it is, with ``str`` for what JSON has no form for; for logs, not for the wire."""
    try:
        return orjson.dumps(obj, default=str, option=orjson.OPT_NON_STR_KEYS)
    except orjson.JSONEncodeError:
        return orjson.dumps(str(obj).encode("utf-8", "replace").decode())


def loads_checking_duplicates(data: bytes | str) -> tuple[Any, list[str]]:
    """Decode, and name the keys that occur twice in one object by path (``spec.ports[0].name``), each path once.

    Strict field validation needs this. It costs several times a plain `loads`. Raises `DecodeError`.
    """
    value = orjson.loads(data)
    text = data if isinstance(data, str) else bytes(data).decode()
    try:
        tree = json.loads(text, object_pairs_hook=_Pairs)
        duplicates: dict[str, None] = {}
        _find_duplicates(tree, "", duplicates)
    except RecursionError:
        raise orjson.JSONDecodeError("document is nested too deeply", text, 0) from None
    return value, list(duplicates)


class _Pairs(list[tuple[str, Any]]):
    """The members of one object in order, duplicates and all."""


def _find_duplicates(node: Any, path: str, found: dict[str, None]) -> None:
    if isinstance(node, _Pairs):
        seen: set[str] = set()
        for key, value in node:
            here = f"{path}.{key}" if path else key
            if key in seen:
                found[here] = None
            seen.add(key)
            _find_duplicates(value, here, found)
    elif isinstance(node, list):
        for position, value in enumerate(node):
            _find_duplicates(value, f"{path}[{position}]", found)
