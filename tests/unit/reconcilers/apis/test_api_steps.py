"""The pure parts of the controllers of exports and bindings."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from datetime import UTC, datetime

import pytest

from headwater.machinery import conditions
from headwater.machinery.objects import Object, annotations
from headwater.reconcilers.apis.apibinding import step_bind
from headwater.reconcilers.apis.apibinding.controller import schema_facts
from headwater.reconcilers.apis.apibinding.step_bind import SchemaFacts
from headwater.reconcilers.apis.apibinding.step_names import first_conflict, names_of, names_of_crd
from headwater.reconcilers.apis.apibindingdeletion import step_objects
from headwater.reconcilers.apis.apiexport import step_identity

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def secret(key: bytes | None) -> Object:
    return {"data": {"key": base64.b64encode(key).decode()} if key is not None else {}}


@pytest.mark.parametrize(
    ("known", "found", "reason"),
    [
        ("", secret(b"k"), ""),
        (hashlib.sha256(b"k").hexdigest(), secret(b"k"), ""),
        ("", None, "IdentityGenerationFailed"),
        ("", secret(None), "IdentityGenerationFailed"),
        ("", {"data": {"key": "%%%"}}, "IdentityGenerationFailed"),
        ("abc", None, "IdentityVerificationFailed"),
        ("abc", secret(b"k"), "IdentityVerificationFailed"),
    ],
    ids=["new", "known", "no secret", "no key", "bad key", "secret lost", "secret changed"],
)
def test_identity(known: str, found: Object | None, reason: str) -> None:
    """The hash is set once; whatever happens to the secret later, it stays and the condition tells."""
    export: Object = {"metadata": {"name": "e"}, "status": {"identityHash": known} if known else {}}
    step_identity.refer_to_secret(export, "kcp-system", "e")
    assert step_identity.secret_reference(export) == ("kcp-system", "e")
    step_identity.record_identity(export, found, NOW)
    condition = conditions.get_condition(export, "IdentityValid")
    assert condition is not None
    assert condition.get("reason", "") == reason
    expected = known or (hashlib.sha256(b"k").hexdigest() if not reason else None)
    assert export["status"].get("identityHash") == expected


def test_identity_secrets() -> None:
    key = step_identity.new_identity_key()
    made = step_identity.identity_secret("e", key)
    export: Object = {"metadata": {"name": "e"}}
    step_identity.record_identity(export, made, NOW)
    assert export["status"]["identityHash"] == step_identity.identity_hash(key)
    assert len(key) >= 43


WIDGETS = {"plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": ["wd"]}


@pytest.mark.parametrize(
    ("group", "names", "conflict"),
    [
        ("g.io", {"plural": "gadgets", "kind": "Gadget"}, ""),
        ("other.io", WIDGETS, ""),
        ("g.io", {"plural": "widgets", "kind": "Other"}, "naming conflict with x: widgets"),
        ("g.io", {"plural": "wds", "singular": "wd", "kind": "Wd"}, "naming conflict with x: wd"),
        ("g.io", {"plural": "ws", "kind": "Widget", "singular": "w"}, "naming conflict with x: Widget"),
        ("g.io", {"plural": "ws", "singular": "w", "kind": "W", "listKind": "WidgetList"}, "WidgetList"),
    ],
    ids=["different", "other group", "plural", "short name", "kind", "list kind"],
)
def test_names(group: str, names: Object, conflict: str) -> None:
    """All names of a resource count, within its group."""
    found = first_conflict([names_of(group, names, "")], [names_of("g.io", WIDGETS, "x")])
    assert (conflict in found) if conflict else not found


def test_names_of_crds() -> None:
    crd = {"metadata": {"name": "widgets.g.io"}, "spec": {"group": "g.io", "names": WIDGETS}}
    found = names_of_crd(crd)
    assert (found.group, found.plural, found.owner) == (
        "g.io",
        "widgets",
        "local CustomResourceDefinition widgets.g.io",
    )


def export(*claims: Object, **notes: str) -> Object:
    marks = {"kcp.io/cluster": "p", **{key.replace("__", "/"): value for key, value in notes.items()}}
    return {
        "metadata": {"name": "e", "annotations": marks},
        "spec": {"permissionClaims": list(claims)},
        "status": {"identityHash": "i"},
    }


def facts(name: str = "v1.widgets.g.io", uid: str = "u1", version: str = "v1") -> SchemaFacts:
    return SchemaFacts(name, uid, "g.io", WIDGETS, version)


def test_binding_records_what_is_served() -> None:
    """Schemas, identity and storage versions; the phase and all conditions."""
    binding: Object = {"metadata": {}, "spec": {}}
    step_bind.bind(binding, export(), [facts()], NOW)
    status = binding["status"]
    assert status["phase"] == "Bound" and status["apiExportClusterName"] == "p"
    assert status["boundResources"] == [
        {
            "group": "g.io",
            "resource": "widgets",
            "schema": {"name": "v1.widgets.g.io", "UID": "u1", "identityHash": "i"},
            "storageVersions": ["v1"],
        }
    ]
    for type_ in ("Ready", "APIExportValid", "InitialBindingCompleted", "BindingUpToDate", "PermissionClaimsValid"):
        assert conditions.is_true(binding, type_), type_
    assert step_bind.is_bound_to(binding, [facts()])
    assert not step_bind.is_bound_to(binding, [facts(uid="u2")])
    assert not step_bind.is_bound_to({}, [facts()])


def test_swapped_schemas_remember_their_storage() -> None:
    """Versions that objects were ever stored in stay known, and resources that the export dropped stay bound."""
    binding: Object = {"metadata": {}, "spec": {}}
    other = SchemaFacts("v1.gadgets.g.io", "u9", "g.io", {"plural": "gadgets", "kind": "Gadget"}, "v1")
    step_bind.bind(binding, export(), [facts(), other], NOW)
    step_bind.bind(binding, export(), [facts("v2.widgets.g.io", "u2", "v2")], NOW)
    found = {each["resource"]: each for each in binding["status"]["boundResources"]}
    assert found["widgets"]["storageVersions"] == ["v1", "v2"]
    assert found["widgets"]["schema"]["UID"] == "u2"
    assert found["gadgets"]["schema"]["UID"] == "u9"


def test_failures_keep_what_is_bound() -> None:
    """A new binding waits in phase Binding; one that was bound stays so, and only the condition tells."""
    fresh: Object = {"status": {}}
    step_bind.fail(fresh, "APIExportValid", "APIExportNotFound", "not found", NOW)
    assert fresh["status"]["phase"] == "Binding"
    assert conditions.is_false(fresh, "InitialBindingCompleted") and conditions.is_false(fresh, "Ready")
    bound: Object = {"metadata": {}, "spec": {}}
    step_bind.bind(bound, export(), [facts()], NOW)
    step_bind.fail(bound, "BindingUpToDate", "NamingConflicts", "taken", NOW)
    assert bound["status"]["phase"] == "Bound"
    assert conditions.is_true(bound, "Ready") and conditions.is_false(bound, "BindingUpToDate")


CLAIM = {"group": "", "resource": "secrets", "verbs": ["*"]}
ACCEPTED = {**CLAIM, "selector": {"matchAll": True}, "state": "Accepted"}


@pytest.mark.parametrize(
    ("offered", "decided", "applied", "valid"),
    [
        ([CLAIM], [ACCEPTED], 1, "True"),
        ([CLAIM], [{**ACCEPTED, "state": "Rejected"}], 0, "True"),
        ([CLAIM], [], 0, "True"),
        ([], [ACCEPTED], 0, "False"),
    ],
    ids=["accepted", "rejected", "undecided", "not claimed"],
)
def test_claims(offered: list[Object], decided: list[Object], applied: int, valid: str) -> None:
    """Only what is both claimed and accepted is in force; other decisions are reported."""
    binding: Object = {"metadata": {}, "spec": {"permissionClaims": decided}}
    step_bind.bind(binding, export(*offered), [facts()], NOW)
    assert len(binding["status"].get("appliedPermissionClaims", [])) == applied
    assert len(binding["status"].get("exportPermissionClaims", [])) == len(offered)
    assert conditions.status_of(binding, "PermissionClaimsValid") == valid


def test_extra_annotations_follow_the_export() -> None:
    binding: Object = {"metadata": {"annotations": {"extra.apis.kcp.io/old": "1", "mine": "2"}}}
    step_bind.copy_extra_annotations(binding, export(**{"extra.apis.kcp.io__new": "3", "other": "4"}))
    assert annotations(binding) == {"mine": "2", "extra.apis.kcp.io/new": "3"}


@pytest.mark.parametrize(
    ("held", "reason", "message"),
    [
        (Counter({"x/y": 2}), "SomeFinalizersRemain", "x/y in 2 resource instances"),
        (Counter(), "SomeResourcesRemain", "widgets.g.io has 3 resource instances"),
    ],
    ids=["finalizers", "no finalizers"],
)
def test_leftovers(held: Counter[str], reason: str, message: str) -> None:
    binding: Object = {}
    step_objects.record(binding, [step_objects.Leftover("widgets.g.io", 3, held)], NOW)
    found = conditions.get_condition(binding, "BindingResourceDeleteSuccess")
    assert found is not None
    assert found["reason"] == reason and message in found["message"]


def test_schemas_are_kept_without_their_schemas() -> None:
    """What stays in memory of an APIResourceSchema is its names, not its content."""
    kept = schema_facts(
        {
            "metadata": {"name": "s", "uid": "u", "managedFields": []},
            "spec": {"group": "g", "names": WIDGETS, "versions": [{"name": "v1", "storage": True, "schema": {"a": 1}}]},
        }
    )
    assert kept["metadata"] == {"name": "s", "uid": "u"}
    assert kept["spec"]["versions"] == [{"name": "v1", "storage": True}]
