"""What the server knows of a virtual workspace: a name below `/services/`, and something that answers requests."""

from __future__ import annotations

from typing import Protocol

from headwater.apiserver.web.types import AnyResponse, Request


class VirtualWorkspace(Protocol):
    """Serves everything below `/services/<name>/`. Requests arrive authenticated and not yet authorized."""

    @property
    def name(self) -> str:
        """First path segment after `/services/`."""
        ...

    async def handle(self, request: Request, rest: str) -> AnyResponse:
        """Answer a request; `rest` is the path after `/services/<name>`, with its leading slash. Raises StatusError."""
        ...
