"""Lets a person edit a text with the editor of their choice."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headwater.cli.failure import CommandFailed

_VARIABLES = ("KUBE_EDITOR", "EDITOR")


def editor_command(chosen: str = "") -> list[str]:
    """The program and its arguments: as asked for, else of KUBE_EDITOR, else of EDITOR, else vi.

    Raises CommandFailed for a value that is no command line.
    """
    text = chosen or next((os.environ[name] for name in _VARIABLES if os.environ.get(name, "").strip()), "vi")
    try:
        command = shlex.split(text)
    except ValueError as error:
        raise CommandFailed(f"editor {text!r} is not a command line: {error}") from error
    if not command:
        raise CommandFailed(f"editor {text!r} is not a command line: it names no program")
    return command


class Draft:
    """A private file to edit, gone at the end unless it is kept."""

    def __init__(self, prefix: str, command: list[str]) -> None:
        descriptor, name = tempfile.mkstemp(prefix=prefix, suffix=".yaml")
        os.close(descriptor)
        self.path = Path(name)
        self._command = command

    async def edit(self, text: str) -> str:
        """What the person made of the text. Raises CommandFailed when the editor does."""
        self.path.write_text(text)
        try:
            with _interrupts_for_the_editor():
                process = await asyncio.create_subprocess_exec(*self._command, str(self.path))
                code = await process.wait()
        except OSError as error:
            raise CommandFailed(
                f'unable to launch the editor "{self._command[0]}": {error.strerror}. '
                "Choose one with --editor, KUBE_EDITOR or EDITOR."
            ) from error
        if code != 0:
            raise CommandFailed(f'there was a problem with the editor "{self._command[0]}": it ended with {code}')
        try:
            return self.path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise CommandFailed(f"the edited file can't be read: {error}") from error

    def discard(self) -> None:
        """Delete the file."""
        self.path.unlink(missing_ok=True)


@contextmanager
def _interrupts_for_the_editor() -> Iterator[None]:
    """Leave Ctrl-C to the editor, which has its own use for it. It does not inherit a handler, as it would SIG_IGN."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
