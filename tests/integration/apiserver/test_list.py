"""Get and list: pages, snapshots, selectors, resourceVersion."""

from __future__ import annotations

import pytest

from .conftest import CONFIG_MAPS, Api
from .test_create_update import config_map

EVENTS = "/api/v1/namespaces/default/events"


async def fill(api: Api, count: int) -> None:
    for number in range(count):
        obj = config_map(f"c{number:03}")
        obj["metadata"]["labels"] = {"n": str(number % 3)}
        await api.create(CONFIG_MAPS, obj)


def names(body: dict[str, object]) -> list[str]:
    items = body["items"]
    assert isinstance(items, list)
    return [item["metadata"]["name"] for item in items]


async def test_pages_show_one_snapshot(api: Api) -> None:
    """Later pages show the state of the first one, whatever happens in between."""
    await fill(api, 10)
    first = await api.get(CONFIG_MAPS, limit="4")
    meta = first.body["metadata"]
    assert (names(first.body), meta["remainingItemCount"]) == (["c000", "c001", "c002", "c003"], 6)
    await api.delete(f"{CONFIG_MAPS}/c005")
    await api.create(CONFIG_MAPS, config_map("c0055"))
    await api.merge(f"{CONFIG_MAPS}/c006", {"data": {"k": "new"}})
    second = await api.get(CONFIG_MAPS, limit="4", **{"continue": meta["continue"]})
    assert names(second.body) == ["c004", "c005", "c006", "c007"]
    assert second.body["items"][2].get("data") == {}
    assert second.body["metadata"]["resourceVersion"] == meta["resourceVersion"]
    assert second.body["metadata"]["remainingItemCount"] == 2
    third = await api.get(CONFIG_MAPS, limit="4", **{"continue": second.body["metadata"]["continue"]})
    assert names(third.body) == ["c008", "c009"]
    assert "continue" not in third.body["metadata"]


async def test_pages_with_selectors(api: Api) -> None:
    """A page is full of selected objects, and the rest isn't counted."""
    await fill(api, 12)
    first = await api.get(CONFIG_MAPS, limit="2", labelSelector="n=1")
    assert names(first.body) == ["c001", "c004"]
    assert "remainingItemCount" not in first.body["metadata"]
    token = first.body["metadata"]["continue"]
    rest = await api.get(CONFIG_MAPS, limit="9", labelSelector="n=1", **{"continue": token})
    assert names(rest.body) == ["c007", "c010"]


async def test_expired_pages(api: Api) -> None:
    """A compacted snapshot is 410 with a token for an inconsistent rest, which works."""
    await fill(api, 6)
    token = (await api.get(CONFIG_MAPS, limit="2")).body["metadata"]["continue"]
    await api.delete(f"{CONFIG_MAPS}/c003")
    await api.backend.compact(api.backend.revision())
    expired = await api.get(CONFIG_MAPS, limit="2", **{"continue": token})
    assert (expired.status, expired.body["reason"]) == (410, "Expired")
    assert "The provided continue parameter is too old" in expired.body["message"]
    rest = await api.get(CONFIG_MAPS, **{"continue": expired.body["metadata"]["continue"]})
    assert names(rest.body) == ["c002", "c004", "c005"]


@pytest.mark.parametrize("token", ["x", "e30", "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiIuLi9hIn0"])
async def test_broken_tokens(api: Api, token: str) -> None:
    """A token that we didn't make is a bad request."""
    reply = await api.get(CONFIG_MAPS, **{"continue": token})
    assert reply.status == 400
    assert "continue key is not valid" in reply.body["message"]


async def test_resource_version_parameters(api: Api) -> None:
    """0 takes any state, NotOlderThan waits or fails, Exact shows the past, old ones expire."""
    await fill(api, 2)
    version = (await api.get(CONFIG_MAPS)).body["metadata"]["resourceVersion"]
    await fill_one(api, "late")
    assert len((await api.get(CONFIG_MAPS, resourceVersion="0")).body["items"]) == 3
    newer = await api.get(CONFIG_MAPS, resourceVersion=version, resourceVersionMatch="NotOlderThan")
    assert len(newer.body["items"]) == 3
    exact = await api.get(CONFIG_MAPS, resourceVersion=version, resourceVersionMatch="Exact")
    assert (len(exact.body["items"]), exact.body["metadata"]["resourceVersion"]) == (2, version)
    limited = await api.get(CONFIG_MAPS, resourceVersion=version, limit="5")
    assert len(limited.body["items"]) == 2
    await api.backend.compact(api.backend.revision())
    old = await api.get(CONFIG_MAPS, resourceVersion=version, resourceVersionMatch="Exact")
    assert (old.status, old.body["reason"]) == (410, "Expired")


async def fill_one(api: Api, name: str) -> None:
    await api.create(CONFIG_MAPS, config_map(name))


