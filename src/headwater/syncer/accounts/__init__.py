"""Gives pods tokens of their service accounts upstream, with which clients in them reach their workspace."""

from headwater.syncer.accounts.accounts import Accounts
from headwater.syncer.accounts.tokens import NoToken

__all__ = ["Accounts", "NoToken"]
