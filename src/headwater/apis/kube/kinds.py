"""The table of built-in kinds that we know: names, scope, verbs, and where each one's definition is found.

The table is plain data, so that discovery, the catalogues and the schema generator read the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from headwater.machinery.gvk import GroupVersion, GroupVersionKind, GroupVersionResource

KUBERNETES_VERSION = "v1.37.0"
"""The Kubernetes release whose schemas the data was taken from."""

OBJECT_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
REVIEW_VERBS = ("create",)

META = "io.k8s.apimachinery.pkg.apis.meta.v1"
META_DEFINITIONS = tuple(
    f"{META}.{name}"
    for name in ("APIGroup", "APIGroupList", "APIResourceList", "APIVersions", "DeleteOptions", "ObjectMeta", "Patch",
                 "Status", "WatchEvent")
)  # fmt: skip
"""Definitions that every API server's documents need, whatever it serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeKind:
    """One built-in kind at one version. ``definition`` names its schema in Kubernetes' OpenAPI documents.

    ``subresources`` holds ``status``, ``scale`` and the like, as the Kubernetes API server offers them.
    """

    group: str
    version: str
    kind: str
    plural: str
    definition: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = OBJECT_VERBS
    subresources: frozenset[str] = frozenset()

    @property
    def singular(self) -> str:
        return self.kind.lower()

    @property
    def list_kind(self) -> str:
        return f"{self.kind}List"

    @property
    def api_version(self) -> str:
        return GroupVersion(self.group, self.version).api_version

    @property
    def gvk(self) -> GroupVersionKind:
        return GroupVersionKind(self.group, self.version, self.kind)

    @property
    def gvr(self) -> GroupVersionResource:
        return GroupVersionResource(self.group, self.version, self.plural)


_API = "io.k8s.api"
_ALL = "all"
_NAMESPACED, _CLUSTER = True, False

# group, version, kind, plural, scope, short names, "all"?, subresources
_Row = tuple[str, str, str, str, bool, str, str, str]
_ROWS: tuple[_Row, ...] = (
    ("", "v1", "Binding", "bindings", _NAMESPACED, "", "", "create-only"),
    ("", "v1", "ConfigMap", "configmaps", _NAMESPACED, "cm", "", ""),
    ("", "v1", "Endpoints", "endpoints", _NAMESPACED, "ep", "", ""),
    ("", "v1", "Event", "events", _NAMESPACED, "ev", "", ""),
    ("", "v1", "LimitRange", "limitranges", _NAMESPACED, "limits", "", ""),
    ("", "v1", "Namespace", "namespaces", _CLUSTER, "ns", "", "status finalize"),
    ("", "v1", "Node", "nodes", _CLUSTER, "no", "", "status"),
    ("", "v1", "PersistentVolume", "persistentvolumes", _CLUSTER, "pv", "", "status"),
    ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", _NAMESPACED, "pvc", "", "status"),
    ("", "v1", "Pod", "pods", _NAMESPACED, "po", _ALL, "status binding eviction log exec attach portforward"),
    ("", "v1", "PodTemplate", "podtemplates", _NAMESPACED, "", "", ""),
    ("", "v1", "ReplicationController", "replicationcontrollers", _NAMESPACED, "rc", _ALL, "status scale"),
    ("", "v1", "ResourceQuota", "resourcequotas", _NAMESPACED, "quota", "", "status"),
    ("", "v1", "Secret", "secrets", _NAMESPACED, "", "", ""),
    ("", "v1", "Service", "services", _NAMESPACED, "svc", _ALL, "status"),
    ("", "v1", "ServiceAccount", "serviceaccounts", _NAMESPACED, "sa", "", "token"),
    ("admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations",
     _CLUSTER, "", "", ""),
    ("admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies",
     _CLUSTER, "", "", "status"),
    ("admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings",
     _CLUSTER, "", "", ""),
    ("admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations",
     _CLUSTER, "", "", ""),
    ("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions",
     _CLUSTER, "crd crds", "api-extensions", "status"),
    ("apps", "v1", "ControllerRevision", "controllerrevisions", _NAMESPACED, "", "", ""),
    ("apps", "v1", "DaemonSet", "daemonsets", _NAMESPACED, "ds", _ALL, "status"),
    ("apps", "v1", "Deployment", "deployments", _NAMESPACED, "deploy", _ALL, "status scale"),
    ("apps", "v1", "ReplicaSet", "replicasets", _NAMESPACED, "rs", _ALL, "status scale"),
    ("apps", "v1", "StatefulSet", "statefulsets", _NAMESPACED, "sts", _ALL, "status scale"),
    ("authentication.k8s.io", "v1", "SelfSubjectReview", "selfsubjectreviews", _CLUSTER, "", "", "create-only"),
    ("authentication.k8s.io", "v1", "TokenRequest", "tokenrequests", _NAMESPACED, "", "", "create-only"),
    ("authentication.k8s.io", "v1", "TokenReview", "tokenreviews", _CLUSTER, "", "", "create-only"),
    ("authorization.k8s.io", "v1", "LocalSubjectAccessReview", "localsubjectaccessreviews",
     _NAMESPACED, "", "", "create-only"),
    ("authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews",
     _CLUSTER, "", "", "create-only"),
    ("authorization.k8s.io", "v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews",
     _CLUSTER, "", "", "create-only"),
    ("authorization.k8s.io", "v1", "SubjectAccessReview", "subjectaccessreviews", _CLUSTER, "", "", "create-only"),
    ("autoscaling", "v1", "Scale", "scales", _NAMESPACED, "", "", "subresource-only"),
    ("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", _NAMESPACED, "hpa", _ALL, "status"),
    ("batch", "v1", "CronJob", "cronjobs", _NAMESPACED, "cj", _ALL, "status"),
    ("batch", "v1", "Job", "jobs", _NAMESPACED, "", _ALL, "status"),
    ("certificates.k8s.io", "v1", "CertificateSigningRequest", "certificatesigningrequests",
     _CLUSTER, "csr", "", "status approval"),
    ("coordination.k8s.io", "v1", "Lease", "leases", _NAMESPACED, "", "", ""),
    ("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", _NAMESPACED, "", "", ""),
    ("events.k8s.io", "v1", "Event", "events", _NAMESPACED, "ev", "", ""),
    ("networking.k8s.io", "v1", "Ingress", "ingresses", _NAMESPACED, "ing", "", "status"),
    ("networking.k8s.io", "v1", "IngressClass", "ingressclasses", _CLUSTER, "", "", ""),
    ("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", _NAMESPACED, "netpol", "", ""),
    ("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", _CLUSTER, "", "", ""),
    ("policy", "v1", "Eviction", "evictions", _NAMESPACED, "", "", "subresource-only"),
    ("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", _NAMESPACED, "pdb", "", "status"),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", _CLUSTER, "", "", ""),
    ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", _CLUSTER, "", "", ""),
    ("rbac.authorization.k8s.io", "v1", "Role", "roles", _NAMESPACED, "", "", ""),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", _NAMESPACED, "", "", ""),
    ("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", _CLUSTER, "pc", "", ""),
    ("storage.k8s.io", "v1", "CSIDriver", "csidrivers", _CLUSTER, "", "", ""),
    ("storage.k8s.io", "v1", "StorageClass", "storageclasses", _CLUSTER, "sc", "", ""),
)  # fmt: skip

_VERBS = {"create-only": REVIEW_VERBS, "subresource-only": ()}


def _definition(group: str, version: str, kind: str) -> str:
    if group == "apiextensions.k8s.io":
        return f"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.{version}.{kind}"
    return f"{_API}.{group.split('.')[0] or 'core'}.{version}.{kind}"


def _kind(row: _Row) -> KubeKind:
    group, version, kind, plural, namespaced, short_names, categories, subresources = row
    return KubeKind(
        group=group,
        version=version,
        kind=kind,
        plural=plural,
        definition=_definition(group, version, kind),
        namespaced=namespaced,
        short_names=tuple(short_names.split()),
        categories=tuple(categories.split()),
        verbs=_VERBS.get(subresources, OBJECT_VERBS),
        subresources=frozenset() if subresources in _VERBS else frozenset(subresources.split()),
    )


@cache
def kube_kinds() -> Mapping[GroupVersionKind, KubeKind]:
    """Every built-in kind that we know, by group, version and kind.

    Kinds with empty ``verbs`` (Scale, Eviction) are only bodies of subresources.
    """
    kinds = map(_kind, _ROWS)
    return MappingProxyType({GroupVersionKind(kind.group, kind.version, kind.kind): kind for kind in kinds})
