"""The door to the cryptography library: the server's own CA, its certificates, and the key that signs tokens.

Everything is a PEM file that OpenSSL reads by itself. What has to be known again at the next start (names, expiry) also
stands as text above the PEM block, where PEM allows it, so a restart with good files doesn't load the library at all.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headwater.apiserver.pemfiles import CertificateError, KeyPair, notes_of, read_text, write_private
from headwater.base.clock import Clock
from headwater.machinery.timestamps import format_time, parse_time

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

ALWAYS_SERVED: Final = ("127.0.0.1", "::1", "localhost")
_CA_LIFETIME: Final = timedelta(days=3650)
_LEAF_LIFETIME: Final = timedelta(days=365)
_RENEW_BEFORE: Final = timedelta(days=60)
_BACKDATED: Final = timedelta(minutes=5)
_RSA_BITS: Final = 2048


class CertificateAuthority:
    """A CA in a directory; issues certificates into files beside it."""

    def __init__(self, files: KeyPair, *, clock: Clock) -> None:
        self.files = files
        self._clock = clock

    @classmethod
    def load_or_create(
        cls, directory: Path, *, clock: Clock, common_name: str = "headwater-ca", name: str = "ca"
    ) -> CertificateAuthority:
        """The CA of a directory, made on first use. Raises CertificateError when half of it is missing."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        files = KeyPair(directory / f"{name}.crt", directory / f"{name}.key")
        authority = cls(files, clock=clock)
        if files.certificate.exists() != files.key.exists():
            missing = files.key if files.certificate.exists() else files.certificate
            raise CertificateError(f"{missing} is missing: restore it, or remove its counterpart to make a new CA")
        if not files.key.exists():
            authority._create(common_name)
        read_text(files.key)
        return authority

    def serving(self, name: str, hosts: Sequence[str]) -> KeyPair:
        """A serving certificate for the hosts and for this machine's own names.

        Made again when the hosts or the CA changed and when it is about to expire.
        """
        wanted = tuple(sorted({*ALWAYS_SERVED, *(host for host in hosts if host and not _is_any_address(host))}))
        files = self._beside(name)
        if not self._is_good(files, {"Hosts": ", ".join(wanted)}):
            self._issue(files, common_name=name, hosts=wanted, notes={"Hosts": ", ".join(wanted)}, client=False)
        return files

    def client(self, name: str, *, common_name: str, organizations: Sequence[str] = ()) -> KeyPair:
        """A client certificate: the user is the common name, the groups are the organizations."""
        files = self._beside(name)
        notes = {"Subject": f"{common_name}; {', '.join(organizations)}"}
        if not self._is_good(files, notes):
            self._issue(files, common_name=common_name, organizations=organizations, notes=notes, client=True)
        return files

    def certificate_pem(self) -> str:
        """The CA certificate, for kubeconfigs."""
        return self.files.certificate_pem()

    # -- how it is done --------------------------------------------------------------------------------------------

    def _beside(self, name: str) -> KeyPair:
        directory = self.files.certificate.parent
        return KeyPair(directory / f"{name}.crt", directory / f"{name}.key")

    def _fingerprint(self) -> str:
        return hashlib.sha256(self.certificate_pem().encode()).hexdigest()

    def _is_good(self, files: KeyPair, notes: dict[str, str]) -> bool:
        if not files.certificate.exists() or not files.key.exists():
            return False
        found = notes_of(read_text(files.certificate))
        try:
            expires = parse_time(found.get("Not-After", ""))
        except ValueError:
            return False
        if expires - self._clock.now() < _RENEW_BEFORE or found.get("Issued-By") != self._fingerprint():
            return False
        return all(found.get(key) == value for key, value in notes.items())

    def _create(self, common_name: str) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes

        key = _new_key()
        expires = self._now() + _CA_LIFETIME
        name = _subject(common_name, ())
        usage = _key_usage(certificate_sign=True)
        certificate = (
            self._builder(name, name, key, expires)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write_pair(self.files, certificate, key, {"Not-After": format_time(expires)})

    def _issue(
        self,
        files: KeyPair,
        *,
        common_name: str,
        notes: dict[str, str],
        client: bool,
        organizations: Sequence[str] = (),
        hosts: Sequence[str] = (),
    ) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            authority = x509.load_pem_x509_certificate(self.certificate_pem().encode())
            authority_key = load_pem_private_key(self.files.key_pem().encode(), password=None)
        except ValueError as error:
            raise CertificateError(f"{self.files.certificate} or its key is damaged: restore both") from error
        if not isinstance(authority_key, EllipticCurvePrivateKey):
            raise CertificateError(f"{self.files.key} is not an elliptic curve key")
        key = _new_key()
        expires = min(self._now() + _LEAF_LIFETIME, authority.not_valid_after_utc)
        purpose = x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH if client else x509.oid.ExtendedKeyUsageOID.SERVER_AUTH
        builder = (
            self._builder(_subject(common_name, organizations), authority.subject, key, expires)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(certificate_sign=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
        )
        if hosts:
            names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(authority_key, hashes.SHA256())
        notes = {**notes, "Not-After": format_time(expires), "Issued-By": self._fingerprint()}
        _write_pair(files, certificate, key, notes)

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, expires: datetime
    ) -> x509.CertificateBuilder:
        from cryptography import x509

        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now() - _BACKDATED)
            .not_valid_after(expires)
        )

    def _now(self) -> datetime:
        return self._clock.now().astimezone(UTC).replace(microsecond=0)


def signing_key_files(directory: Path, name: str = "sa") -> KeyPair:
    """The RSA key pair that signs service-account tokens, made on first use: `<name>.key` and `<name>.pub`.

    Making one takes a noticeable part of a second, so a server asks for it off the loop or before it is ready.
    """
    files = KeyPair(directory / f"{name}.pub", directory / f"{name}.key")
    if files.key.exists() and files.certificate.exists():
        return files
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if files.key.exists():
        try:
            loaded = load_pem_private_key(read_text(files.key).encode(), password=None)
        except ValueError as error:
            raise CertificateError(f"{files.key} is damaged: restore it, or remove it to make a new key") from error
        if not isinstance(loaded, RSAPrivateKey):
            raise CertificateError(f"{files.key} is not an RSA key")
        key = loaded
    else:
        key = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
        write_private(files.key, _private_pem(key))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    write_private(files.certificate, public.decode())
    return files


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _subject(common_name: str, organizations: Sequence[str]) -> x509.Name:
    from cryptography import x509

    parts = [x509.NameAttribute(x509.oid.NameOID.ORGANIZATION_NAME, each) for each in organizations]
    return x509.Name([*parts, x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, common_name)])


def _key_usage(*, certificate_sign: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True, key_cert_sign=certificate_sign, crl_sign=certificate_sign, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _general_name(host: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _is_any_address(host: str) -> bool:
    return host in ("0.0.0.0", "::")  # noqa: S104 - recognised here in order to leave it out


def _private_pem(key: object) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    encode = key.private_bytes  # type: ignore[attr-defined]
    pem: bytes = encode(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode()


def _write_pair(files: KeyPair, certificate: x509.Certificate, key: object, notes: dict[str, str]) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    heading = "".join(f"{name}: {value}\n" for name, value in notes.items())
    write_private(files.key, _private_pem(key))
    write_private(files.certificate, heading + certificate.public_bytes(Encoding.PEM).decode())
