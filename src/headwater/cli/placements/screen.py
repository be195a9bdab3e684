"""A table that is drawn again in the same place: plain ANSI sequences on the terminal's other screen."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_ENTER = "\x1b[?1049h\x1b[?25l"
_LEAVE = "\x1b[?25h\x1b[?1049l"
_HOME = "\x1b[H"
_END_OF_LINE = "\x1b[K"
_END_OF_SCREEN = "\x1b[J"


class Screen:
    """The other screen of a terminal, so that what was there before comes back at the end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def draw(self, text: str) -> None:
        """Replace what is shown. What does not fit is cut off, and the last line says how much."""
        size = shutil.get_terminal_size()
        lines = frame(text, size.columns, size.lines)
        body = "\n".join(line + _END_OF_LINE for line in lines)
        self._stream.write(f"{_HOME}{body}{_END_OF_SCREEN}")
        self._stream.flush()


def frame(text: str, columns: int, height: int) -> list[str]:
    """The lines that fit a terminal of this size; colours do not count, and are closed where a line is cut."""
    lines = text.split("\n")
    if len(lines) > height > 1:
        hidden = len(lines) - height + 1
        lines = [*lines[: height - 1], f"... and {hidden} more lines"]
    return [_cut(line, columns) for line in lines]


def _cut(line: str, columns: int) -> str:
    kept, width, position = [], 0, 0
    while position < len(line):
        if line.startswith("\x1b[", position):
            end = line.index("m", position) + 1
            kept.append(line[position:end])
            position = end
            continue
        if width < columns:
            kept.append(line[position])
        width += 1
        position += 1
    return "".join(kept)


@contextmanager
def screen(stream: TextIO = sys.stdout) -> Iterator[Screen]:
    """Take the other screen, and give it back whatever happens."""
    stream.write(_ENTER)
    try:
        yield Screen(stream)
    finally:
        stream.write(_LEAVE)
        stream.flush()
