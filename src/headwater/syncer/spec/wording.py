"""What a tenant is told of a pcluster's refusal: enough to mend the object, and no value of it (pure).

Events and annotations are read by more people than the objects that they are about, Secrets above all. So values are
left out wherever the API server, or a webhook, quotes them; fields, limits and names stay.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from copy import copy
from typing import Any, Final

from headwater.machinery.errors import StatusError
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, name, namespace

MAX_LENGTH: Final = 900
_MAX_READ: Final = 4096
_MAX_CAUSES: Final = 8
_MAX_VALUES: Final = 5000
_SHORTEST_VALUE: Final = 4
_LEFT_OUT: Final = "…"
_SECRETS: Final = GroupResource("", "secrets")

_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_VALUE: Final = re.compile(
    rf"\b(Invalid value|Unsupported value|Duplicate value|Not found): (?:({_QUOTED}|[-+\w.]+)(?=$|: |, |\])(?:: )?|"
    r".*?: (?=strict decoding error: )|.*)",
    re.DOTALL,
)
_ANY_QUOTED: Final = re.compile(rf"(webhook |conflicts? with |(?:unknown|duplicate) field )?({_QUOTED})")
_CHOICES: Final = "supported values: "


def refusal_text(error: StatusError, applied: Object, resource: GroupResource, upstream_namespace: str) -> str:
    """The reason of a refusal, and its message without any value of the object that was ``applied``.

    The downstream namespace is told by its upstream name. Of a Secret's refusal only fields are told.
    """
    reason = error.reason or f"Code {error.code}"
    causes = [cause for cause in error.causes if isinstance(cause, dict) and cause.get("field")][:_MAX_CAUSES]
    if resource == _SECRETS:
        fields = ", ".join(str(cause["field"]) for cause in causes)
        return f"{reason}: {fields}"[:MAX_LENGTH] if fields else reason
    texts = [f"{cause['field']}: {_without_value(str(cause.get('message', '')))}" for cause in causes]
    text = "; ".join(texts) if texts else _without_value(error.message[:_MAX_READ])
    space = namespace(applied)
    if space:
        text = text.replace(space, upstream_namespace)
    names = {name(applied), upstream_namespace, str(applied.get("kind", "")), *_words(str(applied.get("apiVersion")))}
    names |= {resource.group, resource.resource, ""}
    return f"{reason}: {_masked(text, applied, names)}"[:MAX_LENGTH]


def told_as(error: StatusError, text: str) -> StatusError:
    """The same refusal in the words of `refusal_text`, for those who log it."""
    told = copy(error)
    words = text.removeprefix(f"{error.reason}: ")
    told.message, told.details, told.args = words, None, (words,)
    return told


def _without_value(text: str) -> str:
    """A field error without the value that it begins with. A value of several parts takes the rest along."""
    return _VALUE.sub(r"\1: ", text[:_MAX_READ]).removesuffix(": ")


def _masked(text: str, applied: Object, names: Collection[str]) -> str:
    """The text without quoted words that are no names, and without whatever the object holds."""
    text, choices, rest = text.partition(_CHOICES)
    text = _ANY_QUOTED.sub(lambda found: _quoted(found, names), text)
    values = {value for value in _values(applied) if len(value) >= _SHORTEST_VALUE and value not in names}
    for value in sorted(values, key=len, reverse=True):
        if value in text:
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", _LEFT_OUT, text)
    return text + choices + rest


def _quoted(found: re.Match[str], names: Collection[str]) -> str:
    kept = found.group(1) or found.group(2)[1:-1] in names
    return found.group(0) if kept else f'"{_LEFT_OUT}"'


def _values(obj: Object) -> Iterator[str]:
    """The texts in an object, not those that name it; a bounded number."""
    waiting: list[Any] = [value for field, value in obj.items() if field not in ("apiVersion", "kind", "metadata")]
    meta = obj.get("metadata") or {}
    waiting += [meta.get("labels"), meta.get("annotations")]
    for _ in range(_MAX_VALUES):
        if not waiting:
            return
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str):
            yield value


def _words(text: str) -> list[str]:
    return text.split("/")
