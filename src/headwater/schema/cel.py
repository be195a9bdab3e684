"""The one door to CEL: expressions of Kubernetes' validation rules, compiled and run by the C++ library.

The library is imported when the first expression is compiled. It stops an evaluation after 10,000 steps of
comprehensions; what one step may make is bounded by `celcost`, in the place of Kubernetes' cost estimate.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from headwater.base import jsonio
from headwater.schema.celcost import TooComplex, bound_of
from headwater.schema.celfunctions import function_declarations

Spend = Callable[[int], None]

_BARE_SELF = re.compile(r"\bself\b(?!\s*\.\s*\??\s*[A-Za-z_])")
_SELF_FIELD = re.compile(r"\bself\s*\.\s*\??\s*([A-Za-z_][A-Za-z0-9_]*)")
_OLD_SELF = re.compile(r"\boldSelf\b")
_OPTIONAL_OLD_SELF = "(hasOldSelf ? optional.of(oldSelfValue) : optional.none())"


class CelError(Exception):
    """An expression that doesn't compile, or whose evaluation failed; the text says why."""


class Expression:
    """A compiled expression over ``self`` and ``oldSelf``. Raises CelError from the constructor if it is not valid.

    ``optional_old_self`` makes ``oldSelf`` an optional value, empty when there is no old object.
    """

    __slots__ = ("_bound", "_fields", "_optional_old_self", "_program", "is_transition")

    def __init__(self, text: str, *, optional_old_self: bool = False) -> None:
        self.is_transition = _OLD_SELF.search(text) is not None and not optional_old_self
        self._optional_old_self = optional_old_self
        self._fields = None if _BARE_SELF.search(text) else frozenset(_SELF_FIELD.findall(text))
        self._program = _compile(_OLD_SELF.sub(_OPTIONAL_OLD_SELF, text) if optional_old_self else text)
        try:
            self._bound = bound_of(self._program.serialize())
        except TooComplex as error:
            raise CelError(str(error)) from None

    def evaluate(self, value: Any, old: Any = None, *, has_old: bool = False, spend: Spend | None = None) -> Any:
        """The expression's plain result. Raises CelError if it fails or exceeds the library's limits or ours.

        ``spend`` hears before how many microseconds it may take, and can stop it by an exception.
        """
        data = {"self": self._used_part(value)}
        if self.is_transition:
            data["oldSelf"] = old
        if self._optional_old_self:
            data |= {"oldSelfValue": old, "hasOldSelf": has_old}
        size = _size_of(data)
        if size > self._bound.largest:
            raise CelError(f"call cost exceeds limit for rule: not evaluated on more than {self._bound.largest} bytes")
        if spend is not None:
            spend(self._bound.microseconds(size))
        try:
            result = self._program.eval(data=data)
        except RuntimeError as error:
            raise CelError(_explain(str(error))) from None
        if result.type() == _library().Type.ERROR:
            raise CelError(_explain(str(result.value())))
        return result.plain_value()

    def _used_part(self, value: Any) -> Any:
        """The members of ``self`` that the expression reads: converting data costs more than evaluating."""
        if self._fields is None or type(value) is not dict or len(value) <= len(self._fields):
            return value
        return {name: value[name] for name in self._fields if name in value}


def re2_matches(pattern: str, value: str) -> bool:
    """Whether an RE2 expression is found in the value, in linear time. Raises ValueError if it is not valid RE2."""
    try:
        return bool(_re2_program(pattern).evaluate(value))
    except CelError as error:
        raise ValueError(str(error)) from None


@lru_cache(maxsize=512)
def _re2_program(pattern: str) -> Expression:
    escaped = "".join(char if char.isalnum() else f"\\U{ord(char):08x}" for char in pattern)
    return Expression(f'self.matches("{escaped}")')


@cache
def _library() -> Any:
    from cel_expr_python import cel

    return cel


@cache
def _environment() -> Any:
    from cel_expr_python.ext import ext_encoders, ext_math, ext_optional, ext_strings

    cel = _library()
    names = ("self", "oldSelf", "oldSelfValue", "hasOldSelf")
    return cel.NewEnv(
        variables=dict.fromkeys(names, cel.Type.DYN),
        extensions=[
            ext_strings.ExtStrings(),
            ext_math.ExtMath(),
            ext_optional.ExtOptional(),
            ext_encoders.ExtEncoders(),
        ],
        functions=function_declarations(cel),
    )


@lru_cache(maxsize=4096)
def _compile(text: str) -> Any:
    try:
        return _environment().compile(text)
    except RuntimeError as error:
        raise CelError(_explain(str(error))) from None


def _size_of(data: Any) -> int:
    try:
        return len(jsonio.dumps(data))
    except jsonio.EncodeError:
        return sys.maxsize


def _explain(text: str) -> str:
    """The library's message without its status codes."""
    text = re.sub(r"^[A-Z_]+: ", "", text)
    text = re.sub(r" \[[A-Z_]+\]$", "", text)
    if "Iteration budget exceeded" in text:
        return "call cost exceeds limit for rule: more than 10000 iterations"
    return text
