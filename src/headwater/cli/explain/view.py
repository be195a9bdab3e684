"""Shows an explanation: a sentence, a row for each pcluster, and what was decided before (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from headwater.cli.amounts import NONE, age
from headwater.cli.output import table

IN_USE = ("Chosen", "Kept", "Held")
_ORDER = {"Kept": 0, "Held": 1, "Chosen": 2, "Spare": 3, "Rejected": 4}
_SHOWN = 50

_Entry = Mapping[str, Any]


def explanation_text(document: _Entry, now: datetime, *, wide: bool = False) -> str:
    """The whole as text. Without `wide` pclusters beyond fifty are only counted."""
    status = document.get("status") or {}
    ordered = sorted(status.get("targets") or (), key=_order)
    sections = [sentence(status, now)]
    if ordered:
        several = len(status.get("placements") or ()) > 1
        sections.append(_targets(ordered if wide else ordered[:_SHOWN], now, wide=wide, several=several))
        hidden = 0 if wide else len(ordered) - _SHOWN
        if hidden > 0:
            sections[-1] += f"\n... and {hidden} more (-o wide shows all)"
    if status.get("truncated"):
        sections.append("There are more pclusters than the control plane tells.")
    history = [
        [age(each.get("at"), now), ",".join(each.get("targets") or ()) or NONE, each.get("cause", "")]
        for each in reversed(status.get("history") or ())
    ]
    if history:
        sections.append("Before:\n" + table(["AGE", "TARGETS", "CAUSE"], history))
    return "\n\n".join(sections)


def sentence(status: _Entry, now: datetime) -> str:
    """Where it runs, since when, by which Placements, and why not all of it."""
    used = sorted((each for each in status.get("targets") or () if each.get("decision") in IN_USE), key=_order)
    workload = status.get("workload") or {}
    what = f"{workload.get('resource', 'workload')}/{workload.get('name', '')}"
    message = str(status.get("message") or "").rstrip(".")
    if not used:
        return f"{what} runs nowhere: {message or 'the control plane has not decided yet; ask again in a moment'}."
    where = " and ".join(_used(each, now) for each in used)
    placements = status.get("placements") or ()
    by = f", by Placement {' and '.join(placements)}" if placements else ""
    text = f"{what} is placed on {where}{by}."
    if status.get("scheduled") != "True":
        text += f" Not all of it: {message or 'some replicas are without a pcluster'}."
    elif message:
        text += f" {message}."
    refusing = [each["name"] for each in used if each.get("refused")]
    if refusing:
        text += f" But {' and '.join(refusing)} {'refuses' if len(refusing) == 1 else 'refuse'} it as it is now."
    unseen = [f"{each['unseenPods']['count']} on {each['name']}" for each in used if each.get("unseenPods")]
    if unseen:
        text += (
            f" Pods are not shown in the workspace, as another pcluster's have their names: {' and '.join(unseen)}."
            " A StatefulSet for each pcluster, or a spec diff with another first ordinal for one, shows them all."
        )
    return text


def _used(target: _Entry, now: datetime) -> str:
    parts = [_running(target)]
    if target.get("since"):
        parts.append(f"since {age(target['since'], now)}")
    if target.get("decision") == "Held":
        parts.append("for want of another")
    if target.get("reachable") is False:
        parts.append(f"unreachable, last heard of {age(target.get('lastHeartbeatTime'), now)} ago")
    return f"{target['name']} ({', '.join(parts)})"


def ready(target: _Entry) -> str:
    """`2/3`: ready replicas as last reported, of those that the target should run; `?/3` while it can't be reached.

    A DaemonSet should run as many as its pcluster says.
    """
    reported: Mapping[str, Any] = target.get("reported") or {}
    wanted = reported.get("desiredNumberScheduled", target.get("replicas", 0))
    if target.get("reachable") is False:
        return f"?/{wanted}"
    return f"{reported.get('readyReplicas', 0)}/{wanted}"


def _running(target: _Entry) -> str:
    """`2/3 ready`, or `3 completed` of a Job that has nothing left to run there."""
    succeeded = (target.get("reported") or {}).get("succeeded")
    if succeeded and not target.get("replicas"):
        return f"{succeeded} completed"
    return f"{ready(target)} ready"


def _order(target: _Entry) -> tuple[int, int, str]:
    rank = target.get("rank")
    return _ORDER.get(target.get("decision", ""), len(_ORDER)), 1 << 31 if rank is None else int(rank), target["name"]


def _targets(targets: Sequence[_Entry], now: datetime, *, wide: bool, several: bool) -> str:
    """A row for each target, and one more for each further reason. Of `several` Placements each has its own rows."""
    titles = ["TARGET", "DECISION", "REPLICAS", "SCORE", "SINCE", "WHY"]
    titles += ["TO-ADMIT", "PLACEMENT", "LOCATION", "REPORTED", "KEY"] if wide else []
    titles[1:1] = ["PLACEMENT"] if several and not wide else []
    rows = []
    for target in targets:
        used = target.get("decision") in IN_USE
        first, *further = _reasons(target, now, wide=wide)
        rows.append(
            [
                target["name"],
                *([target.get("placement", "")] if several and not wide else ()),
                target.get("decision", ""),
                ready(target) if used else "-",
                _score(target, wide=wide),
                age(target["since"], now) if target.get("since") else "-",
                *first,
                *(_origin(target, now) if wide else ()),
            ]
        )
        rows += [[*[""] * titles.index("WHY"), *each, *([""] * 4 if wide else ())] for each in further]
    return table(titles, rows)


def _score(target: _Entry, *, wide: bool) -> str:
    """Scores in the order in which they count; those of zero, and of what is refused, with `wide` only."""
    if target.get("decision") == "Rejected" and not wide:
        return "-"
    shown = [f"{name}={value:g}" for name, value in (target.get("scores") or {}).items() if value or wide]
    if not shown and target.get("rank") is not None:
        shown = [f"rank={target['rank']}"]
    return ",".join(shown) or "-"


def _reasons(target: _Entry, now: datetime, *, wide: bool) -> list[list[str]]:
    """[message with what would admit it], or with `wide` [message, what would admit it], one for each reason."""
    found = []
    if "leaving" in target:
        told = f"was told {age(target['leaving'], now)} ago to go" if target["leaving"] else "waits for the others"
        found.append([f"still has a copy, which {told}", ""])
    if target.get("reachable") is False:
        at = (target.get("reported") or {}).get("at")
        known = f"; what it reported is {age(at, now)} old" if at else ""
        found.append([f"unreachable for {age(target.get('lastHeartbeatTime'), now)}{known}", ""])
    if target.get("refused"):
        found.append([f"its pcluster refuses it: {target['refused']}", ""])
    if target.get("unseenPods"):
        found.append([_unseen(target["unseenPods"]), ""])
    found += [
        [each.get("message") or each.get("reason", ""), each.get("admit", "")] for each in target.get("reasons") or ()
    ]
    if wide:
        return [[why or "-", admit or "-"] for why, admit in found] or [["-", "-"]]
    return [[f"{why} -> {admit}" if admit else why] for why, admit in found] or [["-"]]


def _unseen(pods: _Entry) -> str:
    """Which pods the workspace does not show, and where on the pcluster they are."""
    more = pods["count"] - len(pods["names"])
    names = ", ".join(pods["names"]) + (f" and {more} more" if more > 0 else "")
    where = f", see namespace {pods['namespace']} there" if pods.get("namespace") else ""
    return f"not shown in the workspace: {names}{where}"


def _origin(target: _Entry, now: datetime) -> list[str]:
    at = (target.get("reported") or {}).get("at")
    reported = f"{age(at, now)} ago" if at else "-"
    return [target.get("placement") or "-", target.get("location") or "-", reported, target.get("key", "")]
