"""Admission of what users say of single targets: a word that can't be followed is refused, not left out in silence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from headwater.apiserver.admission.interface import CREATE, UPDATE, AdmissionAttributes
from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.builtin.kinds import builtin_resources
from headwater.apiserver.loopback import LOOPBACK_USER
from headwater.controlplane.admission.targetchanges import TargetChanges
from headwater.machinery.errors import Invalid

ALICE = UserInfo("alice", groups=("system:authenticated",))
DEPLOYMENTS = next(info for info in builtin_resources([("apps", "deployments")]))
DIFF, RULES = "experimental.spec-diff.workload.kcp.io/key", "experimental.summarizing.workload.kcp.io"
SPEC = {"replicas": 1, "template": {"image": "hunter2"}}


def noted(note: str, text: str, spec: Any = SPEC) -> dict[str, Any]:
    return {"metadata": {"name": "web", "annotations": {note: text}}, **({} if spec is None else {"spec": spec})}


def write(new: Any, old: Any = None, user: UserInfo = ALICE) -> AdmissionAttributes:
    operation = CREATE if old is None else UPDATE
    return AdmissionAttributes(operation, DEPLOYMENTS, "c", "default", "web", new, old, user)


REFUSED = {
    "no-json": (DIFF, "not json", "must be a JSON patch that fits the spec"),
    "no-list": (DIFF, "{}", "a JSON patch must be an array"),
    "no-operation": (DIFF, '[{"op": "replac", "path": "/x"}]', "Unknown operation 'replac'"),
    "nowhere": (
        DIFF,
        '[{"op": "replace", "path": "/none/x", "value": 1}]',
        r"operation 0 \(replace /none/x\): it does not fit",
    ),
    "rules": (RULES, "{", "is not JSON"),
    "rules-of-metadata": (RULES, '[{"fieldPath": "metadata.labels"}]', "can't be summarized"),
}


@pytest.mark.parametrize(("note", "text", "why"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_followed_is_refused(note: str, text: str, why: str) -> None:
    """By name of the annotation, and without what is in the object; what is there already is warned of."""
    plugin, attributes = TargetChanges(), write(noted(note, text))
    assert plugin.handles(attributes)
    with pytest.raises(Invalid, match=why) as refused:
        await plugin.validate(attributes)
    assert [cause["field"] for cause in refused.value.causes] == [f"metadata.annotations[{note}]"]
    assert "hunter2" not in str(refused.value)
    warnings: list[str] = []
    await plugin.validate(replace(write(noted(note, text), noted(note, text, {})), warn=warnings.append))
    assert [each.startswith(f"annotation {note}: ") for each in warnings] == [True]
    assert not plugin.handles(write(noted(note, text), user=LOOPBACK_USER))


TAKEN = {
    "fits": noted(DIFF, '[{"op": "replace", "path": "/template/image", "value": "x"}]'),
    "empty": noted(DIFF, ""),
    "no-spec": noted(DIFF, "not json", None),
    "rules": noted(RULES, '[{"fieldPath": "status", "promoteToUpstream": false}]'),
}


@pytest.mark.parametrize("obj", TAKEN.values(), ids=TAKEN)
async def test_what_can_be_followed(obj: dict[str, Any]) -> None:
    await TargetChanges().validate(write(obj))


def test_other_objects_are_not_looked_at() -> None:
    assert not TargetChanges().handles(write(noted("note", "x")))
    assert not TargetChanges().handles(replace(write(noted(DIFF, "x")), subresource="status"))
