"""Query parameters and option bodies, parsed to the store's options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.apiserver.registry.options import DeleteOptions, ListOptions, PatchOptions, WatchOptions, WriteOptions
from headwater.machinery import errors
from headwater.machinery.fieldpath import FieldError, invalid_value, not_supported, too_long
from headwater.machinery.fields import FieldSelector, parse_field_selector
from headwater.machinery.labels import Selector, parse_selector
from headwater.machinery.objects import Object

if TYPE_CHECKING:
    from headwater.apiserver.web.types import Query, Request

MANAGER_MAX = 128
_VALIDATION_MODES = ("Ignore", "Warn", "Strict")
_FALSE = frozenset({"", "0", "false"})


def manager_of(request: Request) -> str:
    """Who owns the written fields when the client doesn't say: the first word of its user agent."""
    agent = request.headers.get("user-agent", "")
    return agent.partition("/")[0][:MANAGER_MAX] or "unknown"


def write_options(query: Query, kind: str) -> WriteOptions:
    """Options of create (`kind` CreateOptions) and update (UpdateOptions)."""
    if not query.raw:
        return _PLAIN_WRITE
    return WriteOptions(
        dry_run=_dry_run(query, kind), field_manager=_manager(query, kind), field_validation=_validation(query, kind)
    )


_PLAIN_WRITE = WriteOptions()


def patch_options(query: Query, patch_type: str) -> PatchOptions:
    """Options of patch; `patch_type` is the body's media type."""
    kind = "PatchOptions"
    return PatchOptions(
        patch_type=patch_type,
        dry_run=_dry_run(query, kind),
        field_manager=_manager(query, kind),
        field_validation=_validation(query, kind),
        force=flag(query, "force"),
    )


def list_options(query: Query) -> ListOptions:
    """Options of list, and of the selection of deletecollection."""
    if not query.raw:
        return _PLAIN_LIST
    return ListOptions(
        label_selector=_labels(query),
        field_selector=_fields(query),
        limit=_limit(query),
        continue_token=query.get("continue"),
        resource_version=query.get("resourceVersion"),
        resource_version_match=query.get("resourceVersionMatch"),
    )


_PLAIN_LIST = ListOptions()


def watch_options(query: Query) -> WatchOptions:
    """Options of watch."""
    timeout = _number(query, "timeoutSeconds")
    send = query.get("sendInitialEvents")
    return WatchOptions(
        label_selector=_labels(query),
        field_selector=_fields(query),
        resource_version=query.get("resourceVersion"),
        resource_version_match=query.get("resourceVersionMatch"),
        allow_bookmarks=flag(query, "allowWatchBookmarks"),
        send_initial_events=None if not send else flag(query, "sendInitialEvents"),
        timeout_seconds=float(timeout) if timeout else None,
    )


def delete_options(query: Query, body: object) -> DeleteOptions:
    """Options of delete: those in the body, else those in the query."""
    kind = "DeleteOptions"
    if body is not None and not isinstance(body, dict):
        raise errors.BadRequest("the body of a delete must be DeleteOptions")
    if not body:
        text = query.get("gracePeriodSeconds")
        orphan = query.get("orphanDependents")
        return DeleteOptions(
            dry_run=_dry_run(query, kind),
            grace_period_seconds=_signed(text, "gracePeriodSeconds") if text else None,
            propagation_policy=query.get("propagationPolicy"),
            orphan_dependents=None if not orphan else flag(query, "orphanDependents"),
        )
    if body.get("kind") not in (None, "", kind):
        raise errors.BadRequest(f"expected {kind}, got {body.get('kind')}")
    preconditions: Object = body.get("preconditions") or {}
    if not isinstance(preconditions, dict):
        raise errors.BadRequest("preconditions must be an object")
    grace = body.get("gracePeriodSeconds")
    if grace is not None and (not isinstance(grace, int) or isinstance(grace, bool)):
        raise errors.BadRequest("gracePeriodSeconds must be an integer")
    version = preconditions.get("resourceVersion")
    return DeleteOptions(
        dry_run=_check_dry_run(body.get("dryRun") or [], kind) or _dry_run(query, kind),
        grace_period_seconds=grace,
        precondition_uid=preconditions.get("uid"),
        precondition_resource_version=None if version is None else str(version),
        propagation_policy=str(body.get("propagationPolicy") or ""),
        orphan_dependents=body.get("orphanDependents"),
    )


def flag(query: Query, name: str) -> bool:
    """A boolean parameter as Kubernetes reads it: present and neither "0" nor "false"."""
    return name in query and query.get(name).lower() not in _FALSE


def _dry_run(query: Query, kind: str) -> bool:
    return _check_dry_run(list(query.get_all("dryRun")), kind)


def _check_dry_run(values: object, kind: str) -> bool:
    wanted = [value for value in values if value] if isinstance(values, list) else [values]
    for value in wanted:
        if value != "All":
            raise _invalid(kind, not_supported("dryRun", wanted, ["All"]))
    return bool(wanted)


def _manager(query: Query, kind: str) -> str:
    manager = query.get("fieldManager")
    if len(manager) > MANAGER_MAX:
        raise _invalid(kind, too_long("fieldManager", MANAGER_MAX))
    if not manager.isprintable():
        raise _invalid(kind, invalid_value("fieldManager", manager, "should only contain printable characters"))
    return manager


def _validation(query: Query, kind: str) -> str:
    mode = query.get("fieldValidation")
    if mode and mode not in _VALIDATION_MODES:
        raise _invalid(kind, not_supported("fieldValidation", mode, ["", *_VALIDATION_MODES]))
    return mode or "Warn"


def _labels(query: Query) -> Selector | None:
    text = query.get("labelSelector")
    if not text:
        return None
    try:
        return parse_selector(text)
    except ValueError as error:
        raise errors.BadRequest(f"unable to parse labelSelector: {error}") from None


def _fields(query: Query) -> FieldSelector | None:
    text = query.get("fieldSelector")
    if not text:
        return None
    try:
        return parse_field_selector(text)
    except ValueError as error:
        raise errors.BadRequest(f"unable to parse fieldSelector: {error}") from None


def _limit(query: Query) -> int:
    text = query.get("limit")
    if not text:
        return 0
    return max(_signed(text, "limit"), 0)


def _number(query: Query, name: str) -> int:
    text = query.get(name)
    return max(_signed(text, name), 0) if text else 0


def _signed(text: str, name: str) -> int:
    digits = text[1:] if text.startswith("-") else text
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise errors.BadRequest(f'unable to decode query parameter {name}: strconv.ParseInt: parsing "{text}"')
    return int(text)


def _invalid(kind: str, error: FieldError) -> errors.Invalid:
    return errors.invalid(kind, "", [error], group="meta.k8s.io")
