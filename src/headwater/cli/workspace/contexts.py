"""The kubeconfig contexts in which `kubectl ws` keeps the current and the previous workspace."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from headwater.cli.failure import CommandFailed
from headwater.cli.session import ConnectionFlags, split_workspace

if TYPE_CHECKING:
    from headwater.client.kubeconfig import Kubeconfig

CURRENT = "workspace.kcp.io/current"
PREVIOUS = "workspace.kcp.io/previous"


@dataclass(slots=True)
class Contexts:
    """One kubeconfig file, and the context in it that is in use."""

    path: Path
    config: Kubeconfig
    name: str

    @classmethod
    def open(cls, flags: ConnectionFlags) -> Contexts:
        """The file that --kubeconfig or KUBECONFIG names first. Raises ConfigError."""
        from headwater.client.kubeconfig import default_paths, load_file

        path = flags.kubeconfig or default_paths()[0]
        config = load_file(path)
        name = flags.context or config.current_context
        if name not in config.contexts:
            raise CommandFailed(f"context {name!r} does not exist in {path}")
        return cls(path, config, name)

    @property
    def server(self) -> str:
        """Server URL of the context in use."""
        context = self.config.contexts[self.name]
        cluster = self.config.clusters.get(context.get("cluster", ""), {})
        return str(cluster.get("server", ""))

    @property
    def workspace(self) -> str:
        """Workspace path of the context in use. Raises CommandFailed when its URL names none."""
        path = split_workspace(self.server)[1]
        if not path:
            raise CommandFailed(f'current URL "{self.server}" does not point to workspace')
        return path

    def go(self, path: str) -> None:
        """Make a workspace current, remembering where one was, and save the file."""
        self._remember(CURRENT, PREVIOUS if self.name == CURRENT else None)
        base = split_workspace(self.server)[0]
        context = deepcopy(self.config.contexts[self.name])
        cluster = deepcopy(self.config.clusters[context["cluster"]])
        if self.name != CURRENT:
            self._store(PREVIOUS, context, cluster)
        cluster["server"] = f"{base}/clusters/{quote(path, safe=':')}"
        self._store(CURRENT, context, cluster)
        self.config.current_context = self.name = CURRENT
        self.config.save(self.path)

    def swap(self) -> str:
        """Go back to the previous workspace; returns its path. Raises CommandFailed when there is none."""
        if PREVIOUS not in self.config.contexts:
            raise CommandFailed("no previous workspace found in kubeconfig")
        previous = self._entry(PREVIOUS)
        now = self._entry(self.name)
        self._store(CURRENT, *previous)
        self._store(PREVIOUS, *now)
        self.config.current_context = self.name = CURRENT
        self.config.save(self.path)
        return self.workspace

    def add(self, name: str, path: str) -> None:
        """Add a context of its own for a workspace, and save the file."""
        context, cluster = self._entry(self.name)
        cluster["server"] = f"{split_workspace(self.server)[0]}/clusters/{quote(path, safe=':')}"
        self._store(name, context, cluster)
        self.config.save(self.path)

    def _remember(self, source: str, destination: str | None) -> None:
        if destination is not None and source in self.config.contexts:
            self._store(destination, *self._entry(source))

    def _entry(self, name: str) -> tuple[dict[str, object], dict[str, object]]:
        context = deepcopy(self.config.contexts[name])
        return context, deepcopy(self.config.clusters[context["cluster"]])

    def _store(self, name: str, context: dict[str, object], cluster: dict[str, object]) -> None:
        self.config.clusters[name] = cluster
        self.config.contexts[name] = {**context, "cluster": name}
