"""Times and amounts as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from headwater.cli.amounts import age, amount, of_which

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
AGES = {
    "seconds": ("2026-01-01T11:59:18Z", "42s"),
    "minutes": ("2026-01-01T11:30:00Z", "30m"),
    "to-come": ("2026-01-01T13:00:00Z", "in 60m"),
    "never": (None, "<unknown>"),
    "no-time": ("yesterday", "<unknown>"),
}
AMOUNTS = {
    "cores": ("cpu", "8", "8"),
    "half-a-core": ("cpu", "0.5", "500m"),
    "many-millis": ("cpu", "1500m", "1.5"),
    "no-cpu": ("cpu", "0", "0"),
    "memory": ("memory", "16Gi", "16Gi"),
    "odd-memory": ("memory", "16374184Ki", "15.6Gi"),
    "bytes": ("memory", "100", "100"),
    "pods": ("pods", "110", "110"),
    "unknown": ("pods", None, "-"),
    "no-quantity": ("pods", "many", "many"),
}


@pytest.mark.parametrize(("timestamp", "expected"), AGES.values(), ids=AGES)
def test_age(timestamp: str | None, expected: str) -> None:
    assert age(timestamp, NOW) == expected


@pytest.mark.parametrize(("resource", "quantity", "expected"), AMOUNTS.values(), ids=AMOUNTS)
def test_amount(resource: str, quantity: str | None, expected: str) -> None:
    assert amount(resource, quantity) == expected


def test_of_which() -> None:
    """What nobody told is not zero, and what is not requested of something known is."""
    assert of_which("cpu", {"cpu": "1500m"}, {"cpu": "8"}) == "1.5/8"
    assert of_which("cpu", None, {"cpu": "8"}) == "0/8"
    assert of_which("cpu", {"cpu": "2"}, None) == "2/-"
    assert of_which("cpu", None, None) == "-/-"
