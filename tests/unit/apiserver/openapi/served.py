"""Resources to make documents of, and a reader of protobuf's wire format that knows no message types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headwater.apis.kube.schemas import KubeKind, kube_kinds


@dataclass(frozen=True, kw_only=True)
class Served:
    """A resource as the builders see it."""

    group: str
    version: str
    resource: str
    kind: str
    list_kind: str
    namespaced: bool
    verbs: tuple[str, ...]
    subresources: frozenset[str] = frozenset()
    raw_schema: dict[str, Any] | None = None
    native: bool = False
    native_merge: bool = False


def native(kind: KubeKind) -> Served:
    """A built-in kind as the server serves it."""
    return Served(
        group=kind.group,
        version=kind.version,
        resource=kind.plural,
        kind=kind.kind,
        list_kind=kind.list_kind,
        namespaced=kind.namespaced,
        verbs=kind.verbs,
        subresources=kind.subresources,
        native=True,
        native_merge=True,
    )


NATIVE = [native(kind) for kind in kube_kinds().values() if kind.verbs]
ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
CRON_TAB_SCHEMA = {
    "type": "object",
    "description": "CronTab runs things.",
    "required": ["spec"],
    "properties": {
        "metadata": {"type": "object"},
        "spec": {
            "type": "object",
            "description": "What to run.",
            "properties": {
                "image": {"type": "string", "description": "What image."},
                "slack": {"x-kubernetes-int-or-string": True},
                "free": {
                    "type": "object",
                    "x-kubernetes-preserve-unknown-fields": True,
                    "properties": {"a": {"type": "string"}},
                },
                "maybe": {"type": "string", "nullable": True},
                "parts": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
                },
                "tags": {"type": "object", "additionalProperties": {"type": "string"}},
            },
            "x-kubernetes-validations": [{"rule": "true"}],
        },
    },
}
CRON_TABS = Served(
    group="stable.example.com",
    version="v1",
    resource="crontabs",
    kind="CronTab",
    list_kind="CronTabList",
    namespaced=True,
    verbs=ALL_VERBS,
    subresources=frozenset({"status", "scale"}),
    raw_schema=CRON_TAB_SCHEMA,
)
SITES = Served(
    group="stable.example.com",
    version="v1",
    resource="sites",
    kind="Site",
    list_kind="SiteList",
    namespaced=False,
    verbs=("get", "list"),
)

Fields = dict[int, list[Any]]


def fields(data: bytes) -> Fields:
    """The fields of a message by number: bytes of length-delimited ones, numbers of varints."""
    out: Fields = {}
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        value, position = _varint(data, position)
        if tag & 7 == 2:
            out.setdefault(tag >> 3, []).append(data[position : position + value])
            position += value
        else:
            assert tag & 7 == 0
            out.setdefault(tag >> 3, []).append(value)
    return out


def named(data: bytes) -> tuple[str, bytes]:
    """The name and value of a map entry."""
    entry = fields(data)
    return entry[1][0].decode(), entry.get(2, [b""])[0]


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position
