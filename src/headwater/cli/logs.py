"""The log flags of commands that go on running."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Literal

import click


def log_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --log-level and --log-format, and configure logging before the command runs."""

    @click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info",
                  show_default=True, help="Least severity of lines that are logged.")  # fmt: skip
    @click.option("--log-format", type=click.Choice(["json", "text"]), default="json", show_default=True,
                  help="Lines for programs or for people.")  # fmt: skip
    @functools.wraps(command)
    def with_logs(log_level: str, log_format: Literal["json", "text"], **kwargs: Any) -> Any:
        from headwater.telemetry.logging import configure

        configure(level=log_level, format=log_format)
        return command(**kwargs)

    return with_logs
