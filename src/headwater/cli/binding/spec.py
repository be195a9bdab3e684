"""The Placement that the flags of `bind compute` ask for (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.base.hashing import base36_sha224
from headwater.machinery.labels import Requirement, Selector, label_selector_of, parse_selector
from headwater.machinery.objects import Object
from headwater.machinery.selectorgrammar import DOUBLE_EQUALS, EQUALS, IN

MODES = {"duplicated": "Duplicated", "divided": "Divided"}
DIVISIONS = {"weights": "Weights", "freecapacity": "FreeCapacity"}
_COMMA = re.compile(r",(?![^(]*\))")
_FEATURES = ("cell", "location", "label")
_EFFECTS = ("NoSchedule", "NoExecute")
_DEFAULTS: Mapping[str, Any] = {
    "namespaceSelector": {},
    "locationSelector": {},
    "locationWorkspace": "",
    "syncTargetSelector": {},
    "targets": {"min": 1, "max": 1},
    "spread": [],
    "replicas": {"mode": "Duplicated", "divideBy": "Weights", "weights": {}},
    "tolerations": [],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeFlags:
    """What was asked for, as it was written."""

    location_workspace: str
    namespace_selector: str = ""
    location_selectors: tuple[str, ...] = ()
    sync_target_selector: str = ""
    workload_selector: str = ""
    minimum: int = 1
    maximum: int | None = None
    spread: tuple[str, ...] = ()
    mode: str = "duplicated"
    divide_by: str = "weights"
    weights: tuple[str, ...] = ()
    tolerations: tuple[str, ...] = ()

    def placement_name(self) -> str:
        """kcp's: from a hash of the selectors and the location workspace, so that the same call means the same one."""
        identity = f"{self.namespace_selector}{','.join(self.location_selectors)}{self.location_workspace}"
        more = f"\n{self.sync_target_selector}\n{self.workload_selector}".rstrip()
        return f"placement-{base36_sha224(identity + more)[:8]}"


def placement_spec(flags: ComputeFlags) -> Object:
    """The spec. Raises ValueError that names the flag."""
    maximum = max(1, flags.minimum) if flags.maximum is None else flags.maximum
    if flags.minimum > maximum:
        raise ValueError("--min-targets must not be greater than --max-targets")
    if flags.weights and flags.mode != "divided":
        raise ValueError("--weights are for --replicas-mode Divided")
    if flags.weights and flags.divide_by != "weights":
        raise ValueError("--weights and --divide-by FreeCapacity exclude each other")
    spec: Object = {
        "namespaceSelector": _label_selector(flags.namespace_selector, "namespace selector"),
        "locationSelector": any_of(flags.location_selectors),
        "locationWorkspace": flags.location_workspace,
        "targets": {"min": flags.minimum, "max": maximum},
        "replicas": {"mode": MODES[flags.mode], "divideBy": DIVISIONS[flags.divide_by]},
    }
    if flags.weights:
        spec["replicas"]["weights"] = _weights(flags.weights)
    if flags.sync_target_selector:
        spec["syncTargetSelector"] = _label_selector(flags.sync_target_selector, "sync target selector")
    if flags.workload_selector:
        spec["workloadSelector"] = _label_selector(flags.workload_selector, "workload selector")
    if flags.spread:
        spec["spread"] = [_spread(each) for each in flags.spread]
    if flags.tolerations:
        spec["tolerations"] = [_toleration(each) for each in flags.tolerations]
    return spec


