"""The builtin kinds as served resources: which strategy, subresources and schema each one has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from headwater.apis.kube.schemas import KubeKind, kube_kinds, structural
from headwater.apiserver.builtin.strategies.configuration import ConfigMapStrategy, SecretStrategy
from headwater.apiserver.builtin.strategies.customresourcedefinitions import (
    CustomResourceDefinitions,
    CustomResourceDefinitionStrategy,
)
from headwater.apiserver.builtin.strategies.events import EventConversion, EventStrategy, NewEventStrategy
from headwater.apiserver.builtin.strategies.namespaces import NamespaceStrategy
from headwater.apiserver.builtin.strategies.native import NativeStrategy
from headwater.apiserver.builtin.strategies.pods import PodStrategy
from headwater.apiserver.builtin.strategies.rbac import RoleBindingStrategy, RoleStrategy
from headwater.apiserver.builtin.strategies.services import ServiceStrategy
from headwater.apiserver.builtin.strategies.workloads import (
    CronJobStrategy,
    JobStrategy,
    PodOwnerStrategy,
    StatefulSetStrategy,
)
from headwater.apiserver.builtin.subresources import NamespaceFinalize, PodBinding, PodEviction
from headwater.apiserver.registry.strategy import Strategy
from headwater.apiserver.resources import ResourceInfo, ScalePaths, SubresourceHandler
from headwater.machinery.gvk import GroupVersionKind
from headwater.schema import compile_schema

_RBAC = "rbac.authorization.k8s.io"
CORE_RESOURCES: tuple[tuple[str, str], ...] = (
    ("", "namespaces"),
    ("", "configmaps"),
    ("", "secrets"),
    ("", "serviceaccounts"),
    ("", "events"),
    ("events.k8s.io", "events"),
    ("coordination.k8s.io", "leases"),
    (_RBAC, "roles"),
    (_RBAC, "rolebindings"),
    (_RBAC, "clusterroles"),
    (_RBAC, "clusterrolebindings"),
)
"""What every API server serves, a control plane too. CRDs are apart, as they need to see each other."""

WORKLOAD_RESOURCES: tuple[tuple[str, str], ...] = (
    ("", "pods"),
    ("", "podtemplates"),
    ("", "nodes"),
    ("", "services"),
    ("", "endpoints"),
    ("", "persistentvolumes"),
    ("", "persistentvolumeclaims"),
    ("apps", "deployments"),
    ("apps", "replicasets"),
    ("apps", "statefulsets"),
    ("apps", "daemonsets"),
    ("apps", "controllerrevisions"),
    ("batch", "jobs"),
    ("batch", "cronjobs"),
    ("autoscaling", "horizontalpodautoscalers"),
    ("policy", "poddisruptionbudgets"),
    ("discovery.k8s.io", "endpointslices"),
    ("networking.k8s.io", "ingresses"),
    ("networking.k8s.io", "ingressclasses"),
    ("networking.k8s.io", "networkpolicies"),
    ("scheduling.k8s.io", "priorityclasses"),
    ("storage.k8s.io", "storageclasses"),
)
"""What a server that runs workloads serves on top."""

_COUNTED = frozenset(
    {
        "controllerrevisions",
        "endpointslices",
        "ingresses",
        "ingressclasses",
        "networkpolicies",
        "poddisruptionbudgets",
        "priorityclasses",
    }
)
_STRATEGIES: Mapping[tuple[str, str], Strategy] = {
    ("", "namespaces"): NamespaceStrategy(),
    ("", "configmaps"): ConfigMapStrategy(),
    ("", "secrets"): SecretStrategy(),
    ("", "events"): EventStrategy(),
    ("events.k8s.io", "events"): NewEventStrategy(),
    ("coordination.k8s.io", "leases"): NativeStrategy(unconditional=False),
    (_RBAC, "roles"): RoleStrategy(),
    (_RBAC, "clusterroles"): RoleStrategy(),
    (_RBAC, "rolebindings"): RoleBindingStrategy(),
    (_RBAC, "clusterrolebindings"): RoleBindingStrategy(),
    ("", "pods"): PodStrategy(),
    ("", "nodes"): NativeStrategy(field_labels=("spec.unschedulable",)),
    ("", "services"): ServiceStrategy(),
    ("", "persistentvolumeclaims"): NativeStrategy(field_labels=("status.phase",)),
    ("apps", "deployments"): PodOwnerStrategy(),
    ("apps", "replicasets"): PodOwnerStrategy(),
    ("apps", "daemonsets"): PodOwnerStrategy(),
    ("apps", "statefulsets"): StatefulSetStrategy(),
    ("batch", "jobs"): JobStrategy(),
    ("batch", "cronjobs"): CronJobStrategy(),
    ("policy", "poddisruptionbudgets"): NativeStrategy(generation=True, unconditional=False),
    ("discovery.k8s.io", "endpointslices"): NativeStrategy(generation=True, immutable_fields=("addressType",)),
}
_CONNECT: Mapping[tuple[str, str], Mapping[str, SubresourceHandler]] = {
    ("", "namespaces"): {"finalize": NamespaceFinalize()},
    ("", "pods"): {"binding": PodBinding(), "eviction": PodEviction()},
}
_SCALE = ScalePaths(".spec.replicas", ".status.replicas", ".spec.selector")
_CRD = GroupVersionKind("apiextensions.k8s.io", "v1", "CustomResourceDefinition")
_EVENTS_GROUP = "events.k8s.io"


@cache
def builtin_resource(gvk: GroupVersionKind) -> ResourceInfo | None:
    """A kind of Kubernetes with its own behaviour; None for kinds that we don't know by heart, and for CRDs."""
    kind = kube_kinds().get(gvk)
    return None if kind is None or gvk == _CRD else _resource(kind, _strategy_of(kind))


