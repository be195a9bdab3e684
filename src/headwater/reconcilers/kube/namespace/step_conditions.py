"""Says in a namespace's status why it is not gone yet, in Kubernetes' words (pure)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from headwater.machinery.objects import Object
from headwater.reconcilers.kube.conditions import set_condition
from headwater.reconcilers.kube.namespace.step_content import Content


def set_conditions(space: Object, content: Content, now: datetime) -> bool:
    """Set the phase and the deletion conditions of a namespace that may be changed; says whether anything changed."""
    changed = (space.get("status") or {}).get("phase") != "Terminating"
    space.setdefault("status", {})["phase"] = "Terminating"
    for kind, problem, bad, good in _texts(content):
        reason, message = (bad, problem) if problem else good
        changed |= set_condition(space, kind, value=bool(problem), reason=reason, message=message, now=now)
    return changed


def _texts(content: Content) -> list[tuple[str, str, str, tuple[str, str]]]:
    """Condition type, problem ("" for none), reason of a problem, and reason and message of the good state."""
    discovery = content.discovery_errors
    return [
        (
            "NamespaceDeletionDiscoveryFailure",
            f"Discovery failed for some groups, {len(discovery)} failing: {'; '.join(discovery)}" if discovery else "",
            "DiscoveryFailed",
            ("ResourcesDiscovered", "All resources successfully discovered"),
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            "",
            "GroupVersionParsingFailed",
            ("ParsedGroupVersions", "All legacy kube types successfully parsed"),
        ),
        (
            "NamespaceDeletionContentFailure",
            f"Failed to delete all resource types, {len(content.deletion_errors)} remaining: "
            + "; ".join(sorted(content.deletion_errors))
            if content.deletion_errors
            else "",
            "ContentDeletionFailed",
            ("ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
        ),
        (
            "NamespaceContentRemaining",
            _counted("Some resources are remaining: ", "{} has {} resource instances", content.remaining),
            "SomeResourcesRemain",
            ("ContentRemoved", "All content successfully removed"),
        ),
        (
            "NamespaceFinalizersRemaining",
            _counted(
                "Some content in the namespace has finalizers remaining: ", "{} in {} resource instances", content.held
            ),
            "SomeFinalizersRemain",
            ("ContentHasNoFinalizers", "All content-preserving finalizers finished"),
        ),
    ]


def _counted(start: str, form: str, counts: Counter[str]) -> str:
    return start + ", ".join(form.format(what, count) for what, count in sorted(counts.items())) if counts else ""
