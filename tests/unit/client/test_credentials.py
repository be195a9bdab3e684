"""Authorization headers and TLS settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.client.connection import ConfigError, ConnectionSettings
from headwater.client.credentials import Authorization, tls_context


def test_header_kinds() -> None:
    server = "https://x"
    assert Authorization(ConnectionSettings(server=server)).header() == ""
    assert Authorization(ConnectionSettings(server=server, token="t")).header() == "Bearer t"
    basic = Authorization(ConnectionSettings(server=server, username="u", password="p")).header()
    assert basic == "Basic dTpw"


def test_token_file_is_read_again(tmp_path: Path) -> None:
    """A rotated token is used within seconds, or at once after the server refused the old one."""
    now = 0.0
    path = tmp_path / "token"
    path.write_text("one\n")
    authorization = Authorization(ConnectionSettings(server="https://x", token_file=path), monotonic=lambda: now)
    assert authorization.header() == "Bearer one"
    path.write_text("two")
    assert authorization.header() == "Bearer one"
    now = 11.0
    assert authorization.header() == "Bearer two"
    path.write_text("three")
    authorization.forget()
    assert authorization.header() == "Bearer three"
    path.unlink()
    now = 30.0
    assert authorization.header() == "Bearer three"


def test_token_file_that_never_was(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't read token file"):
        Authorization(ConnectionSettings(server="https://x", token_file=tmp_path / "no")).header()


def test_tls() -> None:
    assert tls_context(ConnectionSettings(server="http://x")) is None
    strict = tls_context(ConnectionSettings(server="https://x"))
    assert strict is not None
    assert strict.check_hostname
    lax = tls_context(ConnectionSettings(server="https://x", insecure_skip_tls_verify=True))
    assert lax is not None
    assert not lax.check_hostname


@pytest.mark.parametrize("settings", [{"ca_data": b"junk"}, {"client_certificate_data": b"junk"}])
def test_certificates_that_are_none(settings: dict[str, bytes]) -> None:
    with pytest.raises(ConfigError, match="can't be used"):
        tls_context(ConnectionSettings(server="https://x", **settings))  # type: ignore[arg-type]
