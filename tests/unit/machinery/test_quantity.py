"""Quantities: exact values, canonical text, arithmetic."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.machinery.quantity import Quantity, format_quantity, is_quantity

CANONICAL = [
    ("0", "0"),
    ("0.0", "0"),
    ("1", "1"),
    ("5.0", "5"),
    ("1.5", "1500m"),
    ("0.1", "100m"),
    ("100m", "100m"),
    ("1500m", "1500m"),
    ("2000m", "2"),
    ("1000", "1k"),
    ("1500000", "1500k"),
    ("12e6", "12e6"),
    ("1E3", "1e3"),
    ("1e-3", "1e-3"),
    ("1e0", "1"),
    ("1E", "1E"),
    ("1Gi", "1Gi"),
    ("1024Ki", "1Mi"),
    ("1.5Gi", "1536Mi"),
    ("0.5Ki", "512"),
    ("1.1Ki", "1126400m"),
    ("-1.5", "-1500m"),
    ("+1", "1"),
    (".5", "500m"),
    ("1.", "1"),
    ("0.0000000001", "1n"),
    ("1n", "1n"),
    ("1u", "1u"),
    ("100Ei", "9223372036854775807"),
]


@pytest.mark.parametrize(("text", "canonical"), CANONICAL)
def test_canonical_text(text: str, canonical: str) -> None:
    """Quantities print as Kubernetes stores them, and that text is stable."""
    quantity = Quantity.parse(text)
    assert str(quantity) == quantity.text == f"{quantity}" == canonical
    assert Quantity.parse(canonical) == quantity
    assert str(Quantity.parse(canonical)) == canonical
    assert is_quantity(text)


@pytest.mark.parametrize(
    "text", ["", "a", "1x", "1.2.3", "1eX", "--1", "1 Gi", ".", "+", "1e", "1e999", "9" * 100, "1\n"]
)
def test_refused(text: str) -> None:
    """Anything else is an error in Kubernetes' words."""
    assert not is_quantity(text)
    with pytest.raises(ValueError, match="quantit"):
        Quantity.parse(text)


def test_numbers_from_json() -> None:
    """Quantities may be plain numbers in an object."""
    assert Quantity.parse(2) == 2
    assert str(Quantity.parse(0.5)) == "500m"


def test_arithmetic_keeps_the_notation() -> None:
    """Sums of memory stay in binary units; comparisons work across notations."""
    assert str(Quantity.parse("1Gi") + Quantity.parse("512Mi")) == "1536Mi"
    assert str(Quantity.parse("1Gi") - Quantity.parse("1Mi")) == "1023Mi"
    assert str(sum([Quantity.parse("1500m")] * 3, Quantity())) == "4500m"
    assert str(sum([Quantity.parse("1500m")] * 3)) == "4500m"
    assert str(-Quantity.parse("1")) == "-1"
    assert Quantity.parse("1Ki") == Quantity.parse("1024") == Decimal(1024)
    assert Quantity.parse("999m") < Quantity.parse("1")
    assert repr(Quantity.parse("1k")) == "Quantity('1k')"
    assert f"{Quantity.parse('1500m'):.2f}" == "1.50"


@given(st.integers(-(10**15), 10**15), st.sampled_from(["n", "u", "m", "", "k", "Ki", "Mi"]))
def test_text_and_value_agree(number: int, suffix: str) -> None:
    """The canonical text names the same value, without a fraction."""
    quantity = Quantity.parse(f"{number}{suffix}")
    assert Quantity.parse(str(quantity)) == quantity
    assert "." not in str(quantity)
    assert Quantity.parse(format_quantity(quantity)) == quantity
