"""What is told of an object that can't be shown upstream, since another pcluster's has its name there (pure)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from headwater.machinery.objects import Object, labels, name
from headwater.machinery.timestamps import format_time

REASON_NOT_SHOWN: Final = "NotShown"
_POD_NAME: Final = "statefulset.kubernetes.io/pod-name"


def stateful_set_of(pod: Object) -> str:
    """Name of the StatefulSet that a pod is of, by the label that every one of its pods has; "" for other pods."""
    return name(pod).rpartition("-")[0] if labels(pod).get(_POD_NAME) == name(pod) else ""


def clash_event(obj: Object, *, space: str, upstream: str, sync_target: str, now: datetime) -> Object:
    """An Event as if the pcluster had said it, of the upstream namespace and about the ``upstream`` name.

    Of pods of a StatefulSet it is about the StatefulSet, in the same words for all of them; else about the object of
    this name that is shown.
    """
    whole = stateful_set_of(obj)
    if whole:
        about = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": whole}
        message = (
            f"SyncTarget {sync_target} runs pods that are not shown here, as another pcluster's have their names; "
            f"`headwater explain statefulset/{whole} -n {space}` says which, and what to do"
        )
    else:
        about = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "name": upstream}
        message = f"SyncTarget {sync_target} has one of this name, too, which is not shown while another pcluster's is"
    at = format_time(now)
    return {
        "metadata": {"namespace": space},
        "involvedObject": {**about, "namespace": space},
        "reason": REASON_NOT_SHOWN,
        "message": message,
        "type": "Warning",
        "source": {"component": "syncer"},
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }
