"""The rights on a pcluster that a syncer needs, as rules of a role, and those that it has beyond them (pure)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from headwater.apis.sync.v1alpha1.synctarget import (
    CONDITION_SYNCER_OVERPRIVILEGED,
    REASON_UNNEEDED_RIGHTS,
    STATE_INCOMPATIBLE,
)
from headwater.machinery.conditions import TRUE, Condition, remove_condition, set_condition
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object
from headwater.syncer.target.choose import LACKS_RIGHTS, NEVER_SYNCED
from headwater.syncer.target.rights import NEEDED_VERBS

_LOOK_VERBS: Final = ["get", "list", "watch"]
_LOOKED_AT: Final = (
    ("", ["nodes"], _LOOK_VERBS),
    ("", ["pods"], _LOOK_VERBS),
    ("", ["endpoints"], _LOOK_VERBS),
    ("", ["events"], ["list", "watch"]),
    ("discovery.k8s.io", ["endpointslices"], _LOOK_VERBS),
)
_SYNC_VERBS: Final = sorted(NEEDED_VERBS)
_EVERYBODYS: Final = frozenset({"authorization.k8s.io", "authentication.k8s.io"})
"""API groups in which every user may ask about itself."""
_ANY: Final = "*"
_MAX_SHOWN: Final = 20
_LONGEST_LIST: Final = 800


def grantable(entries: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """(group, resource) of the entries of ``status.syncedResources`` that are synced, or would be with the rights.

    What the pcluster does not serve, or takes in another schema only, needs none.
    """
    return [
        (entry.get("group", ""), entry["resource"])
        for entry in entries
        if entry.get("state") != STATE_INCOMPATIBLE or str(entry.get("message", "")).startswith(LACKS_RIGHTS)
    ]


def needed_rules(
    resources: Iterable[tuple[str, str]], *, tunnel: bool = False, isolate_tenants: bool | None = None
) -> list[Object]:
    """Rules of the syncer's role: what it looks at, namespaces, synced resources by group, policies, access to pods.

    Tenants that are not isolated any more (False) take the right to remove their policies; None takes none.
    """
    by_group: dict[str, set[str]] = {"": {"configmaps", "secrets", "serviceaccounts"}}
    for group, resource in resources:
        if GroupResource(group, resource) not in NEVER_SYNCED:
            by_group.setdefault(group, set()).add(resource)
    rules: list[Object] = [
        {"apiGroups": [group], "resources": names, "verbs": verbs} for group, names, verbs in _LOOKED_AT
    ]
    rules.append({"apiGroups": [""], "resources": ["namespaces"], "verbs": _SYNC_VERBS})
    rules += [
        {"apiGroups": [group], "resources": sorted(names), "verbs": _SYNC_VERBS}
        for group, names in sorted(by_group.items())
    ]
    if isolate_tenants is not None:
        verbs = ["create", "get", "list", "update", "watch"] if isolate_tenants else ["delete", "list"]
        policies = {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"]}
        rules.append({**policies, "verbs": verbs})
    if tunnel:
        rules += [
            {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get"]},
            {
                "apiGroups": [""],
                "resources": ["pods/attach", "pods/exec", "pods/portforward"],
                "verbs": ["create", "get"],
            },
        ]
    return rules


def granting_words(sync_target: str, *, isolate_tenants: bool | None) -> str:
    """What a person does to give the syncer the rights that it needs as it runs now, and no others."""
    flags = "--role --isolate-tenants" if isolate_tenants else "--role"
    return (
        f"apply to the pcluster what `headwater sync-target manifest {sync_target} {flags}` prints "
        "in the SyncTarget's workspace"
    )


def unneeded(held: Iterable[Mapping[str, Any]], needed: Iterable[Mapping[str, Any]]) -> list[str]:
    """What the held rules allow beyond the needed ones, as `resource.group: verb, verb`, in order.

    Rules for objects by name count like all others; questions about oneself, which everybody may ask, don't.
    """
    wanted = _by_resource(needed)
    found = []
    for (group, resource), verbs in sorted(_by_resource(held).items()):
        if group in _EVERYBODYS:
            continue
        beyond = verbs - wanted.get((group, resource), frozenset())
        if beyond:
            found.append(f"{resource}.{group}: {_listed(beyond)}" if group else f"{resource}: {_listed(beyond)}")
    return found


def report_unneeded(sync_target: Object, rights: Sequence[str], how_to_mend: str, now: datetime) -> None:
    """Set or remove the condition that names unneeded rights, of many the first twenty. Changes `sync_target`."""
    if not rights:
        remove_condition(sync_target, CONDITION_SYNCER_OVERPRIVILEGED)
        return
    more = len(rights) - _MAX_SHOWN
    shown = "; ".join(rights[:_MAX_SHOWN]) + (f"; and {more} more" if more > 0 else "")
    message = f"the syncer has rights on the pcluster that it does not need: {shown}"[:_LONGEST_LIST]
    message = f"{message}; {how_to_mend}"
    set_condition(sync_target, Condition(CONDITION_SYNCER_OVERPRIVILEGED, TRUE, REASON_UNNEEDED_RIGHTS, message), now)


def _by_resource(rules: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for rule in rules:
        for group in rule.get("apiGroups") or ():
            for resource in rule.get("resources") or ():
                found.setdefault((group, resource), set()).update(rule.get("verbs") or ())
    return found


def _listed(verbs: Collection[str]) -> str:
    return _ANY if _ANY in verbs else ", ".join(sorted(verbs))
