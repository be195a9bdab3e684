"""A tenant hears why a pcluster refuses an object, and no value of it."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.machinery.errors import BadRequest, Conflict, Forbidden, InternalError, Invalid, StatusError
from headwater.machinery.gvk import GroupResource
from headwater.syncer.spec.refusals import PAUSE_SECONDS, Trouble
from headwater.syncer.spec.wording import MAX_LENGTH, refusal_text, told_as

Object = dict[str, Any]

DEPLOYMENTS = GroupResource("apps", "deployments")
SECRETS = GroupResource("", "secrets")
OBJECT: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "kcp-abc123", "labels": {"team": "blue-whales"}},
    "spec": {"template": {"spec": {"containers": [{"image": "shop:7", "env": [{"value": "hunter2 says hi"}]}]}}},
}
NOTHING: Object = {**OBJECT, "spec": {}, "metadata": {"name": "web"}}


def cause(field: str, message: str) -> Object:
    return {"reason": "FieldValueInvalid", "field": field, "message": message}


def invalid(*causes: Object) -> StatusError:
    return Invalid('Deployment.apps "web" is invalid: …', details={"causes": list(causes)})


@pytest.mark.parametrize(
    ("error", "text"),
    [
        pytest.param(
            invalid(cause("spec.replicas", "Invalid value: -1: must be greater than or equal to 0")),
            "Invalid: spec.replicas: Invalid value: must be greater than or equal to 0",
            id="number",
        ),
        pytest.param(
            invalid(cause("spec.x", 'Invalid value: "a \\"b\\": c": too long'), cause("spec.y", "Required value")),
            "Invalid: spec.x: Invalid value: too long; spec.y: Required value",
            id="text, and a second field",
        ),
        pytest.param(
            invalid(cause("spec.x", 'Invalid value: map[string]string{"key": "hunter2"}: must be empty: really')),
            "Invalid: spec.x: Invalid value",
            id="value of several parts",
        ),
        pytest.param(
            invalid(cause("spec.x", 'Unsupported value: "hunter2": supported values: "Always", "Never"')),
            'Invalid: spec.x: Unsupported value: supported values: "Always", "Never"',
            id="choices",
        ),
        pytest.param(
            invalid(cause("spec.x[1]", 'Duplicate value: "hunter2"')),
            "Invalid: spec.x[1]: Duplicate value",
            id="duplicate",
        ),
        pytest.param(
            Forbidden('deployments.apps "web" is forbidden: exceeded quota: small, requested: cpu=2, limited: cpu=1'),
            'Forbidden: deployments.apps "web" is forbidden: exceeded quota: small, requested: cpu=2, limited: cpu=1',
            id="quota",
        ),
        pytest.param(
            Forbidden('User "system:serviceaccount:x" cannot patch "deployments" in the namespace "kcp-abc123"'),
            'Forbidden: User "…" cannot patch "deployments" in the namespace "shop"',
            id="rights",
        ),
        pytest.param(
            BadRequest('admission webhook "policy.example.org" denied the request: image "shop:7" of team blue-whales'),
            'BadRequest: admission webhook "policy.example.org" denied the request: image "…" of team …',
            id="webhook",
        ),
        pytest.param(
            BadRequest("denied: hunter2 says hi is a password"), "BadRequest: denied: … is a password", id="no quotes"
        ),
        pytest.param(
            Conflict('Apply failed with 1 conflict: conflict with "kubectl" using apps/v1: .spec.replicas'),
            'Conflict: Apply failed with 1 conflict: conflict with "kubectl" using apps/v1: .spec.replicas',
            id="manager",
        ),
        pytest.param(
            invalid(cause("patch", 'Invalid value: raw{1, 2}: strict decoding error: unknown field "spec.new"')),
            'Invalid: patch: Invalid value: strict decoding error: unknown field "spec.new"',
            id="strict",
        ),
        pytest.param(
            InternalError("failed to create typed patch object: .spec.nice: field not declared in schema"),
            "InternalError: failed to create typed patch object: .spec.nice: field not declared in schema",
            id="unknown field",
        ),
    ],
)  # fmt: skip
def test_fields_and_limits_stay_and_values_go(error: StatusError, text: str) -> None:
    assert refusal_text(error, OBJECT, DEPLOYMENTS, "shop") == text


def test_of_secrets_only_fields_are_told() -> None:
    """Whatever else the message has in it, in whatever encoding."""
    error = invalid(cause("data[password]", 'Invalid value: "aHVudGVyMg==": bad'))
    assert refusal_text(error, NOTHING, SECRETS, "shop") == "Invalid: data[password]"
    assert refusal_text(BadRequest("webhook says hunter2"), NOTHING, SECRETS, "shop") == "BadRequest"


def test_length_is_bounded_and_reasons_may_be_unknown() -> None:
    assert len(refusal_text(BadRequest("x" * 100_000), NOTHING, DEPLOYMENTS, "shop")) == MAX_LENGTH
    error = StatusError("what")
    error.code = 418
    assert refusal_text(error, NOTHING, DEPLOYMENTS, "shop") == "Code 418: what"


def test_final_answers_are_told_at_once_and_others_when_they_last() -> None:
    """An API server that is overloaded for a moment is no news."""
    assert Trouble().is_news(422) and Trouble().is_news(403)
    trouble = Trouble()
    assert [trouble.is_news(500) for _ in range(4)] == [False, False, True, True]


def test_the_same_words_are_told_once_and_other_words_after_a_pause() -> None:
    trouble = Trouble()
    assert trouble.may_tell("a", None, 100.0)
    assert not trouble.may_tell("a", "a", 200.0)
    assert trouble.may_tell("b", "a", 200.0)
    assert not trouble.may_tell("c", "b", 200.0 + PAUSE_SECONDS - 1)
    assert trouble.may_tell("c", "b", 200.0 + PAUSE_SECONDS)


def test_what_is_logged_is_what_is_told() -> None:
    """The error stays what it is for whoever handles it, and the pcluster's own words are in no part of it."""
    error = invalid(cause("data[password]", 'Invalid value: "hunter2": bad'))
    told = told_as(error, refusal_text(error, NOTHING, SECRETS, "shop"))
    assert (type(told), told.code, str(told), told.message) == (Invalid, 422, "data[password]", "data[password]")
    assert "hunter2" not in str(told.to_status())
    assert "hunter2" in str(error.to_status())
