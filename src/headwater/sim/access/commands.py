"""The programs of a simulated container."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from headwater.base.clock import Clock
from headwater.sim.access.archive import TarError, pack, unpack
from headwater.sim.access.containers import Container
from headwater.sim.access.files import MAX_BYTES, FileError
from headwater.sim.access.streams import Source, Streams

_PIECE_BYTES: Final = 32 * 1024
_MAX_INPUT_BYTES: Final = MAX_BYTES + 4 * 1024 * 1024
_MAX_SEQUENCE: Final = 10_000_000


@dataclass(slots=True)
class Process:
    """What a program runs with; `directory` and `variables` are its own."""

    container: Container
    clock: Clock
    variables: dict[str, str]
    directory: str = "/"
    exited: int | None = field(default=None)


class Failure(Exception):
    """A program ends with `code` after saying why on standard error."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


Command = Callable[[Process, list[str], Streams], Awaitable[int]]


async def echo(process: Process, arguments: list[str], streams: Streams) -> int:
    newline = arguments[:1] != ["-n"]
    text = " ".join(arguments if newline else arguments[1:])
    await streams.stdout.write(text.encode() + (b"\n" if newline else b""))
    return 0


async def cat(process: Process, arguments: list[str], streams: Streams) -> int:
    for path in arguments or ["-"]:
        source = streams.stdin if path == "-" else _FileSource(_read(process, path, "cat"))
        while data := await source.read():
            await streams.stdout.write(data)
    return 0


async def head(process: Process, arguments: list[str], streams: Streams) -> int:
    """`head -c N [file]`, also of /dev/zero, which never ends."""
    count, paths = _counted(arguments, "-c", "head")
    if paths == ["/dev/zero"]:
        while count > 0:
            await streams.stdout.write(bytes(min(count, _PIECE_BYTES)))
            count -= _PIECE_BYTES
        return 0
    source = _FileSource(_read(process, paths[0], "head")) if paths else streams.stdin
    while count > 0 and (data := await source.read()):
        await streams.stdout.write(data[:count])
        count -= len(data)
    return 0


async def tail(process: Process, arguments: list[str], streams: Streams) -> int:
    """`tail -c+N`: from the Nth byte on, as `kubectl cp` asks to go on with a copy."""
    count, paths = _counted(arguments, "-c", "tail")
    skip = max(count - 1, 0)
    source = _FileSource(_read(process, paths[0], "tail")) if paths else streams.stdin
    while data := await source.read():
        if rest := data[skip:]:
            await streams.stdout.write(rest)
        skip = max(skip - len(data), 0)
    return 0


async def count_bytes(process: Process, arguments: list[str], streams: Streams) -> int:
    """`wc -c`."""
    total = 0
    while data := await streams.stdin.read():
        total += len(data)
    await streams.stdout.write(f"{total}\n".encode())
    return 0


async def sequence(process: Process, arguments: list[str], streams: Streams) -> int:
    if len(arguments) != 1 or not arguments[0].isdigit() or int(arguments[0]) > _MAX_SEQUENCE:
        raise Failure("seq: one number is taken")
    last = int(arguments[0])
    for start in range(1, last + 1, 1000):
        numbers = range(start, min(start + 1000, last + 1))
        await streams.stdout.write("".join(f"{number}\n" for number in numbers).encode())
    return 0


async def env(process: Process, arguments: list[str], streams: Streams) -> int:
    shown = sorted((name, value) for name, value in process.variables.items() if name != "?")
    if arguments:
        shown = [(name, value) for name, value in shown if name == arguments[0]]
        await streams.stdout.write("".join(f"{value}\n" for _, value in shown).encode())
        return 0 if shown else 1
    await streams.stdout.write("".join(f"{name}={value}\n" for name, value in shown).encode())
    return 0


async def hostname(process: Process, arguments: list[str], streams: Streams) -> int:
    await streams.stdout.write(f"{process.container.pod}\n".encode())
    return 0


async def pwd(process: Process, arguments: list[str], streams: Streams) -> int:
    await streams.stdout.write(f"{process.directory}\n".encode())
    return 0


async def ls(process: Process, arguments: list[str], streams: Streams) -> int:
    files = process.container.files
    for path in [each for each in arguments if not each.startswith("-")] or ["."]:
        names = [path] if files.is_file(path, process.directory) else files.entries(path, process.directory)
        await streams.stdout.write("".join(f"{name}\n" for name in names).encode())
    return 0


