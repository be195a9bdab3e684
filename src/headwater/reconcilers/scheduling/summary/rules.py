"""Which fields of a status are summarised, and how: for the kinds that Headwater knows, and from declared rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from headwater.apis.workload.coordination import CoordinationRule
from headwater.apis.workload.scheduled import REQUIRED_COUNTERS

Path = tuple[str, ...]

GOOD: Final = frozenset(
    {
        "readyReplicas",
        "availableReplicas",
        "updatedReplicas",
        "numberReady",
        "numberAvailable",
        "updatedNumberScheduled",
        "ready",
    }
)
"""What is only good as long as somebody can see it."""

FAULTS: Final = frozenset({"unavailableReplicas", "numberUnavailable", "numberMisscheduled", "failed"})
"""What is bad when it is high."""


@dataclass(frozen=True, slots=True)
class StatusField:
    """One field by its path below `status`.

    `count` is the sum where replicas are divided; where they are duplicated it is the least, and of faults the most.
    The other ways of combining are those of declared rules. A zero that is `required` is said, others are left out.
    """

    path: Path
    combine: Literal["count", "sum", "min", "max", "worst", "union", "first"] = "count"
    good: bool = False
    fault: bool = False
    required: bool = False


def _counters(*names: str, kind: str = "") -> tuple[StatusField, ...]:
    required = REQUIRED_COUNTERS.get(kind, ())
    return tuple(
        StatusField((each,), good=each in GOOD, fault=each in FAULTS, required=each in required) for each in names
    )


_DAEMON_SET: Final = (
    "currentNumberScheduled",
    "desiredNumberScheduled",
    "numberReady",
    "numberAvailable",
    "numberUnavailable",
    "numberMisscheduled",
    "updatedNumberScheduled",
)
_STATEFUL_SET: Final = ("replicas", "currentReplicas", "updatedReplicas", "readyReplicas", "availableReplicas")
_REPLICA_SET: Final = ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas")
_AUTOSCALER: Final = ("currentReplicas", "desiredReplicas")


_CONDITIONS: Final = StatusField(("conditions",), "worst")
_ADDRESSES: Final = (StatusField(("loadBalancer", "ingress"), "union"),)

_KNOWN: Final[Mapping[tuple[str, str], tuple[StatusField, ...]]] = {
    ("apps", "deployments"): (
        *_counters("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas"),
        _CONDITIONS,
    ),
    ("apps", "statefulsets"): (*_counters(*_STATEFUL_SET, kind="StatefulSet"), _CONDITIONS),
    ("apps", "replicasets"): (*_counters(*_REPLICA_SET, kind="ReplicaSet"), _CONDITIONS),
    ("apps", "daemonsets"): (*_counters(*_DAEMON_SET, kind="DaemonSet"), _CONDITIONS),
    ("batch", "jobs"): (
        *_counters("active", "ready", "succeeded", "failed"),
        StatusField(("startTime",), "min"),
        StatusField(("completionTime",), "max"),
        _CONDITIONS,
    ),
    ("autoscaling", "horizontalpodautoscalers"): (
        *_counters(*_AUTOSCALER, kind="HorizontalPodAutoscaler"),
        _CONDITIONS,
    ),
    ("", "services"): _ADDRESSES,
    ("networking.k8s.io", "ingresses"): _ADDRESSES,
}


def known_fields(group: str, resource: str) -> tuple[StatusField, ...]:
    """The fields of a kind that Headwater knows; none for others."""
    return _KNOWN.get((group, resource), ())


def declared_fields(rule: CoordinationRule) -> tuple[StatusField, ...]:
    """The fields of a declared rule. What counts as good is what the rule says is ready, and what has a known name."""
    return tuple(
        StatusField(
            each.path,
            each.combine,
            good=each.path == rule.ready_path or each.path[-1] in GOOD,
            fault=each.path[-1] in FAULTS,
        )
        for each in rule.status
    )
