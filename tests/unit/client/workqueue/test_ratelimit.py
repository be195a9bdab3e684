"""Back-off of failing keys."""

from __future__ import annotations

from headwater.base.clock import ManualClock
from headwater.client.workqueue import RateLimiter


def test_delays_double_up_to_the_maximum() -> None:
    """5 ms, doubled for each failure, never more than 1000 s; other keys are not affected."""
    limiter = RateLimiter(ManualClock(), bucket_size=1000)
    assert [limiter.when("a") for _ in range(4)] == [0.005, 0.01, 0.02, 0.04]
    for _ in range(100):
        last = limiter.when("a")
    assert last == 1000.0
    assert limiter.when("b") == 0.005


def test_many_failing_keys_share_a_bucket() -> None:
    """After 100 failures at once, the next ones are let through at 10 a second."""
    clock = ManualClock()
    limiter = RateLimiter(clock)
    delays = [limiter.when(f"k{number}") for number in range(120)]
    assert delays[:100] == [0.005] * 100
    assert round(delays[119], 3) == 2.0
    clock.advance(1000)
    assert limiter.when("fresh") == 0.005


def test_what_nobody_answered_comes_again_soon() -> None:
    """However long that lasts and however many keys wait, and others don't wait for them."""
    limiter = RateLimiter(ManualClock())
    assert limiter.when_unanswered("k0") == 0.005
    for number in range(2000):
        assert limiter.when_unanswered(f"k{number % 40}") <= 30
    assert limiter.when_unanswered("k1") == 30
    assert limiter.when("fresh") == 0.005
