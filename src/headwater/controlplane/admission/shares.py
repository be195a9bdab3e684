"""Carries the system's shares of divided workloads over when users write spec diffs."""

from __future__ import annotations

from typing import Final

from headwater.apis.workload.labels import SPEC_DIFF_ANNOTATION_PREFIX
from headwater.apis.workload.specdiff import SpecDiff, read_spec_diff, write_spec_diff
from headwater.apiserver.admission.interface import UPDATE, AdmissionAttributes, BasePlugin
from headwater.apiserver.loopback import LOOPBACK_USER
from headwater.base import jsonio
from headwater.machinery import objects
from headwater.machinery.errors import StatusError
from headwater.machinery.objects import Object
from headwater.patch.jsonpatch import apply_json_patch

_NONE: Final = SpecDiff()
_LARGEST: Final = 2**31 - 1
"""Of an int32, as numbers of replicas are."""


class Shares(BasePlugin):
    """Keeps each target's share while a user replaces, or takes away, the spec diff that it stands in.

    Users have one annotation with the control plane together, and what they write (`kubectl apply` of a manifest, each
    time) knows nothing of the share. Without it that pcluster would run the whole until the share is written again.
    A user's own number for a target still wins over its share. Where one goes, it stays as the share until the
    workload is divided anew, as what is to come in its place is not known here.
    """

    name = "workload.kcp.io/Shares"

    def handles(self, attributes: AdmissionAttributes) -> bool:
        return (
            attributes.operation == UPDATE
            and not attributes.subresource
            and attributes.object is not None
            and attributes.user != LOOPBACK_USER
            and bool(_spec_diffs(attributes.old_object or {}))
        )

    async def admit(self, attributes: AdmissionAttributes) -> None:
        obj, old = attributes.object, attributes.old_object
        assert obj is not None, "handles asks for it"
        assert old is not None, "an update has one"
        for note, text in _carried(old, obj).items():
            objects.set_annotation(obj, note, text)


def _carried(old: Object, obj: Object) -> dict[str, str | None]:
    """What has to change of an object's annotations for each target to keep the share that it has in the old one.

    A share that the new spec has no place for is dropped: that is not divided any more.
    """
    before, after = _spec_diffs(old), _spec_diffs(obj)
    divided = {path for diff in before.values() for path in diff.ours}
    change: dict[str, str | None] = {}
    for note in before.keys() | after.keys() if divided else ():
        was, now = before.get(note, _NONE), after.get(note, _NONE)
        if was == now:
            continue
        numbers = dict(was.ours)
        for path in sorted(divided - numbers.keys()):
            number = _number(old, was.theirs, path) if was.overrides(path) else None
            if number is not None:
                numbers[path] = number
        numbers = {path: number for path, number in numbers.items() if not now.overrides(path)}
        text = write_spec_diff(SpecDiff(now.theirs, numbers))
        if numbers != now.ours and (not text or _applied(obj, text) is not None):
            change[note] = text
    return change


def _spec_diffs(obj: Object) -> dict[str, SpecDiff]:
    notes = objects.annotations(obj)
    return {note: read_spec_diff(notes[note]) for note in notes if note.startswith(SPEC_DIFF_ANNOTATION_PREFIX)}


def _number(obj: Object, theirs: str, path: str) -> int | None:
    """The number at a path that a target has by a user's operations; None where that is none, or can't be told."""
    found = objects.nested(_applied(obj, theirs), *path.removeprefix("/").split("/"))
    fits = isinstance(found, int) and not isinstance(found, bool) and 0 <= found <= _LARGEST
    return found if fits else None


def _applied(obj: Object, text: str) -> Object | None:
    """The spec with the operations of a spec diff; None when they don't fit it."""
    try:
        return apply_json_patch(obj["spec"], jsonio.loads(text))
    except (KeyError, ValueError, StatusError):
        return None
