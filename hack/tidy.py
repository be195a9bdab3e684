"""Checks what linters don't: sizes of files and functions, module docstrings, banned names, unfinished business.

Run it without arguments from anywhere; it prints one line per finding and exits with 1 if there are any.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

MAX_FILE_LINES = 300
MAX_FILE_LINES_OF_KINDS = 400
MAX_TEST_FILE_LINES = 500
MAX_FUNCTION_LINES = 70

BANNED_MODULES = re.compile(r"(^|_)(utils?|helpers?|commons?|misc)(_|$)")
BANNED_PREFIX = re.compile(r"^_?tmc", re.IGNORECASE)
UNFINISHED = re.compile(r"#\s*(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
SKIPPED_TEST = re.compile(r"pytest\.(?:mark\.)?(?:skip|xfail)|unittest\.skip")

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def findings(path: Path, text: str) -> Iterator[str]:
    """What is wrong with one file; the path is relative to the root and decides the limits."""
    tree = ast.parse(text)
    is_test = path.parts[0] == "tests"
    lines = text.count("\n")
    if lines > (limit := _file_limit(path, is_test=is_test)):
        yield f"{path}: {lines} lines, at most {limit}: split it by concern"
    if ast.get_docstring(tree) is None and (text.strip() or not is_test):
        yield f"{path}: no module docstring"
    for part in (*path.parts[:-1], path.stem):
        if BANNED_MODULES.search(part):
            yield f"{path}: nobody searches for a module called {part}"
    for number, line in enumerate(text.splitlines(), 1):
        if UNFINISHED.search(line):
            yield f"{path}:{number}: finish it or file an issue"
        if is_test and SKIPPED_TEST.search(line) and path.name != "test_tidy.py":
            yield f"{path}:{number}: a test that does not run is no test"
    for node in ast.walk(tree):
        if isinstance(node, Definition):
            yield from _definition_findings(path, node)


def _file_limit(path: Path, *, is_test: bool) -> int:
    if is_test:
        return MAX_TEST_FILE_LINES
    return MAX_FILE_LINES_OF_KINDS if path.parts[:3] == ("src", "headwater", "apis") else MAX_FILE_LINES


def _definition_findings(path: Path, node: Definition) -> Iterator[str]:
    if BANNED_PREFIX.search(node.name):
        yield f"{path}:{node.lineno}: {node.name}: name the thing, not the project that it comes from"
    if isinstance(node, ast.ClassDef):
        return
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    if length > MAX_FUNCTION_LINES:
        yield f"{path}:{node.lineno}: {node.name} has {length} lines, at most {MAX_FUNCTION_LINES}"


def source_files(root: Path) -> list[Path]:
    """The Python files that we write by hand, relative to the root."""
    folders = ("src", "tests", "hack", "benchmarks", "docs")
    return sorted(path.relative_to(root) for folder in folders for path in (root / folder).rglob("*.py"))


def main(root: Path = ROOT) -> int:
    found = [line for path in source_files(root) for line in findings(path, (root / path).read_text())]
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
