"""A span for every request from outside: it goes on with the caller's trace, and is named as Kubernetes' are."""

from __future__ import annotations

from typing import Final

from headwater.apiserver.requestinfo import RequestInfo
from headwater.apiserver.web.types import IN_PROCESS, AnyResponse, Handler, Request
from headwater.telemetry.tracing import HEADER, Tracing

_UNTRACED: Final = frozenset({"/livez", "/readyz", "/healthz", "/metrics"})
_SERVER_ERROR: Final = 500


class TracingFilter:
    """Spans end with the answer's head, so those of watches don't last as long as the watch.

    They say what a request addresses, never what is in it: no query, no body, no user.
    """

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing

    async def __call__(self, request: Request, following: Handler) -> AnyResponse:
        path = request.path
        if request.peer is IN_PROCESS or "/" + path.split("/", 2)[1] in _UNTRACED:
            return await following(request)
        with self._tracing.span(request.method, kind="server", parent=request.headers.get(HEADER, "")) as span:
            response = await following(request)
            info = request.info
            span.describe(
                {
                    "audit-id": request.audit_id, "http.request.method": request.method, "url.path": path,
                    "http.response.status_code": response.status, "workspace": request.cluster,
                    "api-group": info.group, "api-version": info.version, "resource": info.resource,
                    "subresource": info.subresource, "namespace": info.namespace, "name": info.name,
                },
                name=f"{request.method} {route(info, info.path or path)}",
            )  # fmt: skip
            if response.status >= _SERVER_ERROR:
                span.fail(str(response.status))
        return response


def route(info: RequestInfo, path: str) -> str:
    """The path with placeholders for names, so that there are few of them (pure)."""
    if not info.is_resource:
        parts = path.split("/")
        return "/".join(parts[:3] if parts[1] == "services" else parts[:2])
    parts = ["", "apis", info.group, info.version] if info.group else ["", "api", info.version]
    if info.namespace and info.resource != "namespaces":
        parts += ["namespaces", "{:namespace}"]
    parts.append(info.resource)
    if info.name:
        parts.append("{:name}")
    if info.subresource:
        parts.append(info.subresource)
    return "/".join(parts)
