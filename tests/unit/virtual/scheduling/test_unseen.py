"""Which pods of a StatefulSet its workspace does not show."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.base import jsonio
from headwater.machinery.objects import Object
from headwater.virtual.scheduling.unseen import unseen_pods

KEYS = ("east", "west")
SHIFTED = '[{"op": "add", "path": "/ordinals", "value": {"start": 100}}]'


def stateful_set(running: dict[str, Any], *, start: int = 0, **spec_diffs: str) -> Object:
    notes = {
        f"diff.syncer.internal.kcp.io/{key}": jsonio.dumps({"status": {"replicas": count}}).decode()
        for key, count in running.items()
    }
    notes |= {f"experimental.spec-diff.workload.kcp.io/{key}": text for key, text in spec_diffs.items()}
    spec = {"replicas": 2, **({"ordinals": {"start": start}} if start else {})}
    meta = {"name": "db", "namespace": "web", "annotations": notes}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta, "spec": spec}


def pods(**owners: str) -> list[Object]:
    """Pods by the rest of their name, with the target that they came up from."""
    return [
        {"metadata": {"name": f"db-{rest[1:]}", "labels": {"app": "db", f"state.workload.kcp.io/{owner}": "Upsync"}}}
        for rest, owner in owners.items()
    ]


@pytest.mark.parametrize(
    ("found", "shown", "unseen"),
    [
        pytest.param(
            stateful_set({"east": 2, "west": 2}),
            pods(_0="east", _1="east"),
            {"west": ["db-0", "db-1"]},
            id="one has all",
        ),
        pytest.param(
            stateful_set({"east": 2, "west": 2}),
            pods(_0="east", _1="west"),
            {"east": ["db-1"], "west": ["db-0"]},
            id="each has one",
        ),
        pytest.param(stateful_set({"east": 2, "west": 1}), pods(_1="east"), {}, id="not there yet"),
        pytest.param(
            stateful_set({"east": 3, "west": 1}), pods(_0="east", _1="east", _2="east"), {"west": ["db-0"]}, id="shares"
        ),
        pytest.param(stateful_set({"east": 1}), pods(_0="east"), {}, id="has not reported"),
        pytest.param(stateful_set({"east": 1, "west": 0}), pods(_0="east"), {}, id="runs none"),
        pytest.param(stateful_set({"east": 1, "west": "many"}), pods(_0="east"), {}, id="reports nonsense"),
        pytest.param(stateful_set({"east": 1, "west": 1}), pods(_0="gone"), {
            "east": ["db-0"], "west": ["db-0"]}, id="of one that leaves"),
        pytest.param(
            stateful_set({"east": 1, "west": 1}, start=5), pods(_5="west"), {"east": ["db-5"]}, id="a first ordinal"
        ),
        pytest.param(
            stateful_set({"east": 1, "west": 1}, west=SHIFTED), pods(_0="east", _100="west"), {}, id="another for one"
        ),
        pytest.param(
            stateful_set({"east": 1, "west": 1}, west="nonsense"), pods(_0="east"), {"west": ["db-0"]}, id="unreadable"
        ),
    ],
)  # fmt: skip
def test_whose_pods_are_shown(found: Object, shown: list[Object], unseen: dict[str, list[str]]) -> None:
    assert unseen_pods(found, KEYS, shown) == unseen


def test_pods_of_nobody_hide_none() -> None:
    """What somebody made by hand upstream is no pod of a target."""
    plain = [{"metadata": {"name": "db-0", "labels": {"state.workload.kcp.io/east": "Sync"}}}]
    assert unseen_pods(stateful_set({"east": 1, "west": 1}), KEYS, plain) == {}
