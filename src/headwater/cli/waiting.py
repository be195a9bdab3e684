"""Flags of commands that wait: how long, in seconds or as a Go duration."""

from __future__ import annotations

from typing import Any

import click


class Seconds(click.ParamType[float]):
    """A span of time: `90`, `90s`, `1h5m`. The command gets seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it, or refuse it in Go's words."""
        from headwater.machinery.duration import parse_duration

        if isinstance(value, int | float):
            return float(value)
        try:
            seconds = float(value) if value.replace(".", "", 1).isdigit() else parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if seconds < 0:
            self.fail(f"must not be negative: {value}", param, ctx)
        return seconds
