"""What a syncer's list or watch may select by: nothing that its view hides (pure)."""

from __future__ import annotations

from typing import Final

from headwater.apis.workload.labels import STATE_LABEL_PREFIX, STATE_SYNC, state_label
from headwater.apiserver.web.types import Query
from headwater.machinery.errors import BadRequest
from headwater.machinery.fields import parse_field_selector
from headwater.machinery.labels import parse_selector

_FIELDS: Final = frozenset({"metadata.name", "metadata.namespace"})


def narrowed(query: Query, key: str) -> list[tuple[str, str]]:
    """The parameters of a list, its label selector narrowed to what the target with this key has.

    Raises BadRequest for a selector that can't be read, and for one on labels or fields that are not in the view: what
    it selects would tell of them.
    """
    labels, fields = query.get("labelSelector"), query.get("fieldSelector")
    try:
        marks = {each.key for each in parse_selector(labels).requirements}
        named = {field for field, _, _ in parse_field_selector(fields).requirements}
    except ValueError as error:
        raise BadRequest(f"unable to parse the selector: {error}") from None
    if any(mark.startswith(STATE_LABEL_PREFIX) and mark != state_label(key) for mark in marks):
        raise BadRequest("labelSelector: only the target's own state label can be selected by")
    if named - _FIELDS:
        raise BadRequest(f"fieldSelector: only {' and '.join(sorted(_FIELDS))} can be selected by")
    pairs = [pair for pair in query.pairs() if pair[0] not in ("labelSelector", "watch")]
    wanted = f"{state_label(key)}={STATE_SYNC}"
    return [*pairs, ("labelSelector", f"{wanted},{labels}" if labels else wanted)]
