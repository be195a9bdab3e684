"""Checks of string formats, those that Kubernetes knows; a format that isn't here is accepted as it is."""

from __future__ import annotations

import binascii
import ipaddress
import re
import urllib.parse
import uuid
from collections.abc import Callable
from datetime import datetime

QUANTITY_PATTERN = r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
"""As Kubernetes prints it in errors; the check itself is exact."""

_UNITS = r"([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?"
_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_EXPRESSIONS = {
    "bsonobjectid": r"[0-9a-fA-F]{24}",
    "creditcard": r"[0-9][0-9 -]{11,30}[0-9]",
    "duration": r"[+-]?(([0-9]+(\.[0-9]*)?|\.[0-9]+) ?"
    r"(ns|us|µs|μs|ms|s|m|h|d|w|seconds?|minutes?|hours?|days?|weeks?))+|0",
    "email": r"[^@\s<>\"]{1,128}@[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?",
    "hexcolor": r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})",
    "hostname": r"(?=.{1,255}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\.?",
    "k8s-long-name": rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*",
    "k8s-short-name": _LABEL,
    "mac": r"[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}|[0-9a-fA-F]{4}(\.[0-9a-fA-F]{4}){2}",
    "quantity": rf"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+){_UNITS}",
    "rgbcolor": r"rgb\(( *[0-9]{1,3} *,){2} *[0-9]{1,3} *\)",
    "ssn": r"[0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{4}",
}
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}([.,][0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_ISBN = re.compile(r"[0-9 -]+[0-9Xx]")


def _date(value: str) -> bool:
    if len(value) != 10:
        return False
    try:
        datetime.strptime(value, "%Y-%m-%d")
    except ValueError:
        return False
    return True


def _date_time(value: str) -> bool:
    usual = len(value) == 20 and value[19] == "Z" and value[10] == "T" and value[7] == "-" and value[13] == ":"
    if not usual and _DATE_TIME.fullmatch(value) is None:
        return False
    try:
        datetime.fromisoformat(value[:19])
    except ValueError:
        return False
    return True


def _byte(value: str) -> bool:
    try:
        binascii.a2b_base64(value, strict_mode=True)
    except (binascii.Error, ValueError):
        stripped = value.replace("\n", "").replace("\r", "")
        return stripped != value and _byte(stripped)
    return True


def _ip_version(version: int) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        try:
            return ipaddress.ip_address(value).version == version
        except ValueError:
            return False

    return check


def _cidr(value: str) -> bool:
    if "/" not in value:
        return False
    try:
        ipaddress.ip_interface(value)
    except ValueError:
        return False
    return True


def _uri(value: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(value)
    except ValueError:
        return False
    return not any(char.isspace() for char in value) and (bool(parts.scheme) or value.startswith("/"))


def _uuid_version(version: int | None) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        try:
            parsed = uuid.UUID(value)
        except ValueError:
            return False
        return len(value) in (32, 36) and (version is None or parsed.version == version)

    return check


def _isbn(length: int) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        return _ISBN.fullmatch(value) is not None and sum(char.isalnum() for char in value) == length

    return check


def _expression(text: str) -> Callable[[str], bool]:
    compiled = re.compile(text, re.ASCII)

    def check(value: str) -> bool:
        return compiled.fullmatch(value) is not None

    return check


def _any_of(*checks: Callable[[str], bool]) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        return any(one(value) for one in checks)

    return check


FORMATS: dict[str, Callable[[str], bool]] = {
    **{name: _expression(text) for name, text in _EXPRESSIONS.items()},
    "byte": _byte,
    "cidr": _cidr,
    "date": _date,
    "date-time": _date_time,
    "datetime": _date_time,
    "ipv4": _ip_version(4),
    "ipv6": _ip_version(6),
    "isbn": _any_of(_isbn(10), _isbn(13)),
    "isbn10": _isbn(10),
    "isbn13": _isbn(13),
    "uri": _uri,
    "uuid": _uuid_version(None),
    "uuid3": _uuid_version(3),
    "uuid4": _uuid_version(4),
    "uuid5": _uuid_version(5),
}
"""Format name to a check of a string."""

INTEGER_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
