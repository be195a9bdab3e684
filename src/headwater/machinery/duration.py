"""Spans of time: short for people, as in kubectl's AGE column, and in Go's notation, as in API fields."""

from __future__ import annotations

import re

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY_HOURS = 24
_YEAR_HOURS = 365 * _DAY_HOURS


def human_duration(seconds: float) -> str:
    """``45s``, ``5m12s``, ``3h``, ``2d4h``, ``400d``, ``3y20d``: the largest units that matter."""
    whole = int(seconds)
    if whole < 0:
        return "<invalid>" if whole < -1 else "0s"
    if whole < 2 * _MINUTE:
        return f"{whole}s"
    minutes = whole // _MINUTE
    if minutes < 10:
        return _two(minutes, "m", whole % _MINUTE, "s")
    if minutes < 3 * 60:
        return f"{minutes}m"
    hours = whole // _HOUR
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 2 * _DAY_HOURS:
        return f"{hours}h"
    days = hours // _DAY_HOURS
    if hours < 8 * _DAY_HOURS:
        return _two(days, "d", hours % _DAY_HOURS, "h")
    if hours < 2 * _YEAR_HOURS:
        return f"{days}d"
    if hours < 8 * _YEAR_HOURS:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(text: str) -> float:
    """Seconds of a Go duration such as ``1h5m`` or ``250ms``; raises ValueError for anything else."""
    sign, digits = (-1.0, text[1:]) if text.startswith("-") else (1.0, text.removeprefix("+"))
    if digits == "0":
        return 0.0
    total, position = 0.0, 0
    while position < len(digits):
        match = _PART.match(digits, position)
        if match is None:
            break
        total += float(match[1]) * _UNITS[match[2]]
        position = match.end()
    if not digits or position < len(digits):
        raise ValueError(f'time: invalid duration "{text}"')
    return sign * total


def format_duration(seconds: float) -> str:
    """A Go duration: ``1h5m0s``, ``1.5s``, ``250ms``, ``0s``."""
    if seconds == 0:
        return "0s"
    sign, rest = ("-", -seconds) if seconds < 0 else ("", seconds)
    if rest < 1:
        for unit in ("ms", "µs", "ns"):
            if rest >= _UNITS[unit]:
                return f"{sign}{_trimmed(rest / _UNITS[unit])}{unit}"
        return "0s"
    rest = round(rest, 9)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    head = (f"{int(hours)}h{int(minutes)}m" if hours else f"{int(minutes)}m") if hours or minutes else ""
    return f"{sign}{head}{_trimmed(rest)}s"


def _trimmed(number: float) -> str:
    return f"{number:.9f}".rstrip("0").rstrip(".")


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"
