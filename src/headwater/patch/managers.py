"""The entries of metadata.managedFields: who owns which set, at which version, since when."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from headwater.machinery.objects import Object
from headwater.patch.fieldset import Node, is_valid, union_root

APPLY = "Apply"
UPDATE = "Update"
ANCIENT_CHANGES = "ancient-changes"
BEFORE_FIRST_APPLY = "before-first-apply"
MAXIMUM_UPDATE_MANAGERS = 10


class Manager(NamedTuple):
    """One entry. `time` is RFC 3339 text, empty when unknown; `fields` a FieldsV1 tree."""

    name: str
    operation: str
    api_version: str
    subresource: str
    time: str
    fields: Node

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes two entries the same manager; one applier can't own fields at two versions."""
        version = "" if self.operation == APPLY else self.api_version
        return (self.operation, self.name, version, self.subresource)

    def describe(self) -> str:
        """The manager as conflict messages name it."""
        text = f'"{self.name}"'
        if self.subresource:
            text = f'{text} with subresource "{self.subresource}"'
        return f"{text} using {self.api_version}" if self.operation == UPDATE else text


def decode(entries: Any) -> list[Manager] | None:
    """Managers of a managedFields value; None when it isn't one (then Kubernetes keeps what was stored)."""
    if not isinstance(entries, list):
        return None if entries is not None else []
    managers = []
    for entry in entries:
        fields = entry.get("fieldsV1") if isinstance(entry, dict) else None
        if fields is None or entry.get("operation") not in (APPLY, UPDATE) or entry.get("fieldsType") != "FieldsV1":
            return None
        managers.append(
            Manager(
                entry.get("manager", ""),
                entry["operation"],
                entry.get("apiVersion", ""),
                entry.get("subresource", ""),
                entry.get("time") or "",
                fields,
            )
        )
    return managers


def is_wellformed(entries: Any) -> bool:
    """Whether entries that a client sent can be used: known operations, text where text belongs, FieldsV1 trees."""
    if not isinstance(entries, list) or decode(entries) is None:
        return False
    texts = ("manager", "apiVersion", "subresource", "time")
    return all(
        is_valid(entry["fieldsV1"]) and all(isinstance(entry.get(key) or "", str) for key in texts) for entry in entries
    )


def is_reset(entries: Any) -> bool:
    """Whether a write asks to forget all owners: exactly one empty entry."""
    return isinstance(entries, list) and len(entries) == 1 and entries[0] == {}


def encode(managers: Iterable[Manager]) -> list[Object]:
    """The managedFields value: appliers first, then by time, name, version, subresource, as Kubernetes sorts them."""
    ordered = sorted(managers, key=lambda m: (m.operation, m.time, m.name, m.api_version, m.subresource))
    return [_encode_one(manager) for manager in ordered]


def _encode_one(manager: Manager) -> Object:
    entry: Object = {"manager": manager.name, "operation": manager.operation, "apiVersion": manager.api_version}
    if manager.time:
        entry["time"] = manager.time
    entry["fieldsType"] = "FieldsV1"
    entry["fieldsV1"] = manager.fields
    if manager.subresource:
        entry["subresource"] = manager.subresource
    return entry


def cap(managers: list[Manager]) -> list[Manager]:
    """Merge the oldest updating managers of a version into `ancient-changes` until at most ten entries are left.

    Versions are never mixed, so an object written at many versions may keep more entries.
    """
    updaters = [manager for manager in managers if manager.operation == UPDATE]
    excess = len(updaters) - MAXIMUM_UPDATE_MANAGERS
    if excess <= 0:
        return managers
    updaters.sort(key=lambda m: (m.time, m.key))
    first_of_version: dict[str, Manager] = {}
    kept = {manager.key: manager for manager in managers}
    for manager in updaters:
        if excess <= 0:
            break
        first = first_of_version.get(manager.api_version)
        if first is None:
            first_of_version[manager.api_version] = manager
            continue
        bucket_key = (UPDATE, ANCIENT_CHANGES, manager.api_version, "")
        bucket = kept.get(bucket_key)
        if bucket is None:
            del kept[first.key]
            bucket = first._replace(name=ANCIENT_CHANGES, subresource="")
        elif manager.key == bucket_key:
            continue
        fields = union_root(bucket.fields, manager.fields)
        kept[bucket_key] = bucket._replace(fields=fields, time=manager.time)
        del kept[manager.key]
        excess -= 1
    return list(kept.values())
