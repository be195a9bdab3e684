"""Status errors: Kubernetes' reasons, codes and wording, and the way over the wire and back."""

from __future__ import annotations

import pytest

from headwater.machinery import errors, fieldpath
from headwater.machinery.gvk import GroupResource

DEPLOYMENTS = GroupResource("apps", "deployments")
CONFIGMAPS = GroupResource("", "configmaps")

CODES = {
    "BadRequest": 400,
    "Unauthorized": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "MethodNotAllowed": 405,
    "NotAcceptable": 406,
    "AlreadyExists": 409,
    "Conflict": 409,
    "Gone": 410,
    "Expired": 410,
    "RequestEntityTooLarge": 413,
    "UnsupportedMediaType": 415,
    "Invalid": 422,
    "TooManyRequests": 429,
    "InternalError": 500,
    "ServerTimeout": 500,
    "ServiceUnavailable": 503,
    "Timeout": 504,
}


def test_every_reason_has_its_code() -> None:
    """The classes are named by their reason and carry Kubernetes' code."""
    classes = errors.StatusError.__subclasses__()
    assert {kind.reason: kind.code for kind in classes} == CODES
    assert all(kind.__name__ == kind.reason for kind in classes)


WORDING = [
    (errors.not_found(DEPLOYMENTS, "web"), 'deployments.apps "web" not found'),
    (errors.already_exists(CONFIGMAPS, "a"), 'configmaps "a" already exists'),
    (errors.conflict(CONFIGMAPS, "a", "why"), 'Operation cannot be fulfilled on configmaps "a": why'),
    (errors.forbidden(CONFIGMAPS, "a", "why"), 'configmaps "a" is forbidden: why'),
    (errors.forbidden(CONFIGMAPS, "", "why"), "configmaps is forbidden: why"),
    (errors.forbidden(GroupResource("", ""), "", "why"), "forbidden: why"),
    (
        errors.method_not_supported(DEPLOYMENTS, "patch"),
        'patch is not supported on resources of kind "deployments.apps"',
    ),
    (errors.internal_error("boom"), "Internal error occurred: boom"),
    (errors.timeout("slow"), "Timeout: slow"),
    (errors.too_large_resource_version(9, 5), "Timeout: Too large resource version: 9, current: 5"),
    (
        errors.server_timeout(CONFIGMAPS, "list", 2),
        "The list operation against configmaps could not be completed at this time, please try again.",
    ),
    (errors.too_many_requests("limit"), "Too many requests: limit"),
    (errors.request_entity_too_large("limit is 3145728"), "Request entity too large: limit is 3145728"),
]


@pytest.mark.parametrize(("error", "message"), WORDING, ids=[type(error).__name__ for error, _ in WORDING])
def test_wording_and_way_back(error: errors.StatusError, message: str) -> None:
    """Messages are Kubernetes', and a client rebuilds the same error from the wire."""
    assert str(error) == error.message == message
    status = error.to_status()
    assert (status["kind"], status["apiVersion"], status["status"]) == ("Status", "v1", "Failure")
    again = errors.from_status(status)
    assert type(again) is type(error)
    assert again.to_status() == status


def test_invalid_lists_every_field() -> None:
    """One answer names all wrong fields, in the message and as causes."""
    found = [fieldpath.required("spec.x"), fieldpath.invalid_value("spec.y", 5, "must be less")]
    error = errors.invalid("Deployment", "web", found, group="apps")
    message = 'Deployment.apps "web" is invalid: [spec.x: Required value, spec.y: Invalid value: 5: must be less]'
    assert str(error) == message
    assert error.to_status()["details"] == {
        "name": "web",
        "group": "apps",
        "kind": "Deployment",
        "causes": [
            {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.x"},
            {"reason": "FieldValueInvalid", "message": "Invalid value: 5: must be less", "field": "spec.y"},
        ],
    }
    assert error.has_cause("FieldValueRequired")
    assert not error.has_cause("FieldValueForbidden")
    assert str(errors.invalid("Pod", "p", found[:1])) == 'Pod "p" is invalid: spec.x: Required value'
    assert str(errors.invalid("Pod", "p", [])) == 'Pod "p" is invalid'


def test_full_status_object() -> None:
    """The object on the wire is exactly Kubernetes'."""
    assert errors.not_found(CONFIGMAPS, "a").to_status() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'configmaps "a" not found',
        "reason": "NotFound",
        "details": {"name": "a", "kind": "configmaps"},
        "code": 404,
    }
    assert errors.too_many_requests("x", 3).to_status()["details"] == {"retryAfterSeconds": 3}


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        ({"reason": "Expired", "code": 410}, errors.Expired, 410),
        ({"code": 410}, errors.Expired, 410),
        ({"code": 409}, errors.Conflict, 409),
        ({"code": 500}, errors.InternalError, 500),
        ({"reason": "Teapot", "code": 418}, errors.StatusError, 418),
        ({"reason": "NotFound"}, errors.NotFound, 404),
        ({}, errors.StatusError, 500),
    ],
)
def test_from_status_falls_back(status: dict[str, object], kind: type[errors.StatusError], code: int) -> None:
    """An unknown reason is read by its code; an unknown code keeps its number."""
    error = errors.from_status(status)
    assert type(error) is kind
    assert error.code == code
    assert error.message == "unknown"


def test_from_code() -> None:
    """An answer without a Status still becomes a typed error."""
    error = errors.from_code(429, "slow down", retry_after_seconds=7)
    assert type(error) is errors.TooManyRequests
    assert (error.retry_after_seconds, str(error), error.causes) == (7, "slow down", ())
    assert errors.StatusError("x").to_status() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "x",
        "code": 500,
    }
