"""A key that all tests share, since making one is slow."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.apiserver.authn.tokens import SigningKey
from headwater.apiserver.certificates import signing_key_files


@pytest.fixture(scope="session")
def signing_key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    """An RSA key pair."""
    files = signing_key_files(Path(tmp_path_factory.mktemp("keys")))
    return SigningKey(files.certificate.read_text(), files.key.read_text())


@pytest.fixture(scope="session")
def other_key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    """Another RSA key pair."""
    files = signing_key_files(Path(tmp_path_factory.mktemp("other")))
    return SigningKey(files.certificate.read_text(), files.key.read_text())
