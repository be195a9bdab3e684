"""The order of the filters, outermost first, and why each stands where it does.

    identify        gives the request its audit id, which everything below may log, and the answer its warnings
    count           sees the final status of every request, also of refused ones
    audit           the same, for the record
    recover         turns whatever is raised below into a Status, so that the three above see an answer
    rewrite*        the path becomes one of a logical cluster (control plane only); nothing is looked up yet
    describe        reads verb and resource from the path, which everything below needs
    deadline        bounds all that may wait: authentication by token, lookups, the handler
    authenticate    before anything depends on who asks
    bound           after authentication, since a privileged user must get through a full server to repair it
    resolve*        the logical cluster's path becomes its name (control plane only); strangers learn nothing by it
    impersonate     before authorization, and itself authorised in the resolved cluster
    guard*          refusals that hold whatever rights a user has (control plane only)
    authorize       last before the handler: with the final user, cluster and resource

Stars mark places that are empty in a plain API server.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from headwater.apiserver.authn.interface import NOBODY, Authenticator
from headwater.apiserver.authz.interface import Authorizer
from headwater.apiserver.filters.audit import AuditFilter, AuditSink
from headwater.apiserver.filters.authentication import AuthenticationFilter
from headwater.apiserver.filters.authorization import AuthorizationFilter
from headwater.apiserver.filters.deadline import DeadlineFilter
from headwater.apiserver.filters.describe import describe_filter
from headwater.apiserver.filters.identify import IdentifyFilter
from headwater.apiserver.filters.impersonation import ImpersonationFilter
from headwater.apiserver.filters.inflight import InflightFilter, InflightLimits
from headwater.apiserver.filters.metrics import MetricsFilter
from headwater.apiserver.filters.recover import recover_filter
from headwater.apiserver.web.types import IN_PROCESS, AnyResponse, Filter, Handler, Request, Response
from headwater.base.clock import Clock
from headwater.machinery.errors import Unauthorized
from headwater.telemetry.metrics import Registry

Recheck = Callable[[Request], Awaitable[None]]
"""Raises StatusError when the request would not pass any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainSettings:
    """What the filters of one server need; the tuples of filters are the starred places of the order above."""

    authenticator: Authenticator
    authorizer: Authorizer
    metrics: Registry
    clock: Clock
    audit: AuditSink | None = None
    tracing: Filter | None = None
    request_timeout_seconds: float = 60.0
    inflight: InflightLimits = field(default_factory=InflightLimits)
    impersonation: ImpersonationFilter | None = None
    rewrite: tuple[Filter, ...] = ()
    resolve: tuple[Filter, ...] = ()
    guard: tuple[Filter, ...] = ()


def build_chain(handler: Handler, settings: ChainSettings) -> Handler:
    """The handler behind all filters."""
    audit = (AuditFilter(settings.audit, clock=settings.clock),) if settings.audit is not None else ()
    return compose(
        handler,
        (
            IdentifyFilter(),
            *((settings.tracing,) if settings.tracing is not None else ()),
            MetricsFilter(settings.metrics, clock=settings.clock),
            *audit,
            recover_filter,
            *settings.rewrite,
            describe_filter,
            DeadlineFilter(settings.request_timeout_seconds),
            AuthenticationFilter(settings.authenticator, metrics=settings.metrics),
            InflightFilter(settings.inflight, metrics=settings.metrics),
            *settings.resolve,
            settings.impersonation or ImpersonationFilter(settings.authorizer),
            *settings.guard,
            AuthorizationFilter(settings.authorizer),
        ),
    )


def build_recheck(settings: ChainSettings) -> Recheck:
    """Asks the filters again that decide whether a request may pass, for one that goes on for long.

    Credentials are read from the request anew, so one that was revoked, a role that was taken away and a logical
    cluster that was closed count from the next time on.
    """
    passing = compose(
        _pass,
        (
            AuthenticationFilter(settings.authenticator, metrics=settings.metrics),
            *settings.resolve,
            settings.impersonation or ImpersonationFilter(settings.authorizer),
            *settings.guard,
            AuthorizationFilter(settings.authorizer),
        ),
    )

    async def recheck(request: Request) -> None:
        again = Request(
            request.method, request.path, query=request.query, headers=request.headers, peer=request.peer,
            target=request.target, user=request.user if request.peer is IN_PROCESS else NOBODY,
        )  # fmt: skip
        again.cluster, again.info = request.cluster, request.info
        await passing(again)
        if (again.user.name, again.user.uid) != (request.user.name, request.user.uid):
            raise Unauthorized("Unauthorized")

    return recheck


async def _pass(_request: Request) -> AnyResponse:
    return Response()


def compose(handler: Handler, filters: Sequence[Filter]) -> Handler:
    """The handler behind filters, the first one outermost."""
    for each in reversed(filters):
        handler = _behind(each, handler)
    return handler


def _behind(this: Filter, following: Handler) -> Handler:
    # Not a coroutine itself: that would cost a frame for every filter of every request.
    def call(request: Request) -> Awaitable[AnyResponse]:
        return this(request, following)

    return call
