"""Which workspace a server URL names, and how tables look."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from headwater.cli.main import cli
from headwater.cli.output import table
from headwater.cli.session import split_workspace

URLS = {
    "base": ("https://h:6443", ("https://h:6443", "")),
    "workspace": ("https://h:6443/clusters/root:a", ("https://h:6443", "root:a")),
    "behind-proxy": ("https://h/kcp/clusters/root", ("https://h/kcp", "root")),
    "escaped": ("https://h/clusters/root%3Aa/x", ("https://h", "root:a")),
}


@pytest.mark.parametrize(("url", "expected"), URLS.values(), ids=URLS)
def test_split_workspace(url: str, expected: tuple[str, str]) -> None:
    assert split_workspace(url) == expected


def test_table_is_aligned_and_plain_off_a_terminal() -> None:
    assert table(["NAME", "READY"], [["a", "True"], ["longer", "False"]]) == (
        "NAME     READY\na        True\nlonger   False"
    )


def test_help_names_every_command_and_imports_none() -> None:
    """Help is printed from the table alone: no server or client module is imported for it."""
    code = (
        "import sys\nfrom headwater.cli.main import cli\n"
        "try: cli(['--help'])\nexcept SystemExit: pass\n"
        "heavy = [m for m in sys.modules if m.split('.')[0] in ('aiohttp','apsw','cryptography','structlog')]\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    for command in ("start", "syncer", "sim", "sync-target", "bind", "placements", "workspace"):
        assert command in done.stdout


def test_help_of_every_command_imports_neither_server_nor_client() -> None:
    """Whoever asks for help, or completes, waits for click alone."""
    code = (
        "import sys, click\nfrom headwater.cli.main import cli\n"
        "def visit(command, path):\n"
        "    if path[:1] in (['start'], ['syncer'], ['sim'], ['demo']): return\n"
        "    context = click.Context(command, info_name='x')\n"
        "    command.get_help(context)\n"
        "    for name in command.list_commands(context) if isinstance(command, click.Group) else ():\n"
        "        visit(command.get_command(context, name), [*path, name])\n"
        "visit(cli, [])\n"
        "heavy = ('aiohttp', 'apsw', 'cryptography', 'structlog', 'numpy', 'yaml', 'orjson')\n"
        "found = [m for m in sys.modules if m.split('.')[0] in heavy or m.startswith('headwater.server')]\n"
        "sys.exit(str(found) if found else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr


def test_wrong_kubeconfig_is_one_line_with_advice(tmp_path: object) -> None:
    done = CliRunner().invoke(cli, ["placements", "--kubeconfig", f"{tmp_path}/none"])
    assert done.exit_code == 1
    assert done.output.count("\n") == 1
    assert "does not exist" in done.output
    assert "--kubeconfig" in done.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["start", "--sync-target-heartbeat-threshold", "1"],
        ["start", "--sync-target-heartbeat-threshold", "100000"],
        ["syncer", "--heartbeat-interval", "0.5"],
        ["syncer", "--heartbeat-interval", "601"],
    ],
)
def test_heartbeats_have_sensible_bounds(arguments: list[str]) -> None:
    """Objects have whole seconds, and a pcluster that is lost has to be noticed some time."""
    answer = CliRunner().invoke(cli, arguments)
    assert answer.exit_code == 2
    assert "is not in the range" in answer.output
