"""The spec diffs that give each target its share of a workload (pure)."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping
from typing import Final

from headwater.apis.workload.intent import target_keys
from headwater.apis.workload.labels import SPEC_DIFF_ANNOTATION_PREFIX
from headwater.apis.workload.specdiff import SpecDiff, read_spec_diff, write_spec_diff
from headwater.machinery.objects import Object, labels
from headwater.machinery.objects import annotations as annotations_of
from headwater.reconcilers.scheduling.division.shares import Divisible, Values, pointer

_WITH_REPLICAS: Final = Divisible()
_NONE: Final[frozenset[str]] = frozenset()


def division_change(
    obj: Object,
    shares: Mapping[str, int] | None,
    *,
    divided: Divisible = _WITH_REPLICAS,
    gently: bool = False,
    unreachable: Container[str] = _NONE,
) -> dict[str, str | None]:
    """The change of spec diffs that gives each target its share; None takes ours away.

    A target that the workload is leaving keeps its share to the end. With `gently` no share shrinks below what is
    ready there before as many replicas are ready on the other targets; nothing counts as ready on `unreachable` ones.
    What users have in their own spec diffs stays, and where it sets the same number it wins.
    """
    given = {key: diff.ours for key, diff in spec_diffs(obj).items()}
    wanted = dict(shares or {})
    if gently:
        wanted = _without_gaps(obj, wanted, given, divided, unreachable)
    values = divided.values(obj, wanted, given)
    return numbers_change(obj, values, paths=divided.pointers, keep_leaving=shares is not None)


def numbers_change(obj: Object, values: Values, *, paths: Collection[str], keep_leaving: bool) -> dict[str, str | None]:
    """The change of spec diffs that sets these numbers for each target, and takes them away from others.

    `paths` are those that are set at all; what else is ours is somebody else's concern. With `keep_leaving` targets
    that still have the object keep theirs.
    """
    change: dict[str, str | None] = {}
    kept = target_keys(labels(obj)) if keep_leaving else {}
    for key, diff in spec_diffs(obj).items():
        if key not in values and key not in kept and not diff.ours.keys().isdisjoint(paths):
            change[SPEC_DIFF_ANNOTATION_PREFIX + key] = write_spec_diff(SpecDiff(diff.theirs))
    for key, numbers in values.items():
        note = SPEC_DIFF_ANNOTATION_PREFIX + key
        known = annotations_of(obj).get(note)
        diff = read_spec_diff(known)
        ours = {path: number for path, number in numbers.items() if not diff.overrides(path)}
        text = write_spec_diff(SpecDiff(diff.theirs, ours)) if ours != diff.ours else known
        if text != known:
            change[note] = text
    return change


def spec_diffs(obj: Object) -> dict[str, SpecDiff]:
    """The spec diffs of an object, by sync target key."""
    return {
        note.removeprefix(SPEC_DIFF_ANNOTATION_PREFIX): read_spec_diff(text)
        for note, text in annotations_of(obj).items()
        if note.startswith(SPEC_DIFF_ANNOTATION_PREFIX)
    }


def is_divided(obj: Object) -> bool:
    """Whether targets have a share of ours; what a user changes for one target is no division."""
    return any(diff.ours for diff in spec_diffs(obj).values())


def _without_gaps(
    obj: Object,
    shares: Mapping[str, int],
    given: Mapping[str, Mapping[str, int]],
    divided: Divisible,
    unreachable: Container[str],
) -> dict[str, int]:
    """The shares, each kept as large as the others' readiness still requires.

    Reports are older than what was told since. Of a target what it was given counts when it is to shrink: pods that
    have become ready since, or before its first report came, must not be taken away. One that was told to shrink and
    still reports more counts with the smaller number, and grows again only after it has reported that.
    """
    ready = {key: divided.ready_on(obj, key, unreachable) for key in shares}
    path = pointer(divided.path)
    told = {key: given.get(key, {}).get(path, count) for key, count in ready.items()}
    sure = {key: min(told[key], count) for key, count in ready.items()}
    total = sum(shares.values())
    wanted: dict[str, int] = {}
    for key, share in shares.items():
        if sure[key] < ready[key]:
            wanted[key] = sure[key]
            continue
        runs = bool(divided.ready) and key not in unreachable
        elsewhere = sum(min(shares[other], sure[other]) for other in shares if other != key)
        wanted[key] = max(share, min(told[key] if runs else 0, total - elsewhere))
    return wanted
