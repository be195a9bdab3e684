"""A command's connection: from kubeconfig, context and workspace flags to a client of one workspace."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urlsplit, urlunsplit

import click

from headwater.cli.failure import CommandFailed

if TYPE_CHECKING:
    from headwater.client.connection import ConnectionSettings
    from headwater.client.dynamic import Client, ClusterClient

_MARK = "/clusters/"
_USER_AGENT = "headwater-cli"
_SCHEDULING = "/services/scheduling"


@dataclass(frozen=True, slots=True)
class ConnectionFlags:
    """The connection flags that every command has."""

    kubeconfig: Path | None
    context: str
    workspace: str


_OPTIONS = (
    click.option("--kubeconfig", type=click.Path(path_type=Path), help="Kubeconfig file instead of KUBECONFIG."),
    click.option("--context", default="", help="Context of the kubeconfig instead of the current one."),
    click.option("--workspace", default="", help="Workspace path, such as root:team, instead of the current one."),
)


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --kubeconfig, --context and --workspace; the command gets them as `connection`."""

    @functools.wraps(command)
    def with_flags(kubeconfig: Path | None, context: str, workspace: str, **kwargs: Any) -> Any:
        return command(connection=ConnectionFlags(kubeconfig, context, workspace), **kwargs)

    for option in reversed(_OPTIONS):
        with_flags = option(with_flags)
    return with_flags


def split_workspace(server: str) -> tuple[str, str]:
    """(base URL, workspace path) of a server URL; the path is empty when the URL names no workspace."""
    parts = urlsplit(server)
    before, mark, after = parts.path.partition(_MARK)
    base = urlunsplit((parts.scheme, parts.netloc, before.rstrip("/"), "", ""))
    return base, unquote(after.split("/", 1)[0]) if mark else ""


class Session:
    """An open connection to the control plane that a kubeconfig names, and the workspace to work in."""

    def __init__(self, settings: ConnectionSettings, workspace: str) -> None:
        from headwater.client.dynamic import ClusterClient
        from headwater.client.transport import NetworkTransport

        self.base_url, current = split_workspace(settings.server)
        self.workspace = workspace or current
        self.settings = replace(settings, server=self.base_url)
        self.cluster_client: ClusterClient = ClusterClient(NetworkTransport(self.settings), user_agent=_USER_AGENT)

    @classmethod
    def open(cls, flags: ConnectionFlags) -> Self:
        """Connect by flags. Raises ConfigError for a kubeconfig that leads nowhere."""
        from headwater.client.kubeconfig import load, load_file

        config = load_file(flags.kubeconfig) if flags.kubeconfig else load()
        return cls(config.settings(flags.context), flags.workspace)

    @property
    def client(self) -> Client:
        """Client of the session's workspace. Raises CommandFailed when none is chosen."""
        if not self.workspace:
            raise CommandFailed(
                f'current URL "{self.base_url}" does not point to workspace. '
                "Choose one with `kubectl ws` or --workspace."
            )
        return self.cluster_client.cluster(self.workspace)

    @property
    def namespace(self) -> str:
        """The namespace that the context names."""
        return self.settings.namespace or "default"

    @property
    def scheduling(self) -> Client:
        """Client of the session's workspace in the virtual workspace that explains and plans."""
        from headwater.client.dynamic import ClusterClient

        _ = self.client
        transport = self.cluster_client.transport
        return ClusterClient(transport, user_agent=_USER_AGENT, base_path=_SCHEDULING).cluster(self.workspace)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cluster_client.close()
