"""Which names a CustomResourceDefinition may have beside the others of its group (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from headwater.machinery.objects import Object, deep_copy, name
from headwater.reconcilers.kube.conditions import is_true, set_condition

NAMES_ACCEPTED = "NamesAccepted"
ESTABLISHED = "Established"


def set_names(definition: Object, others: Sequence[Object], now: datetime) -> bool:
    """Set acceptedNames and the conditions NamesAccepted and Established; says whether anything changed.

    ``others`` are the other definitions of the group in the same cluster. Names that another one has accepted first
    are refused; the rest is accepted. Once established, a definition stays so.
    """
    wanted = definition["spec"]["names"]
    taken_resources, taken_kinds = _taken(others)
    status = definition.setdefault("status", {})
    accepted: Object = dict(status.get("acceptedNames") or {"plural": "", "kind": ""})
    conflicts: list[tuple[str, str]] = []
    for field, taken in (
        ("plural", taken_resources),
        ("singular", taken_resources),
        ("shortNames", taken_resources),
        ("kind", taken_kinds),
        ("listKind", taken_kinds),
    ):
        values = _values(wanted.get(field))
        clashes = [value for value in values if value in taken]
        if clashes:
            conflicts += [(field, value) for value in clashes]
        elif wanted.get(field):
            accepted[field] = deep_copy(wanted[field])
        else:
            accepted.pop(field, None)
    if wanted.get("categories"):
        accepted["categories"] = list(wanted["categories"])
    else:
        accepted.pop("categories", None)
    changed = status.get("acceptedNames") != accepted
    status["acceptedNames"] = accepted
    return _set_conditions(definition, conflicts, now) or changed


def _set_conditions(definition: Object, conflicts: Sequence[tuple[str, str]], now: datetime) -> bool:
    if conflicts:
        field, value = conflicts[0]
        reason = f"{field[0].upper()}{field[1:]}Conflict"
        changed = set_condition(
            definition, NAMES_ACCEPTED, value=False, reason=reason, message=f'"{value}" is already in use', now=now
        )
        if not is_true(definition, ESTABLISHED):
            changed |= set_condition(
                definition,
                ESTABLISHED,
                value=False,
                reason="NotAccepted",
                message="not all names are accepted",
                now=now,
            )
        return changed
    changed = set_condition(
        definition, NAMES_ACCEPTED, value=True, reason="NoConflicts", message="no conflicts found", now=now
    )
    if not is_true(definition, ESTABLISHED):
        changed |= set_condition(
            definition,
            ESTABLISHED,
            value=True,
            reason="InitialNamesAccepted",
            message="the initial names have been accepted",
            now=now,
        )
    return changed


def _taken(others: Iterable[Object]) -> tuple[set[str], set[str]]:
    """Resource names and kinds that other definitions have accepted."""
    resources: set[str] = set()
    kinds: set[str] = set()
    for other in others:
        accepted = (other.get("status") or {}).get("acceptedNames") or {}
        resources.update(_values(accepted.get("plural")), _values(accepted.get("singular")))
        resources.update(_values(accepted.get("shortNames")))
        kinds.update(_values(accepted.get("kind")), _values(accepted.get("listKind")))
    return resources, kinds


def _values(entry: object) -> list[str]:
    if isinstance(entry, list):
        return [value for value in entry if isinstance(value, str)]
    return [entry] if isinstance(entry, str) and entry else []


def same_group(definition: Object, others: Iterable[Object]) -> list[Object]:
    """The other definitions of the same group."""
    group = definition["spec"]["group"]
    return [other for other in others if other["spec"]["group"] == group and name(other) != name(definition)]
