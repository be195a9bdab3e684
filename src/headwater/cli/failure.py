"""Turns what can go wrong in a command into one line that says what to do, and an exit code."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import ParamSpec

import click

P = ParamSpec("P")


class CommandFailed(click.ClickException):
    """A command could not do its work; printed as `Error: <message>`, exit code 1."""


def describe(error: Exception) -> str:
    """A failure in one line that says what to do."""
    from headwater.client.connection import ConfigError
    from headwater.client.interface import TransportError
    from headwater.machinery.errors import StatusError, Unauthorized

    if isinstance(error, Unauthorized):
        return f"{error}. The credentials in the kubeconfig are not (or no longer) valid."
    if isinstance(error, StatusError):
        return f"({error.reason or error.code}) {error}"
    if isinstance(error, TransportError):
        return f"{error}. Is the control plane running, and is --kubeconfig the right one?"
    if isinstance(error, ConfigError):
        return f"{error}. Name a kubeconfig with --kubeconfig or KUBECONFIG."
    return error.message if isinstance(error, click.ClickException) else str(error)


def command_body(function: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Run an async command, with refusals and broken connections as one-line errors."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        import asyncio  # a third of the time that help would take

        from headwater.client.connection import ConfigError
        from headwater.client.interface import TransportError
        from headwater.machinery.errors import StatusError

        async def body() -> None:
            await function(*args, **kwargs)

        try:
            asyncio.run(body())
        except (StatusError, TransportError, ConfigError) as error:
            raise CommandFailed(describe(error)) from error
        except KeyboardInterrupt:
            raise click.exceptions.Exit(130) from None

    return run
