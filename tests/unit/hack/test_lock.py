"""The lock file covers what pyproject.toml asks for, and nothing of the machine that made it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9._-]", entry, maxsplit=1)[0].lower().replace("_", "-") for entry in requirements}


def test_every_requirement_is_locked() -> None:
    """A dependency added to pyproject.toml without `make lock` is found here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = _names(project["project"]["dependencies"]) | _names(project["dependency-groups"]["dev"])
    locked = _names((ROOT / "requirements.lock").read_text().splitlines())
    assert wanted - locked == set()


def test_the_lock_names_versions_and_no_hosts() -> None:
    """Installs come from whatever index the machine uses."""
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        assert re.fullmatch(r"[a-z0-9._-]+==[A-Za-z0-9.+!]+( ; [a-z_]+ (==|!=) '[A-Za-z0-9]+'( and .+)?)?", line), line
