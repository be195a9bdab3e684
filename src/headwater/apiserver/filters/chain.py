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

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field

from headwater.apiserver.authn.interface import Authenticator
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
from headwater.apiserver.web.types import AnyResponse, Filter, Handler, Request
from headwater.base.clock import Clock
from headwater.telemetry.metrics import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainSettings:
    """What the filters of one server need; the tuples of filters are the starred places of the order above."""

    authenticator: Authenticator
    authorizer: Authorizer
    metrics: Registry
    clock: Clock
    audit: AuditSink | None = None
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
