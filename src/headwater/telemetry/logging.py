"""Structured logs: a sentence and its fields, one line each, as JSON or as text for people: the one door to structlog.

Our own code logs through `get_logger`; records of third-party libraries on the standard ``logging`` module go through
the same processors to the same stream. Fields that hold credentials are blanked before anything is written.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping, Sequence
from typing import Any, Final, Literal, Protocol

from headwater.base import jsonio
from headwater.telemetry.redaction import redact

# structlog imports rich, if it finds it, for colours in tracebacks. That takes six times as long as structlog itself
# and 7 MB, for terminals only; this makes it not find it.
_HIDDEN: Final = "rich" not in sys.modules
if _HIDDEN:
    sys.modules["rich"] = None  # type: ignore[assignment]
import structlog  # noqa: E402

if _HIDDEN:
    del sys.modules["rich"]

DEBUG: Final = 10
INFO: Final = 20
WARNING: Final = 30
ERROR: Final = 40

_LEVELS = {"debug": DEBUG, "info": INFO, "warning": WARNING, "error": ERROR}
_RESERVED: Final = frozenset({"time", "level", "logger", "message", "event", "exc_info", "stack_info"})
_FIRST: Final = ("time", "level", "logger", "message")

ExcInfo = bool | BaseException | None
_Event = MutableMapping[str, Any]


class TextStream(Protocol):
    """Where lines go; standard error unless told otherwise."""

    def write(self, text: str, /) -> Any: ...

    def flush(self) -> None: ...


class _Output:
    """Where lines leave the process, and the least level of those that do."""

    __slots__ = ("level", "stream")

    def __init__(self) -> None:
        self.level = WARNING
        self.stream: TextStream | None = None

    def write(self, line: str) -> None:
        stream = self.stream or sys.stderr
        try:
            stream.write(line + "\n")
            stream.flush()
        except (OSError, ValueError):
            pass  # A closed or full stream must not take the server down.

    debug = info = warning = error = write


_output = _Output()
_processors: list[Any] = []
"""What an event passes on its way out. All loggers share the list, so those made before `configure` follow it."""


class Logger(structlog.BoundLoggerBase):
    """Writes messages with fields: ``log.info("workspace ready", workspace="root:a", seconds=0.3)``.

    Fields may have any name; those that the line has already get an underscore at their end.
    """

    def bind(self, **fields: Any) -> Logger:
        """A logger that adds these fields to each of its lines."""
        return Logger(_output, _processors, {**self._context, **_renamed(fields)})

    def enabled_for(self, level: int) -> bool:
        """Whether a line of this level would be written; ask before computing costly fields."""
        return level >= _output.level

    def debug(self, message: str, /, *, exc_info: ExcInfo = None, **fields: Any) -> None:
        if _output.level <= DEBUG:
            self._write("debug", message, exc_info, fields)

    def info(self, message: str, /, *, exc_info: ExcInfo = None, **fields: Any) -> None:
        if _output.level <= INFO:
            self._write("info", message, exc_info, fields)

    def warning(self, message: str, /, *, exc_info: ExcInfo = None, **fields: Any) -> None:
        if _output.level <= WARNING:
            self._write("warning", message, exc_info, fields)

    def error(self, message: str, /, *, exc_info: ExcInfo = None, **fields: Any) -> None:
        if _output.level <= ERROR:
            self._write("error", message, exc_info, fields)

    def exception(self, message: str, /, **fields: Any) -> None:
        """An error line with the exception that is being handled."""
        self._write("error", message, True, fields)

    def _write(self, level: str, message: str, exc_info: ExcInfo, fields: dict[str, Any]) -> None:
        fields = _renamed(fields)
        if exc_info:
            fields["exc_info"] = exc_info
        self._proxy_to_logger(level, message, **fields)


def get_logger(name: str) -> Logger:
    """The logger of a module or component; cheap enough for import time."""
    return Logger(_output, _processors, {"logger": name})


def configure(
    *,
    level: str | int = "info",
    format: Literal["json", "text"] = "text",
    stream: TextStream | None = None,
) -> None:
    """Set level, format and stream for the whole process, and take over the standard ``logging`` module.

    Raises ValueError for an unknown level. May be called again.
    """
    if isinstance(level, str):
        if level.lower() not in _LEVELS:
            raise ValueError(f'unknown log level "{level}": use debug, info, warning or error')
        level = _LEVELS[level.lower()]
    _output.level, _output.stream = level, stream
    render = _rendering(format)
    _processors[:] = [structlog.processors.add_log_level, *_COMMON, *render]
    root = logging.getLogger()
    root.handlers = [handler for handler in root.handlers if not isinstance(handler, _Bridge)]
    root.addHandler(_Bridge(render))
    # Libraries are chatty below warnings; their details matter only when we debug.
    root.setLevel(level if level <= DEBUG else max(level, WARNING))


class _Bridge(logging.Handler):
    """Carries records of the standard ``logging`` module through the same processors."""

    def __init__(self, render: Sequence[Any]) -> None:
        super().__init__()
        stdlib = structlog.stdlib
        self.setFormatter(
            stdlib.ProcessorFormatter(
                processors=[stdlib.ProcessorFormatter.remove_processors_meta, *_COMMON, *render],
                foreign_pre_chain=[stdlib.add_log_level, stdlib.add_logger_name],
            )
        )

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < _output.level:
            return
        try:
            line = self.format(record)
        except (TypeError, ValueError):  # the arguments don't fit the message
            record.msg, record.args = str(record.msg), None
            line = self.format(record)
        _output.write(line)


def _renamed(fields: dict[str, Any]) -> dict[str, Any]:
    if _RESERVED.isdisjoint(fields):
        return fields
    return {f"{key}_" if key in _RESERVED else key: value for key, value in fields.items()}


def _describe_error(_logger: Any, _method: str, event: _Event) -> _Event:
    """Adds ``error``, the exception in one line, to what format_exc_info makes of it."""
    error = event.get("exc_info")
    if error is True:
        error = sys.exc_info()[1]
    elif isinstance(error, tuple):
        error = error[1]
    if error is not None:
        event["exc_info"] = error
        event["error"] = f"{type(error).__name__}: {error}"
    return event


def _blank_credentials(_logger: Any, _method: str, event: _Event) -> _Event:
    return redact(event)


def _message_first(_logger: Any, _method: str, event: _Event) -> _Event:
    return {**{key: event.pop(key) for key in _FIRST}, **event}


def _on_one_line(_logger: Any, _method: str, event: _Event) -> _Event:
    """Escapes control characters: what a client sends must not forge a second line. JSON does so by itself."""
    text = event["message"]
    event["message"] = text if text.isprintable() else text.encode("unicode_escape").decode()
    return event


def _encode(event: _Event, **_options: Any) -> str:
    return jsonio.dumps_lenient(event).decode()


_COMMON: Final = (
    _describe_error,
    structlog.processors.format_exc_info,
    structlog.processors.TimeStamper(fmt="iso", key="time"),
    structlog.processors.EventRenamer("message"),
    _blank_credentials,
)


def _rendering(format: Literal["json", "text"]) -> list[Any]:
    if format == "json":
        return [_message_first, structlog.processors.JSONRenderer(serializer=_encode)]
    text = structlog.dev.ConsoleRenderer(
        colors=False, pad_event_to=0, pad_level=False, timestamp_key="time", event_key="message",
        exception_formatter=structlog.dev.plain_traceback,
    )  # fmt: skip
    return [_on_one_line, text]


# Until `configure` is called: warnings and errors, as text.
_processors[:] = [structlog.processors.add_log_level, *_COMMON, *_rendering("text")]
