"""Options of reads and writes, as parsed from a request; the store and its in-process callers share them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from headwater.machinery.fields import FieldSelector
from headwater.machinery.labels import Selector

PATCH_JSON = "application/json-patch+json"
PATCH_MERGE = "application/merge-patch+json"
PATCH_STRATEGIC = "application/strategic-merge-patch+json"
PATCH_APPLY = "application/apply-patch+yaml"
PATCH_APPLY_CBOR = "application/apply-patch+cbor"


class WriteOptions(NamedTuple):
    """Of create and update. `field_validation` is Strict, Warn or Ignore; `field_manager` "" takes the user agent's."""

    dry_run: bool = False
    field_manager: str = ""
    field_validation: str = "Warn"


class PatchOptions(NamedTuple):
    """Of patch. `force` is for apply only: take over fields that other managers own."""

    patch_type: str = PATCH_MERGE
    dry_run: bool = False
    field_manager: str = ""
    field_validation: str = "Warn"
    force: bool = False


class DeleteOptions(NamedTuple):
    """Of delete and deletecollection. `propagation_policy` is Orphan, Background, Foreground or "" (the kind's own)."""

    dry_run: bool = False
    grace_period_seconds: int | None = None
    precondition_uid: str | None = None
    precondition_resource_version: str | None = None
    propagation_policy: str = ""
    orphan_dependents: bool | None = None


class ListOptions(NamedTuple):
    """Of list. `limit` 0 asks for everything; selectors None select everything."""

    label_selector: Selector | None = None
    field_selector: FieldSelector | None = None
    limit: int = 0
    continue_token: str = ""
    resource_version: str = ""
    resource_version_match: str = ""


class WatchOptions(NamedTuple):
    """Of watch. `timeout_seconds` None takes the server's; `send_initial_events` None is not said."""

    label_selector: Selector | None = None
    field_selector: FieldSelector | None = None
    resource_version: str = ""
    resource_version_match: str = ""
    allow_bookmarks: bool = False
    send_initial_events: bool | None = None
    timeout_seconds: float | None = None


Warn = Callable[[str], None]
"""Takes the text of a warning for the person at the other end (a `Warning: 299` header)."""


def no_warning(text: str) -> None:
    """For callers that nobody reads."""
