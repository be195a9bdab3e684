"""What the arguments of `taint` mean, and the taints that they leave, by the rules of `kubectl taint` (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.machinery.names import label_value_errors, qualified_name_errors

EFFECTS = ("NoSchedule", "NoExecute")
TAINTED, UNTAINTED, MODIFIED = "tainted", "untainted", "modified"

TaintObject = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TaintArgument:
    """One taint of the command line. Where it is to be removed an empty effect stands for all of them."""

    key: str
    value: str = ""
    effect: str = ""

    def matches(self, taint: TaintObject) -> bool:
        """True for a taint of the same key and, unless it is left open, effect."""
        return bool(taint["key"] == self.key and self.effect in ("", taint["effect"]))

    def __str__(self) -> str:
        return f"{self.key}={self.value}:{self.effect}" if self.value else f"{self.key}:{self.effect}".rstrip(":")


@dataclass(frozen=True, slots=True)
class TaintChange:
    """What one command does to each SyncTarget."""

    add: tuple[TaintArgument, ...]
    remove: tuple[TaintArgument, ...]
    overwrite: bool = False


def split_arguments(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """(names, taints): names come first. Raises ValueError for a name after a taint."""
    names: list[str] = []
    taints: list[str] = []
    for argument in arguments:
        if "=" in argument or ":" in argument or argument.endswith("-"):
            taints.append(argument)
        elif taints:
            raise ValueError(f"all resources must be specified before taint changes: {argument}")
        else:
            names.append(argument)
    return names, taints


def parse_taints(texts: Sequence[str], *, overwrite: bool = False) -> TaintChange:
    """Read `key=value:Effect`, `key:Effect`, and with a trailing dash what to remove. Raises ValueError."""
    add: list[TaintArgument] = []
    remove: list[TaintArgument] = []
    for text in texts:
        if text.endswith("-"):
            gone = _parse(text.removesuffix("-"))
            remove.append(TaintArgument(gone.key, "", gone.effect))
            continue
        new = _parse(text)
        if not new.effect:
            raise ValueError(f"invalid taint spec: {text}")
        if any((each.key, each.effect) == (new.key, new.effect) for each in add):
            raise ValueError(f"duplicated taints with the same key and effect: {new}")
        add.append(new)
    both = [str(new) for new in add for gone in remove if gone.matches({"key": new.key, "effect": new.effect})]
    if both:
        raise ValueError(
            f"can not both modify and remove the following taint(s) in the same command: {', '.join(both)}"
        )
    if not add and not remove:
        raise ValueError("at least one taint update is required")
    return TaintChange(tuple(add), tuple(remove), overwrite)


def _parse(text: str) -> TaintArgument:
    label, colon, effect = text.partition(":")
    key, equals, value = label.partition("=")
    if ":" in effect or "=" in value or (colon and not effect) or (equals and not colon):
        raise ValueError(f"invalid taint spec: {text}")
    if effect and effect not in EFFECTS:
        raise ValueError(f"invalid taint effect: {effect}, unsupported taint effect: use {' or '.join(EFFECTS)}")
    problems = [*label_value_errors(value), *qualified_name_errors(key)]
    if problems:
        raise ValueError(f"invalid taint spec: {text}, {'; '.join(problems)}")
    return TaintArgument(key, value, effect)


def apply_taints(name: str, taints: Sequence[TaintObject], change: TaintChange) -> tuple[str, list[dict[str, Any]]]:
    """(what was done, the taints that result) for the SyncTarget of that name.

    A taint that stays as it is keeps its `timeAdded`. Raises ValueError for a taint that is there already, unless
    overwriting, and for one to remove that is not there.
    """
    taken = [taint["key"] for new in change.add for taint in taints if new.matches(taint)]
    if taken and not change.overwrite:
        raise ValueError(
            f"SyncTarget {name} already has {', '.join(taken)} taint(s) with same effect(s) and --overwrite is false"
        )
    missing = [str(gone) for gone in change.remove if not any(gone.matches(taint) for taint in taints)]
    if missing:
        raise ValueError("; ".join(f'taint "{each}" not found on SyncTarget {name}' for each in missing))
    kept = [
        dict(taint)
        for taint in taints
        if not any(each.matches(taint) for each in change.remove) and not _replaced(taint, change.add)
    ]
    new = [
        {"key": each.key, **({"value": each.value} if each.value else {}), "effect": each.effect}
        for each in change.add
        if not any(each.matches(taint) for taint in kept)
    ]
    if change.overwrite or (change.add and change.remove):
        return MODIFIED, [*kept, *new]
    return TAINTED if change.add else UNTAINTED, [*kept, *new]


def _replaced(taint: TaintObject, add: Sequence[TaintArgument]) -> bool:
    return any(each.matches(taint) and each.value != taint.get("value", "") for each in add)
