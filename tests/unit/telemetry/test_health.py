"""Health checks."""

from __future__ import annotations

from headwater.telemetry.health import HealthChecks, healthy, verbose_text


def _broken() -> str | None:
    raise RuntimeError("no disk")


def test_readiness_and_life_are_told_apart() -> None:
    """Every check decides readiness; only those marked live decide whether to restart."""
    checks = HealthChecks()
    checks.add("store", lambda: None, live=True)
    checks.add("caches", lambda: "still filling")
    assert checks.livez() == [("ping", None), ("store", None)]
    assert checks.readyz() == [("ping", None), ("store", None), ("caches", "still filling")]
    assert healthy(checks.livez())
    assert not healthy(checks.readyz())
    assert healthy(checks.readyz(exclude=["caches"]))
    assert checks.livez(exclude=["ping"]) == [("store", None)]
    checks.remove("caches")
    checks.remove("never there")
    assert healthy(checks.readyz())


def test_a_check_that_raises_has_failed() -> None:
    """An exception is a failure with its text, not a crash."""
    checks = HealthChecks()
    checks.add("disk", _broken)
    assert checks.readyz() == [("ping", None), ("disk", "RuntimeError: no disk")]


def test_verbose_text_withholds_reasons() -> None:
    """Anyone may ask, so the answer names checks and not causes."""
    results = [("ping", None), ("disk", "no disk")]
    assert verbose_text("readyz", results) == ("[+]ping ok\n[-]disk failed: reason withheld\nreadyz check failed\n")
    assert verbose_text("livez", results[:1]) == "[+]ping ok\nlivez check passed\n"
