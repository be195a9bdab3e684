"""What may be done: the question, the three answers, and the one method that every authorizer has."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, Protocol

from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.requestinfo import RequestInfo


class Decision(Enum):
    """ALLOW and DENY are final; NO_OPINION asks the next authorizer, and refuses when there is none."""

    ALLOW = "allow"
    DENY = "deny"
    NO_OPINION = "no opinion"


class Attributes(NamedTuple):
    """One question to an authorizer. For a resource `path` is empty; for a URL everything but verb and path is."""

    user: UserInfo
    verb: str
    cluster: str = ""
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""
    is_resource: bool = True


def attributes_of(user: UserInfo, cluster: str, info: RequestInfo) -> Attributes:
    """The question that a request puts."""
    if info.is_resource:
        return Attributes(
            user,
            info.verb,
            cluster,
            info.group,
            info.version,
            info.resource,
            info.subresource,
            info.namespace,
            info.name,
        )
    return Attributes(user, info.verb, cluster, path=info.path, is_resource=False)


class Authorizer(Protocol):
    """Decides whether a user may do something."""

    async def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        """The decision and a reason for people; the reason may be empty and never quotes another tenant's objects."""
        ...
