"""Events: same words about the same object are one Event, and their size is bounded."""

from __future__ import annotations

from headwater.controller.events import Notice, event_of

WEB = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop", "uid": "u1"}}
NOW = "2026-01-01T00:00:00Z"


def test_same_words_have_the_same_name() -> None:
    """So that a repetition is counted on the Event that is there."""
    first = event_of(Notice(WEB, "Moved", "from east to west"), "scheduler", NOW)
    again = event_of(Notice(WEB, "Moved", "from east to west"), "scheduler", "2026-01-02T00:00:00Z")
    other = event_of(Notice(WEB, "Moved", "from west to east"), "scheduler", NOW)
    assert first["metadata"]["name"] == again["metadata"]["name"] != other["metadata"]["name"]


def test_an_event_says_what_it_is_about() -> None:
    """As kubectl describe looks for it; a warning is one."""
    event = event_of(Notice(WEB, "FailedScheduling", "no room", warning=True), "scheduler", NOW)
    assert event["involvedObject"] | {"resourceVersion": ""} == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "web",
        "namespace": "shop",
        "uid": "u1",
        "resourceVersion": "",
    }
    assert (event["type"], event["metadata"]["namespace"]) == ("Warning", "shop")


def test_a_long_message_is_cut() -> None:
    """Kubernetes takes 1024 characters."""
    assert len(event_of(Notice(WEB, "R", "x" * 5000), "scheduler", NOW)["message"]) == 1024
