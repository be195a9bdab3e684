"""How long a policy's tolerations let workloads stay with a taint."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from headwater.scheduling.model import Taint, Toleration

AT_ONCE: Final = datetime.fromtimestamp(0, UTC)


def admitted(taint: Taint, tolerations: Sequence[Toleration]) -> bool:
    """True when the taint is no reason to stay away.

    A toleration that ends lets stay and lets nothing come: it would have to leave again.
    """
    return any(each.seconds is None and each.tolerates(taint) for each in tolerations)


def stays_until(taint: Taint, tolerations: Sequence[Toleration]) -> datetime | None:
    """When what runs there has to leave: None for never, or while it is not known since when the taint is there.

    The longest of the tolerations that match counts.
    """
    if taint.effect != "NoExecute" or admitted(taint, tolerations):
        return None
    seconds = [each.seconds for each in tolerations if each.seconds is not None and each.tolerates(taint)]
    if not seconds:
        return AT_ONCE
    if taint.time_added is None:
        return None
    try:
        return taint.time_added + timedelta(seconds=max(seconds))
    except OverflowError:  # Beyond the last year that there is.
        return None
