"""The loop entry and the build's version."""

from __future__ import annotations

import asyncio
import builtins
import re
from pathlib import Path

import pytest

from headwater.base import loop, version


async def _loop_module() -> str:
    await asyncio.sleep(0)
    return type(asyncio.get_running_loop()).__module__


def test_run_returns_the_result_on_uvloop() -> None:
    """Programs run on uvloop where it is installed."""
    assert loop.run(_loop_module()).startswith("uvloop")


def test_run_works_without_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard loop takes over elsewhere."""
    real = builtins.__import__

    def without_uvloop(name: str, *args: object, **kwargs: object) -> object:
        if name == "uvloop":
            raise ImportError(name)
        return real(name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without_uvloop)
    assert loop.run(_loop_module()).startswith("asyncio")


def test_build_info_has_kubernetes_shape() -> None:
    """kubectl parses major, minor and gitVersion."""
    info = version.build_info()
    assert re.fullmatch(r"v\d+\.\d+\.\d+\+headwater-v\d+\.\d+\.\d+", info["gitVersion"])
    assert info["gitVersion"].startswith(f"v{info['major']}.{info['minor']}.")
    assert re.fullmatch(r"linux/\w+|\w+/\w+", info["platform"])


@pytest.mark.parametrize(
    ("files", "commit"),
    [
        pytest.param({"HEAD": "ref: refs/heads/main\n", "refs/heads/main": "abc\n"}, "abc", id="loose"),
        pytest.param(
            {"HEAD": "ref: refs/heads/main\n", "packed-refs": "# p\ndef refs/heads/main\n"}, "def", id="packed"
        ),
        pytest.param({"HEAD": "ref: refs/heads/main\n", "packed-refs": "# p\n"}, "", id="unborn"),
        pytest.param({"HEAD": "123\n"}, "123", id="detached"),
        pytest.param({}, "", id="installed"),
    ],
)
def test_git_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], commit: str) -> None:
    """The commit of a checkout is read without running git."""
    for name, text in files.items():
        path = tmp_path / ".git" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(version, "__file__", str(tmp_path / "src/headwater/base/version.py"))
    version.git_commit.cache_clear()
    assert commit == version.git_commit() == version.GIT_COMMIT
    version.git_commit.cache_clear()


def test_unknown_attributes_are_errors() -> None:
    """The lazy attribute does not hide typing mistakes."""
    with pytest.raises(AttributeError):
        version.GIT_COMIT  # noqa: B018
