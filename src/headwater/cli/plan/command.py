"""The plan command group."""

from __future__ import annotations

from headwater.cli.main import LazyGroup

_HERE = "headwater.cli.plan.changes"

plan = LazyGroup(
    table={
        "drain": (f"{_HERE}:drain", "What would move if pclusters were drained."),
        "cordon": (f"{_HERE}:cordon", "What would change if pclusters were cordoned."),
        "fail": (f"{_HERE}:fail", "What the loss of pclusters, or of a whole cell, would do."),
        "remove": (f"{_HERE}:remove", "What would move if SyncTargets were deleted."),
        "add": (f"{_HERE}:add", "What would change with pclusters that are not there yet."),
        "apply": (f"{_HERE}:apply", "What applying Placements, SyncTargets and Locations would do."),
    },
    name="plan",
    help="Say what a change would do to the workloads: what would move where, what would dip, what would not fit. "
    "Changes nothing.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
