"""What the upsyncer virtual workspace serves."""

from __future__ import annotations

from typing import Final

from headwater.apis.workload.upsync import may_come_up
from headwater.virtual.synctarget.domain import DomainResource, Surface

UPSYNCED: Final = Surface(
    builtins=(
        DomainResource("", "v1", "events", "Event", namespaced=True),
        DomainResource("", "v1", "secrets", "Secret", namespaced=True),
    ),
    serves=may_come_up,
    verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
)
"""What is brought up from a target."""
