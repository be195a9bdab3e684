"""The resources that every logical cluster serves without a binding: Kubernetes' own, and kcp's system kinds."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.apis.apis.conversion import BindingConversion, ExportConversion
from headwater.apis.apis.v1alpha1 import (
    API_BINDING_V1ALPHA1,
    API_EXPORT_ENDPOINT_SLICE,
    API_EXPORT_V1ALPHA1,
    API_RESOURCE_SCHEMA,
)
from headwater.apis.apis.v1alpha2 import API_BINDING, API_EXPORT
from headwater.apis.core.v1alpha1 import LOGICAL_CLUSTER
from headwater.apiserver.resources import ResourceInfo
from headwater.controlplane.binding.infos import infos_of_kind


def system_resources() -> Sequence[ResourceInfo]:
    """LogicalClusters and everything of apis.kcp.io, whose older versions are converted in this process."""
    return [
        *infos_of_kind([LOGICAL_CLUSTER]),
        *infos_of_kind([API_EXPORT, API_EXPORT_V1ALPHA1], {"v1alpha1": ExportConversion()}),
        *infos_of_kind([API_BINDING, API_BINDING_V1ALPHA1], {"v1alpha1": BindingConversion()}),
        *infos_of_kind([API_RESOURCE_SCHEMA]),
        *infos_of_kind([API_EXPORT_ENDPOINT_SLICE]),
    ]
