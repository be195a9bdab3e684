"""Autoscalers: which workload a HorizontalPodAutoscaler scales, and when its replicas are the autoscaler's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from headwater.machinery.gvk import GroupResource, GroupVersion
from headwater.machinery.objects import Object, name, nested

AUTOSCALERS: Final = GroupResource("autoscaling", "horizontalpodautoscalers")


def scale_target(autoscaler: Object) -> tuple[str, str, str]:
    """(group, kind, name) of what an autoscaler scales; empty parts when it doesn't say."""
    target: Mapping[str, Any] = nested(autoscaler, "spec", "scaleTargetRef", default=None) or {}
    return _group(target.get("apiVersion")), str(target.get("kind") or ""), str(target.get("name") or "")


def autoscalers_of(obj: Object, autoscalers: Iterable[Object]) -> list[Object]:
    """Those of the autoscalers of one namespace that scale an object; it may come from another API server."""
    mine = (_group(obj.get("apiVersion")), obj.get("kind"), name(obj))
    return [each for each in autoscalers if scale_target(each) == mine]


def owns_replicas(autoscalers: Iterable[Object], *, wanted: int, live: int) -> bool:
    """Whether the live replicas are to be left to the autoscalers.

    As Kubernetes does, a workload with no replicas is not scaled until someone gives it some, unless an autoscaler
    may itself go down to none.
    """
    found = list(autoscalers)
    if not found or wanted == 0:
        return False
    return live > 0 or any(nested(each, "spec", "minReplicas", default=1) == 0 for each in found)


def _group(api_version: Any) -> str:
    try:
        return GroupVersion.parse(str(api_version or "v1")).group
    except ValueError:
        return ""
