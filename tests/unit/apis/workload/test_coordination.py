"""Rules that the owner of an export declares for its workloads."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.apis.workload.coordination import (
    COORDINATION_ANNOTATION,
    CombinedField,
    CoordinationRule,
    parse_coordination,
)
from headwater.base import jsonio
from headwater.controlplane.admission.apiexport import check_coordination

BOATS = {
    "group": "example.org",
    "resource": "boats",
    "replicasPath": "spec.crew.size",
    "readyPath": "status.ready",
    "status": [{"fieldPath": "status.ready", "combine": "sum"}, {"fieldPath": "status.conditions", "combine": "worst"}],
}
HERE = f"metadata.annotations[{COORDINATION_ANNOTATION}]"


def text(*rules: Any) -> str:
    return jsonio.dumps(list(rules)).decode()


def test_a_rule() -> None:
    rules, problems = parse_coordination(text(BOATS, {"resource": "rafts"}))
    status = (CombinedField(("ready",), "sum"), CombinedField(("conditions",), "worst"))
    boats = CoordinationRule("example.org", "boats", ("crew", "size"), ("ready",), status)
    assert rules == (boats, CoordinationRule("", "rafts"))
    assert problems == ()


REFUSED: dict[str, tuple[str, str]] = {
    "not-json": ("[{", f"{HERE}: Invalid value"),
    "no-list": ("{}", f"{HERE}: Invalid value"),
    "too-long": (" " * 20_000, f"{HERE}: Too long"),
    "too-many": (text(*[BOATS] * 33), f"{HERE}: Too many"),
    "no-object": (text(1), f"{HERE}[0]: Invalid value"),
    "unknown-member": (text({**BOATS, "path": ""}), f'{HERE}[0]: Unsupported value: "path"'),
    "no-resource": (text({"group": "a"}), f"{HERE}[0].resource: Required value"),
    "bad-resource": (text({"resource": "Boats!"}), f"{HERE}[0].resource: Invalid value"),
    "bad-group": (text({**BOATS, "group": 3}), f"{HERE}[0].group: Invalid value: 3"),
    "replicas-in-status": (text({**BOATS, "replicasPath": "status.size"}), f"{HERE}[0].replicasPath: Invalid value"),
    "replicas-index": (text({**BOATS, "replicasPath": "spec.pools[0]"}), f"{HERE}[0].replicasPath: Invalid value"),
    "ready-in-spec": (text({**BOATS, "readyPath": "spec.size"}), f"{HERE}[0].readyPath: Invalid value"),
    "deep": (text({**BOATS, "readyPath": "status" + ".a" * 9}), f"{HERE}[0].readyPath: Invalid value"),
    "status-no-list": (text({**BOATS, "status": {}}), f"{HERE}[0].status: Invalid value"),
    "status-too-many": (text({**BOATS, "status": [{}] * 33}), f"{HERE}[0].status: Too many"),
    "no-path": (text({**BOATS, "status": [{"combine": "sum"}]}), f"{HERE}[0].status[0].fieldPath: Required value"),
    "bad-combine": (
        text({**BOATS, "status": [{"fieldPath": "status.a", "combine": "mean"}]}),
        f'{HERE}[0].status[0].combine: Unsupported value: "mean"',
    ),
    "overlap": (
        text({**BOATS, "status": [{"fieldPath": each, "combine": "max"} for each in ("status.a", "status.a.b")]}),
        f"{HERE}[0].status[1].fieldPath: Duplicate value",
    ),
    "twice": (text(BOATS, BOATS), f"{HERE}[1]: Duplicate value"),
}


@pytest.mark.parametrize(("given", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(given: str, expected: str) -> None:
    """The message names the field, and no rule of such an annotation is used."""
    rules, problems = parse_coordination(given)
    assert rules == ()
    assert str(problems[0]).startswith(expected)


def test_admission_looks_at_what_changes() -> None:
    """An export whose annotation was stored before it was checked can still be changed."""
    bad = {"metadata": {"annotations": {COORDINATION_ANNOTATION: "[{"}}}
    assert check_coordination(bad)
    assert check_coordination(bad, {"metadata": {}})
    assert not check_coordination(bad, bad)
    assert not check_coordination({"metadata": {}})
