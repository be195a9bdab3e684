"""What `edit` shows, what it takes for a change, and when two people changed the same."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.cli.synctarget.manuscript import body_of, change_between, editable, manuscript, overlap, read, touched

EAST: dict[str, Any] = {
    "apiVersion": "sync.kcp.io/v1alpha1",
    "kind": "SyncTarget",
    "metadata": {"name": "east", "uid": "u", "resourceVersion": "7", "managedFields": [{}], "labels": {"a": "1"}},
    "spec": {"unschedulable": False, "cells": ["a"]},
    "status": {"conditions": []},
}
OVERLAPS = {
    "apart": ({"spec": {"cells": ["b"]}}, {"spec": {"unschedulable": True}}, []),
    "same-field": ({"spec": {"cells": ["b"]}}, {"spec": {"cells": ["c"]}}, ["spec.cells"]),
    "inside": ({"metadata": {"labels": {"a": "2"}}}, {"metadata": {"labels": None}}, ["metadata.labels.a"]),
    "around": ({"metadata": {"labels": None}}, {"metadata": {"labels": {"a": "2"}}}, ["metadata.labels"]),
    "similar-names": ({"spec": {"cell": 1}}, {"spec": {"cells": 1}}, []),
}
UNREADABLE = {
    "no-yaml": "a: [",
    "two-documents": "a: 1\n---\nb: 2\n",
    "no-map": "- a\n",
}
ANOTHER = {
    "name": {**EAST, "metadata": {**EAST["metadata"], "name": "west"}},
    "uid": {**EAST, "metadata": {"name": "east"}},
    "kind": {**EAST, "kind": "Location"},
}


def test_only_what_people_edit_is_shown() -> None:
    shown = editable(EAST)
    assert set(shown) == {"apiVersion", "kind", "metadata", "spec"}
    assert "managedFields" not in shown["metadata"]
    assert "managedFields" in EAST["metadata"], "the original stays as it is"


def test_problems_are_comments_above_the_body() -> None:
    text = manuscript("a: 1\n", ["one\ntwo"])
    assert "# one\n# two\n#\na: 1\n" in text
    assert body_of(text) == "a: 1\n"
    assert body_of(manuscript("")) == ""


def test_read() -> None:
    assert read("# nothing\n\n") is None
    assert read("a: 1\n") == {"a": 1}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable(text: str) -> None:
    with pytest.raises(ValueError, match="the edited file"):
        read(text)


def test_change_leaves_the_version_to_the_server() -> None:
    edited = {**EAST, "metadata": {**EAST["metadata"], "resourceVersion": "9"}, "spec": {"cells": ["a", "b"]}}
    assert change_between(EAST, edited) == {"spec": {"cells": ["a", "b"], "unschedulable": None}}
    assert change_between(EAST, {**EAST, "metadata": {**EAST["metadata"], "resourceVersion": "9"}}) == {}


@pytest.mark.parametrize("edited", ANOTHER.values(), ids=ANOTHER)
def test_another_object_is_refused(edited: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="can't be edited"):
        change_between(EAST, edited)


@pytest.mark.parametrize(("mine", "theirs", "expected"), OVERLAPS.values(), ids=OVERLAPS)
def test_overlap(mine: dict[str, Any], theirs: dict[str, Any], expected: list[str]) -> None:
    assert overlap(mine, theirs) == expected


def test_touched() -> None:
    assert touched({"spec": {"a": 1, "b": {"c": None, "d": {}}}}) == {"spec.a", "spec.b.c", "spec.b.d"}
