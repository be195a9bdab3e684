"""Names that have to differ downstream, because the pcluster uses them for its own objects (pure, reversible)."""

from __future__ import annotations

from typing import Final

from headwater.apis.workload.labels import ISOLATION_POLICY
from headwater.machinery.gvk import GroupResource

CONFIG_MAPS: Final = GroupResource("", "configmaps")
SECRETS: Final = GroupResource("", "secrets")
SERVICE_ACCOUNTS: Final = GroupResource("", "serviceaccounts")
ACCESS_PREFIX: Final = "kcp-access-"
"""Of the names of Secrets with tokens of pods, which the syncer makes."""
NETWORK_POLICIES: Final = GroupResource("networking.k8s.io", "networkpolicies")
_ROOT_CA_UPSTREAM: Final = "kube-root-ca.crt"
_ROOT_CA_DOWNSTREAM: Final = "kcp-root-ca.crt"
_TOKEN_PREFIX: Final = "default-token-"  # noqa: S105 - a name
_OWN_PREFIX: Final = "kcp-"


def downstream_name(resource: GroupResource, name: str) -> str:
    """Name of the downstream copy of an upstream object."""
    if resource == CONFIG_MAPS and name == _ROOT_CA_UPSTREAM:
        return _ROOT_CA_DOWNSTREAM
    if resource == SECRETS and name.startswith(_TOKEN_PREFIX):
        return _OWN_PREFIX + name
    if resource == NETWORK_POLICIES and _is_isolation(name):
        return _OWN_PREFIX + name
    return name


def upstream_name(resource: GroupResource, name: str) -> str:
    """Name of the upstream object that a downstream object is the copy of."""
    if resource == CONFIG_MAPS and name == _ROOT_CA_DOWNSTREAM:
        return _ROOT_CA_UPSTREAM
    if resource == SECRETS and name.startswith(_OWN_PREFIX + _TOKEN_PREFIX):
        return name.removeprefix(_OWN_PREFIX)
    if resource == NETWORK_POLICIES and name != ISOLATION_POLICY and _is_isolation(name):
        return name.removeprefix(_OWN_PREFIX)
    return name


def _is_isolation(name: str) -> bool:
    """Whether a name is that of the syncer's own policy, with any number of prefixes: so no two names become one."""
    rest = name.removesuffix(ISOLATION_POLICY)
    return rest != name and rest.replace(_OWN_PREFIX, "") == ""
