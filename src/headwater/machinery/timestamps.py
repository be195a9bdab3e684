"""Times as Kubernetes writes them: RFC 3339 in UTC, whole seconds (``Time``) or microseconds (``MicroTime``)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def format_time(when: datetime) -> str:
    """``2006-01-02T15:04:05Z``; parts of a second are cut off. Naive times are taken as UTC."""
    return _utc(when).isoformat(timespec="seconds")[:19] + "Z"


def format_micro_time(when: datetime) -> str:
    """``2006-01-02T15:04:05.000000Z``, the form of Leases and Events."""
    return _utc(when).isoformat(timespec="microseconds")[:26] + "Z"


def parse_time(text: str) -> datetime:
    """An aware time in UTC; raises ValueError for anything that is not RFC 3339. Nanoseconds are cut off."""
    if _RFC3339.fullmatch(text) is None:
        raise ValueError(f'parsing time "{text}": not an RFC 3339 time')
    return datetime.fromisoformat(text.upper()).astimezone(UTC)


def _utc(when: datetime) -> datetime:
    offset = when.utcoffset()
    if offset is None or not offset:
        return when.replace(tzinfo=UTC)
    return when.astimezone(UTC)
