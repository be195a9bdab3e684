"""Lists in pages through a syncer's virtual workspace: all pages show one moment, and only what is the target's own."""

from __future__ import annotations

import pytest
from tests.integration.virtual.stage import COWBOYS, Stage

from headwater.apiserver.registry.continuation import Position, encode
from headwater.machinery.errors import BadRequest, Expired
from headwater.machinery.objects import finalizers, name

NAMES = [f"cowboy-{number}" for number in range(7)]


async def test_pages_are_of_one_moment(stage: Stage) -> None:
    """What is written between two pages is in none of them, over one workspace and over all."""
    await stage.place("north")
    for each in NAMES:
        await stage.cowboy(each, finalizers=["somebody.example.io/else"])
    stored = stage.tenant.resource(COWBOYS, "default")
    for cluster in ("*", stage.tenant.cluster):
        client = stage.north.client.cluster(cluster).resource(COWBOYS)
        pages = [await client.list(limit=3)]
        await stored.patch(NAMES[0], {"spec": {"intent": cluster}})
        await stored.patch(NAMES[5], {"spec": {"intent": cluster}})
        while token := pages[-1]["metadata"].get("continue"):
            pages.append(await client.list(limit=3, continue_token=token))
        items = [each for page in pages for each in page["items"]]
        assert [len(page["items"]) for page in pages] == [3, 3, 1]
        assert [name(each) for each in items] == NAMES
        assert len({page["metadata"]["resourceVersion"] for page in pages}) == 1
        assert not any(finalizers(each) or each["spec"]["intent"] == cluster for each in items)
    assert (await stage.south.client.cluster("*").resource(COWBOYS).list(limit=3))["items"] == []


async def test_tokens_that_lead_nowhere(stage: Stage) -> None:
    """Made by nobody: 400. Older than the history: 410, so that a client begins anew."""
    await stage.place("north")
    for each in NAMES[:4]:
        await stage.cowboy(each)
    client = stage.north.client.cluster("*").resource(COWBOYS)
    forged = encode(Position("../secrets", None))
    for token in ("x", "e30", forged):
        with pytest.raises(BadRequest, match="continue key is not valid"):
            await client.list(limit=3, continue_token=token)
    token = (await client.list(limit=3))["metadata"]["continue"]
    await stage.tenant.resource(COWBOYS, "default").delete(NAMES[0])
    backend = stage.ground.process.api.config.backend
    await backend.compact(backend.revision())
    with pytest.raises(Expired, match="The provided continue parameter is too old"):
        await client.list(limit=3, continue_token=token)
    items, _ = await client.list_all(page_size=3)
    assert [name(each) for each in items] == NAMES[1:4]


async def test_a_forged_position_shows_nothing_of_others(stage: Stage) -> None:
    """A token says where to go on, never what may be seen."""
    await stage.place("north")
    await stage.cowboy(NAMES[0])
    south = stage.south.client.cluster("*").resource(COWBOYS)
    assert (await south.list(limit=3, continue_token=encode(Position("a", None))))["items"] == []
