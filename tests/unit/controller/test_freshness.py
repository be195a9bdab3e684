"""A pass is left out only while the informer is behind the controller's own write."""

from __future__ import annotations

from headwater.controller import Freshness


def obj(version: str) -> dict:
    return {"metadata": {"name": "x", "resourceVersion": version}}


def test_stale_until_the_write_arrives() -> None:
    """Older copies are stale; the written one, a newer one, or none at all is not, and ends the memory of it."""
    for arrived in (obj("12"), obj("13"), None):
        fresh = Freshness()
        assert not fresh.is_stale("k", obj("10"))
        assert fresh.wrote("k", obj("12"))
        assert fresh.is_stale("k", obj("10")) and fresh.is_stale("k", obj("11"))
        assert not fresh.is_stale("other", obj("10"))
        assert not fresh.is_stale("k", arrived)
        assert len(fresh) == 0


def test_no_write_and_odd_versions_leave_nothing_behind() -> None:
    """Without a write nothing is stale; versions that are no numbers can't be compared and are not waited for."""
    fresh = Freshness()
    assert not fresh.wrote("k", None)
    assert fresh.wrote("k", obj("abc"))
    assert len(fresh) == 0
