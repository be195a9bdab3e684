"""The list half of strategic merge patches: special items, merge keys and the order of the merged list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headwater.base import jsonio
from headwater.machinery.errors import BadRequest
from headwater.machinery.objects import Object


def key_of(item: Object, merge_key: str) -> Any:
    """The merge key's value; BadRequest when the item has none."""
    if item.get(merge_key) is None:
        raise BadRequest(f"map: {jsonio.dumps(item).decode()} does not contain declared merge key: {merge_key}")
    return item[merge_key]


def apply_special_items(
    original: list[Object], patch: list[Object], merge_key: str, directive_key: str
) -> tuple[list[Object], list[Object]]:
    """Carry out items with `$patch: delete` or `$patch: replace`; what is left to merge, and what with."""
    plain = []
    replaces = False
    for item in patch:
        directive = item.get(directive_key)
        if directive is None:
            plain.append(item)
        elif directive == "delete":
            value = key_of(item, merge_key)
            original = [existing for existing in original if existing.get(merge_key) != value]
        elif directive == "replace":
            replaces = True
        elif directive == "merge":
            raise BadRequest("merging lists cannot yet be specified in the patch")
        else:
            raise BadRequest(f"unknown patch type found: {directive}")
    return ([] if replaces else original), plain


def check_order(changes: list[Any], order: list[Any], merge_key: str, directive_key: str) -> None:
    """BadRequest unless the patch's items appear in `$setElementOrder`'s list, in the same order."""
    identify = _identity(merge_key)
    wanted = [identify(item) for item in order]
    position = 0
    for item in changes:
        if isinstance(item, dict) and item.get(directive_key) is not None:
            continue
        try:
            position = wanted.index(identify(item), position) + 1
        except ValueError:
            raise BadRequest("The order in patch list doesn't match $setElementOrder list") from None


def in_order(merged: list[Any], wanted: list[Any], live: list[Any], merge_key: str) -> list[Any]:
    """Order a merged list: items of `wanted` in its order, the server's own in the live order, woven as they were."""
    identify = _identity(merge_key)
    wanted_at = _positions([identify(item) for item in wanted])
    live_at = _positions([identify(item) for item in live])
    asked = [item for item in merged if identify(item) in wanted_at]
    own = [item for item in merged if identify(item) not in wanted_at]
    asked.sort(key=lambda item: wanted_at[identify(item)])
    own.sort(key=lambda item: live_at.get(identify(item), len(live)))
    result = []
    left = right = 0
    while left < len(own) and right < len(asked):
        own_position = live_at.get(identify(own[left]))
        asked_position = live_at.get(identify(asked[right]))
        if own_position is not None and asked_position is not None and own_position < asked_position:
            result.append(own[left])
            left += 1
        else:
            result.append(asked[right])
            right += 1
    return result + own[left:] + asked[right:]


def _positions(identities: list[str]) -> dict[str, int]:
    positions: dict[str, int] = {}
    for position, identity in enumerate(identities):
        positions.setdefault(identity, position)
    return positions


def _identity(merge_key: str) -> Callable[[Any], str]:
    """What makes two items one: the merge key's value, or the whole primitive."""

    def identify(item: Any) -> str:
        value = item.get(merge_key) if merge_key and isinstance(item, dict) else item
        return jsonio.dumps(value).decode()

    return identify