def builtin_resources(resources: Iterable[tuple[str, str]]) -> list[ResourceInfo]:
    """The builtin resources of these (group, plural) pairs, in all versions that we know."""
    by_resource: dict[tuple[str, str], list[KubeKind]] = {}
    for kind in kube_kinds().values():
        by_resource.setdefault((kind.group, kind.plural), []).append(kind)
    found = [builtin_resource(kind.gvk) for pair in resources for kind in by_resource[pair]]
    return [info for info in found if info is not None]


def definition_resource(definitions: CustomResourceDefinitions) -> ResourceInfo:
    """The resource of CustomResourceDefinitions; `definitions` lists those that names must not collide with."""
    return _resource(kube_kinds()[_CRD], CustomResourceDefinitionStrategy(definitions))


def _strategy_of(kind: KubeKind) -> Strategy:
    found = _STRATEGIES.get((kind.group, kind.plural))
    return found if found is not None else NativeStrategy(generation=kind.plural in _COUNTED)


def _resource(kind: KubeKind, strategy: Strategy) -> ResourceInfo:
    schema = structural(kind.definition)
    connect = _CONNECT.get((kind.group, kind.plural), {})
    shared_events = kind.group == _EVENTS_GROUP
    return ResourceInfo(
        group=kind.group,
        version=kind.version,
        resource=kind.plural,
        kind=kind.kind,
        namespaced=kind.namespaced,
        list_kind=kind.list_kind,
        singular=kind.singular,
        short_names=kind.short_names,
        categories=kind.categories,
        verbs=kind.verbs,
        storage_group="" if shared_events else None,
        schema=compile_schema(schema),
        raw_schema=schema,
        subresources=kind.subresources & {"status", "scale"},
        scale=_SCALE if "scale" in kind.subresources else None,
        strategy=strategy,
        connect=connect,
        native_merge=True,
        conversion=EventConversion() if shared_events else None,
        native=True,
        fingerprint=f"builtin/{kind.definition}",
    )
