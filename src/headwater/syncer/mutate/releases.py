"""Fields that the control plane fills in and that older releases of Kubernetes do not have (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headwater.machinery.objects import Object, nested

_FILLED_IN: Final[Mapping[tuple[str, str], tuple[tuple[tuple[str, ...], Any], ...]]] = {
    ("v1", "Service"): ((("spec", "internalTrafficPolicy"), "Cluster"),),
    ("apps/v1", "DaemonSet"): ((("spec", "updateStrategy", "rollingUpdate", "maxSurge"), 0),),
    ("apps/v1", "StatefulSet"): (
        (("spec", "persistentVolumeClaimRetentionPolicy"), {"whenDeleted": "Retain", "whenScaled": "Retain"}),
    ),
    ("batch/v1", "Job"): ((("spec", "completionMode"), "NonIndexed"), (("spec", "suspend"), False)),
}
"""By apiVersion and kind the paths and default values of fields that came after Kubernetes 1.20."""


def without_newer_defaults(body: Object) -> None:
    """Leave to the pcluster what it fills in just so, or does without knowing the field.

    A release that doesn't declare a field refuses an apply with it, and one that has it switched off drops it, which
    would look like a change by hand. A default says what happened before there was the field, as Kubernetes promises
    of every field that it adds to a version.
    """
    for path, default in _FILLED_IN.get((body["apiVersion"], body["kind"]), ()):
        *above, field = path
        holder = nested(body, *above, default=None)
        if isinstance(holder, dict) and field in holder and holder[field] == default:
            del holder[field]
