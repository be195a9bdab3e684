"""Label and field selectors compiled to one predicate over cached objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from headwater.apiserver.resources import ResourceInfo
from headwater.machinery.errors import BadRequest
from headwater.machinery.fields import FieldSelector
from headwater.machinery.labels import Selector
from headwater.machinery.objects import Object


class Selectable(Protocol):
    """What selection needs of a stored object: labels cheaply, the whole object when fields ask for it."""

    @property
    def labels(self) -> Mapping[str, str]: ...

    @property
    def decoded(self) -> Object: ...


Predicate = Callable[[Selectable], bool]


def check_field_labels(info: ResourceInfo, selector: FieldSelector | None) -> None:
    """Refuse field labels that the kind doesn't know, with Kubernetes' words."""
    if selector is None:
        return
    for field, _, _ in selector.requirements:
        if not supported(info, field):
            raise BadRequest(f"field label not supported: {field}")


def supported(info: ResourceInfo, field: str) -> bool:
    """Whether a field selector on `field` can be answered for this kind."""
    if field == "metadata.name" or (field == "metadata.namespace" and info.namespaced):
        return True
    return field in info.strategy.field_labels or field in info.selectable_fields


def predicate(info: ResourceInfo, labels: Selector | None, fields: FieldSelector | None) -> Predicate | None:
    """One test for both selectors; None when they select everything."""
    check_field_labels(info, fields)
    label_test = None if labels is None or labels.empty else labels
    field_test = None if fields is None or not fields.requirements else fields
    if field_test is None:
        if label_test is None:
            return None
        return lambda obj: label_test.matches(obj.labels)
    value = info.strategy.field_value

    def matches_fields(obj: Selectable) -> bool:
        decoded = obj.decoded
        return field_test.matches(lambda field: value(decoded, field))

    if label_test is None:
        return matches_fields
    return lambda obj: label_test.matches(obj.labels) and matches_fields(obj)