async def test_future_versions(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A resourceVersion that has not happened is a timeout that says so."""
    monkeypatch.setattr("headwater.apiserver.registry.listing.RESOURCE_VERSION_WAIT_SECONDS", 0.01)
    for path in (CONFIG_MAPS, f"{CONFIG_MAPS}/x"):
        reply = await api.get(path, resourceVersion="999999")
        assert reply.status == 504
        assert "Too large resource version: 999999" in reply.body["message"]
        assert reply.body["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    exact = await api.get(CONFIG_MAPS, resourceVersion="999999", resourceVersionMatch="Exact")
    assert exact.status == 504


@pytest.mark.parametrize(
    ("query", "status"),
    [
        pytest.param({"resourceVersionMatch": "Exact"}, 422, id="match without version"),
        pytest.param({"resourceVersion": "0", "resourceVersionMatch": "Exact"}, 422, id="exactly any"),
        pytest.param({"resourceVersion": "1", "resourceVersionMatch": "x"}, 422, id="unknown match"),
        pytest.param({"resourceVersion": "abc"}, 400, id="no number"),
        pytest.param({"limit": "x"}, 400, id="limit"),
        pytest.param({"labelSelector": "a in b"}, 400, id="label selector"),
        pytest.param({"fieldSelector": "a"}, 400, id="field selector"),
        pytest.param({"fieldSelector": "spec.x=1"}, 400, id="unknown field"),
    ],
)
async def test_wrong_parameters(api: Api, query: dict[str, str], status: int) -> None:
    """Parameters that make no sense are refused."""
    assert (await api.get(CONFIG_MAPS, **query)).status == status


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        pytest.param("n=1", ["c001", "c004"], id="equal"),
        pytest.param("n!=1", ["c000", "c002", "c003", "c005"], id="not equal"),
        pytest.param("n in (0,2)", ["c000", "c002", "c003", "c005"], id="in"),
        pytest.param("!n", [], id="absent"),
        pytest.param("n notin (0),n", ["c001", "c002", "c004", "c005"], id="notin and exists"),
    ],
)
async def test_label_selectors(api: Api, selector: str, expected: list[str]) -> None:
    """Equality and sets."""
    await fill(api, 6)
    assert names((await api.get(CONFIG_MAPS, labelSelector=selector)).body) == expected


async def test_field_selectors(api: Api) -> None:
    """metadata.name and metadata.namespace for all kinds, others by kind."""
    await fill(api, 3)
    one = await api.get(CONFIG_MAPS, fieldSelector="metadata.name=c001")
    assert names(one.body) == ["c001"]
    assert names((await api.get(CONFIG_MAPS, fieldSelector="metadata.name=none")).body) == []
    both = await api.get(CONFIG_MAPS, fieldSelector="metadata.name=c001,metadata.namespace=x")
    assert names(both.body) == []
    everywhere = await api.get("/api/v1/configmaps", fieldSelector="metadata.namespace=default,metadata.name!=c001")
    assert names(everywhere.body) == ["c000", "c002"]
    unknown = await api.get(CONFIG_MAPS, fieldSelector="status.phase=x")
    assert (unknown.status, unknown.body["message"]) == (400, "field label not supported: status.phase")
    phases = await api.get("/api/v1/namespaces", fieldSelector="status.phase=Active")
    assert names(phases.body) == ["default"]


async def test_events_select_by_their_object(api: Api) -> None:
    """Both event groups see the same events, each in its form, and select by the object they are about."""
    regarding = {"kind": "Pod", "namespace": "default", "name": "p"}
    event = {
        "metadata": {"name": "e"},
        "involvedObject": regarding,
        "reason": "R",
        "message": "hello",
        "type": "Normal",
    }
    await api.create(EVENTS, event)
    other = event | {"metadata": {"name": "f"}, "involvedObject": regarding | {"name": "q"}}
    await api.create(EVENTS, other)
    assert names((await api.get(EVENTS, fieldSelector="involvedObject.name=p,reason=R")).body) == ["e"]
    new = "/apis/events.k8s.io/v1/namespaces/default/events"
    (shown,) = (await api.get(new, fieldSelector="regarding.name=q")).body["items"]
    assert (shown["apiVersion"], shown["note"], shown["regarding"]["name"]) == ("events.k8s.io/v1", "hello", "q")
    wrong = event | {"metadata": {"name": "g"}, "involvedObject": regarding | {"namespace": "x"}}
    assert (await api.post(EVENTS, wrong)).status == 422
    made = await api.create(
        new,
        {
            "metadata": {"name": "n"},
            "regarding": regarding,
            "note": "from the new group",
            "eventTime": "2026-01-01T00:00:00.000000Z",
            "reportingController": "c",
            "reportingInstance": "i",
            "action": "A",
            "reason": "R",
            "type": "Normal",
        },
    )
    assert made["note"] == "from the new group"
    stored = (await api.get(f"{EVENTS}/n")).body
    assert (stored["apiVersion"], stored["message"], stored["reportingComponent"]) == ("v1", "from the new group", "c")
