"""What the writing operations of the store are given, and what they start from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from headwater.apiserver.registry.options import Warn, no_warning
from headwater.apiserver.resources import ResourceInfo

if TYPE_CHECKING:
    from headwater.apiserver.authn.interface import UserInfo


class WriteRequest(NamedTuple):
    """What create, update, patch and delete have in common. `manager` names who owns the fields that are set."""

    info: ResourceInfo
    cluster: str
    namespace: str
    name: str
    user: UserInfo
    manager: str = "unknown"
    subresource: str = ""
    dry_run: bool = False
    field_validation: str = "Warn"
    warn: Warn = no_warning
    duplicates: Sequence[str] = ()
    patch: bytes | None = None


class Current(NamedTuple):
    """The stored state that a write starts from; `value` carries the resourceVersion."""

    key: str
    value: bytes
    revision: int
