"""Compute exports: APIExports whose resources run on pclusters, and what is said of those that are none."""

from __future__ import annotations

from headwater.apis.workload.labels import COMPUTE_EXPORT_ANNOTATION
from headwater.machinery.objects import Object
from headwater.machinery.objects import annotations as annotations_of


def is_compute(obj: Object) -> bool:
    """Whether an APIExport is marked as one of resources that run on pclusters; its bindings have the same mark."""
    return COMPUTE_EXPORT_ANNOTATION in annotations_of(obj)


def marking_words(path: str, name: str) -> str:
    """What the owner of an APIExport does to make a compute export of it."""
    return f"its owner runs `kubectl annotate apiexport {name} {COMPUTE_EXPORT_ANNOTATION}=true` in workspace {path}"


def not_compute_words(path: str, name: str) -> str:
    """What is wrong with an APIExport without the mark, and who mends it how."""
    return (
        f"APIExport {path}:{name} is no compute export, so nothing of its resources is placed on pclusters; "
        f"to change that, {marking_words(path, name)}"
    )
