"""Shells complete commands and flags without a control plane, and never hear of one that does not answer."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from headwater.cli.completing import print_cobra_completions
from headwater.cli.main import cli
from headwater.cli.workload import workload
from headwater.cli.workspace.command import workspace

COMMANDS = {
    "workload": (workload, ["dr"], ["drain\t", ":4"]),
    "flags": (workload, ["drain", "--ti"], ["--timeout\t", ":4"]),
    "below": (workload, ["plan", "fa"], ["fail\t", ":4"]),
    "choices": (workload, ["drain", "--dry-run", "cl"], ["client", ":4"]),
    "workspace": (workspace, ["tr"], ["tree\t", ":4"]),
    "nothing": (workload, ["nope", "x"], [":0"]),
    "types": (workload, ["explain", "deploy"], ["deployment/", ":4"]),
    "no-answer": (workload, ["cordon", "e"], [":0"]),
    "no-answer-for-names": (workload, ["explain", "deploy/w"], [":0"]),
}


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/none")


@pytest.mark.parametrize(("command", "arguments", "expected"), COMMANDS.values(), ids=COMMANDS)
def test_kubectl_gets_candidates_and_a_directive(
    capsys: pytest.CaptureFixture[str], command: object, arguments: list[str], expected: list[str]
) -> None:
    print_cobra_completions(command, "kubectl x", arguments)  # type: ignore[arg-type]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(expected)
    assert all(line.startswith(start) for line, start in zip(lines, expected, strict=True)), lines


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(shell: str) -> None:
    done = CliRunner().invoke(cli, ["completion", shell])
    assert done.exit_code == 0
    assert f"_HEADWATER_COMPLETE={shell}_complete" in done.output
