"""The names and groups by which service accounts are known as users. Pure."""

from __future__ import annotations

from typing import Final

ALL_ACCOUNTS: Final = "system:serviceaccounts"
_PREFIX: Final = "system:serviceaccount:"


def account_user_name(namespace: str, name: str) -> str:
    """The user name of a service account."""
    return f"{_PREFIX}{namespace}:{name}"


def account_groups(namespace: str) -> tuple[str, ...]:
    """The groups of every service account of a namespace."""
    return (ALL_ACCOUNTS, f"{ALL_ACCOUNTS}:{namespace}")


def split_user_name(user: str) -> tuple[str, str] | None:
    """Namespace and name of the service account that a user name stands for; None for other users."""
    if not user.startswith(_PREFIX):
        return None
    namespace, separator, name = user[len(_PREFIX) :].partition(":")
    if not separator or not namespace or not name or ":" in name:
        return None
    return namespace, name
