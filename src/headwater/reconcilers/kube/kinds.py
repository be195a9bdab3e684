"""Resources that the Kubernetes controllers work on."""

from __future__ import annotations

from typing import Final

from headwater.machinery.gvk import GroupVersionResource

NAMESPACES: Final = GroupVersionResource("", "v1", "namespaces")
CONFIG_MAPS: Final = GroupVersionResource("", "v1", "configmaps")
SECRETS: Final = GroupVersionResource("", "v1", "secrets")
SERVICE_ACCOUNTS: Final = GroupVersionResource("", "v1", "serviceaccounts")
CLUSTER_ROLES: Final = GroupVersionResource("rbac.authorization.k8s.io", "v1", "clusterroles")
CUSTOM_RESOURCE_DEFINITIONS: Final = GroupVersionResource("apiextensions.k8s.io", "v1", "customresourcedefinitions")
