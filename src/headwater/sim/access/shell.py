"""Runs command lines in a simulated container: pipes, redirections, `&&`, `||` and `;`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Final

from headwater.base.channel import ChannelBroken
from headwater.base.tasks import TaskGroup
from headwater.sim.access.commands import COMMANDS, Failure, Process
from headwater.sim.access.containers import Container
from headwater.sim.access.files import FileError, absolute
from headwater.sim.access.lexer import REDIRECTIONS, SyntaxProblem, Token, tokens
from headwater.sim.access.streams import Lines, NoInput, NoOutput, Pipe, Sink, Streams

MAX_DEPTH: Final = 16
MAX_PIPELINE: Final = 32
_LOG_PATHS: Final = frozenset({"/proc/1/fd/1", "/proc/1/fd/2"})
_SEPARATORS: Final = frozenset({";", "\n", "&&", "||"})
_NOT_FOUND: Final = 127
_BROKEN_PIPE: Final = 141


async def run_program(process: Process, words: Sequence[str], streams: Streams, depth: int = 0) -> int:
    """Run one program; its exit code. Raises ChannelBroken when its outputs are gone."""
    if not words:
        return 0
    name, arguments = words[0].rpartition("/")[2], list(words[1:])
    try:
        if name in ("sh", "bash", "ash"):
            return await _shell(process, arguments, streams, depth)
        command = COMMANDS.get(name)
        if command is None:
            await streams.stderr.write(f'exec: "{words[0]}": executable file not found in $PATH\n'.encode())
            return _NOT_FOUND
        return await command(process, arguments, streams)
    except Failure as failure:
        await streams.stderr.write(f"{failure}\n".encode())
        return failure.code
    except FileError as error:
        await streams.stderr.write(f"{name}: {error}\n".encode())
        return 1


async def _shell(process: Process, arguments: list[str], streams: Streams, depth: int) -> int:
    if depth >= MAX_DEPTH:
        raise Failure("sh: too many shells in each other", 2)
    inner = Process(process.container, process.clock, dict(process.variables), process.directory)
    if arguments[:1] == ["-c"]:
        return await run_script(inner, arguments[1] if len(arguments) > 1 else "", streams, depth + 1)
    lines = Lines(streams.stdin)
    streams = Streams(lines, streams.stdout, streams.stderr, streams.tty)
    code = 0
    while inner.exited is None:
        line = await _typed_line(lines, streams) if streams.tty else await lines.line()
        if line is None:
            break
        code = await run_script(inner, line.decode(errors="replace"), streams, depth + 1)
    return code if inner.exited is None else inner.exited


async def _typed_line(lines: Lines, streams: Streams) -> bytes | None:
    """A line that a person types, shown as a terminal would; None for Ctrl-D on an empty one."""
    await streams.stdout.write(b"/ # ")
    typed = b""
    while data := await lines.read():
        for at, number in enumerate(data):
            key = bytes([number])
            if key in b"\r\n":
                await streams.stdout.write(b"\r\n")
                lines.put_back(data[at + 1 :])
                return typed
            if key == b"\x04" and not typed:
                return None
            if key == b"\x03":
                typed = b""
                await streams.stdout.write(b"^C\r\n/ # ")
            elif key in b"\x7f\x08":
                typed = typed[:-1]
                await streams.stdout.write(b"\b \b")
            elif len(typed) < 4096:
                typed += key
                await streams.stdout.write(key)
    return typed or None


async def run_script(process: Process, script: str, streams: Streams, depth: int = 0) -> int:
    """Run a script's lists of pipelines; the last exit code."""
    code, skip = 0, False
    pipeline: list[Token] = []
    try:
        for token in chain(tokens(script, process.variables), [Token(";", operator=True)]):
            if not (token.operator and token.text in _SEPARATORS):
                pipeline.append(token)
                continue
            if pipeline and not skip:
                code = await _pipeline(process, pipeline, streams, depth)
                process.variables["?"] = str(code)
                if process.exited is not None:
                    return process.exited
            pipeline = []
            skip = (token.text == "&&" and code != 0) or (token.text == "||" and code == 0)
    except SyntaxProblem as problem:
        await streams.stderr.write(f"sh: syntax error: {problem}\n".encode())
        return 2
    return code


