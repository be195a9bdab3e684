"""The words and operators of a line of shell: quotes, escapes and variables, and no more (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

OPERATORS: Final = ("&&", "||", ">>", "2>", ";", "|", ">", "<", "\n")
REDIRECTIONS: Final = frozenset({">", ">>", "<", "2>"})
_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


class SyntaxProblem(Exception):
    """The line can't be read."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word, or an operator."""

    text: str
    operator: bool = False


def tokens(line: str, variables: Mapping[str, str]) -> Iterator[Token]:
    """The tokens of a line. A variable is put in when its word is reached, so after what stands before it has run.

    Raises SyntaxProblem.
    """
    return _Lexer(line, variables).run()


class _Lexer:
    def __init__(self, line: str, variables: Mapping[str, str]) -> None:
        self._line = line
        self._variables = variables
        self._at = 0
        self._word: str | None = None

    def run(self) -> Iterator[Token]:
        line = self._line
        while self._at < len(line):
            character = line[self._at]
            if character == "'":
                self._add(self._until("'"))
            elif character == '"':
                self._double_quoted()
            elif character == "\\":
                self._add(line[self._at + 1 : self._at + 2])
                self._at += 2
            elif character == "$":
                self._variable()
            elif character == "#" and self._word is None:
                end = line.find("\n", self._at)
                self._at = len(line) if end < 0 else end
            elif (operator := self._operator()) is not None:
                yield from self._end_word()
                yield Token(operator, operator=True)
                self._at += len(operator)
            elif character in " \t\r":
                yield from self._end_word()
                self._at += 1
            else:
                self._add(character)
                self._at += 1
        yield from self._end_word()

    def _operator(self) -> str | None:
        for operator in OPERATORS:
            if self._line.startswith(operator, self._at) and (operator != "2>" or self._word is None):
                return operator
        return None

    def _add(self, text: str) -> None:
        self._word = (self._word or "") + text

    def _end_word(self) -> Iterator[Token]:
        if self._word is not None:
            word, self._word = self._word, None
            yield Token(word)

    def _until(self, quote: str) -> str:
        end = self._line.find(quote, self._at + 1)
        if end < 0:
            raise SyntaxProblem("unterminated quoted string")
        text = self._line[self._at + 1 : end]
        self._at = end + 1
        return text

    def _double_quoted(self) -> None:
        self._at += 1
        self._add("")
        while True:
            character = self._line[self._at : self._at + 1]
            if not character:
                raise SyntaxProblem("unterminated quoted string")
            if character == '"':
                self._at += 1
                return
            if character == "$":
                self._variable()
            elif character == "\\" and self._line[self._at + 1 : self._at + 2] in ("$", '"', "\\", "`"):
                self._add(self._line[self._at + 1])
                self._at += 2
            else:
                self._add(character)
                self._at += 1

    def _variable(self) -> None:
        line, start = self._line, self._at + 1
        if line[start : start + 1] == "?":
            self._add(self._variables.get("?", "0"))
            self._at = start + 1
            return
        braced = line[start : start + 1] == "{"
        end = start = start + braced
        while end < len(line) and line[end] in _NAME:
            end += 1
        if end == start or (braced and line[end : end + 1] != "}"):
            if braced:
                raise SyntaxProblem("bad substitution")
            self._add("$")
            self._at = start
            return
        self._add(self._variables.get(line[start:end], ""))
        self._at = end + braced
