"""Whether a pod may and can run on a node: selectors, affinity, taints and resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from headwater.machinery.labels import Requirement, Selector
from headwater.machinery.objects import Object, labels, name
from headwater.machinery.quantity import Quantity
from headwater.machinery.selectorgrammar import DOES_NOT_EXIST, EXISTS, GREATER_THAN, IN, LESS_THAN, NOT_IN

Resources = dict[str, Decimal]
_ZERO = Decimal(0)
_REPELS = ("NoSchedule", "NoExecute")


def node_matches(pod_spec: Object, node: Object) -> bool:
    """Whether nodeSelector and required node affinity accept the node."""
    selector: Mapping[str, str] = pod_spec.get("nodeSelector") or {}
    if not selector.items() <= labels(node).items():
        return False
    affinity = (pod_spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if not required:
        return True
    return any(_term_matches(term, node) for term in required.get("nodeSelectorTerms") or ())


def _term_matches(term: Object, node: Object) -> bool:
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    return _selector(expressions).matches(labels(node)) and _selector(fields).matches({"metadata.name": name(node)})


_OPERATORS = {
    "In": IN,
    "NotIn": NOT_IN,
    "Exists": EXISTS,
    "DoesNotExist": DOES_NOT_EXIST,
    "Gt": GREATER_THAN,
    "Lt": LESS_THAN,
}


def _selector(expressions: Iterable[Object]) -> Selector:
    return Selector(
        Requirement(one["key"], _OPERATORS[one["operator"]], tuple(sorted(one.get("values") or ())))
        for one in expressions
    )


def tolerates(pod_spec: Object, node: Object) -> bool:
    """Whether no taint of the node keeps the pod off."""
    return untolerated(pod_spec, node) is None


def untolerated(pod_spec: Object, node: Object) -> Object | None:
    """The first taint of the node that keeps the pod off."""
    taints = (node.get("spec") or {}).get("taints") or ()
    tolerations = pod_spec.get("tolerations") or ()
    for taint in taints:
        if taint.get("effect") in _REPELS and not any(_covers(one, taint) for one in tolerations):
            return dict(taint)
    return None


def _covers(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(toleration.get("key")) and (toleration.get("value") or "") == (taint.get("value") or "")


def requests(pod_spec: Object) -> Resources:
    """What the pod asks for: its containers' requests, or its largest init container's, and its overhead."""
    total = _added(one for one in pod_spec.get("containers") or ())
    sidecars: Resources = {}
    for container in pod_spec.get("initContainers") or ():
        wanted = _of_container(container)
        if container.get("restartPolicy") == "Always":
            total, sidecars = _sum(total, wanted), _sum(sidecars, wanted)
        else:
            peak = _sum(sidecars, wanted)
            total = {key: max(total.get(key, _ZERO), peak.get(key, _ZERO)) for key in {*total, *peak}}
    overhead = {key: Quantity.parse(value) for key, value in (pod_spec.get("overhead") or {}).items()}
    return _sum(total, {**overhead, "pods": Decimal(1)})


def _added(containers: Iterable[Object]) -> Resources:
    total: Resources = {}
    for container in containers:
        total = _sum(total, _of_container(container))
    return total


def _of_container(container: Object) -> Resources:
    """Requests of a container; a limit without a request is one."""
    resources = container.get("resources") or {}
    wanted = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return {key: Quantity.parse(value) for key, value in wanted.items()}


def _sum(left: Resources, right: Mapping[str, Decimal]) -> Resources:
    return {key: Decimal(left.get(key, _ZERO) + right.get(key, _ZERO)) for key in {*left, *right}}


def allocatable(node: Object) -> Resources:
    """What the node has for pods."""
    status = node.get("status") or {}
    return {key: Quantity.parse(value) for key, value in (status.get("allocatable") or {}).items()}


def insufficient(wanted: Resources, has: Resources, used: Mapping[str, Decimal]) -> str:
    """The first resource that the node has too little of; "" when all fits."""
    for key in sorted(wanted):
        if wanted[key] > _ZERO and used.get(key, _ZERO) + wanted[key] > has.get(key, _ZERO):
            return key
    return ""


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What the scheduler reads of a node, worked out once for each version of it."""

    name: str
    node: Object
    allocatable: Resources
    ready: bool
    cordoned: bool

    @classmethod
    def of(cls, node: Object) -> NodeFacts:
        """The facts of a node."""
        cordoned = bool((node.get("spec") or {}).get("unschedulable"))
        return cls(name(node), node, allocatable(node), is_ready_node(node), cordoned)


def is_ready_node(node: Object) -> bool:
    """Whether the node's Ready condition is True."""
    conditions: Iterable[Object] = (node.get("status") or {}).get("conditions") or ()
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
