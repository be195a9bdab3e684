"""The simulated shell, its files and its archives."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.base.clock import ManualClock
from headwater.sim.access.archive import TarError, pack, unpack
from headwater.sim.access.commands import Process
from headwater.sim.access.containers import MAX_LOG_LINES, Container
from headwater.sim.access.files import MAX_BYTES, MAX_FILES, FileError, Files, absolute
from headwater.sim.access.lexer import SyntaxProblem, tokens
from headwater.sim.access.shell import run_program, run_script
from headwater.sim.access.streams import NoInput, Pipe, Streams


class Typed:
    def __init__(self, data: bytes) -> None:
        self._data = data

    async def read(self) -> bytes:
        data, self._data = self._data, b""
        return data


class Screen:
    def __init__(self) -> None:
        self.shown = b""

    async def write(self, data: bytes) -> None:
        self.shown += data


async def run(script: str, typed: bytes = b"", container: Container | None = None) -> tuple[int, str, str]:
    """Exit code, output and errors of `sh -c`."""
    out, err = Screen(), Screen()
    container = container or Container("web", ManualClock())
    process = Process(container, ManualClock(), {"NAME": "value", "HOME": "/root"})
    code = await run_program(process, ["sh", "-c", script], Streams(Typed(typed) if typed else NoInput(), out, err))
    return code, out.shown.decode(), err.shown.decode()


@pytest.mark.parametrize(
    ("script", "code", "out"),
    [
        ("echo a  b 'c  d' \"e $NAME\" f\\ g", 0, "a b c  d e value f g\n"),
        ("echo '$NAME' ${NAME}s $MISSING.", 0, "$NAME values .\n"),
        ("echo -n x; echo y # not this", 0, "xy\n"),
        ("false && echo no || echo yes", 0, "yes\n"),
        ("true || echo no; echo $?", 0, "0\n"),
        ("false; echo $?; exit 4; echo never", 4, "1\n"),
        ("A=1 B='2 3'; echo $A$B", 0, "12 3\n"),
        ("seq 5 | head -c 4 | wc -c", 0, "4\n"),
        ("seq 1000000 | head -c 2", 0, "1\n"),
        ("echo abcdef | tail -c+4", 0, "def\n"),
        ("echo one > /tmp/f; echo two >> /tmp/f; cat < /tmp/f", 0, "one\ntwo\n"),
        ("mkdir -p /a/b && cd /a && echo x > b/f && ls && ls b && pwd", 0, "b\nf\n/a\n"),
        ("echo x > /tmp/f; rm /tmp/f; test -e /tmp/f", 1, ""),
        ("[ -d /tmp ] && [ a = a ] && [ a != b ] && echo ok", 0, "ok\n"),
        ("cat /etc/hostname; hostname", 0, "web\nweb\n"),
        ("sh -c 'sh -c \"echo deep; exit 9\"'", 9, "deep\n"),
        ("echo lost 2>/dev/null >/dev/null", 0, ""),
        ("head -c 3 /dev/zero | wc -c", 0, "3\n"),
        ("printenv NAME; printenv NONE", 1, "value\n"),
    ],
)
async def test_scripts(script: str, code: int, out: str) -> None:
    assert (await run(script))[:2] == (code, out)


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        ("nothing", 127, "executable file not found"),
        ("cat /none", 1, "cat: /none: No such file or directory"),
        ("cat /tmp", 1, "Is a directory"),
        ("echo 'open", 2, "unterminated"),
        ("echo ${x", 2, "bad substitution"),
        ("echo x | | cat", 2, "unexpected |"),
        ("echo x >", 2, "unexpected >"),
        ("echo x > /none/f", 1, "can't open"),
        ("tar zf -", 64, "only c and x"),
        ("tail -n 3", 1, "only -c"),
        ("sleep long", 1, "number of seconds"),
        ("seq x", 1, "one number"),
        ("mkdir /tmp", 1, "File exists"),
    ],
)
async def test_what_goes_wrong(script: str, code: int, said: str) -> None:
    found = await run(script)
    assert found[0] == code
    assert said in found[2]


async def test_a_shell_reads_commands_and_they_read_what_follows() -> None:
    out = Screen()
    process = Process(Container("web", ManualClock()), ManualClock(), {})
    streams = Streams(Typed(b"echo one\ncat\nrest of it\n"), out, Screen())
    assert await run_program(process, ["sh"], streams) == 0
    assert out.shown == b"one\nrest of it\n"


async def test_what_is_written_to_the_programs_output_is_logged() -> None:
    container = Container("web", ManualClock())
    await run("echo one; echo two > /proc/1/fd/1; echo -n half > /proc/1/fd/1", container=container)
    assert [text for _, text in container.lines()] == ["two"]
    for _ in range(MAX_LOG_LINES + 5):
        container.log(b"line\n")
    assert len(container.lines()) == MAX_LOG_LINES
    assert [text for _, text in container.lines(container.written - 1)] == ["line"]
    assert container.lines(container.written) == []


async def test_shells_in_shells_are_bounded() -> None:
    files = Container("web", ManualClock())
    await run("echo 'sh -c \"$(cat)\"' > /tmp/x", container=files)
    process = Process(files, ManualClock(), {})
    screen = Screen()
    code = await run_script(process, "sh", Streams(Typed(b"sh\n" * 40), Screen(), screen), 16)
    assert code == 2


@given(st.text(max_size=60))
def test_any_line_is_read_or_refused(line: str) -> None:
    try:
        list(tokens(line, {}))
    except SyntaxProblem:
        pass


@given(st.text("./ab", max_size=30), st.text("./ab", max_size=30))
def test_no_path_leads_out(path: str, base: str) -> None:
    full = absolute(path, base)
    assert full.startswith("/")
    assert ".." not in full.split("/")


def test_files_are_bounded() -> None:
    files = Files({})
    files.write("/tmp/a", bytes(MAX_BYTES - 10))
    with pytest.raises(FileError, match="No space"):
        files.write("/tmp/b", bytes(11))
    files.write("/tmp/a", b"")
    files.write("/tmp/b", bytes(11))
    with pytest.raises(FileError, match="No space"):
        for number in range(MAX_FILES):
            files.write(f"/tmp/{number}", b"")
    files.remove("/tmp", recursive=True)
    assert not files.is_file("/tmp/b")


def archive(*entries: tuple[str, bytes | None]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        for name, content in entries:
            entry = tarfile.TarInfo(name)
            if content is None:
                entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/hostname"
            else:
                entry.size = len(content)
            made.addfile(entry, io.BytesIO(content) if content is not None else None)
    return buffer.getvalue()


def test_an_archive_stays_below_its_directory() -> None:
    """Names with dots and slashes are taken from its root, and links are left out."""
    files = Files({"/etc/hostname": b"web"})
    unpack(files, archive(("../../etc/hostname", b"evil"), ("/root/x", b"abs"), ("link", None)), "/tmp")
    assert files.read("/etc/hostname") == b"web"
    assert files.read("/tmp/etc/hostname") == b"evil"
    assert files.read("/tmp/root/x") == b"abs"
    assert not files.is_file("/tmp/link")


def test_a_directory_comes_back_from_its_archive() -> None:
    files = Files({})
    files.make_directory("/data/in", parents=True)
    files.write("/data/in/one", b"1")
    files.write("/data/two", b"2")
    other = Files({})
    unpack(other, pack(files, ["data"], "/"), "/tmp")
    assert other.read("/tmp/data/in/one") == b"1"
    assert other.read("/tmp/data/two") == b"2"


@pytest.mark.parametrize("data", [b"nothing like it" * 100, b"\x00" * 10])
def test_what_is_no_archive(data: bytes) -> None:
    with pytest.raises(TarError):
        unpack(Files({}), data, "/tmp")


async def test_a_pipe_makes_its_writer_wait() -> None:
    pipe = Pipe()
    await pipe.write(bytes(64 * 1024))
    await pipe.finish()
    assert len(await pipe.read()) == 64 * 1024
    assert await pipe.read() == b""
