"""The controller framework: workers on a queue of keys, ordered steps, and one commit for each pass."""

from headwater.controller.commit import Committer
from headwater.controller.controller import Controller
from headwater.controller.freshness import Freshness
from headwater.controller.interface import Reconcile, Result, Terminal
from headwater.controller.patience import Patience
from headwater.controller.steps import Outcome, Step, requeue_after, run_steps

__all__ = [
    "Committer",
    "Controller",
    "Freshness",
    "Outcome",
    "Patience",
    "Reconcile",
    "Result",
    "Step",
    "Terminal",
    "requeue_after",
    "run_steps",
]
