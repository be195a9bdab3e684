"""Logs: levels, formats, fields, and no credentials whatever happens."""

from __future__ import annotations

import io
import json
import logging as standard
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from headwater.telemetry import logging
from headwater.telemetry.redaction import REDACTED, redact, redact_text


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Leave the process as other tests expect it."""
    root = standard.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    logging.configure(level="warning")
    root.handlers = handlers
    root.setLevel(level)


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_lines(stream: io.StringIO) -> None:
    """One object a line, with time, level, logger and message first; clashing fields get another name."""
    logging.configure(level="debug", format="json", stream=stream)
    log = logging.get_logger("headwater.test").bind(cluster="root:a")
    log.debug("one", n=1)
    log.info("two", level="mine", message="also mine", event="mine too")
    log.warning("three", odd={1, 2} and object)
    log.error("four")
    lines = _lines(stream)
    assert [(line["level"], line["message"]) for line in lines] == [
        ("debug", "one"),
        ("info", "two"),
        ("warning", "three"),
        ("error", "four"),
    ]
    assert all(line["logger"] == "headwater.test" and line["cluster"] == "root:a" for line in lines)
    assert lines[0]["time"].endswith("Z") and lines[0]["n"] == 1
    assert (lines[1]["level_"], lines[1]["message_"], lines[1]["event_"]) == ("mine", "also mine", "mine too")
    assert list(lines[1])[:4] == ["time", "level", "logger", "message"]


def test_text_lines(stream: io.StringIO) -> None:
    """Text for people: quoted only where needed, fields by name, and never a forged second line."""
    logging.configure(level="info", format="text", stream=stream)
    log = logging.get_logger("headwater.test")
    log.debug("hidden")
    log.info("started\nFAKE ERROR line", port=6443, path="a b", plain="x", items=[1])
    text = stream.getvalue()
    assert text.count("\n") == 1
    message = r"started\nFAKE ERROR line"
    assert text.partition(" ")[2] == f"[info] {message} [headwater.test] items=[1] path='a b' plain=x port=6443\n"


def test_loggers_from_before_configuration_follow_it(stream: io.StringIO) -> None:
    """Modules make their loggers when they are imported, long before anybody knows the level and the format."""
    early = logging.get_logger("early").bind(part="x")
    logging.configure(level="debug", format="json", stream=stream)
    early.debug("m")
    logging.configure(level="info", format="text", stream=stream)
    early.debug("hidden")
    early.info("n")
    first, second = stream.getvalue().splitlines()
    assert json.loads(first)["part"] == "x"
    assert second.endswith("[info] n [early] part=x")


def test_rich_stays_out() -> None:
    """structlog would import rich where it finds it, which takes longer than all that a start needs."""
    code = "import sys, headwater.telemetry.logging; assert not [m for m in sys.modules if m.startswith('rich')]"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 0


@pytest.mark.parametrize(("level", "written"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_levels(stream: io.StringIO, level: str, written: int) -> None:
    """Lines below the level are not written."""
    logging.configure(level=level, format="json", stream=stream)
    log = logging.get_logger("x")
    for name in ("debug", "info", "warning", "error"):
        getattr(log, name)("m")
        assert log.enabled_for(logging._LEVELS[name]) is (len(_lines(stream)) > 0)
    assert len(_lines(stream)) == written


def test_unknown_level() -> None:
    """A mistyped level says what is right."""
    with pytest.raises(ValueError, match="use debug, info, warning or error"):
        logging.configure(level="verbose")


def test_exceptions(stream: io.StringIO) -> None:
    """Errors carry their kind, text and stack, in both formats, without the tokens in them."""
    logging.configure(format="json", stream=stream)
    log = logging.get_logger("x")
    try:
        raise ValueError("refused: Bearer abc.def")
    except ValueError as error:
        log.exception("failed", a=1)
        log.error("failed", exc_info=error)
        log.warning("failed", exc_info=True)
    lines = _lines(stream)
    assert [line["error"] for line in lines] == [f"ValueError: refused: Bearer {REDACTED}"] * 3
    assert all("Traceback" in line["exception"] and "abc.def" not in line["exception"] for line in lines)
    text = io.StringIO()
    logging.configure(format="text", stream=text)
    log.error("failed", exc_info=ValueError("x"))
    assert text.getvalue().splitlines()[1:] == ["ValueError: x"]


def test_standard_logging_leaves_by_the_same_sink(stream: io.StringIO) -> None:
    """Libraries are heard from warnings up; configuring twice does not double their lines."""
    logging.configure(level="info", format="json", stream=stream)
    logging.configure(level="info", format="json", stream=stream)
    library = standard.getLogger("some.library")
    library.info("chatter")
    library.warning("careful %s", "now")
    malformed = standard.LogRecord("some.library", standard.CRITICAL, "f.py", 1, "bad %d", ("argument",), None)
    next(h for h in standard.getLogger().handlers if isinstance(h, logging._Bridge)).emit(malformed)
    try:
        raise KeyError("k")
    except KeyError:
        library.exception("broke")
    lines = _lines(stream)
    assert [(line["level"], line["logger"], line["message"]) for line in lines] == [
        ("warning", "some.library", "careful now"),
        ("critical", "some.library", "bad %d"),
        ("error", "some.library", "broke"),
    ]
    assert lines[2]["error"] == "KeyError: 'k'"
    logging.configure(level="error", format="json", stream=stream)
    library.setLevel("WARNING")
    library.warning("not any more")
    library.setLevel("NOTSET")
    assert len(_lines(stream)) == 3


def test_a_broken_stream_does_not_break_the_server() -> None:
    """Logging to a closed stream is lost, not raised."""
    closed = io.StringIO()
    closed.close()
    logging.configure(stream=closed)
    logging.get_logger("x").error("m")


def test_default_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a stream, lines go to standard error, so that output stays clean."""
    logging.configure()
    logging.get_logger("x").info("m")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("[info] m [x]\n")


