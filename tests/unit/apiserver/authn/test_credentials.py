"""Certificates, token files, and the order in which credentials are tried."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.authn.statictokens import StaticTokens, TokenFileError, read_token_file
from headwater.apiserver.authn.union import BearerTokenAuthenticator, UnionAuthenticator, UnionTokenAuthenticator
from headwater.apiserver.authn.x509 import CertificateAuthenticator
from headwater.apiserver.certificates import CertificateAuthority
from headwater.apiserver.web.server import WebServer
from headwater.apiserver.web.tls import server_context
from headwater.apiserver.web.types import AnyResponse, Headers, Peer, Request, Response
from headwater.base.clock import SystemClock
from headwater.machinery.errors import Unauthorized

BOB = UserInfo("bob", groups=("dev",))
CERT = Peer("10.0.0.1", "carol", ("ops", "dev"), "ab")


def request(authorization: str | None = None, peer: Peer | None = None) -> Request:
    headers = Headers() if authorization is None else Headers({"Authorization": authorization})
    return Request("GET", "/", headers=headers, peer=peer or Peer("10.0.0.1"))


@pytest.fixture
def union() -> UnionAuthenticator:
    tokens = UnionTokenAuthenticator([StaticTokens(), StaticTokens([("t", BOB)])])
    return UnionAuthenticator([CertificateAuthenticator(), BearerTokenAuthenticator(tokens)])


@pytest.mark.parametrize(
    ("authorization", "peer", "name", "groups"),
    [
        pytest.param("Bearer t", None, "bob", ("dev", "system:authenticated"), id="token"),
        pytest.param("bearer  t ", None, "bob", ("dev", "system:authenticated"), id="scheme in lower case"),
        pytest.param(None, CERT, "carol", ("ops", "dev", "system:authenticated"), id="certificate"),
        pytest.param("Bearer wrong", CERT, "carol", ("ops", "dev", "system:authenticated"), id="certificate first"),
        pytest.param(None, None, "system:anonymous", ("system:unauthenticated",), id="nothing"),
        pytest.param("Basic dDp0", None, "system:anonymous", ("system:unauthenticated",), id="another scheme"),
        pytest.param("Bearer", None, "system:anonymous", ("system:unauthenticated",), id="empty token"),
    ],
)
async def test_who_is_asking(
    union: UnionAuthenticator, authorization: str | None, peer: Peer | None, name: str, groups: tuple[str, ...]
) -> None:
    for _ in range(2):
        user = await union.authenticate(request(authorization, peer))
        assert user is not None
        assert (user.name, user.groups) == (name, groups)


@pytest.mark.parametrize("token", ["wrong", "t" * 100_000])
async def test_a_wrong_token_is_refused(union: UnionAuthenticator, token: str) -> None:
    with pytest.raises(Unauthorized):
        await union.authenticate(request(f"Bearer {token}"))


async def test_strangers_can_be_kept_out() -> None:
    assert await UnionAuthenticator([], anonymous=False).authenticate(request()) is None


async def test_tokens_can_be_added_by_text_and_by_digest() -> None:
    import hashlib

    tokens = StaticTokens()
    tokens.add("a", BOB)
    tokens.add_digest(hashlib.sha256(b"b").digest(), BOB)
    assert await tokens.authenticate_token("a") is BOB
    assert await tokens.authenticate_token("b") is BOB
    assert await tokens.authenticate_token("c") is None


def test_a_token_file(tmp_path: Path) -> None:
    path = tmp_path / "tokens.csv"
    path.write_text('# comment\nt1,bob,1\n\nt2,eve,2,"a,b"\nt3,sam,3,c\n')
    assert read_token_file(path) == [
        ("t1", UserInfo("bob", uid="1")),
        ("t2", UserInfo("eve", uid="2", groups=("a", "b"))),
        ("t3", UserInfo("sam", uid="3", groups=("c",))),
    ]


@pytest.mark.parametrize("content", ["secret-token,bob", "secret-token,,1", ",bob,1"])
def test_a_bad_token_file_is_named_and_its_tokens_are_not(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tokens.csv"
    path.write_text(content)
    with pytest.raises(TokenFileError, match=r"tokens\.csv:1") as caught:
        read_token_file(path)
    assert "secret-token" not in str(caught.value)


def test_a_missing_token_file(tmp_path: Path) -> None:
    with pytest.raises(TokenFileError, match="cannot read"):
        read_token_file(tmp_path / "none")


async def exchange(port: int, context: ssl.SSLContext) -> bytes:
    reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
    writer.write(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer


async def test_a_certificate_over_tls(tmp_path: Path) -> None:
    """Subject and organizations arrive, none is fine, and one of another CA is refused before any request."""
    authority = CertificateAuthority.load_or_create(tmp_path / "ca", clock=SystemClock())
    stranger = CertificateAuthority.load_or_create(tmp_path / "other", clock=SystemClock())
    serving = authority.serving("server", [])
    authenticator = UnionAuthenticator([CertificateAuthenticator()])

    async def handler(request: Request) -> AnyResponse:
        user = await authenticator.authenticate(request)
        return Response(200, repr(user).encode(), "text/plain")

    context = server_context(certificate=serving.certificate, key=serving.key, client_ca=authority.files.certificate)
    server = WebServer(handler, ssl_context=context)
    port = await server.start()

    def client(files: object = None) -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=str(authority.files.certificate))
        made.set_alpn_protocols(["h2", "http/1.1"])
        if files is not None:
            made.load_cert_chain(files.certificate, files.key)  # type: ignore[attr-defined]
        return made

    try:
        known = authority.client("carol", common_name="carol", organizations=["ops", "dev"])
        answer = await exchange(port, client(known))
        assert b"name='carol'" in answer
        assert b"groups=('ops', 'dev', 'system:authenticated')" in answer
        assert b"X509SHA256=" in answer
        assert b"system:anonymous" in await exchange(port, client())
        unknown = stranger.client("carol", common_name="carol", organizations=["system:masters"])
        with pytest.raises((ssl.SSLError, ConnectionError)):
            assert await exchange(port, client(unknown)) == b""
            raise ConnectionError
    finally:
        await server.stop(grace=0)
