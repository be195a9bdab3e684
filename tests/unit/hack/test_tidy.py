"""The tidiness check finds what it is for."""

from __future__ import annotations

from pathlib import Path

import pytest
from hack import tidy

DOC = '"""Doc."""\n'


def _function(lines: int) -> str:
    return DOC + "def f():\n" + "    x = 1\n" * (lines - 1)


CASES = [
    pytest.param("src/headwater/a.py", DOC, [], id="clean"),
    pytest.param("src/headwater/a.py", DOC + "x = 1\n" * 299, [], id="300 lines"),
    pytest.param("src/headwater/a.py", DOC + "x = 1\n" * 300, ["301 lines"], id="301 lines"),
    pytest.param("src/headwater/apis/a.py", DOC + "x = 1\n" * 399, [], id="kinds may have 400"),
    pytest.param("src/headwater/apis/a.py", DOC + "x = 1\n" * 400, ["401 lines"], id="but not more"),
    pytest.param("tests/unit/test_a.py", DOC + "x = 1\n" * 499, [], id="tests may have 500"),
    pytest.param("src/headwater/a.py", _function(70), [], id="function of 70"),
    pytest.param("src/headwater/a.py", _function(71), ["f has 71 lines"], id="function of 71"),
    pytest.param("src/headwater/a.py", "x = 1\n", ["no module docstring"], id="docstring"),
    pytest.param("src/headwater/__init__.py", "", ["no module docstring"], id="docstring of a package"),
    pytest.param("tests/__init__.py", "", [], id="empty test package"),
    pytest.param("src/headwater/utils.py", DOC, ["called utils"], id="utils"),
    pytest.param("src/headwater/string_helpers.py", DOC, ["called string_helpers"], id="helpers"),
    pytest.param("src/headwater/common/a.py", DOC, ["called common"], id="common"),
    pytest.param("src/headwater/commons_test.py", DOC, ["called commons_test"], id="plural"),
    pytest.param("src/headwater/miscible.py", DOC, [], id="only whole words"),
    pytest.param("src/headwater/a.py", DOC + "class TMCThing: ...\n", ["name the thing"], id="prefix of a class"),
    pytest.param("src/headwater/a.py", DOC + "def tmc_run(): ...\n", ["name the thing"], id="prefix of a function"),
    pytest.param("src/headwater/a.py", DOC + "x = 1  # " + "TODO later\n", ["finish it"], id="unfinished"),
    pytest.param("tests/a.py", DOC + "pytest" + ".skip()\n", ["no test"], id="skipped"),
    pytest.param("tests/a.py", DOC + "@pytest" + ".mark.xfail\ndef f(): ...\n", ["no test"], id="expected failure"),
]


@pytest.mark.parametrize(("path", "text", "expected"), CASES)
def test_findings(path: str, text: str, expected: list[str]) -> None:
    """Each planted fault is found, and nothing else."""
    found = list(tidy.findings(Path(path), text))
    assert len(found) == len(expected)
    assert all(part in line for part, line in zip(expected, found, strict=True))


def test_whole_tree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code says whether anything was found, and the output says where."""
    source = tmp_path / "src/headwater"
    source.mkdir(parents=True)
    (source / "good.py").write_text(DOC)
    assert tidy.main(tmp_path) == 0
    (source / "util.py").write_text(DOC)
    assert tidy.main(tmp_path) == 1
    assert "src/headwater/util.py" in capsys.readouterr().out
