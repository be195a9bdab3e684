"""Share out the bounds of an autoscaler among the targets of the workload that it scales (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headwater.apis.workload.specdiff import REPLICAS
from headwater.machinery.objects import Object, nested
from headwater.reconcilers.scheduling.division.step_divide import numbers_change, spec_diffs
from headwater.scheduling.division import divide

_BOUNDS: Final = ("/minReplicas", "/maxReplicas")


def shares_given(workload: Object) -> dict[str, int]:
    """The replicas that each target was given of a workload; empty where they are not divided."""
    return {key: diff.ours[REPLICAS] for key, diff in spec_diffs(workload).items() if REPLICAS in diff.ours}


def autoscaler_change(autoscaler: Object, shares: Mapping[str, int] | None) -> dict[str, str | None]:
    """The change of spec diffs that bounds each target's autoscaler by its part; None takes ours away.

    `shares` are the replicas of the workload on each target. There the pcluster's autoscaler decides, between a part
    of the minimum and a part of the maximum, of at least one each. So the whole stays below the maximum, as long as
    that is not less than there are targets.
    """
    if not shares:
        return numbers_change(autoscaler, {}, paths=_BOUNDS, keep_leaving=False)
    minimum = nested(autoscaler, "spec", "minReplicas", default=1)
    maximum = nested(autoscaler, "spec", "maxReplicas", default=1)
    least = divide(minimum, shares)
    most = divide(maximum, shares)
    values = {}
    for key in shares:
        low = max(least[key], 1 if minimum else 0)
        values[key] = dict(zip(_BOUNDS, (low, max(most[key], low, 1)), strict=True))
    return numbers_change(autoscaler, values, paths=_BOUNDS, keep_leaving=True)
