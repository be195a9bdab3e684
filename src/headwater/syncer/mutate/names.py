"""Names that have to differ downstream, because the pcluster uses them for its own objects (pure, reversible)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from headwater.apis.workload.labels import ISOLATION_POLICY
from headwater.machinery.gvk import GroupResource

CONFIG_MAPS: Final = GroupResource("", "configmaps")
SECRETS: Final = GroupResource("", "secrets")
SERVICE_ACCOUNTS: Final = GroupResource("", "serviceaccounts")
ACCESS_PREFIX: Final = "kcp-access-"
"""Of the names of Secrets with tokens of pods, which the syncer makes."""
NETWORK_POLICIES: Final = GroupResource("networking.k8s.io", "networkpolicies")
_ROOT_CA: Final = "root-ca.crt"
_KUBE_PREFIX: Final = "kube-"
_OWN_PREFIX: Final = "kcp-"
_TAKEN: Final[Mapping[GroupResource, re.Pattern[str]]] = {
    CONFIG_MAPS: re.compile(rf"(?:{_KUBE_PREFIX}|(?:{_OWN_PREFIX})+){re.escape(_ROOT_CA)}"),
    SECRETS: re.compile(rf"(?:{_OWN_PREFIX})*default-token-.*"),
    NETWORK_POLICIES: re.compile(rf"(?:{_OWN_PREFIX})*{re.escape(ISOLATION_POLICY)}"),
}
"""Names that the pcluster or the syncer has there, with any number of prefixes: so no two names become one."""


def downstream_name(resource: GroupResource, name: str) -> str:
    """Name of the downstream copy of an upstream object."""
    if not _is_taken(resource, name):
        return name
    return _OWN_PREFIX + (_ROOT_CA if name == _KUBE_PREFIX + _ROOT_CA else name)


def upstream_name(resource: GroupResource, name: str) -> str:
    """Name of the upstream object that a downstream object is the copy of."""
    if not name.startswith(_OWN_PREFIX) or not _is_taken(resource, name) or name == ISOLATION_POLICY:
        return name
    rest = name.removeprefix(_OWN_PREFIX)
    return _KUBE_PREFIX + rest if resource == CONFIG_MAPS and rest == _ROOT_CA else rest


def _is_taken(resource: GroupResource, name: str) -> bool:
    pattern = _TAKEN.get(resource)
    return pattern is not None and pattern.fullmatch(name) is not None
