"""The server's own CA: files that OpenSSL takes, kept over restarts, renewed in time."""

from __future__ import annotations

import ssl
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from headwater.apiserver.certificates import CertificateAuthority, signing_key_files
from headwater.apiserver.pemfiles import CertificateError, KeyPair
from headwater.apiserver.web.tls import server_context
from headwater.base.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def loaded(files: KeyPair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(files.certificate.read_bytes())


def names(certificate: x509.Certificate) -> set[str]:
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in extension}


def test_files_are_private_and_fit_together(tmp_path: Path, clock: ManualClock) -> None:
    authority = CertificateAuthority.load_or_create(tmp_path / "pki", clock=clock)
    files = authority.serving("server", ["hub.example.org", "10.0.0.1", "0.0.0.0"])
    for path in (files.key, files.certificate, authority.files.key):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    server_context(certificate=files.certificate, key=files.key, client_ca=authority.files.certificate)
    certificate = loaded(files)
    assert names(certificate) == {"127.0.0.1", "::1", "localhost", "hub.example.org", "10.0.0.1"}
    certificate.verify_directly_issued_by(loaded(authority.files))
    assert "-----BEGIN" in authority.certificate_pem()
    assert files.certificate_pem().startswith("-----BEGIN CERTIFICATE")
    assert files.key_pem().startswith("-----BEGIN PRIVATE KEY")


def test_a_client_certificate_names_user_and_groups(tmp_path: Path, clock: ManualClock) -> None:
    authority = CertificateAuthority.load_or_create(tmp_path, clock=clock)
    subject = loaded(authority.client("admin", common_name="boss", organizations=["a", "b"])).subject
    assert [part.value for part in subject] == ["a", "b", "boss"]


def test_good_files_are_kept(tmp_path: Path, clock: ManualClock) -> None:
    first = CertificateAuthority.load_or_create(tmp_path, clock=clock)
    before = first.serving("server", ["h"]).certificate.read_bytes()
    again = CertificateAuthority.load_or_create(tmp_path, clock=clock)
    assert again.certificate_pem() == first.certificate_pem()
    assert again.serving("server", ["h"]).certificate.read_bytes() == before
    client = again.client("c", common_name="u").certificate.read_bytes()
    assert again.client("c", common_name="u").certificate.read_bytes() == client


@pytest.mark.parametrize("change", ["hosts", "expiry", "issuer", "damage", "key"])
def test_a_serving_certificate_is_renewed(tmp_path: Path, clock: ManualClock, change: str) -> None:
    authority = CertificateAuthority.load_or_create(tmp_path, clock=clock)
    files = authority.serving("server", ["h"])
    before = files.certificate.read_bytes()
    hosts = ["h"]
    if change == "hosts":
        hosts = ["h", "i"]
    elif change == "expiry":
        clock.advance(timedelta(days=310).total_seconds())
    elif change == "issuer":
        authority.files.key.unlink()
        authority.files.certificate.unlink()
        authority = CertificateAuthority.load_or_create(tmp_path, clock=clock)
    elif change == "damage":
        files.certificate.write_text("Not-After: soon\n")
    else:
        files.key.unlink()
    assert authority.serving("server", hosts).certificate.read_bytes() != before
    server_context(certificate=files.certificate, key=files.key, client_ca=None)


def test_a_leaf_never_outlives_its_ca(tmp_path: Path, clock: ManualClock) -> None:
    authority = CertificateAuthority.load_or_create(tmp_path, clock=clock)
    clock.advance(timedelta(days=3600).total_seconds())
    assert loaded(authority.serving("s", [])).not_valid_after_utc == loaded(authority.files).not_valid_after_utc


@pytest.mark.parametrize("lost", ["ca.crt", "ca.key"])
def test_half_a_ca_is_an_error_that_says_what_to_do(tmp_path: Path, clock: ManualClock, lost: str) -> None:
    CertificateAuthority.load_or_create(tmp_path, clock=clock)
    (tmp_path / lost).unlink()
    with pytest.raises(CertificateError, match=rf"{lost} is missing: restore it"):
        CertificateAuthority.load_or_create(tmp_path, clock=clock)


def test_a_damaged_ca_is_an_error_that_names_the_file(tmp_path: Path, clock: ManualClock) -> None:
    authority = CertificateAuthority.load_or_create(tmp_path, clock=clock)
    authority.files.key.write_text("nonsense")
    with pytest.raises(CertificateError, match=r"ca\.crt or its key is damaged"):
        authority.serving("server", [])
    authority.files.key.write_bytes(b"\xff\xfe")
    with pytest.raises(CertificateError, match="cannot read"):
        CertificateAuthority.load_or_create(tmp_path, clock=clock)


def test_the_signing_key_is_made_once_and_its_public_half_restored(tmp_path: Path) -> None:
    files = signing_key_files(tmp_path)
    private, public = files.key.read_bytes(), files.certificate.read_bytes()
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600
    files.certificate.unlink()
    again = signing_key_files(tmp_path)
    assert (again.key.read_bytes(), again.certificate.read_bytes()) == (private, public)
    assert signing_key_files(tmp_path) == files


@pytest.mark.parametrize("content", ["nonsense", "elliptic"])
def test_a_wrong_signing_key_is_an_error(tmp_path: Path, clock: ManualClock, content: str) -> None:
    if content == "elliptic":
        authority = CertificateAuthority.load_or_create(tmp_path / "ca", clock=clock)
        content = authority.files.key.read_text()
    (tmp_path / "sa.key").write_text(content)
    with pytest.raises(CertificateError):
        signing_key_files(tmp_path)


def test_a_restart_does_not_load_the_library(tmp_path: Path) -> None:
    """With good files a start neither pays for the import nor for its memory."""
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from headwater.apiserver.certificates import CertificateAuthority, signing_key_files\n"
        "from headwater.base.clock import SystemClock\n"
        "path = Path(sys.argv[1])\n"
        "ca = CertificateAuthority.load_or_create(path, clock=SystemClock())\n"
        "ca.serving('s', ['h']); ca.client('c', common_name='u'); signing_key_files(path)\n"
        "print('cryptography' in sys.modules)\n"
    )
    runs = [
        subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert [run.stdout.strip() for run in runs] == ["True", "False"]


def test_the_tls_settings(tmp_path: Path, clock: ManualClock) -> None:
    authority = CertificateAuthority.load_or_create(tmp_path, clock=clock)
    files = authority.serving("s", [])
    context = server_context(certificate=files.certificate, key=files.key, client_ca=authority.files.certificate)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_OPTIONAL
