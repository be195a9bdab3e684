"""When an edit that is never valid ends."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, cast

import pytest

from headwater.cli.editor import Draft
from headwater.cli.synctarget.edit import _edit, _Patience, _Refused

SYNC_TARGET: dict[str, Any] = {
    "apiVersion": "sync.kcp.io/v1alpha1",
    "kind": "SyncTarget",
    "metadata": {"name": "east", "uid": "1"},
    "spec": {},
}
NOT_ASKED = cast(Any, None)
"""For the API: what is refused here never comes to it."""


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ('echo "  bad: [" >> $1', "can't be read"),
        ('sed -i "s/^kind: .*/kind: Other$$/" $1', "kind, name and uid can't be edited"),
    ],
)
async def test_a_script_that_is_never_right_ends(
    script: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It changes the file each time, so there is always something to save; the same refusal twice is enough."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\necho run >> $0.runs\n{script}\n")
    editor.chmod(0o755)
    draft = Draft("edit-", [str(editor)])
    try:
        with pytest.raises(_Refused, match=why):
            await _edit(NOT_ASKED, SYNC_TARGET, draft)
    finally:
        draft.discard()
    assert (tmp_path / "editor.runs").read_text() == "run\nrun\n"


@pytest.mark.parametrize(
    ("people", "problems", "most"),
    [
        (False, ["same"] * 99, 2),
        (False, [str(number) for number in range(99)], 10),
        (False, ["a", "b"] * 50, 10),
        (True, ["same"] * 99, 10),
        (True, ["a", "b"] * 99, 100),
    ],
)
def test_patience(people: bool, problems: list[str], most: int) -> None:
    """People may be wrong more often, and a script of theirs ends too."""
    patience, lost = _Patience(people=people), 0
    with pytest.raises(_Refused):
        for problem in problems:
            lost += 1
            patience.lose(_Refused([problem]))
    assert lost == most
