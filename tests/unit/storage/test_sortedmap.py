"""The ordered map against a plain dict."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from headwater.storage import sortedmap
from headwater.storage.sortedmap import SortedMap

KEY = st.text("abc", max_size=3)


@given(
    loaded=st.dictionaries(KEY, st.integers(), max_size=12),
    steps=st.lists(st.tuples(st.booleans(), KEY, st.integers()), max_size=60),
    low=KEY,
    high=st.none() | KEY,
    limit=st.integers(0, 5),
)
def test_it_is_a_dict_in_order(
    loaded: dict[str, int], steps: list[tuple[bool, str, int]], low: str, high: str | None, limit: int
) -> None:
    """Loads, inserts, updates, removals, slices and counts agree with a dict that is sorted on every look."""
    model = dict(loaded)
    ordered: SortedMap[int] = SortedMap()
    with patch.object(sortedmap, "_CHUNK", 2):
        ordered.extend(sorted(loaded.items()))
        for put, key, value in steps:
            if put:
                assert ordered.set(key, value) == model.get(key)
                model[key] = value
            else:
                assert ordered.pop(key) == model.pop(key, None)
            assert ordered.get(key) == model.get(key)
        inside = [model[key] for key in sorted(model) if low <= key and (high is None or key < high)]
        assert len(ordered) == len(model)
        assert ordered.values() == [model[key] for key in sorted(model)]
        assert ordered.values(low, high) == inside
        assert ordered.values(low, high, limit) == (inside[:limit] if limit else inside)
        assert ordered.count(low, high) == len(inside)
