"""Where a credential survives a restart: a file of its own, or one Secret on the pcluster."""

from __future__ import annotations

import asyncio
import base64
import binascii
import os
import tempfile
from pathlib import Path
from typing import Final, Protocol

from headwater.client.answers import UnexpectedAnswer
from headwater.client.dynamic import Client
from headwater.client.interface import TransportError
from headwater.machinery.errors import NotFound, StatusError
from headwater.machinery.gvk import GroupVersionResource
from headwater.syncer.credentials.state import CredentialState, decode, encode

_SECRETS: Final = GroupVersionResource("", "v1", "secrets")
_FIELD: Final = "credential.json"


class StoreError(Exception):
    """The credential can't be read or kept; the message says where and why."""


class CredentialStore(Protocol):
    """Keeps the credential of one SyncTarget's syncer."""

    async def load(self) -> CredentialState | None:
        """What was kept last; None for nothing. Raises StoreError."""
        ...

    async def save(self, state: CredentialState) -> None:
        """Returns when it is kept. Raises StoreError."""
        ...


class FileStore:
    """A file in a directory that only its owner can read, named by the SyncTarget's UID."""

    def __init__(self, directory: Path, sync_target_uid: str) -> None:
        self._path = directory / f"{sync_target_uid}.json"
        self._uid = sync_target_uid

    async def load(self) -> CredentialState | None:
        try:
            return decode(await asyncio.to_thread(self._path.read_bytes), self._uid)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"can't read {self._path}: {error.strerror or error}") from error

    async def save(self, state: CredentialState) -> None:
        try:
            await asyncio.to_thread(self._write, encode(state, self._uid))
        except OSError as error:
            raise StoreError(f"can't write {self._path}: {error.strerror or error}") from error

    def _write(self, content: bytes) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made readable for its owner only, and put in place in one step.
        descriptor, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self._path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


class SecretStore:
    """A Secret on the pcluster that is there already: the syncer may get and patch this one, and create none."""

    def __init__(self, pcluster: Client, *, namespace: str, name: str, sync_target_uid: str) -> None:
        self._secrets = pcluster.resource(_SECRETS, namespace)
        self._name = name
        self._where = f"Secret {namespace}/{name} of the pcluster"
        self._uid = sync_target_uid

    async def load(self) -> CredentialState | None:
        try:
            secret = await self._secrets.get(self._name)
            return decode(base64.b64decode((secret.get("data") or {}).get(_FIELD, "")), self._uid)
        except NotFound:
            return None
        except binascii.Error:
            return None
        except (StatusError, TransportError, UnexpectedAnswer) as error:
            raise StoreError(f"can't read {self._where}: {error}") from error

    async def save(self, state: CredentialState) -> None:
        data = {_FIELD: base64.b64encode(encode(state, self._uid)).decode()}
        try:
            await self._secrets.patch(self._name, {"data": data})
        except (StatusError, TransportError, UnexpectedAnswer) as error:
            raise StoreError(f"can't write {self._where}: {error}") from error
