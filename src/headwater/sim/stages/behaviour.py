"""What a simulated pod is going to do: start after a while and run, or fail in the way that its image or annotations
ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from headwater.machinery.objects import Object
from headwater.machinery.objects import annotations as annotations_of
from headwater.sim.resources import BEHAVIOUR_ANNOTATION, RUN_SECONDS_ANNOTATION, START_SECONDS_ANNOTATION

RUN: Final = "run"
CRASH: Final = "crash"
PULL: Final = "pull"
UNREADY: Final = "unready"
_KNOWN = (RUN, CRASH, PULL, UNREADY)
_FAILING_IMAGES = "fail/"


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds that things take on a pcluster's nodes."""

    start_seconds: float = 0.0
    run_seconds: float = 1.0
    stop_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One pod's course: `mode` is run, crash, pull or unready; the times are in seconds."""

    mode: str
    start_seconds: float
    run_seconds: float


def behaviour_of(pod: Object, timing: Timing) -> Behaviour:
    """The course of a pod: annotations decide, then images (`fail/pull`, `fail/unready`, `fail/<anything>`)."""
    notes = annotations_of(pod)
    mode = notes.get(BEHAVIOUR_ANNOTATION, "")
    if mode not in _KNOWN:
        containers = (pod.get("spec") or {}).get("containers") or ()
        mode = next((found for one in containers if (found := _mode_of_image(str(one.get("image", ""))))), RUN)
    return Behaviour(
        mode,
        _seconds(notes.get(START_SECONDS_ANNOTATION), timing.start_seconds),
        _seconds(notes.get(RUN_SECONDS_ANNOTATION), timing.run_seconds),
    )


def _mode_of_image(image: str) -> str:
    if not image.startswith(_FAILING_IMAGES):
        return ""
    wanted = image.removeprefix(_FAILING_IMAGES).partition(":")[0]
    return wanted if wanted in _KNOWN else CRASH


def _seconds(text: str | None, default: float) -> float:
    try:
        value = float(str(text).removesuffix("s")) if text else default
    except ValueError:
        return default
    return value if 0 <= value < float("inf") else default


def runs_to_completion(pod: Object) -> bool:
    """Whether its containers end by themselves: simulated commands do, where restartPolicy allows a pod to end."""
    return str((pod.get("spec") or {}).get("restartPolicy", "Always")) != "Always"
