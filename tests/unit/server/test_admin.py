"""The administrator's tokens and the errors of a start."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from headwater.apiserver.web.types import Request, Response
from headwater.client.kubeconfig import load_file
from headwater.server.admin import AdminTokens, load_tokens, write_kubeconfig
from headwater.server.errors import listen_error, start_error
from headwater.server.starting import StartingHandler


def test_the_persistent_token_stays(tmp_path: Path) -> None:
    """The shard administrator's token is taken from the kubeconfig while its hash fits; the other one is new."""
    store, kubeconfig = tmp_path / ".admin-token-store", tmp_path / "admin.kubeconfig"
    first = load_tokens(store, kubeconfig)
    write_kubeconfig(kubeconfig, first, server="https://127.0.0.1:1", ca_pem="CA")
    second = load_tokens(store, kubeconfig)
    assert second.shard_admin == first.shard_admin
    assert second.admin != first.admin
    assert first.shard_admin not in store.read_text()


@pytest.mark.parametrize("damage", ["hash", "kubeconfig", "token"])
def test_a_token_that_does_not_fit_is_replaced(tmp_path: Path, damage: str) -> None:
    """Whoever changes either half gets a new token, not access."""
    store, kubeconfig = tmp_path / ".admin-token-store", tmp_path / "admin.kubeconfig"
    first = load_tokens(store, kubeconfig)
    write_kubeconfig(kubeconfig, first, server="https://127.0.0.1:1", ca_pem="CA")
    if damage == "hash":
        store.write_text("0" * 64)
    elif damage == "kubeconfig":
        kubeconfig.write_text("{not yaml")
    else:
        write_kubeconfig(kubeconfig, AdminTokens("a", "forged"), server="https://127.0.0.1:1", ca_pem="CA")
    assert load_tokens(store, kubeconfig).shard_admin not in (first.shard_admin, "forged")


def test_contexts_are_those_of_kcp(tmp_path: Path) -> None:
    path = tmp_path / "admin.kubeconfig"
    write_kubeconfig(path, AdminTokens("a", "s"), server="https://h:1", ca_pem="CA")
    config = load_file(path)
    assert {name: (c["cluster"], c["user"]) for name, c in config.contexts.items()} == {
        "root": ("root", "kcp-admin"),
        "base": ("base", "kcp-admin"),
        "system:admin": ("system:admin", "shard-admin"),
        "shard-base": ("base", "shard-admin"),
    }
    assert config.clusters["system:admin"]["server"] == "https://h:1/clusters/system:admin"


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EADDRINUSE, "--secure-port"),
        (errno.EACCES, "above 1023"),
        (errno.EADDRNOTAVAIL, "--bind-address"),
        (errno.EIO, "check --bind-address"),
    ],
)
def test_listen_errors_say_what_to_do(number: int, advice: str) -> None:
    assert advice in str(listen_error(OSError(number, "why"), "127.0.0.1", 80))


def test_start_errors_are_one_line() -> None:
    assert str(start_error(ValueError("two\nlines"))) == "two lines"
    assert str(start_error(ValueError())) == "ValueError"


@pytest.mark.parametrize(("path", "status"), [("/livez", 200), ("/readyz", 503), ("/api", 503)])
async def test_a_starting_server_is_alive_and_not_ready(path: str, status: int) -> None:
    answer = await StartingHandler()(Request("GET", path))
    assert isinstance(answer, Response)
    assert answer.status == status
    assert (status == 200) or ("Retry-After", "1") in answer.headers
