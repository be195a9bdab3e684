"""Looking again: soon at first, then less and less often."""

from __future__ import annotations

from headwater.controller import Patience


def test_looks_double_up_to_a_maximum_for_each_key() -> None:
    """A key that was forgotten begins anew, and keys know nothing of each other."""
    patience = Patience()

    def waits(key: str, looks: int) -> list[float | None]:
        return [patience.look_again(key).requeue_after_seconds for _ in range(looks)]

    assert waits("a", 8) == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert waits("b", 1) == [0.1]
    patience.forget("a")
    assert waits("a", 1) == [0.1]
