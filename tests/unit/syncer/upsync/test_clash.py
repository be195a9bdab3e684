"""What is told of objects whose name another pcluster's object has upstream."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from headwater.machinery.objects import Object
from headwater.syncer.upsync.clash import clash_event, stateful_set_of
from headwater.syncer.upsync.eventbody import Involved, event_name, upstream_event

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def pod(name: str, **marks: str) -> Object:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "kcp-x", "labels": marks}}


def of_set(name: str) -> Object:
    return pod(name, **{"statefulset.kubernetes.io/pod-name": name})


def event(obj: Object) -> Object:
    name = obj["metadata"]["name"]
    return clash_event(obj, space="web", upstream=name, sync_target="west", now=NOW)


@pytest.mark.parametrize(
    ("obj", "whole"),
    [
        (of_set("db-0"), "db"),
        (of_set("my-db-12"), "my-db"),
        (pod("db-0"), ""),
        (pod("db-0", **{"statefulset.kubernetes.io/pod-name": "other-0"}), ""),
    ],
)
def test_pods_of_a_stateful_set(obj: Object, whole: str) -> None:
    """By their label, as another pod may have such a name."""
    assert stateful_set_of(obj) == whole


def test_pods_of_a_stateful_set_make_one_event() -> None:
    """About the StatefulSet, however many they are, with where to look."""
    one, two = event(of_set("db-0")), event(of_set("db-1"))
    assert one == two
    assert one["involvedObject"] == {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "namespace": "web"}
    assert "SyncTarget west runs pods that are not shown here" in one["message"]
    assert "`headwater explain statefulset/db -n web`" in one["message"]
    assert event_name(one, key="k") == event_name(two, key="k")


def test_any_other_makes_an_event_of_its_own() -> None:
    told = upstream_event(event(pod("db-0")), Involved("v1", "Pod", "web", "db-0"), key="k")
    assert (told["involvedObject"]["kind"], told["involvedObject"]["name"]) == ("Pod", "db-0")
    assert told["message"].startswith("SyncTarget west has one of this name, too, which is not shown while another")
    assert (told["type"], told["reason"], told["lastTimestamp"]) == ("Warning", "NotShown", "2026-01-01T00:00:00Z")
    assert event_name(event(pod("db-0")), key="k") != event_name(event(pod("db-1")), key="k")
