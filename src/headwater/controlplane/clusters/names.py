"""The text between ``/clusters/`` and the next slash: what it may look like and how it is split off. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from headwater.machinery.errors import BadRequest
from headwater.machinery.logicalcluster import SEPARATOR, SYSTEM_PREFIX, WILDCARD, is_valid_path

PREFIX = "/clusters/"

_MAX_LENGTH = 1024


class Addressed(NamedTuple):
    """``cluster`` as the request names it, "" when it names none, and the rest of the path from its slash on."""

    cluster: str
    path: str


def split_path(path: str) -> Addressed:
    """Take a leading ``/clusters/<cluster>`` off a request path.

    Only the leading one is special: ``clusters`` further on is a resource like any other. Raises BadRequest when the
    name can't be one of a logical cluster.
    """
    if not path.startswith(PREFIX):
        return Addressed("", path)
    cluster, slash, rest = path[len(PREFIX) :].partition("/")
    check(cluster)
    return Addressed(cluster, slash + rest if slash else "/")


def check(cluster: str) -> None:
    """Raises BadRequest unless the text is a name, a path, ``system:<name>`` or the wildcard."""
    if cluster != WILDCARD and not _is_valid(cluster):
        raise BadRequest(f"invalid cluster: {cluster[:200]!r} does not match the regex")


@lru_cache(maxsize=1024)
def _is_valid(cluster: str) -> bool:
    return len(cluster) <= _MAX_LENGTH and is_valid_path(cluster)


def is_single_name(cluster: str) -> bool:
    """Whether the text is a name already, so that there is nothing to resolve."""
    return SEPARATOR not in cluster or cluster.startswith(SYSTEM_PREFIX)
