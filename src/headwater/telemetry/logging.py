"""Structured logs: a sentence and its fields, one line each, as JSON or as text for people.

Our own code logs through `get_logger`; records of third-party libraries on the standard ``logging`` module leave by the
same sink. Fields that hold credentials are blanked before anything is written. There is no logging library underneath:
the usual one takes half a second to import, as long as everything else that a server needs to start.
"""

from __future__ import annotations

import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Final, Literal, Protocol

from headwater.base import jsonio
from headwater.telemetry.redaction import redact, redact_text

DEBUG: Final = 10
INFO: Final = 20
WARNING: Final = 30
ERROR: Final = 40

_LEVELS = {"debug": DEBUG, "info": INFO, "warning": WARNING, "error": ERROR}
_NAMES = {level: name for name, level in _LEVELS.items()}

ExcInfo = bool | BaseException | None


class TextStream(Protocol):
    """Where lines go; standard error unless told otherwise."""

    def write(self, text: str, /) -> Any: ...

    def flush(self) -> None: ...


class Sink:
    """The one place that lines leave from, with its level and format."""

    __slots__ = ("format", "level", "stream")

    def __init__(self, level: int, format: Literal["json", "text"], stream: TextStream | None) -> None:
        self.level = level
        self.format = format
        self.stream = stream

    def write(self, level: int, logger: str, message: str, fields: dict[str, Any], error: BaseException | None) -> None:
        if fields:
            fields = redact(fields)
        if error is not None:
            fields["error"] = redact_text(f"{type(error).__name__}: {error}")
            fields["stack"] = redact_text("".join(traceback.format_exception(error)).rstrip())
        line = (_json_line if self.format == "json" else _text_line)(level, logger, redact_text(message), fields)
        stream = self.stream or sys.stderr
        try:
            stream.write(line)
            stream.flush()
        except (OSError, ValueError):
            pass  # A closed or full stream must not take the server down.


_sink = Sink(WARNING, "text", None)


class Logger:
    """Writes messages with fields: ``log.info("workspace ready", workspace="root:a", seconds=0.3)``."""

    __slots__ = ("_fields", "name")

    def __init__(self, name: str, fields: dict[str, Any] | None = None) -> None:
        self.name = name
        self._fields = fields or {}

    def bind(self, **fields: Any) -> Logger:
        """A logger that adds these fields to each of its lines."""
        return Logger(self.name, {**self._fields, **fields})

    def enabled_for(self, level: int) -> bool:
        """Whether a line of this level would be written; ask before computing costly fields."""
        return level >= _sink.level

    def debug(self, message: str, /, *, exc_info: ExcInfo = None, **fields: Any) -> None:
        if _sink.level <= DEBUG:
            self._write(DEBUG, message, exc_info, fields)

    def info(self, message: str, /, *, exc_info: ExcInfo = None, **fields: Any) -> None:
        if _sink.level <= INFO:
            self._write(INFO, message, exc_info, fields)

    def warning(self, message: str, /, *, exc_info: ExcInfo = None, **fields: Any) -> None:
        if _sink.level <= WARNING:
            self._write(WARNING, message, exc_info, fields)

    def error(self, message: str, /, *, exc_info: ExcInfo = None, **fields: Any) -> None:
        if _sink.level <= ERROR:
            self._write(ERROR, message, exc_info, fields)

    def exception(self, message: str, /, **fields: Any) -> None:
        """An error line with the exception that is being handled."""
        self._write(ERROR, message, True, fields)

    def _write(self, level: int, message: str, exc_info: ExcInfo, fields: dict[str, Any]) -> None:
        error = sys.exc_info()[1] if exc_info is True else exc_info or None
        _sink.write(level, self.name, message, {**self._fields, **fields} if self._fields else fields, error)


def get_logger(name: str) -> Logger:
    """The logger of a module or component; cheap enough for import time."""
    return Logger(name)


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
    _sink.level, _sink.format, _sink.stream = level, format, stream
    root = logging.getLogger()
    root.handlers = [handler for handler in root.handlers if not isinstance(handler, _Bridge)]
    root.addHandler(_Bridge())
    # Libraries are chatty below warnings; their details matter only when we debug.
    root.setLevel(level if level <= DEBUG else max(level, WARNING))


class _Bridge(logging.Handler):
    """Carries records of the standard ``logging`` module to the sink."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < _sink.level:
            return
        error = record.exc_info[1] if record.exc_info else None
        level = min(max(record.levelno // 10 * 10, DEBUG), ERROR)
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)
        _sink.write(level, record.name, message, {}, error)


def _timestamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")[:23] + "Z"


def _json_line(level: int, logger: str, message: str, fields: dict[str, Any]) -> str:
    record = {"time": _timestamp(), "level": _NAMES[level], "logger": logger, "message": message}
    for key, value in fields.items():
        record[f"{key}_" if key in record else key] = value
    return jsonio.dumps_lenient(record).decode() + "\n"


def _text_line(level: int, logger: str, message: str, fields: dict[str, Any]) -> str:
    stack = fields.pop("stack", "")
    pairs = "".join(f" {key}={_text_value(value)}" for key, value in fields.items())
    line = f"{_timestamp()} {_NAMES[level].upper():7} {logger}: {_one_line(message)}{pairs}\n"
    return f"{line}{stack}\n" if stack else line


def _text_value(value: Any) -> str:
    if isinstance(value, str):
        plain = value and value.isprintable() and not any(char in value for char in ' "=')
        return value if plain else jsonio.dumps(value).decode()
    return jsonio.dumps_lenient(value).decode()


def _one_line(text: str) -> str:
    """Control characters escaped: what a client sends must not forge a second line."""
    return text if text.isprintable() else text.encode("unicode_escape").decode()
