"""The Secret with a token for pods: its name, its contents, and when it is due."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.machinery.objects import Object, deep_copy
from headwater.syncer.accounts.secret import (
    HeldToken,
    account_of_secret,
    held_in,
    holds,
    secret_body,
    secret_name,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HELD = HeldToken("ey.token", "uid-1", NOW, 3600)
PART = r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?"
ACCOUNT_NAMES = st.from_regex(rf"{PART}(\.{PART}){{0,12}}", fullmatch=True).filter(lambda name: len(name) <= 253)


def body(account: str = "robot") -> Object:
    return secret_body(HELD, account=account, namespace="web", ca_bundle=b"PEM", space="kcp-abc", key="K")


def test_what_is_in_it() -> None:
    """What clients in pods read, what the next syncer has to know, and no token outside of the data."""
    secret = body()
    assert {each: base64.b64decode(value) for each, value in secret["data"].items()} == {
        "token": b"ey.token",
        "namespace": b"web",
        "ca.crt": b"PEM",
    }
    assert (secret["metadata"]["name"], secret["metadata"]["namespace"]) == ("kcp-access-robot", "kcp-abc")
    assert account_of_secret(secret) == "robot"
    assert held_in(secret, "K") == HELD
    assert "ey.token" not in str(secret["metadata"])
    assert "ey.token" not in repr(HELD)
    assert holds(secret, namespace="web", ca_bundle=b"PEM")
    assert not holds(secret, namespace="web", ca_bundle=b"NEW")
    assert not holds(secret, namespace="other", ca_bundle=b"PEM")


def test_without_a_ca_there_is_no_file_of_one() -> None:
    secret = secret_body(HELD, account="a", namespace="web", ca_bundle=b"", space="s", key="K")
    assert set(secret["data"]) == {"token", "namespace"}
    assert holds(secret, namespace="web", ca_bundle=b"")


EDITS: dict[str, dict[str, Any]] = {
    "token": {"data": {"token": "Zm9yZ2Vk"}},
    "namespace": {"data": {"namespace": "Zm9yZ2Vk"}},
    "ca": {"data": {"ca.crt": "Zm9yZ2Vk"}},
    "state": {"annotations": {"internal.workload.kcp.io/access-state": "{}"}},
    "unreadable": {"annotations": {"internal.workload.kcp.io/access-state": "["}},
    "no object": {"annotations": {"internal.workload.kcp.io/access-state": "[]"}},
    "label": {"labels": {"internal.workload.kcp.io/cluster": "OTHER"}},
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_what_was_edited_holds_nothing(edit: dict[str, Any]) -> None:
    secret = deep_copy(body())
    for field, values in edit.items():
        (secret if field == "data" else secret["metadata"])[field].update(values)
    assert held_in(secret, "K") is None


@pytest.mark.parametrize("field", ["token", "namespace", "ca.crt"])
def test_what_lacks_a_part_holds_nothing(field: str) -> None:
    secret = deep_copy(body())
    del secret["data"][field]
    assert held_in(secret, "K") is None
    assert held_in(None, "K") is None


def test_a_copy_under_another_name_is_none_of_ours() -> None:
    secret = body()
    secret["metadata"]["name"] = "backup"
    assert account_of_secret(secret) is None
    assert account_of_secret({"metadata": {"name": "kcp-access-robot"}}) is None


@given(st.lists(ACCOUNT_NAMES, min_size=2, max_size=2, unique=True))
def test_names_fit_and_differ(accounts: list[str]) -> None:
    names = [secret_name(each) for each in accounts]
    assert names[0] != names[1]
    assert all(len(each) <= 253 for each in names)
    label = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
    assert all(re.fullmatch(rf"{label}(\.{label})*", each) for each in names)


@given(st.text(max_size=30), st.integers(600, 3600))
def test_renewal_is_in_the_second_half_and_before_the_last_quarter(key: str, seconds: int) -> None:
    """And the same for whoever asks; with a clock that was set back it is due at once."""
    held = HeldToken("t", "", NOW, seconds)
    at = held.renew_at(key)
    assert NOW + timedelta(seconds=0.5 * seconds) <= at <= NOW + timedelta(seconds=0.75 * seconds)
    assert at == HeldToken("other", "", NOW, seconds).renew_at(key)
    assert not held.is_due(key, at - timedelta(seconds=1))
    assert held.is_due(key, at)
    assert held.is_due(key, NOW - timedelta(hours=1))


def test_tokens_that_came_together_are_renewed_apart() -> None:
    times = {HELD.renew_at(f"cluster|web/account-{number}") for number in range(50)}
    assert len(times) == 50
    assert max(times) - min(times) > timedelta(minutes=10)
