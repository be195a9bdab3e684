"""What can't be written is refused before a SyncTarget or a token is made for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from headwater.cli.editor import editor_command
from headwater.cli.failure import CommandFailed
from headwater.cli.main import cli

REFUSED = [
    (("-o", "{tmp}/none/x.yaml"), "there is no directory"),
    (("-o", "{tmp}"), "it is a directory"),
    (("-o", "-", "--syncer-kubeconfig", "{tmp}/none/x"), "there is no directory"),
]


@pytest.mark.parametrize("command", ["create", "token"])
@pytest.mark.parametrize(("flags", "why"), REFUSED)
def test_destinations(tmp_path: Path, command: str, flags: tuple[str, ...], why: str) -> None:
    """The kubeconfig, which is not there either, is not even read."""
    given = [each.replace("{tmp}", str(tmp_path)) for each in flags]
    result = CliRunner().invoke(cli, ["sync-target", command, "east", *given, "--kubeconfig", str(tmp_path / "no")])
    assert (result.exit_code, why in result.output) == (1, True), result.output


def test_the_domain_of_the_pcluster() -> None:
    result = CliRunner().invoke(cli, ["sync-target", "create", "east", "-o", "-", "--cluster-domain", "A B"])
    assert (result.exit_code, "--cluster-domain 'A B' is no DNS domain" in result.output) == (1, True)


@pytest.mark.parametrize("chosen", [" ", '"'])
def test_an_editor_that_is_none(chosen: str) -> None:
    with pytest.raises(CommandFailed, match="is not a command line"):
        editor_command(chosen)