SECRETS = [
    pytest.param({"token": "t0p"}, id="token"),
    pytest.param({"bearer_token": "t0p"}, id="word in a key"),
    pytest.param({"Authorization": "Basic t0p"}, id="header"),
    pytest.param({"clientPassword": "t0p"}, id="password"),
    pytest.param({"client-key-data": "t0p"}, id="kubeconfig"),
    pytest.param({"user": {"password": "t0p", "deep": [{"secret": "t0p"}]}}, id="nested"),
    pytest.param({"obj": {"kind": "Secret", "data": {"x": "t0p"}, "stringData": {"y": "t0p"}}}, id="Secret object"),
    pytest.param({"items": ({"kind": "Secret", "data": {"x": "t0p"}},)}, id="list of Secrets"),
    pytest.param({"curl": "-H 'Authorization: Bearer t0p'"}, id="bearer in a text"),
    pytest.param({"url": "https://x?t=eyJhbGciOiJSUzI1NiJ9.t0p.t0p"}, id="JSON web token"),
    pytest.param({"pem": "-----BEGIN EC PRIVATE KEY-----\nt0p\n-----END EC PRIVATE KEY-----"}, id="private key"),
    pytest.param({"pem": "-----BEGIN PRIVATE KEY-----\nt0p cut"}, id="cut private key"),
]


@pytest.mark.parametrize("fields", SECRETS)
def test_credentials_are_blanked(fields: dict[str, Any]) -> None:
    """No way of passing a credential to a log line lets it through."""
    cleaned = redact(fields)
    assert "t0p" not in repr(cleaned)
    assert REDACTED in repr(cleaned)


def test_other_fields_stay() -> None:
    """Names of secrets, empty values and numbers are no credentials; nesting is bounded."""
    fields = {"secret_name": "web-tls", "token": "", "count": 3, "obj": {"kind": "ConfigMap", "data": {"x": "y"}}}
    assert redact(fields) == fields
    deep: Any = "bottom"
    for _ in range(20):
        deep = [deep]
    assert "bottom" not in repr(redact({"deep": deep}))
    assert redact_text("Basically a Bearer of news") == f"Basically a Bearer {REDACTED} news"
