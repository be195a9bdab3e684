"""A SyncTarget in a row: readiness, what keeps workloads off, what is free, and what can't run there."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.cli.synctarget.listing import COLUMNS

KEY = "internal.workload.kcp.io/key"
FULL: dict[str, Any] = {
    "metadata": {"name": "east", "labels": {KEY: "k1", "region": "eu"}},
    "spec": {
        "unschedulable": True,
        "cells": ["a", "b"],
        "taints": [
            {"key": "gpu", "value": "a100", "effect": "NoSchedule"},
            {"key": "old", "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"},
        ],
    },
    "status": {
        "conditions": [{"type": "Ready", "status": "True"}],
        "allocatable": {"cpu": "8", "memory": "16Gi"},
        "requested": {"cpu": "1500m", "memory": "2Gi", "pods": "4"},
        "syncedResources": [
            {"group": "apps", "resource": "deployments", "state": "Accepted", "versions": ["v1"]},
            {"resource": "services", "state": "Incompatible", "message": "no field spec.ports", "versions": ["v1"]},
            {"group": "x.io", "resource": "things", "versions": ["v1"]},
        ],
    },
}
BARE: dict[str, Any] = {"metadata": {"name": "new"}}
CELLS = {
    "ready": (FULL, "READY", "True"),
    "never-ready": (BARE, "READY", "Unknown"),
    "cordoned": (FULL, "UNSCHEDULABLE", "true"),
    "open": (BARE, "UNSCHEDULABLE", "false"),
    "draining": ({**BARE, "spec": {"evictAfter": "2020-01-01T00:00:00Z"}}, "UNSCHEDULABLE", "Draining"),
    "to-be-drained": ({**BARE, "spec": {"evictAfter": "2999-01-01T00:00:00Z"}}, "UNSCHEDULABLE", "Drains-in-"),
    "taints": (FULL, "TAINTS", "gpu=a100:NoSchedule,old:NoExecute"),
    "no-taints": (BARE, "TAINTS", "<none>"),
    "cells": (FULL, "CELLS", "a,b"),
    "cpu": (FULL, "CPU-REQ/ALLOC", "1.5/8"),
    "memory": (FULL, "MEMORY-REQ/ALLOC", "2Gi/16Gi"),
    "unknown-capacity": (BARE, "CPU-REQ/ALLOC", "-/-"),
    "resources": (FULL, "RESOURCES", "1/3"),
    "no-heartbeat": (BARE, "HEARTBEAT", "<unknown>"),
    "key": (FULL, "KEY", "k1"),
    "labels": (FULL, "LABELS", "region=eu"),
    "not-accepted": (FULL, "NOT-ACCEPTED", "services (Incompatible: no field spec.ports); things.x.io (Pending)"),
    "all-accepted": (BARE, "NOT-ACCEPTED", "<none>"),
}


@pytest.mark.parametrize(("target", "title", "expected"), CELLS.values(), ids=CELLS)
def test_cell(target: dict[str, Any], title: str, expected: str) -> None:
    cell = next(column for column in COLUMNS if column.title == title).value(target)
    assert cell.startswith(expected) if expected.endswith("-in-") else cell == expected


def test_keys_and_refusals_are_for_wide_tables() -> None:
    assert [column.title for column in COLUMNS if column.wide] == ["KEY", "LABELS", "NOT-ACCEPTED"]