def differing_fields(existing: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Fields of the spec in which a Placement is not what the flags ask for; what no flag is about does not count."""
    fields = [*_DEFAULTS, "workloadSelector"]
    return [each for each in fields if _complete(each, existing.get(each)) != _complete(each, wanted.get(each))]


def split_selectors(text: str) -> list[str]:
    """The selectors of a list as kcp writes it: commas separate them, except those inside of parentheses."""
    return [each.strip() for each in _COMMA.split(text)]


def any_of(texts: Sequence[str]) -> Object:
    """One label selector that matches what any of several does.

    Selectors can be joined when they differ in the values of one key only. Raises ValueError for others.
    """
    selectors = [_selector(text, "location selector") for text in texts]
    if not selectors or any(not each.requirements for each in selectors):
        return {}
    terms = [{_term_key(each): each for each in selector.requirements} for selector in selectors]
    if any(each.keys() != terms[0].keys() for each in terms):
        raise ValueError(_cannot_join(texts))
    varying = [key for key in terms[0] if len({str(each[key]) for each in terms}) > 1]
    if not varying:
        return label_selector_of(selectors[0])
    if len(varying) > 1 or varying[0][1] != IN:
        raise ValueError(_cannot_join(texts))
    key = varying[0]
    values = tuple(sorted({value for each in terms for value in each[key].values}))
    rest = [each for other, each in terms[0].items() if other != key]
    return label_selector_of(Selector([*rest, Requirement(key[0], IN, values)]))


def _term_key(requirement: Requirement) -> tuple[str, str]:
    equal = requirement.operator in (EQUALS, DOUBLE_EQUALS, IN)
    return requirement.key, IN if equal else requirement.operator


def _cannot_join(texts: Sequence[str]) -> str:
    return (
        f"locations that match any of {' or '.join(repr(each) for each in texts)} can't be asked for by one Placement, "
        "only values of one label: give the locations a label in common, or bind once for each. "
        "For locations that match all of them, separate them by commas in one --location-selector."
    )


def _selector(text: str, what: str) -> Selector:
    try:
        return parse_selector(text)
    except ValueError as error:
        raise ValueError(f"{what} format not correct: {error}") from error


def _label_selector(text: str, what: str) -> Object:
    try:
        return label_selector_of(_selector(text, what))
    except ValueError as error:
        raise ValueError(str(error) if what in str(error) else f"{what} format not correct: {error}") from error


def _spread(text: str) -> Object:
    """`cell`, `location`, `label:KEY`, each with `=SKEW` for more than one."""
    feature, _, skew = text.rpartition("=") if "=" in text else (text, "", "1")
    by, _, label = feature.partition(":")
    if by not in _FEATURES or (by == "label") != bool(label) or not skew.isdecimal() or skew == "0":
        raise ValueError(f"--spread {text!r}: want cell, location or label:KEY, with =N for a greatest difference of N")
    return {"by": by, **({"label": label} if label else {}), "maxSkew": int(skew)}


def _toleration(text: str) -> Object:
    """`KEY`, `KEY:EFFECT`, `KEY=VALUE:EFFECT`, the last two with `:SECONDS` for NoExecute taints."""
    label, *more = text.split(":")
    key, equals, value = label.partition("=")
    effect, seconds = [*more, "", ""][:2]
    wrong = len(more) > 2 or not key or (effect and effect not in _EFFECTS)
    if wrong or (seconds and (not seconds.isdecimal() or effect != "NoExecute")):
        raise ValueError(f"--tolerations {text!r}: want KEY[=VALUE][:NoSchedule|:NoExecute[:SECONDS]]")
    toleration: Object = {"key": key, "operator": "Equal" if equals else "Exists"}
    toleration |= {"value": value} if equals else {}
    toleration |= {"effect": effect} if effect else {}
    return toleration | ({"tolerationSeconds": int(seconds)} if seconds else {})


def _weights(texts: Sequence[str]) -> dict[str, int]:
    weights: dict[str, int] = {}
    for text in (part for each in texts for part in each.split(",") if part):
        name, equals, weight = text.partition("=")
        if not name or not equals or not weight.isdecimal():
            raise ValueError(f"--weights {text!r}: want SYNC-TARGET=NUMBER")
        weights[name] = int(weight)
    return weights


def _complete(field: str, value: Any) -> Any:
    default = _DEFAULTS.get(field)
    if isinstance(default, dict) and default:
        return {**default, **(value or {})}
    return value or default
