"""The route to virtual workspaces: `/services/<name>/...`."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.apiserver.systemroutes import path_not_found
from headwater.apiserver.web.types import AnyResponse, Request
from headwater.controlplane.clusters.filters import SERVICES_PREFIX
from headwater.virtual.interface import VirtualWorkspace


class ServicesRoute:
    """Hands a request to the virtual workspace that its path names."""

    def __init__(self, workspaces: Iterable[VirtualWorkspace] = ()) -> None:
        self._workspaces = {workspace.name: workspace for workspace in workspaces}

    def add(self, workspace: VirtualWorkspace) -> None:
        """Serve one more."""
        self._workspaces[workspace.name] = workspace

    async def __call__(self, request: Request) -> AnyResponse:
        name, slash, rest = request.path[len(SERVICES_PREFIX) :].partition("/")
        workspace = self._workspaces.get(name)
        if workspace is None:
            raise path_not_found()
        return await workspace.handle(request, slash + rest)
