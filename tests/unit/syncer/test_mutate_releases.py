"""Defaults of the control plane that an older pcluster does not know."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from headwater.syncer.mutate.releases import without_newer_defaults

RETAIN = {"whenDeleted": "Retain", "whenScaled": "Retain"}


@pytest.mark.parametrize(
    ("api_version", "kind", "spec", "left"),
    [
        pytest.param(
            "batch/v1", "Job", {"completionMode": "NonIndexed", "suspend": False, "parallelism": 1},
            {"parallelism": 1}, id="a job's defaults",
        ),
        pytest.param(
            "batch/v1", "Job", {"completionMode": "Indexed", "suspend": True},
            {"completionMode": "Indexed", "suspend": True}, id="what was asked for stays",
        ),
        pytest.param(
            "apps/v1", "StatefulSet", {"persistentVolumeClaimRetentionPolicy": RETAIN, "replicas": 1},
            {"replicas": 1}, id="claims are kept by default",
        ),
        pytest.param(
            "apps/v1", "StatefulSet", {"persistentVolumeClaimRetentionPolicy": {**RETAIN, "whenScaled": "Delete"}},
            {"persistentVolumeClaimRetentionPolicy": {**RETAIN, "whenScaled": "Delete"}}, id="claims that are to go",
        ),
        pytest.param(
            "apps/v1", "DaemonSet", {"updateStrategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}},
            {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 1}}}, id="no surge",
        ),
        pytest.param(
            "apps/v1", "DaemonSet", {"updateStrategy": {"type": "OnDelete"}},
            {"updateStrategy": {"type": "OnDelete"}}, id="nothing on the way there",
        ),
        pytest.param("v1", "Service", {"internalTrafficPolicy": "Cluster"}, {}, id="traffic to all"),
        pytest.param(
            "v1", "Service", {"internalTrafficPolicy": "Local"}, {"internalTrafficPolicy": "Local"}, id="local traffic"
        ),
        pytest.param(
            "example.io/v1", "Job", {"suspend": False}, {"suspend": False}, id="another kind of that name"
        ),
    ],
)  # fmt: skip
def test_without_newer_defaults(api_version: str, kind: str, spec: dict[str, Any], left: dict[str, Any]) -> None:
    body = {"apiVersion": api_version, "kind": kind, "spec": copy.deepcopy(spec)}
    without_newer_defaults(body)
    assert body["spec"] == left
