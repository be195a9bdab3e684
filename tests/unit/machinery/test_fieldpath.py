"""Field errors: Kubernetes' wording to the letter."""

from __future__ import annotations

import pytest

from headwater.machinery import fieldpath as f

CASES = [
    (f.required("spec.x"), "spec.x: Required value"),
    (f.required("spec.x", "must be set"), "spec.x: Required value: must be set"),
    (f.invalid_value("a", "b", "bad"), 'a: Invalid value: "b": bad'),
    (f.invalid_value("a", 5, "bad"), "a: Invalid value: 5: bad"),
    (f.invalid_value("a", True, "bad"), "a: Invalid value: true: bad"),
    (f.invalid_value("a", None, "bad"), "a: Invalid value: null: bad"),
    (f.invalid_value("a", {"x": [1]}, "bad"), 'a: Invalid value: {"x":[1]}: bad'),
    (f.invalid_value("a", {1}, "bad"), "a: Invalid value: {1}: bad"),
    (f.invalid_value("", "b", "bad"), '<nil>: Invalid value: "b": bad'),
    (f.type_invalid("a", "string", "must be object"), 'a: Invalid value: "string": must be object'),
    (f.not_supported("a", "x", ["y", "z"]), 'a: Unsupported value: "x": supported values: "y", "z"'),
    (f.not_supported("a", "x"), 'a: Unsupported value: "x"'),
    (f.forbidden_field("a", "immutable"), "a: Forbidden: immutable"),
    (f.duplicate("a[1]", "x"), 'a[1]: Duplicate value: "x"'),
    (f.not_found("a", "x"), 'a: Not found: "x"'),
    (f.too_long("a", 63), "a: Too long: may not be more than 63 bytes"),
    (f.too_long("a", 1), "a: Too long: may not be more than 1 byte"),
    (f.too_many("a", 5, 3), "a: Too many: 5: must have at most 3 items"),
    (f.too_many("a", 2, 1), "a: Too many: 2: must have at most 1 item"),
    (f.internal_error("a", "oops"), "a: Internal error: oops"),
]


@pytest.mark.parametrize(("error", "text"), CASES, ids=[text[:40] for _, text in CASES])
def test_wording(error: f.FieldError, text: str) -> None:
    """People search for these messages and tools match on them."""
    assert str(error) == text


def test_paths() -> None:
    """Members, items and entries."""
    assert f.child("", "spec") == "spec"
    assert f.child("spec", "a", "b") == "spec.a.b"
    assert f.index("spec.ports", 0) == "spec.ports[0]"
    assert f.key("metadata.labels", "app") == "metadata.labels[app]"


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("a", '"a"'),
        ('a"b', '"a\\"b"'),
        ("a\\b", '"a\\\\b"'),
        ("a\nb\tc", '"a\\nb\\tc"'),
        ("\x01", '"\\x01"'),
        ("é", '"é"'),
        ("\u200b", '"\\u200b"'),
        ("\U000e0001", '"\\U000e0001"'),
    ],
)
def test_quoting(text: str, quoted: str) -> None:
    """Names are quoted as Go's %q quotes them, so no control character reaches a terminal."""
    assert f.quote(text) == quoted


def test_aggregate() -> None:
    """One message stands alone; several are bracketed, each once."""
    assert f.aggregate(["a"]) == "a"
    assert f.aggregate(["a", "b", "a"]) == "[a, b]"
