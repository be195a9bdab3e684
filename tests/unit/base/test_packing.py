"""Packed values come back as they were, whatever they resemble."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headwater.base.packing import Packer


@given(st.lists(st.binary(max_size=2000), min_size=1, max_size=8))
def test_what_is_packed_comes_back(values: list[bytes]) -> None:
    """The empty value and values unlike the first one included."""
    packer = Packer()
    packed = [packer.pack(value) for value in values]
    assert [packer.unpack(each) for each in packed] == values


def test_values_that_resemble_the_first_one_take_little() -> None:
    """Of an object that differs in its name little remains."""
    packer = Packer()
    packer.pack(b'{"name":"first","data":"%b"}' % bytes(range(33, 127)) * 10)
    packed = packer.pack(b'{"name":"second","data":"%b"}' % bytes(range(33, 127)) * 10)
    assert len(packed) < 100


def test_a_value_longer_than_the_window_comes_back() -> None:
    """Values may be larger than what the packer looks back on."""
    packer = Packer()
    large = b"".join(b"%d," % number for number in range(50_000))
    assert packer.unpack(packer.pack(large)) == large
    assert packer.unpack(packer.pack(large[::-1])) == large[::-1]
