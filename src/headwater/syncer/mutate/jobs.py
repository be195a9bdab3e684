"""Jobs without the selector that the control plane gave them (pure)."""

from __future__ import annotations

from typing import Final

from headwater.machinery.objects import Object, nested

JOB_UID_LABELS: Final = ("controller-uid", "batch.kubernetes.io/controller-uid")
"""Labels by which a Job selects its pods: its own uid."""
_GENERATED_LABELS: Final = (*JOB_UID_LABELS, "job-name", "batch.kubernetes.io/job-name")


def without_generated_selector(body: Object) -> None:
    """Let the pcluster generate its own: an API server refuses a Job that names another uid than it gives it.

    With ``manualSelector`` both are the user's own and go down as they are.
    """
    if (body["apiVersion"], body["kind"]) != ("batch/v1", "Job") or nested(body, "spec", "manualSelector"):
        return
    body.get("spec", {}).pop("selector", None)
    labels = nested(body, "spec", "template", "metadata", "labels")
    if isinstance(labels, dict):
        for label in _GENERATED_LABELS:
            labels.pop(label, None)