async def _pipeline(process: Process, pipeline: list[Token], streams: Streams, depth: int) -> int:
    """Run programs joined by pipes, all at once; the exit code of the last one."""
    stages: list[list[Token]] = [[]]
    for token in pipeline:
        if token.operator and token.text == "|":
            stages.append([])
        else:
            stages[-1].append(token)
    if len(stages) > MAX_PIPELINE or not all(stages):
        raise SyntaxProblem("unexpected |")
    if len(stages) == 1:
        return await _stage(process, stages[0], streams, depth)
    pipes = [Pipe() for _ in stages[1:]]

    async def run(at: int) -> int:
        stdin = pipes[at - 1] if at else streams.stdin
        stdout = pipes[at] if at < len(pipes) else streams.stdout
        own = Process(process.container, process.clock, dict(process.variables), process.directory)
        try:
            return await _stage(own, stages[at], Streams(stdin, stdout, streams.stderr), depth)
        except ChannelBroken:
            if at == len(pipes):
                raise
            return _BROKEN_PIPE
        finally:
            if at < len(pipes):
                await pipes[at].finish()
            if at:
                await pipes[at - 1].abandon()

    async with TaskGroup("pipeline") as group:
        tasks = [group.start(run(at), name=str(at)) for at in range(len(stages))]
    return tasks[-1].result()


async def _stage(process: Process, stage: list[Token], streams: Streams, depth: int) -> int:
    """Run one program with its redirections, or what a shell does itself."""
    words: list[str] = []
    rest = iter(stage)
    for token in rest:
        if token.operator and token.text in REDIRECTIONS:
            target = next(rest, None)
            if target is None or target.operator:
                raise SyntaxProblem(f"unexpected {token.text}")
            try:
                streams = _redirected(process, token.text, target.text, streams)
            except FileError as error:
                await streams.stderr.write(f"sh: can't open {error}\n".encode())
                return 1
        elif token.operator:
            raise SyntaxProblem(f"unexpected {token.text}")
        else:
            words.append(token.text)
    builtin = _built_in(process, words)
    return builtin if builtin is not None else await run_program(process, words, streams, depth)


def _built_in(process: Process, words: list[str]) -> int | None:
    """Does what changes the shell itself; None for anything else. Raises FileError."""
    name = words[0] if words else ":"
    if name == "exit":
        given = words[1] if len(words) > 1 else process.variables.get("?", "0")
        process.exited = int(given) % 256 if given.isdigit() else 2
        return process.exited
    if name == "cd":
        wanted = words[1] if len(words) > 1 else process.variables.get("HOME", "/")
        if not process.container.files.is_directory(wanted, process.directory):
            return 1
        process.directory = absolute(wanted, process.directory)
        return 0
    if name == "export":
        words = words[1:]
    if words and all("=" in word and word.partition("=")[0].isidentifier() for word in words):
        for word in words:
            variable, _, value = word.partition("=")
            process.variables[variable] = value
        return 0
    return 0 if name in (":", "export") else None


def _redirected(process: Process, operator: str, path: str, streams: Streams) -> Streams:
    """The streams with one of them led to or from a file. Raises FileError."""
    container, directory = process.container, process.directory
    if operator == "<":
        stdin = NoInput() if path == "/dev/null" else _Content(container.files.read(path, directory))
        return Streams(stdin, streams.stdout, streams.stderr)
    sink: Sink
    if path in _LOG_PATHS:
        sink = _Log(container)
    elif path == "/dev/null":
        sink = NoOutput()
    elif path in ("/dev/stderr", "/dev/stdout", "&1"):
        sink = streams.stderr if path == "/dev/stderr" else streams.stdout
    else:
        if operator != ">>" or not container.files.is_file(path, directory):
            container.files.write(path, b"", directory)
        sink = _Appending(container, path, directory)
    if operator == "2>":
        return Streams(streams.stdin, streams.stdout, sink)
    return Streams(streams.stdin, sink, streams.stderr)


class _Content:
    """A file as an input."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def read(self) -> bytes:
        content, self._content = self._content, b""
        return content


class _Appending:
    """A file as an output."""

    def __init__(self, container: Container, path: str, directory: str) -> None:
        self._container = container
        self._path = path
        self._directory = directory

    async def write(self, data: bytes) -> None:
        self._container.files.write(self._path, data, self._directory, append=True)


class _Log:
    """The container's log as an output."""

    def __init__(self, container: Container) -> None:
        self._container = container

    async def write(self, data: bytes) -> None:
        self._container.log(data)
