"""Reads API objects from files and from standard input, YAML or JSON, single, in streams or in lists."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwater.cli.failure import CommandFailed

if TYPE_CHECKING:
    from headwater.machinery.objects import Object

_MAX_BYTES = 1 << 30
_SUFFIXES = (".yaml", ".yml", ".json")
APPLICABLE = ("Placement", "SyncTarget", "Location")


def read_objects(names: Sequence[str]) -> list[Object]:
    """The objects of files, of all manifests in a folder, and of standard input for `-`, in order.

    Raises CommandFailed for what can't be read or holds something else.
    """
    objects: list[Object] = []
    for name in names:
        for origin, text in _texts(name):
            objects += _objects(origin, text)
    return objects


def applicable(objects: Sequence[Object], kinds: Sequence[str] = APPLICABLE) -> list[Object]:
    """The objects, if a plan can apply them all. Raises CommandFailed."""
    for obj in objects:
        if obj.get("kind") not in kinds:
            what = f"{obj.get('kind')} {obj['metadata'].get('name', '')!r}"
            raise CommandFailed(f"{what} can't be planned here, only {' or '.join(kinds)}")
    if not objects:
        raise CommandFailed("no objects passed to plan: name a file, or - for standard input")
    return list(objects)


def _texts(name: str) -> Iterator[tuple[str, str | bytes]]:
    if name == "-":
        yield "standard input", sys.stdin.buffer.read(_MAX_BYTES)
        return
    path = Path(name)
    try:
        files = sorted(each for each in path.iterdir() if each.suffix in _SUFFIXES) if path.is_dir() else [path]
        for each in files:
            yield str(each), each.read_bytes()
    except OSError as error:
        raise CommandFailed(f"can't read {name}: {error.strerror or error}") from error


def _objects(origin: str, text: str | bytes) -> Iterator[Object]:
    for document in _documents(origin, text):
        listed = isinstance(document, dict) and isinstance(document.get("items"), list)
        for obj in document["items"] if listed else [document]:
            if not _is_object(obj):
                raise CommandFailed(f"{origin} holds something that is not an API object with kind, metadata and name")
            yield obj


def _is_object(value: Any) -> bool:
    meta = value.get("metadata") if isinstance(value, dict) else None
    if not isinstance(meta, dict) or not isinstance(meta.get("name"), str) or not meta["name"]:
        return False
    return isinstance(value.get("kind"), str) and bool(value["kind"])


def _documents(origin: str, text: str | bytes) -> list[Any]:
    """The documents; JSON is read as such, since it may be large, and YAML takes its time."""
    from headwater.base import jsonio, yamlio

    try:
        return [jsonio.loads(text)]
    except ValueError:
        pass
    try:
        return yamlio.load_all(text)
    except yamlio.YAMLError as error:
        raise CommandFailed(f"{origin} is neither YAML nor JSON: {error}") from error
