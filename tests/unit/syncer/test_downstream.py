"""Which downstream objects are ours: only those that we applied."""

from __future__ import annotations

from typing import Any, cast

import pytest

from headwater.apis.workload.labels import CLUSTER_LABEL
from headwater.base.clock import SystemClock
from headwater.client.dynamic import ClusterClient
from headwater.client.interface import Transport
from headwater.syncer.downstream import Downstream
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.mutate.body import HASH_ANNOTATION

IDENTITY = TargetIdentity(cluster="c", name="east", uid="u")
OWNER = {"apiVersion": "v1", "kind": "Service", "name": "web", "uid": "1", "controller": True}

CASES: dict[str, tuple[dict[str, Any], bool]] = {
    "applied": ({"labels": {CLUSTER_LABEL: IDENTITY.key}, "annotations": {HASH_ANNOTATION: "h"}}, True),
    "endpoints-with-copied-labels": ({"labels": {CLUSTER_LABEL: IDENTITY.key}}, False),
    "slice-with-copied-labels": ({"labels": {CLUSTER_LABEL: IDENTITY.key}, "ownerReferences": [OWNER]}, False),
    "mirrored-slice": (
        {
            "labels": {CLUSTER_LABEL: IDENTITY.key},
            "annotations": {HASH_ANNOTATION: "h"},
            "ownerReferences": [OWNER],
        },
        False,
    ),
    "replica-set-with-copied-annotations": ({"annotations": {HASH_ANNOTATION: "h"}}, False),
    "other-target": ({"labels": {CLUSTER_LABEL: "x"}, "annotations": {HASH_ANNOTATION: "h"}}, False),
}


@pytest.mark.parametrize(("meta", "ours"), CASES.values(), ids=CASES)
async def test_is_ours(meta: dict[str, Any], ours: bool) -> None:
    """What the pcluster's controllers derive carries our marks in part, and is never deleted for being unknown."""
    client = ClusterClient(cast("Transport", None))
    downstream = Downstream(client, identity=IDENTITY, changed=lambda *_: None, clock=SystemClock())
    assert downstream.is_ours({"metadata": {"name": "x", **meta}}) is ours
