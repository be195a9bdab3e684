"""What clients are told of the scheduling virtual workspace (pure)."""

from __future__ import annotations

from typing import Final

from headwater.apis.placement.v1alpha1.location import GROUP, VERSION
from headwater.machinery.gvk import GroupVersion
from headwater.machinery.objects import Object
from headwater.virtual.scheduling import explanation, planspec

PLANS: Final = "plans"
EXPLANATION: Final = "explanation"
_EXPLAINED: Final = {
    GroupVersion("apps", "v1"): ("daemonsets", "deployments", "replicasets", "statefulsets"),
    GroupVersion("batch", "v1"): ("jobs",),
}
"""The workloads that every compute export has; those of other exports are explained too."""
_PLAN_VERSION: Final = GroupVersion(GROUP, VERSION)
_SERVED: Final = (*_EXPLAINED, _PLAN_VERSION)


def document(path: str) -> Object | None:
    """The discovery document at a path (`/api`, `/apis`, a group, a version), or None when there is none."""
    parts = path.strip("/").split("/")
    if parts == ["api"]:
        return {"kind": "APIVersions", "versions": [], "serverAddressByClientCIDRs": []}
    if parts[0] != "apis":
        return None
    if len(parts) == 1:
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(each) for each in _SERVED]}
    for served in _SERVED:
        if parts[1:] == [served.group]:
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(served)}
        if parts[1:] == list(served):
            resources = [_plans()] if served == _PLAN_VERSION else [_explained(each) for each in _EXPLAINED[served]]
            return {
                "kind": "APIResourceList",
                "apiVersion": "v1",
                "groupVersion": served.api_version,
                "resources": resources,
            }
    return None


def _group(served: GroupVersion) -> Object:
    version = {"groupVersion": served.api_version, "version": served.version}
    return {"name": served.group, "versions": [version], "preferredVersion": version}


def _plans() -> Object:
    return {"name": PLANS, "singularName": "plan", "namespaced": False, "kind": planspec.KIND, "verbs": ["create"]}


def _explained(resource: str) -> Object:
    return {
        "name": f"{resource}/{EXPLANATION}",
        "singularName": "",
        "namespaced": True,
        "group": GROUP,
        "version": VERSION,
        "kind": explanation.KIND,
        "verbs": ["get"],
    }
