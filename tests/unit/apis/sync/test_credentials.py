"""What a SyncTarget remembers of credentials: one claimant for each token, bounded, and never a token itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headwater.apis.sync.v1alpha1.credentials import (
    CREDENTIALS_ANNOTATION,
    MAX_GRANTS,
    CredentialRecord,
    TokenRefused,
    annotation_of,
    record_of,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def with_note(text: str) -> dict[str, Any]:
    return {"metadata": {"annotations": {CREDENTIALS_ANNOTATION: text}}}


def test_it_round_trips_through_the_annotation() -> None:
    record = CredentialRecord("e").granting("a", LATER, NOW).granting("b", LATER, NOW).claimed("a", "me", NOW)
    assert record_of(with_note(annotation_of(record))) == record
    assert record_of({"metadata": {}}) == CredentialRecord()


def test_a_token_has_one_claimant() -> None:
    record = CredentialRecord("e").granting("a", LATER, NOW).claimed("a", "me", NOW)
    assert record.claimed("a", "me", NOW) == record
    with pytest.raises(TokenRefused, match="used already"):
        record.claimed("a", "you", NOW)


@pytest.mark.parametrize(
    ("digest", "at", "reason"),
    [("b", NOW, "BootstrapTokenRevoked"), ("a", LATER, "BootstrapTokenExpired"), ("", NOW, "BootstrapTokenRevoked")],
)
def test_others_are_refused(digest: str, at: datetime, reason: str) -> None:
    with pytest.raises(TokenRefused) as refused:
        CredentialRecord("e").granting("a", LATER, NOW).claimed(digest, "me", at)
    assert refused.value.reason == reason


def test_it_is_bounded() -> None:
    """The oldest go when there are too many, and all that expired."""
    record = CredentialRecord("e")
    for number in range(MAX_GRANTS + 3):
        record = record.granting(str(number), LATER, NOW)
    assert [grant.digest for grant in record.grants] == [str(number) for number in range(3, MAX_GRANTS + 3)]
    assert [grant.digest for grant in record.granting("new", LATER + timedelta(hours=1), LATER).grants] == ["new"]


@pytest.mark.parametrize("text", ["{", "[]", '{"epoch":"e"}', '{"epoch":"e","tokens":[1]}', '"x"', '{"tokens":[]}'])
def test_a_damaged_one_is_an_error(text: str) -> None:
    """It is never taken for an empty one, which would let in what was revoked."""
    with pytest.raises(ValueError):
        record_of(with_note(text))
