"""What differences between the schemas of a resource mean for its sync (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from headwater.base import jsonio
from headwater.machinery.gvk import GroupVersionResource
from headwater.schema.compatibility import Comparison, Difference, compare
from headwater.schema.references import components_of, schemas_by_kind

_KUBERNETES_GROUPS: Final = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apps",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "extensions",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    }
)
_MAX_NAMED: Final = 6


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a resource can't be synced at a version, or else what is to be known of it; both empty when all is well."""

    refusal: str = ""
    note: str = ""


def unknown(why: str) -> Verdict:
    """The verdict on schemas that can't be compared: the resource is synced, and the pcluster judges each object."""
    return Verdict(note=f"its schema was not compared: {why}")


def is_kubernetes_own(group: str) -> bool:
    """Whether the resources of a group are Kubernetes' own, which keep their versions compatible."""
    return group in _KUBERNETES_GROUPS


def judge(comparison: Comparison, *, own: bool) -> Verdict:
    """Refuse what takes less than upstream.

    Of Kubernetes' ``own`` kinds only another type is a reason. They are compatible within a version by promise, and
    grow new fields and values with each release: an older pcluster refuses the objects that use them, by name, and
    takes all others. It merges lists as its own controllers expect it.
    """
    refusing = [each for each in comparison.differences if not own or each.rule == "type"]
    if refusing:
        return Verdict(refusal=f"its schema is narrower than upstream: {_named(refusing)}")
    lacking = [each for each in comparison.differences if each.rule != "merging"]
    if lacking:
        fields = _named(lacking)
        return Verdict(note=f"the pcluster refuses objects that need what its release does not have: {fields}")
    return Verdict() if comparison.complete else unknown("it is too large")


def judge_documents(
    upstream: bytes, downstream: bytes, kinds: Mapping[GroupVersionResource, str]
) -> dict[GroupVersionResource, Verdict]:
    """The verdict on each resource of one group version, by its kind, from the OpenAPI v3 documents of both sides.

    Raises ValueError for a document that isn't JSON. Takes some milliseconds for each megabyte.
    """
    before, after = (components_of(_object(document)) for document in (upstream, downstream))
    verdicts = {}
    for gvr, kind in kinds.items():
        existing = dict(schemas_by_kind(before, gvr.group, gvr.version)).get(kind)
        new = dict(schemas_by_kind(after, gvr.group, gvr.version)).get(kind)
        if existing is None or new is None:
            side = "the control plane" if existing is None else "the pcluster"
            verdicts[gvr] = unknown(f"{side} does not describe {kind}")
        else:
            verdicts[gvr] = judge(compare(existing, new, after), own=is_kubernetes_own(gvr.group))
    return verdicts


def _object(document: bytes) -> dict[str, object]:
    value = jsonio.loads(document)
    return value if isinstance(value, dict) else {}


def _named(differences: Iterable[Difference]) -> str:
    """The first differences, each once: a definition that is used in several places has the same one in all."""
    named: dict[str, str] = {}
    for each in differences:
        tail = ".".join(each.field.split(".")[-2:])
        named.setdefault(f"{tail} {each.detail}", str(each))
    shown = "; ".join(list(named.values())[:_MAX_NAMED])
    return f"{shown}; and {len(named) - _MAX_NAMED} more" if len(named) > _MAX_NAMED else shown
