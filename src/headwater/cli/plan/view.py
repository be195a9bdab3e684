"""Shows a plan: a sentence, then what moves, what dips, what does not fit, and the load of each pcluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from headwater.cli.amounts import amount
from headwater.cli.output import table

FORMATS = ("table", "wide", "json", "yaml")
_SHOWN = 20
_RESOURCES = ("cpu", "memory")

_Status = Mapping[str, Any]


def print_plan(plan: Mapping[str, Any], output: str | None) -> None:
    """Print a plan in the chosen format."""
    from headwater.base import jsonio, yamlio

    if output in ("json", "yaml"):
        click.echo(jsonio.dumps_pretty(plan).decode() if output == "json" else yamlio.dump(dict(plan)), nl=False)
    else:
        click.echo(plan_text(plan.get("status") or {}, wide=output == "wide"))


def troubled(plan: Mapping[str, Any]) -> bool:
    """True when something would dip or would not fit."""
    status = plan.get("status") or {}
    summary = status.get("summary") or {}
    return any(summary.get(part) or status.get(part) for part in ("dips", "unplaced"))


def plan_text(status: _Status, *, wide: bool = False) -> str:
    """The whole as text. Without `wide` long lists are cut, and say so."""
    sections = [sentence(status)]
    for title, titles, rows in (
        ("Moves", ["WORKLOAD", "FROM", "TO", "CAUSE"], [_move(each, wide) for each in status.get("moves") or ()]),
        (
            "Fewer replicas ready for a while",
            ["WORKLOAD", "WANTED", "AT-LEAST", "CAUSE"],
            [_dip(each, wide) for each in status.get("dips") or ()],
        ),
        (
            "Does not fit",
            ["WORKLOAD", "REPLICAS", "WHY"],
            [_unplaced(each, wide) for each in status.get("unplaced") or ()],
        ),
    ):
        if rows:
            sections.append(f"{title}:\n{_cut(titles, rows, wide=wide)}")
    loads = _loads(status.get("targets") or (), wide=wide)
    if loads:
        sections.append(f"Requested on each pcluster, of what it has:\n{loads}")
    if status.get("truncated"):
        sections.append("The lists are longer than the control plane tells; the counts are complete.")
    return "\n\n".join(sections)


def sentence(status: _Status) -> str:
    """The outcome in one line."""
    summary = status.get("summary") or {}
    moves, dips, unplaced = (summary.get(part, len(status.get(part) or ())) for part in ("moves", "dips", "unplaced"))
    of_all = f" of {summary['workloads']}" if "workloads" in summary else ""
    plural = "" if moves == 1 and not of_all else "s"
    moving = f"{moves}{of_all} workload{plural} would move" if moves else "No workload would move"
    if not dips and not unplaced:
        return f"{moving}; none would have fewer ready replicas on the way{', and all fit' if moves else ''}."
    parts = [moving]
    parts += [f"{dips} would have fewer ready replicas for a while"] if dips else []
    parts += [f"{unplaced} would not fit"] if unplaced else []
    return "; ".join(parts) + "."


def _workload(entry: _Status, wide: bool) -> str:
    resource = str(entry.get("resource", ""))
    parts = [entry.get("namespace", ""), resource if wide else resource.partition(".")[0], entry.get("name", "")]
    inside = "/".join(part for part in parts if part)
    return f"{entry['workspace']}|{inside}" if wide and entry.get("workspace") else inside


def shares(targets: Mapping[str, int] | None) -> str:
    """`east:3,west:1`, the targets in order of their names."""
    return ",".join(f"{name}:{replicas}" for name, replicas in sorted((targets or {}).items())) or "<none>"


def _move(entry: _Status, wide: bool) -> list[str]:
    return [_workload(entry, wide), shares(entry.get("before")), shares(entry.get("after")), entry.get("cause", "")]


def _dip(entry: _Status, wide: bool) -> list[str]:
    return [_workload(entry, wide), str(entry.get("wanted", 0)), str(entry.get("floor", 0)), entry.get("cause", "")]


def _unplaced(entry: _Status, wide: bool) -> list[str]:
    reasons = [each if isinstance(each, str) else each.get("message", "") for each in entry.get("reasons") or ()]
    few = [f"on {entry['targets']} SyncTargets fewer than targets.min"] if entry.get("targets") else []
    return [_workload(entry, wide), str(entry.get("replicas", 0)), "; ".join([*few, *reasons])]


def _cut(titles: Sequence[str], rows: Sequence[Sequence[str]], *, wide: bool) -> str:
    text = table(titles, rows if wide else rows[:_SHOWN])
    hidden = 0 if wide else len(rows) - _SHOWN
    return f"{text}\n... and {hidden} more (-o wide shows all)" if hidden > 0 else text


def _loads(targets: Sequence[_Status], *, wide: bool) -> str:
    """A row for each pcluster whose load changes; with `wide` for all, and for all resources."""
    shown = [each for each in targets if wide or each.get("before") != each.get("after")]
    if not shown:
        return ""
    known = {part for each in shown for side in ("before", "after", "allocatable") for part in each.get(side) or ()}
    resources = [*(each for each in _RESOURCES if each in known), *sorted(known.difference(_RESOURCES) if wide else ())]
    titles = ["TARGET", *(part for each in resources for part in (f"{each.upper()}-BEFORE", "AFTER", "OF"))]
    rows = [
        [
            each["name"],
            *(
                amount(resource, (each.get(side) or {}).get(resource, None if side == "allocatable" else "0"))
                for resource in resources
                for side in ("before", "after", "allocatable")
            ),
        ]
        for each in shown
    ]
    return _cut(titles, rows, wide=wide)
