"""Flags whose values end up in manifests."""

from __future__ import annotations

import pytest
from click import Command
from click.testing import CliRunner

from headwater.cli.synctarget.create import create
from headwater.cli.synctarget.credentials import revoke, token
from headwater.cli.synctarget.manifest import manifest


@pytest.mark.parametrize(
    ("command", "flags", "said"),
    [
        pytest.param(create, ["-o", "-", "--namespace=Bad_NS"], "'--namespace': 'Bad_NS'", id="namespace"),
        pytest.param(create, ["-o", "-", "--kcp-namespace=a/b"], "'--kcp-namespace': 'a/b'", id="of the account"),
        pytest.param(create, ["-o", "-", "--syncer-image=a b"], "'a b' is no name of an image", id="two words"),
        pytest.param(manifest, ["-n", "a.b"], "'--namespace': 'a.b'", id="no label"),
        pytest.param(manifest, ["--syncer-image=a\n"], "is no name of an image", id="image of a manifest"),
        pytest.param(token, ["-o", "-", "-n", "-"], "'--namespace': '-'", id="namespace of a token"),
        pytest.param(revoke, ["--kcp-namespace=A"], "'--kcp-namespace': 'A'", id="of an account to revoke"),
    ],
)
def test_what_no_pcluster_would_take_is_refused_before_anything_is_done(
    command: Command, flags: list[str], said: str
) -> None:
    answer = CliRunner().invoke(command, ["east", *flags])
    assert answer.exit_code == 2
    assert said in answer.output
