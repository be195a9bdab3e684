"""Bearer tokens from a file, or handed over by whoever puts the server together."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from pathlib import Path

from headwater.apiserver.authn.interface import UserInfo


class TokenFileError(Exception):
    """The token file can't be used; the message says where and why, and never shows a token."""


class StaticTokens:
    """Knows tokens by their hashes only, so that comparing takes the same time for every wrong token."""

    def __init__(self, tokens: Iterable[tuple[str, UserInfo]] = ()) -> None:
        self._users = {_digest(token): user for token, user in tokens}

    def add(self, token: str, user: UserInfo) -> None:
        """Adds a token, or gives it to another user."""
        self._users[_digest(token)] = user

    def add_digest(self, digest: bytes, user: UserInfo) -> None:
        """Adds a token of which only the SHA-256 digest is known."""
        self._users[digest] = user

    async def authenticate_token(self, token: str, audiences: tuple[str, ...] = ()) -> UserInfo | None:
        return self._users.get(_digest(token))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def read_token_file(path: Path) -> list[tuple[str, UserInfo]]:
    """Reads `token,user,uid,"group1,group2"` lines as Kubernetes does. Raises TokenFileError."""
    tokens: list[tuple[str, UserInfo]] = []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for number, row in enumerate(csv.reader(file, skipinitialspace=True), start=1):
                if not row or row[0].startswith("#"):
                    continue
                if len(row) < 3 or not row[0] or not row[1]:
                    raise TokenFileError(f"{path}:{number}: expected token,user,uid[,groups]")
                groups = tuple(g.strip() for g in row[3].split(",") if g.strip()) if len(row) > 3 else ()
                tokens.append((row[0], UserInfo(row[1], uid=row[2], groups=groups)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TokenFileError(f"cannot read the token file {path}: {error}") from error
    return tokens
