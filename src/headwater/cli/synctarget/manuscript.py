"""The text that `edit` puts before a person, and what came of it (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headwater.base import yamlio
from headwater.machinery.objects import Object
from headwater.patch.mergepatch import create_merge_patch

_HEADER = (
    "# Please edit the object below. Lines beginning with a '#' will be ignored,\n"
    "# and an empty file will abort the edit. If an error occurs while saving, this file\n"
    "# will be reopened with what is wrong.\n#\n"
)
_NOT_FOR_PEOPLE = ("managedFields",)
_IDENTITY = ("name", "uid", "namespace")


def editable(obj: Object) -> Object:
    """The object without what nobody edits: its status and who wrote which field."""
    meta = {key: value for key, value in obj["metadata"].items() if key not in _NOT_FOR_PEOPLE}
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": meta}


def manuscript(body: str, problems: Sequence[str] = ()) -> str:
    """The file to edit: advice, what was wrong the last time, and the object."""
    said = "".join(f"# {line}\n" for problem in problems for line in problem.splitlines())
    return _HEADER + (f"{said}#\n" if said else "") + body


def body_of(text: str) -> str:
    """What the person wrote, without the comments at the top."""
    lines = text.splitlines(keepends=True)
    start = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return "".join(lines[start:])


def read(text: str) -> Object | None:
    """The object of an edited file; None when nothing is left in it. Raises ValueError."""
    try:
        documents = yamlio.load_all(text)
    except yamlio.YAMLError as error:
        raise ValueError(f"the edited file can't be read: {error}") from error
    if not documents:
        return None
    if len(documents) > 1 or not isinstance(documents[0], dict):
        raise ValueError("the edited file must hold one object")
    return documents[0]


def change_between(original: Object, edited: Object) -> Object:
    """The merge patch that a person's edit amounts to. Raises ValueError where it would make it another object."""
    if not isinstance(edited.get("metadata"), dict):
        raise ValueError("metadata must be a map")
    same_kind = all(edited.get(field) == original.get(field) for field in ("apiVersion", "kind"))
    if not same_kind or any(edited["metadata"].get(f) != original["metadata"].get(f) for f in _IDENTITY):
        raise ValueError("apiVersion, kind, name and uid can't be edited")
    patch = create_merge_patch(original, edited)
    meta = patch.get("metadata")
    if isinstance(meta, dict):
        for field in ("resourceVersion", "generation", "creationTimestamp"):
            meta.pop(field, None)
        if not meta:
            del patch["metadata"]
    return patch


def touched(patch: Mapping[str, Any], prefix: str = "") -> set[str]:
    """The fields that a merge patch changes, as dotted paths."""
    found: set[str] = set()
    for key, value in patch.items():
        path = f"{prefix}.{key}" if prefix else key
        if isinstance(value, Mapping) and value:
            found |= touched(value, path)
        else:
            found.add(path)
    return found


def overlap(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """Fields that both changed, one inside the other included."""
    others = touched(theirs)
    return sorted(
        path
        for path in touched(mine)
        if any(path == other or path.startswith(f"{other}.") or other.startswith(f"{path}.") for other in others)
    )
