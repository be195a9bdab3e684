"""Rows that change are printed aligned; a terminal shows what fits."""

from __future__ import annotations

import io
from typing import Any

import pytest

from headwater.cli.placements.live import RowPrinter
from headwater.cli.placements.rows import TITLES, View
from headwater.cli.placements.screen import frame, screen


def placement(name: str, phase: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"phase": phase}}


def test_only_changes_are_printed() -> None:
    lines: list[str] = []
    show = RowPrinter(TITLES, lines.append)
    show(View([], {}, {}), "")
    assert lines == [], "no titles above nothing"
    show(View([placement("a", "Pending"), placement("b", "Bound")], {}, {}), "")
    show(View([placement("a", "Bound"), placement("b", "Bound")], {}, {}), "")
    show(View([placement("a", "Bound"), placement("b", "Bound")], {}, {}), "")
    show(View([placement("b", "Bound")], {}, {}), "")
    assert [line.split()[:2] for line in lines] == [
        ["NAME", "PHASE"], ["a", "Pending"], ["b", "Bound"], ["a", "Bound"], ["a", "Gone"],
    ]  # fmt: skip
    assert len({line.index(line.split()[1]) for line in lines}) == 1, "columns stay where they are"


def test_lost_connection_is_told_once_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    lines: list[str] = []
    show = RowPrinter(TITLES, lines.append)
    view = View([placement("a", "Bound")], {}, {})
    for problem in ("", "refused", "refused", ""):
        show(view, problem)
    assert len(lines) == 2
    assert capsys.readouterr().err == "connection lost, trying again: refused\nconnected again\n"


def test_frame_cuts_what_does_not_fit() -> None:
    assert frame("one\ntwo", 80, 24) == ["one", "two"]
    assert frame("1\n2\n3\n4", 80, 3) == ["1", "2", "... and 2 more lines"]
    assert frame("abcdef", 3, 24) == ["abc"]


def test_colours_take_no_room_and_end_where_a_line_is_cut() -> None:
    assert frame("a\x1b[32mbcd\x1b[0mef", 3, 24) == ["a\x1b[32mbc\x1b[0m"]


def test_the_terminal_is_given_back_after_a_failure() -> None:
    stream = io.StringIO()
    try:
        with screen(stream) as drawn:
            drawn.draw("hello")
            raise RuntimeError
    except RuntimeError:
        pass
    text = stream.getvalue()
    assert text.startswith("\x1b[?1049h")
    assert "hello" in text
    assert text.endswith("\x1b[?25h\x1b[?1049l")
