"""Which names, label keys and label values Kubernetes takes, and what it says about the others.

Functions that begin with ``is_`` answer yes or no; those that end with ``_errors`` give Kubernetes' explanations, an
empty list when the value is right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from headwater.base.ids import random_suffix
from headwater.machinery.fieldpath import FieldError, invalid_value, required

LABEL_MAX = 63
SUBDOMAIN_MAX = 253
_GENERATED_BASE_MAX = LABEL_MAX - 5

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_QUALIFIED})?"

_label = re.compile(_LABEL).fullmatch
_label_1035 = re.compile(_LABEL_1035).fullmatch
_subdomain = re.compile(_SUBDOMAIN).fullmatch
_qualified = re.compile(_QUALIFIED).fullmatch

_ENDS = "and must start and end with an alphanumeric character"
_LABEL_MESSAGE = f"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', {_ENDS}"
_LABEL_1035_MESSAGE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character"
)
_SUBDOMAIN_MESSAGE = (
    f"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', {_ENDS}"
)
_QUALIFIED_MESSAGE = f"must consist of alphanumeric characters, '-', '_' or '.', {_ENDS}"
_LABEL_VALUE_MESSAGE = (
    f"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', {_ENDS}"
)

NameRule = Callable[[str], list[str]]
"""Explains what is wrong with a name; an empty list when nothing is."""


def is_dns1123_label(text: str) -> bool:
    return len(text) <= LABEL_MAX and _label(text) is not None


def is_dns1123_subdomain(text: str) -> bool:
    return len(text) <= SUBDOMAIN_MAX and _subdomain(text) is not None


def is_dns1035_label(text: str) -> bool:
    return len(text) <= LABEL_MAX and _label_1035(text) is not None


@lru_cache(maxsize=4096)
def is_qualified_name(text: str) -> bool:
    """Whether the text can be a label or annotation key: ``name`` or ``prefix/name``."""
    prefix, slash, name = text.rpartition("/")
    if slash and not is_dns1123_subdomain(prefix):
        return False
    return len(name) <= LABEL_MAX and _qualified(name) is not None


def is_label_value(text: str) -> bool:
    return not text or (len(text) <= LABEL_MAX and _qualified(text) is not None)


def dns1123_label_errors(text: str) -> list[str]:
    return _explain(
        text,
        LABEL_MAX,
        is_match=_label(text) is not None,
        message=_LABEL_MESSAGE,
        pattern=_LABEL,
        examples=("my-name", "123-abc"),
    )


def dns1035_label_errors(text: str) -> list[str]:
    return _explain(
        text,
        LABEL_MAX,
        is_match=_label_1035(text) is not None,
        message=_LABEL_1035_MESSAGE,
        pattern=_LABEL_1035,
        examples=("my-name", "abc-123"),
    )


def dns1123_subdomain_errors(text: str) -> list[str]:
    return _explain(
        text,
        SUBDOMAIN_MAX,
        is_match=_subdomain(text) is not None,
        message=_SUBDOMAIN_MESSAGE,
        pattern=_SUBDOMAIN,
        examples=("example.com",),
    )


def path_segment_errors(text: str) -> list[str]:
    """The loosest rule, of RBAC objects and events: whatever is one segment of a URL's path."""
    if text in (".", ".."):
        return [f"may not be '{text}'"]
    return [f"may not contain '{char}'" for char in "/%" if char in text]


def label_value_errors(text: str) -> list[str]:
    if is_label_value(text):
        return []
    return _explain(
        text,
        LABEL_MAX,
        is_match=not text or _qualified(text) is not None,
        message=_LABEL_VALUE_MESSAGE,
        pattern=_LABEL_VALUE,
        examples=("MyValue", "my_value", "12345"),
    )


def qualified_name_errors(text: str) -> list[str]:
    """What is wrong with a label or annotation key."""
    if is_qualified_name(text):
        return []
    parts = text.split("/")
    errors: list[str] = []
    if len(parts) > 2:
        hint = _regex_hint(_QUALIFIED_MESSAGE, _QUALIFIED, ("MyName", "my.name", "123-abc"))
        return [f"a qualified name {hint} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    name = parts[-1]
    if len(parts) == 2:
        prefix = parts[0]
        if not prefix:
            errors.append("prefix part must be non-empty")
        else:
            errors += [f"prefix part {message}" for message in dns1123_subdomain_errors(prefix)]
    if not name:
        errors.append("name part must be non-empty")
    elif len(name) > LABEL_MAX:
        errors.append(f"name part {_too_long(LABEL_MAX)}")
    if _qualified(name) is None:
        errors.append(f"name part {_regex_hint(_QUALIFIED_MESSAGE, _QUALIFIED, ('MyName', 'my.name', '123-abc'))}")
    return errors


def generate_name(base: str) -> str:
    """A name from ``generateName``: the base, cut to fit a label, and five random characters."""
    return base[:_GENERATED_BASE_MAX] + random_suffix()


def validate_object_name(
    name: str, *, generate: str = "", rule: NameRule = dns1123_subdomain_errors, path: str = "metadata"
) -> list[FieldError]:
    """Check ``metadata.name`` and ``metadata.generateName`` by the rule of the kind.

    An object without a name is named by the generated one, so one of both has to be there.
    """
    errors: list[FieldError] = []
    if generate:
        # The suffix is still to come, so a separator at the end is fine.
        probe = generate[:-1] + "a" if generate.endswith("-") else generate
        errors += [invalid_value(f"{path}.generateName", generate, message) for message in rule(probe)]
    if not name:
        if not generate:
            errors.append(required(f"{path}.name", "name or generateName is required"))
        return errors
    return errors + [invalid_value(f"{path}.name", name, message) for message in rule(name)]


def validate_labels(labels: Mapping[str, str], path: str) -> list[FieldError]:
    """Check keys and values of a label map."""
    errors: list[FieldError] = []
    for key, value in labels.items():
        if not is_qualified_name(key):
            errors += [invalid_value(path, key, message) for message in qualified_name_errors(key)]
        if not is_label_value(value):
            errors += [invalid_value(path, value, message) for message in label_value_errors(value)]
    return errors


def _explain(
    text: str, maximum: int, *, is_match: bool, message: str, pattern: str, examples: tuple[str, ...]
) -> list[str]:
    errors = [_too_long(maximum)] if len(text) > maximum else []
    if not is_match:
        errors.append(_regex_hint(message, pattern, examples))
    return errors


def _regex_hint(message: str, pattern: str, examples: tuple[str, ...]) -> str:
    listed = " or ".join(f"'{example}', " for example in examples)
    return f"{message} (e.g. {listed}regex used for validation is '{pattern}')"


def _too_long(maximum: int) -> str:
    return f"must be no more than {maximum} bytes"
