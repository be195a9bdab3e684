"""Authorizers in a row, and the two that allow without asking for roles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from headwater.apiserver.authn.interface import PRIVILEGED_GROUP
from headwater.apiserver.authz.interface import Attributes, Authorizer, Decision

HEALTH_PATHS: Final = ("/healthz", "/livez", "/readyz")


class UnionAuthorizer:
    """The first authorizer with an opinion decides; the reasons of those without are joined."""

    def __init__(self, authorizers: Sequence[Authorizer]) -> None:
        self._authorizers = tuple(authorizers)

    async def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        reasons: list[str] = []
        for authorizer in self._authorizers:
            decision, reason = await authorizer.authorize(attributes)
            if decision is not Decision.NO_OPINION:
                return decision, reason
            if reason:
                reasons.append(reason)
        return Decision.NO_OPINION, ", ".join(reasons)


class AlwaysAllowGroups:
    """Allows everything to the members of some groups; the way in when all roles are broken."""

    def __init__(self, groups: Sequence[str] = (PRIVILEGED_GROUP,)) -> None:
        self._groups = frozenset(groups)

    async def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        if self._groups.isdisjoint(attributes.user.groups):
            return Decision.NO_OPINION, ""
        return Decision.ALLOW, ""


class AlwaysAllowPaths:
    """Allows some URLs to everyone, so that probes need no credentials. A final * stands for all paths below."""

    def __init__(self, paths: Sequence[str] = HEALTH_PATHS) -> None:
        self._exact = frozenset(path for path in paths if not path.endswith("*"))
        self._prefixes = tuple(path[:-1] for path in paths if path.endswith("*"))

    async def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        if not attributes.is_resource and (
            attributes.path in self._exact or (self._prefixes and attributes.path.startswith(self._prefixes))
        ):
            return Decision.ALLOW, ""
        return Decision.NO_OPINION, ""
