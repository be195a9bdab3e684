"""What the documents at the root say about the source is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "src" / "headwater"
GENERATED = ROOT / "docs" / "content" / "reference"
PAGES = [
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")),
    *(page for page in (ROOT / "docs" / "content").rglob("*.md") if not page.is_relative_to(GENERATED)),
]
PATH = re.compile(r"`((?:[a-z_]+/)+(?:[a-z_]+\.(?:py|md|ini))?)`")
TWO_SENTENCES = re.compile(r"[a-z)`]\. [A-Z`]")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_lead_somewhere(page: Path) -> None:
    """A file or folder that a page names is there, below the root or below the package."""
    for path in PATH.findall(page.read_text()):
        starts = [start for start in (ROOT, SOURCE) if (start / path.partition("/")[0]).is_dir()]
        assert not starts or any((start / path).exists() for start in starts), path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_one_sentence_a_line(page: Path) -> None:
    """So that a change of one sentence is a change of one line."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for line in text.splitlines():
        if not line.startswith("|"):
            assert not TWO_SENTENCES.search(line), line


def test_every_dependency_has_its_reason() -> None:
    """A library that is added without a line in ARCHITECTURE.md, or one that is gone but still there, is found here."""
    section = (ROOT / "ARCHITECTURE.md").read_text().partition("## Dependencies")[2]
    listed = set(re.findall(r"^\| ([a-z-]+) \|", section, re.MULTILINE)) - {"library"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.split(r"[^a-z-]", entry, maxsplit=1)[0] for entry in project["dependencies"]}
    assert listed == wanted
