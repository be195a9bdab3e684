"""Which SyncTargets a command means."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from headwater.cli.main import cli

WRONG = {
    "nothing": (["cordon"], "at least one SyncTarget is required"),
    "two-ways": (["cordon", "east", "-l", "a=b"], "one of --selector and --all"),
    "all-and-some": (["drain", "east", "--all"], "one of --selector and --all"),
    "taint-first": (["taint", "a:NoSchedule", "east"], "all resources must be specified before taint changes: east"),
    "no-taint": (["taint", "east"], "at least one taint update is required"),
    "no-target": (["taint", "a:NoSchedule"], "at least one SyncTarget is required"),
    "dry-run-of-what": (["drain", "east", "--dry-run=maybe"], "'maybe' is not one of"),
    "timeout": (["drain", "east", "--wait", "--timeout", "soon"], 'time: invalid duration "soon"'),
}


@pytest.fixture
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One that leads to a port where nobody listens: nothing here gets as far as to ask."""
    path = tmp_path_factory.mktemp("choosing") / "config"
    path.write_text(
        "current-context: c\n"
        "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1/clusters/root'}}]\n"
        "contexts: [{name: c, context: {cluster: c}}]\n"
    )
    return str(path)


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG)
def test_wrong_arguments_are_refused_before_anything_is_asked(
    kubeconfig: str, arguments: list[str], message: str
) -> None:
    done = CliRunner().invoke(cli, ["sync-target", *arguments, "--kubeconfig", kubeconfig])
    assert done.exit_code != 0
    assert message in done.output
