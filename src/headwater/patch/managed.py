"""Field ownership: server-side apply, and the managedFields bookkeeping of every other write.

Semantics are those of Kubernetes' field manager over structured-merge-diff. Fields are compared as they are, without
conversion between versions. The FieldsV1 trees in a result may be the very objects found in the input: trees are shared
and never changed in place. Everything else in a result belongs to the caller alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from headwater.base import jsonio
from headwater.machinery.errors import BadRequest
from headwater.machinery.objects import Object, deep_copy
from headwater.patch import lastapplied, managers
from headwater.patch.compare import compare
from headwater.patch.conflicts import apply_conflict
from headwater.patch.fieldset import Node, intersect, subtract_exactly, subtract_root, union_root, without_inner
from headwater.patch.fieldtypes import RootType, root_type
from headwater.patch.managers import APPLY, UPDATE, Manager
from headwater.patch.typedmerge import merge, named_as_members, remove

_NOTHING: frozenset[str] = frozenset()
_STATUS = frozenset({"status"})


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """The object after an apply, and whether it differs from the live one (managedFields counted)."""

    object: Object
    changed: bool


def update(
    live: Object | None,
    new: Object,
    *,
    manager: str,
    schema: Object | None,
    api_version: str,
    now: str,
    subresource: str = "",
    ignore: frozenset[str] | None = None,
) -> None:
    """Set `new`'s metadata.managedFields for a create, update or patch by `manager` at time `now` (RFC 3339).

    `live` is the stored object, None on create. `ignore` names top-level fields that this endpoint doesn't write; left
    out, that is `status` for the object itself and all but `status` for its status. A write to an object without any
    managed fields isn't tracked (it was reset with `[{}]`). A managedFields value that can't be read is replaced by the
    stored one, never refused.
    """
    metadata: Object = new.setdefault("metadata", {})
    stored = ((live.get("metadata") or {}) if live else {}).get("managedFields")
    owners = _owners_of_update(stored, metadata.get("managedFields"), subresource)
    if owners is None or (live is not None and not owners):
        metadata.pop("managedFields", None)
        return
    if ignore is None:
        ignore = _ignored(subresource, new, live)
    touched, removed = compare(root_type(schema), live or {}, new, ignore=ignore)
    if not touched and not removed and metadata.get("managedFields") == stored:
        return
    mine = Manager(manager, UPDATE, api_version, subresource, now, touched)
    owners = _after_update(owners, mine, removed)
    if owners:
        metadata["managedFields"] = managers.encode(managers.cap(owners))
    else:
        metadata.pop("managedFields", None)


def _owners_of_update(stored: object, sent: object, subresource: str) -> list[Manager] | None:
    """The owners that an update starts from; None when it resets them."""
    if not subresource and sent and sent != stored:
        if managers.is_reset(sent):
            return None
        if managers.is_wellformed(sent):
            return managers.decode(sent)
    return managers.decode(stored) or []


def _after_update(owners: list[Manager], mine: Manager, removed: Node) -> list[Manager]:
    result = []
    touched = mine.fields
    entered = not touched
    for owner in owners:
        if owner.key == mine.key:
            fields = union_root(subtract_root(owner.fields, removed), touched)
            owner = owner._replace(fields=fields, time=mine.time if touched else owner.time)
            entered = True
        else:
            fields = subtract_root(subtract_root(owner.fields, touched), removed)
            if fields is not owner.fields:
                owner = owner._replace(fields=fields)
        if owner.fields:
            result.append(owner)
    if not entered:
        result.append(mine)
    return result


def apply(
    live: Object | None,
    applied: Object,
    *,
    manager: str,
    force: bool,
    schema: Object | None,
    api_version: str,
    now: str,
    subresource: str = "",
    ignore: frozenset[str] | None = None,
) -> ApplyResult:
    """Server-side apply of the configuration `applied` onto `live` (None: the object doesn't exist yet).

    Raises Conflict with FieldManagerConflict causes when the configuration would change fields of other managers and
    `force` is false, BadRequest for configurations that can't be applied. `ignore` is as for `update`. An apply that
    changes nothing keeps managedFields and their times as they are.
    """
    if (applied.get("metadata") or {}).get("managedFields"):
        raise BadRequest("metadata.managedFields must be nil")
    kind = root_type(schema)
    if ignore is None:
        ignore = _ignored(subresource, applied, live)
    stored = ((live.get("metadata") or {}) if live else {}).get("managedFields")
    owners = managers.decode(stored) or []
    if live is not None and not owners:
        owners = _before_first_apply(kind, live, api_version, now, ignore)
    target = _copy_without_owners(live) if live is not None else {}
    mine = Manager(manager, APPLY, api_version, subresource, now, {})
    merged = merge(kind, target, deep_copy(applied), ignore=ignore)
    mine = mine._replace(fields=merged.applied)
    last = next((owner for owner in owners if owner.key == mine.key), None)
    others = [owner for owner in owners if owner is not last]
    dropped = _dropped(kind, mine, last, others)
    if dropped:
        remove(kind, target, dropped)
    others = _settle(kind, live, others, merged.touched, dropped, manager=manager, force=force)
    modified = merged.identity_changed or bool(merged.touched) or bool(dropped)
    if last is not None and not modified and last.fields == mine.fields and last.api_version == api_version:
        mine = last
    after = [*others, mine] if mine.fields else others
    changed = modified or live is None or after != [*(o for o in owners if o is not last), *([last] if last else [])]
    if changed and after:
        target.setdefault("metadata", {})["managedFields"] = managers.encode(managers.cap(after))
    elif stored and not changed:
        target["metadata"]["managedFields"] = stored
    if changed:
        lastapplied.refresh(target, applied, manager=manager)
    return ApplyResult(target, changed)


def keep_times(obj: Object, old: Object) -> None:
    """Give `obj` the managedFields of `old` when times in there are all that differs.

    For the last moment before a write: what an apply changed may be undone by defaults (an atomic list applied without
    them), and such an apply must not be a write each time it is repeated.
    """
    metadata, old_metadata = obj.get("metadata") or {}, old.get("metadata") or {}
    entries, old_entries = metadata.get("managedFields"), old_metadata.get("managedFields")
    if not entries or not old_entries or entries == old_entries or len(entries) != len(old_entries):
        return
    rest = (
        {**body, "metadata": {**meta, "managedFields": None}} for body, meta in ((obj, metadata), (old, old_metadata))
    )
    if next(rest) != next(rest):
        return
    if {_timeless(entry) for entry in entries} != {_timeless(entry) for entry in old_entries}:
        return
    metadata["managedFields"] = old_entries


def _timeless(entry: Object) -> bytes:
    return jsonio.dumps_sorted({key: value for key, value in entry.items() if key != "time"})


def _copy_without_owners(live: Object) -> Object:
    copied: Object = {key: deep_copy(value) for key, value in live.items() if key != "metadata"}
    metadata = live.get("metadata") or {}
    copied["metadata"] = {key: deep_copy(value) for key, value in metadata.items() if key != "managedFields"}
    return copied


def _ignored(subresource: str, new: Object, live: Object | None) -> frozenset[str]:
    if not subresource:
        return _STATUS
    if subresource != "status":
        return _NOTHING
    fields = set(new) | set(live or ())
    return frozenset(fields - {"status", "apiVersion", "kind"})


def _before_first_apply(
    kind: RootType, live: Object, api_version: str, now: str, ignore: frozenset[str]
) -> list[Manager]:
    fields = compare(kind, {}, live, ignore=ignore).touched
    return [Manager(managers.BEFORE_FIRST_APPLY, UPDATE, api_version, "", now, fields)] if fields else []


def _dropped(kind: RootType, mine: Manager, last: Manager | None, others: list[Manager]) -> Node:
    """What this manager applied the last time, applies no longer, and nobody else owns."""
    if last is None or not subtract_exactly(last.fields, mine.fields):
        return {}
    owned = mine.fields
    for owner in others:
        owned = union_root(owned, owner.fields)
    before, after = named_as_members(kind, last.fields), named_as_members(kind, owned)
    return without_inner(subtract_exactly(before, after) or {})


def _settle(
    kind: RootType,
    live: Object | None,
    others: list[Manager],
    touched: Node,
    dropped: Node,
    *,
    manager: str,
    force: bool,
) -> list[Manager]:
    """Other managers after this apply: they lose what was forced from them and what is gone."""
    if touched and not force:
        conflicts = [
            (owner, fields) for owner in others if owner.fields and (fields := intersect(owner.fields, touched))
        ]
        if conflicts:
            conflicts = lastapplied.without_own(kind, live, conflicts, manager=manager)
        if conflicts:
            raise apply_conflict(conflicts)
    result = []
    for owner in others:
        fields = subtract_root(subtract_root(owner.fields, touched), dropped)
        if fields is not owner.fields:
            owner = owner._replace(fields=fields)
        if fields:
            result.append(owner)
    return result
