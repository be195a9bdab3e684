"""What a server says about itself: health, version, metrics, the keys of its tokens, and the list of its paths."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from headwater.apiserver.authn.tokens import TokenIssuer
from headwater.apiserver.web.types import AnyResponse, Handler, Request, Response
from headwater.base import jsonio, version
from headwater.machinery.errors import MethodNotAllowed, NotFound
from headwater.telemetry.health import HealthChecks, Result, healthy, verbose_text
from headwater.telemetry.metrics import CONTENT_TYPE as METRICS_TYPE
from headwater.telemetry.metrics import Registry

_TEXT: Final = "text/plain; charset=utf-8"
_HEALTH: Final = ("healthz", "livez", "readyz")
OPENID_CONFIGURATION: Final = "/.well-known/openid-configuration"
OPENID_KEYS: Final = "/openid/v1/jwks"

Route = Callable[[Request], Awaitable[Response]]


class SystemRoutes:
    """Handlers of the server's own URLs, for the `routes` of an APIServer.

    Who may ask is decided by the filters before. `paths` gives what `GET /` lists besides these URLs.
    """

    def __init__(
        self,
        *,
        health: HealthChecks,
        metrics: Registry,
        paths: Callable[[], Sequence[str]] = tuple,
        issuer: TokenIssuer | None = None,
    ) -> None:
        self._health = health
        self._metrics = metrics
        self._paths = paths
        self._issuer = issuer
        self._version = jsonio.dumps(version.build_info())

    def routes(self) -> dict[str, Handler]:
        """Handlers by path; a path that ends with a slash stands for all below it, but for the root."""
        routes = {
            "/": self._list_paths,
            "/metrics": self._show_metrics,
            "/version": self._show_version,
            "/version/": self._show_version,
        }
        for endpoint in _HEALTH:
            routes[f"/{endpoint}"] = routes[f"/{endpoint}/"] = self._show_health
        if self._issuer is not None:
            routes[OPENID_CONFIGURATION] = self._show_openid
            routes[OPENID_KEYS] = self._show_keys
        return {path: _read_only(route) for path, route in routes.items()}

    async def _show_health(self, request: Request) -> Response:
        endpoint, _, check = request.path[1:].rstrip("/").partition("/")
        exclude = request.query.get_all("exclude")
        # healthz is the older name of readyz.
        run = self._health.livez if endpoint == "livez" else self._health.readyz
        results = run(exclude)
        if check:
            return _one_check(check, results)
        passed = healthy(results)
        if passed and "verbose" not in request.query:
            return Response(200, b"ok", _TEXT)
        return Response(200 if passed else 500, verbose_text(endpoint, results).encode(), _TEXT)

    async def _show_version(self, request: Request) -> Response:
        if request.path not in ("/version", "/version/"):
            raise path_not_found()
        return Response(200, self._version)

    async def _show_metrics(self, request: Request) -> Response:
        body = await asyncio.get_running_loop().run_in_executor(None, self._metrics.render)
        return Response(200, body, METRICS_TYPE)

    async def _show_openid(self, request: Request) -> Response:
        assert self._issuer is not None
        return Response(200, jsonio.dumps(self._issuer.discovery(OPENID_KEYS)))

    async def _show_keys(self, request: Request) -> Response:
        assert self._issuer is not None
        keys = await asyncio.get_running_loop().run_in_executor(None, self._issuer.keys)
        return Response(200, jsonio.dumps(keys), "application/jwk-set+json")

    async def _list_paths(self, request: Request) -> Response:
        checks = [f"/{endpoint}/{name}" for endpoint in ("livez", "readyz") for name in self._names(endpoint)]
        own = [path for path in self.routes() if not path.endswith("/")]
        paths = {*self._paths(), *own, *checks}
        return Response(200, jsonio.dumps({"paths": sorted(paths)}))

    def _names(self, endpoint: str) -> list[str]:
        results = self._health.livez() if endpoint == "livez" else self._health.readyz()
        return [name for name, _ in results]


def _read_only(route: Route) -> Handler:
    async def handle(request: Request) -> AnyResponse:
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(f"{request.method} is not supported on {request.path}")
        return await route(request)

    return handle


def _one_check(name: str, results: Sequence[Result]) -> Response:
    for known, error in results:
        if known == name:
            if error is None:
                return Response(200, b"ok", _TEXT)
            return Response(500, b"internal server error: reason withheld\n", _TEXT)
    raise path_not_found()


def path_not_found() -> NotFound:
    """The error for a URL that nobody serves."""
    return NotFound("the server could not find the requested resource", details={})