async def mkdir(process: Process, arguments: list[str], streams: Streams) -> int:
    for path in [each for each in arguments if not each.startswith("-")]:
        process.container.files.make_directory(path, process.directory, parents="-p" in arguments)
    return 0


async def rm(process: Process, arguments: list[str], streams: Streams) -> int:
    flags = "".join(each for each in arguments if each.startswith("-"))
    for path in [each for each in arguments if not each.startswith("-")]:
        try:
            process.container.files.remove(path, process.directory, recursive="r" in flags)
        except FileError:
            if "f" not in flags:
                raise
    return 0


async def test(process: Process, arguments: list[str], streams: Streams) -> int:
    files = process.container.files
    if len(arguments) == 2 and arguments[0] in ("-d", "-f", "-e"):
        directory = arguments[0] != "-f" and files.is_directory(arguments[1], process.directory)
        return 0 if directory or (arguments[0] != "-d" and files.is_file(arguments[1], process.directory)) else 1
    if len(arguments) == 3 and arguments[1] in ("=", "!="):
        return 0 if (arguments[0] == arguments[2]) == (arguments[1] == "=") else 1
    return 0 if arguments == ["-n"] or (len(arguments) == 1 and arguments[0]) else 1


async def tar(process: Process, arguments: list[str], streams: Streams) -> int:
    """`tar cf - PATH...` and `tar -xmf - [-C DIRECTORY]`."""
    mode = arguments[0].lstrip("-") if arguments else ""
    directory, paths = process.directory, []
    rest = iter(arguments[1:])
    for each in rest:
        if each == "-C":
            directory = next(rest, directory)
        elif each != "-" and not each.startswith("-"):
            paths.append(each)
    try:
        if "c" in mode:
            archive = pack(process.container.files, paths, directory)
            for start in range(0, len(archive), _PIECE_BYTES):
                await streams.stdout.write(archive[start : start + _PIECE_BYTES])
        elif "x" in mode:
            unpack(process.container.files, await _all_of(streams.stdin), directory)
        else:
            raise Failure("tar: only c and x are simulated", 64)
    except TarError as error:
        raise Failure(str(error), 2) from error
    return 0


async def sleep(process: Process, arguments: list[str], streams: Streams) -> int:
    try:
        seconds = float(arguments[0])
    except (IndexError, ValueError):
        raise Failure("sleep: a number of seconds is taken") from None
    await process.clock.sleep(min(max(seconds, 0.0), 86400.0))
    return 0


async def true(process: Process, arguments: list[str], streams: Streams) -> int:
    return 0


async def false(process: Process, arguments: list[str], streams: Streams) -> int:
    return 1


COMMANDS: Final[Mapping[str, Command]] = {
    "[": lambda process, arguments, streams: test(process, arguments[:-1], streams),
    "cat": cat, "echo": echo, "env": env, "false": false, "head": head, "hostname": hostname, "ls": ls,
    "mkdir": mkdir, "printenv": env, "pwd": pwd, "rm": rm, "seq": sequence, "sleep": sleep, "tail": tail, "tar": tar,
    "test": test, "true": true, "wc": count_bytes,
}  # fmt: skip


class _FileSource:
    """A file's content as a source."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    async def read(self) -> bytes:
        piece = self._content[self._at : self._at + _PIECE_BYTES]
        self._at += len(piece)
        return piece


def _read(process: Process, path: str, name: str) -> bytes:
    try:
        return process.container.files.read(path, process.directory)
    except FileError as error:
        raise Failure(f"{name}: {error}") from error


def _counted(arguments: list[str], flag: str, name: str) -> tuple[int, list[str]]:
    """The number behind a flag, in the same word or the next one, and the other words."""
    words = list(arguments)
    for at, word in enumerate(words):
        if word.startswith(flag):
            text = word[len(flag) :] or (words.pop(at + 1) if at + 1 < len(words) else "")
            words.pop(at)
            if text.lstrip("+").isdigit():
                return int(text.lstrip("+")), words
    raise Failure(f"{name}: only {flag} with a number is simulated")


async def _all_of(source: Source) -> bytes:
    pieces, size = [], 0
    while data := await source.read():
        size += len(data)
        if size > _MAX_INPUT_BYTES:
            raise Failure("tar: the archive is too large for a simulated container", 2)
        pieces.append(data)
    return b"".join(pieces)
