"""Share out replicas among targets, in whole numbers (pure)."""

from __future__ import annotations

from collections.abc import Collection, Mapping


def divide(replicas: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Key -> replicas, in proportion to the weights, by largest remainder; they add up to `replicas`.

    Ties go to the key that sorts first. When all weights are zero they count as equal.
    """
    if not weights:
        return {}
    total = sum(weights.values())
    shares = dict(weights) if total else dict.fromkeys(weights, 1)
    total = total or len(weights)
    exact = {key: divmod(replicas * share, total) for key, share in shares.items()}
    result = {key: whole for key, (whole, _) in exact.items()}
    left = replicas - sum(result.values())
    for key in sorted(exact, key=lambda each: (-exact[each][1], each))[:left]:
        result[key] += 1
    return result


def divide_within(replicas: int, weights: Mapping[str, int], limits: Mapping[str, int]) -> dict[str, int]:
    """As `divide`, but nobody gets more than the limit: what is over goes to the others.

    The shares add up to less than `replicas` where the limits do; one without weight gets nothing, whatever is over.
    """
    weights = weights if any(weights.values()) else dict.fromkeys(weights, 1)
    result = dict.fromkeys(weights, 0)
    open_weights = {key: weight for key, weight in weights.items() if weight}
    while open_weights and replicas:
        shares = divide(replicas, open_weights)
        full = [key for key, share in shares.items() if share > limits[key]]
        for key in full or shares:
            result[key] = min(shares[key], limits[key])
            replicas -= result[key]
            del open_weights[key]
    return result


def divide_gently(
    replicas: int, current: Mapping[str, int], room: Mapping[str, int], limits: Mapping[str, int]
) -> dict[str, int]:
    """Shares that change as little as they can: what is there stays, more goes to where the room for more is.

    `current` and `limits` have the same keys; `room` says how many more replicas fit, and how much a target is asked
    to take beside the others. Fewer replicas are taken away in proportion to the shares.
    """
    placed = sum(current.values())
    if replicas <= placed:
        return divide(replicas, current) if placed else dict(current)
    more = divide_within(replicas - placed, room, {key: limits[key] - current[key] for key in current})
    return {key: share + more[key] for key, share in current.items()}


def with_least(
    shares: Mapping[str, int],
    least: int,
    weights: Mapping[str, int],
    limits: Mapping[str, int],
    *,
    among: Collection[str],
    current: Mapping[str, int],
    floors: Mapping[str, int],
) -> dict[str, int]:
    """Shares of which `least` of `among` are not zero, as far as there are replicas, and room by `limits`.

    Those with the greatest weight get one replica each, from those with the largest shares, which keep one and what
    `floors` says. What was shared out so before, as `current` says, is shared out so again.
    """
    result = dict(shares)
    while sum(result[key] > 0 for key in among) < least:
        takers = [key for key in among if not result[key] and limits[key] > 0]
        givers = [key for key, share in result.items() if share > max(1, floors.get(key, 0))]
        if not takers or not givers:
            break
        result[min(takers, key=lambda key: (not current.get(key), -weights[key], key))] = 1
        result[min(givers, key=lambda key: (result[key] <= current.get(key, 0), -result[key], key))] -= 1
    return result
