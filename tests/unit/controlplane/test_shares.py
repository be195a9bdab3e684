"""Admission of spec diffs on divided workloads: a user's write takes no target's share away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from headwater.apiserver.admission.interface import CREATE, UPDATE, AdmissionAttributes
from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.builtin.kinds import builtin_resources
from headwater.apiserver.loopback import LOOPBACK_USER
from headwater.controlplane.admission.shares import Shares
from headwater.machinery.objects import annotations

ADMIN = UserInfo("admin", groups=("system:masters", "system:authenticated"))
DEPLOYMENTS = next(info for info in builtin_resources([("apps", "deployments")]))
PREFIX = "experimental.spec-diff.workload.kcp.io/"
PAUSED, OWN = '{"op":"add","path":"/paused","value":true}', '{"op":"replace","path":"/replicas","value":1}'
OUR_JOB = '{ "op": "add", "path": "/parallelism", "value": 1 }, { "op": "add", "path": "/completions", "value": 3 }'


def share(number: int) -> str:
    """An operation of the control plane, as it writes it."""
    return f'{{ "op": "replace", "path": "/replicas", "value": {number} }}'


def obj(diffs: dict[str, str], **spec: Any) -> dict[str, Any]:
    """An object with the operations that targets have in their spec diffs."""
    notes = {PREFIX + key: f"[{text}]" for key, text in diffs.items()}
    return {"metadata": {"name": "web", "annotations": notes}, "spec": {"replicas": 4, **spec}}


def write(new: Any, old: Any, user: UserInfo = ADMIN, operation: str = UPDATE) -> AdmissionAttributes:
    return AdmissionAttributes(operation, DEPLOYMENTS, "c", "default", "web", new, old, user)


KEPT: dict[str, tuple[dict[str, str], dict[str, str], dict[str, str]]] = {
    "overwritten": (
        {"a": share(2), "b": share(2)},
        {"a": PAUSED, "b": share(2)},
        {"a": f"{PAUSED}, {share(2)}", "b": share(2)},
    ),
    "overwritten-again": (
        {"a": f"{PAUSED}, {share(2)}", "b": share(2)},
        {"a": f"{PAUSED}, {PAUSED}", "b": share(2)},
        {"a": f"{PAUSED}, {PAUSED}, {share(2)}", "b": share(2)},
    ),
    "all-taken-away": (
        {"a": f"{PAUSED}, {share(2)}", "b": share(2)},
        {},
        {"a": share(2), "b": share(2)},
    ),
    "an-old-manifest": (
        {"a": share(1), "b": share(3)},
        {"a": f"{PAUSED}, {share(4)}", "b": ""},
        {"a": f"{PAUSED}, {share(1)}", "b": share(3)},
    ),
    "an-old-manifest-with-another-target": (
        {"a": share(4)},
        {"a": share(4), "gone": share(2)},
        {"a": share(4)},
    ),
    "their-number-wins": (
        {"a": share(2), "b": share(2)},
        {"a": OWN, "b": share(2)},
        {"a": OWN, "b": share(2)},
    ),
    "their-number-goes": (
        {"a": OWN, "b": share(2)},
        {"a": PAUSED, "b": share(2)},
        {"a": f"{PAUSED}, {share(1)}", "b": share(2)},
    ),
    "nothing-divided": ({"a": OWN}, {"a": PAUSED}, {"a": PAUSED}),
    "a-target-without-a-share": (
        {"a": share(2), "b": PAUSED},
        {"a": share(2)},
        {"a": share(2)},
    ),
    "two-numbers": ({"a": OUR_JOB}, {"a": PAUSED}, {"a": f"{PAUSED}, {OUR_JOB}"}),
    "what-fits-nothing-is-refused-later": (
        {"a": share(2)},
        {"a": '{"op":"remove","path":"/none"}'},
        {"a": '{"op":"remove","path":"/none"}'},
    ),
}


@pytest.mark.parametrize(("before", "written", "kept"), KEPT.values(), ids=KEPT)
async def test_a_write_keeps_the_shares(before: dict[str, str], written: dict[str, str], kept: dict[str, str]) -> None:
    plugin, attributes = Shares(), write(obj(written), obj(before))
    assert plugin.handles(attributes)
    await plugin.admit(attributes)
    assert attributes.object is not None
    assert annotations(attributes.object) == annotations(obj(kept))


async def test_what_has_no_place_for_its_share_is_not_divided_any_more() -> None:
    """The number went with the same write: the user's own change is not refused for what the control plane adds."""
    new = obj({"a": PAUSED})
    del new["spec"]["replicas"]
    attributes = write(new, obj({"a": share(2)}))
    await Shares().admit(attributes)
    assert annotations(new) == {PREFIX + "a": f"[{PAUSED}]"}


def test_who_is_not_looked_at() -> None:
    """The control plane itself, and objects that have no spec diff."""
    new, old = obj({"a": PAUSED}), obj({"a": share(2)})
    assert not Shares().handles(write(new, old, LOOPBACK_USER))
    assert not Shares().handles(write(new, obj({})))
    assert not Shares().handles(write(new, None, operation=CREATE))
    assert not Shares().handles(replace(write(new, old), subresource="status"))
