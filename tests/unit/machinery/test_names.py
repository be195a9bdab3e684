"""Names, label keys and label values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.machinery import names
from headwater.machinery.fieldpath import FieldError

RULES = {
    "label": (names.is_dns1123_label, names.dns1123_label_errors),
    "label1035": (names.is_dns1035_label, names.dns1035_label_errors),
    "subdomain": (names.is_dns1123_subdomain, names.dns1123_subdomain_errors),
    "qualified": (names.is_qualified_name, names.qualified_name_errors),
    "value": (names.is_label_value, names.label_value_errors),
}
GOOD = [
    ("label", ["a", "a-b", "1a", "a" * 63]),
    ("label1035", ["a", "a-b1"]),
    ("subdomain", ["a", "a.b-c.1", "a" * 253]),
    ("qualified", ["a", "A_b.c-1", "example.com/Name", "a" * 63]),
    ("value", ["", "a", "A_b.c", "a" * 63]),
]
BAD = [
    ("label", ["", "A", "-a", "a-", "a.b", "a" * 64, "a\n"]),
    ("label1035", ["", "1a", "a-", "a" * 64]),
    ("subdomain", ["", "A", ".a", "a..b", "a" * 254, "a_b"]),
    ("qualified", ["", "/a", "a/", "A/b", "a/b/c", "-a", "a" * 64, "a b"]),
    ("value", ["-a", "a-", "a b", "a" * 64, "a\n"]),
]


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in GOOD for text in texts])
def test_accepted(rule: str, text: str) -> None:
    """Kubernetes takes these."""
    accepts, explain = RULES[rule]
    assert accepts(text)
    assert explain(text) == []


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in BAD for text in texts])
def test_refused(rule: str, text: str) -> None:
    """Kubernetes refuses these, and says why."""
    accepts, explain = RULES[rule]
    assert not accepts(text)
    assert explain(text)


@pytest.mark.parametrize("rule", RULES)
@given(text=st.text(alphabet="aA1-_./ \n", max_size=80))
def test_answer_and_explanation_agree(rule: str, text: str) -> None:
    """There is an explanation exactly when the answer is no."""
    accepts, explain = RULES[rule]
    assert accepts(text) is (not explain(text))


def test_explanations_are_kubernetes() -> None:
    """The well-known sentences, to the letter."""
    assert names.dns1123_label_errors("A") == [
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
        "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
        "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
    ]
    assert names.dns1123_subdomain_errors("A") == [
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
        "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
        r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    ]
    assert names.label_value_errors("a" * 64) == ["must be no more than 63 bytes"]
    assert names.qualified_name_errors("/a") == ["prefix part must be non-empty"]
    assert names.qualified_name_errors("x/")[0] == "name part must be non-empty"
    assert names.qualified_name_errors("A/b")[0].startswith("prefix part a lowercase RFC 1123 subdomain")


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("system:admin", []),
        (".", ["may not be '.'"]),
        ("..", ["may not be '..'"]),
        ("a/b", ["may not contain '/'"]),
        ("a%b/", ["may not contain '/'", "may not contain '%'"]),
    ],
)
def test_path_segments(text: str, errors: list[str]) -> None:
    """RBAC names may be nearly anything."""
    assert names.path_segment_errors(text) == errors


def _fields(errors: list[FieldError]) -> list[tuple[str, str]]:
    return [(error.field, error.type) for error in errors]


def test_object_names() -> None:
    """A name, or a base for one, has to be there and right; the base may end with a dash."""
    assert _fields(names.validate_object_name("")) == [("metadata.name", "FieldValueRequired")]
    assert _fields(names.validate_object_name("A")) == [("metadata.name", "FieldValueInvalid")]
    assert names.validate_object_name("a.b") == []
    assert names.validate_object_name("", generate="web-") == []
    assert _fields(names.validate_object_name("", generate="Web-")) == [("metadata.generateName", "FieldValueInvalid")]
    assert _fields(names.validate_object_name("a.b", rule=names.dns1123_label_errors)) == [
        ("metadata.name", "FieldValueInvalid")
    ]


@given(st.from_regex(r"[a-z][a-z0-9-]{0,250}", fullmatch=True))
def test_generated_names_fit_a_label(base: str) -> None:
    """Whatever the base, the generated name is a label."""
    generated = names.generate_name(base)
    assert names.is_dns1123_label(generated)
    assert generated[:-5] == base[:58]


def test_label_maps() -> None:
    """Keys and values are both checked, at the path of the map."""
    errors = names.validate_labels({"ok": "v", "-bad": "v", "key": "not ok"}, "metadata.labels")
    assert [(error.field, error.bad_value) for error in errors] == [
        ("metadata.labels", "-bad"),
        ("metadata.labels", "not ok"),
    ]
