"""What the schemas of Placement and Location can't say, in Kubernetes' words (pure).

Fields that are as they were are not judged again, so that an object from before a rule can still be written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from headwater.machinery.fieldpath import FieldError, child, forbidden_field, index, invalid_value, required
from headwater.machinery.labels import validate_label_selector
from headwater.machinery.names import label_value_errors, qualified_name_errors

_Spec = Mapping[str, Any]
_SELECTORS: Final = ("workloadSelector", "namespaceSelector", "locationSelector", "syncTargetSelector")


def placement_problems(spec: _Spec, before: _Spec) -> list[FieldError]:
    """What is wrong with the spec of a Placement that follows another one. The types were checked before."""
    found: list[FieldError] = []
    for field in _SELECTORS:
        if spec.get(field) != before.get(field):
            found += validate_label_selector(spec.get(field), child("spec", field))
    for position, preference in _new_entries("preferences", spec, before):
        path = child(index("spec.preferences", position), "syncTargetSelector")
        found += validate_label_selector(preference.get("syncTargetSelector"), path)
    for position, constraint in _new_entries("spread", spec, before):
        found += _spread_problems(constraint, index("spec.spread", position))
    for position, toleration in _new_entries("tolerations", spec, before):
        found += _toleration_problems(toleration, index("spec.tolerations", position))
    return found


def location_problems(spec: _Spec, before: _Spec) -> list[FieldError]:
    """What is wrong with the spec of a Location that follows another one."""
    selector = spec.get("instanceSelector")
    if selector == before.get("instanceSelector"):
        return []
    return validate_label_selector(selector, "spec.instanceSelector")


def _new_entries(field: str, spec: _Spec, before: _Spec) -> list[tuple[int, _Spec]]:
    """(position, entry) of those that were not there before."""
    entries: Sequence[_Spec] = spec.get(field) or ()
    known: Sequence[_Spec] = before.get(field) or ()
    return [(position, entry) for position, entry in enumerate(entries) if entry not in known]


def _spread_problems(constraint: _Spec, path: str) -> list[FieldError]:
    label = constraint.get("label") or ""
    if constraint.get("by") == "label":
        return [invalid_value(child(path, "label"), label, why) for why in qualified_name_errors(label)]
    return [forbidden_field(child(path, "label"), "may be set only when `by` is 'label'")] if label else []


def _toleration_problems(toleration: _Spec, path: str) -> list[FieldError]:
    """Kubernetes' rules for tolerations of pods."""
    key, value, effect = (toleration.get(field) or "" for field in ("key", "value", "effect"))
    operator = toleration.get("operator") or "Equal"
    found = [invalid_value(child(path, "key"), key, why) for why in qualified_name_errors(key)] if key else []
    if not key and operator != "Exists":
        detail = 'must be Exists when `key` is empty, which means "match all values and all keys"'
        found.append(invalid_value(child(path, "operator"), operator, detail))
    if value and operator == "Exists":
        found.append(invalid_value(child(path, "value"), value, "must be empty when `operator` is 'Exists'"))
    found += [invalid_value(child(path, "value"), value, why) for why in label_value_errors(value)]
    if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
        detail = "must be 'NoExecute' when `tolerationSeconds` is set"
        field = child(path, "effect")
        found.append(invalid_value(field, effect, detail) if effect else required(field, detail))
    return found
