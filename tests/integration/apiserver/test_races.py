"""Writers that meet: the slower one is told, or goes on from the newer state."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest

from headwater.apiserver.admission.interface import CREATE, AdmissionAttributes, BasePlugin

from .conftest import CONFIG_MAPS, Api, start
from .test_create_update import config_map


class Meanwhile(BasePlugin):
    """Lets another writer in between reading and writing, once for each armed patch."""

    name = "Meanwhile"

    def __init__(self) -> None:
        self.api: Api | None = None
        self.armed: list[str] = []
        self.faster = 0
        """So often somebody else is faster than whatever else is written."""
        self._writing = False

    async def admit(self, attributes: AdmissionAttributes) -> None:
        if self.armed and self.api is not None and attributes.info.resource == "configmaps":
            key = self.armed.pop()
            await self.api.merge(f"{CONFIG_MAPS}/a", {"data": {key: "other"}})
        if self.faster and not self._writing and attributes.operation != CREATE and self.api is not None:
            self.faster -= 1
            self._writing = True
            try:
                await self.api.merge(f"{CONFIG_MAPS}/a", {"data": {"other": str(self.faster)}})
            finally:
                self._writing = False


@pytest.fixture
async def raced() -> AsyncIterator[tuple[Api, Meanwhile]]:
    plugin = Meanwhile()
    api = await start(plugins=(plugin,))
    plugin.api = api
    yield api, plugin
    await api.backend.close()


async def test_update_with_a_version_conflicts(raced: tuple[Api, Meanwhile]) -> None:
    """An update that was right when it came is a conflict when another one is faster, and nothing is lost."""
    api, plugin = raced
    made = await api.create(CONFIG_MAPS, config_map("a", k="1"))
    plugin.armed = ["x"]
    reply = await api.put(f"{CONFIG_MAPS}/a", made | {"data": {"k": "2"}})
    assert reply.status == 409
    assert (await api.get(f"{CONFIG_MAPS}/a")).body["data"] == {"k": "1", "x": "other"}


async def test_update_without_a_version_overwrites(raced: tuple[Api, Meanwhile]) -> None:
    """An unconditional update is tried again, and wins."""
    api, plugin = raced
    await api.create(CONFIG_MAPS, config_map("a", k="1"))
    plugin.armed = ["x"]
    reply = await api.put(f"{CONFIG_MAPS}/a", config_map("a", k="2"))
    assert (reply.status, reply.body["data"]) == (200, {"k": "2"})


async def test_patch_goes_on_from_the_newer_state(raced: tuple[Api, Meanwhile]) -> None:
    """Both changes are there; with a resourceVersion in the patch it is a conflict."""
    api, plugin = raced
    made = await api.create(CONFIG_MAPS, config_map("a", k="1"))
    plugin.armed = ["x"]
    reply = await api.merge(f"{CONFIG_MAPS}/a", {"data": {"k": "2"}})
    assert reply.body["data"] == {"k": "2", "x": "other"}
    plugin.armed = ["y"]
    pinned = await api.merge(f"{CONFIG_MAPS}/a", {"data": {"k": "3"}, "metadata": {"resourceVersion": reply.version}})
    assert pinned.status == 409
    assert made["metadata"]["uid"] == reply.body["metadata"]["uid"]


async def test_patch_goes_on_however_often_others_are_faster(raced: tuple[Api, Meanwhile]) -> None:
    """Nothing was asked of the object's state, so no state is a conflict."""
    api, plugin = raced
    await api.create(CONFIG_MAPS, config_map("a"))
    plugin.faster = 20
    reply = await api.merge(f"{CONFIG_MAPS}/a", {"data": {"k": "2"}})
    assert (reply.status, reply.body["data"]["k"], plugin.faster) == (200, "2", 0)


async def test_apply_meets_create(api: Api) -> None:
    """Many appliers of an object that isn't there: one creates it, all end up in it."""
    configs = [config_map("a", **{f"k{number}": "v"}) for number in range(5)]
    replies = await asyncio.gather(
        *(api.apply(f"{CONFIG_MAPS}/a", config, manager=f"m{number}") for number, config in enumerate(configs))
    )
    assert sorted(reply.status for reply in replies) == [200, 200, 200, 200, 201]
    assert len((await api.get(f"{CONFIG_MAPS}/a")).body["data"]) == 5


async def test_delete_meets_update(raced: tuple[Api, Meanwhile]) -> None:
    """A delete goes on from the newer state; one bound to a version is a conflict."""
    api, plugin = raced
    made = await api.create(CONFIG_MAPS, config_map("a"))
    plugin.armed = ["x"]
    version = {"preconditions": {"resourceVersion": made["metadata"]["resourceVersion"]}}
    assert (await api.delete(f"{CONFIG_MAPS}/a", version)).status == 409
    plugin.armed = ["y"]
    assert (await api.delete(f"{CONFIG_MAPS}/a")).status == 200


async def test_delete_goes_on_however_often_others_are_faster(raced: tuple[Api, Meanwhile]) -> None:
    api, plugin = raced
    await api.create(CONFIG_MAPS, config_map("a"))
    plugin.faster = 20
    assert (await api.delete(f"{CONFIG_MAPS}/a")).status == 200
    assert plugin.faster == 0
    assert (await api.get(f"{CONFIG_MAPS}/a")).status == 404


async def test_what_never_wins_ends_with_its_deadline(raced: tuple[Api, Meanwhile]) -> None:
    api, plugin = raced
    await api.create(CONFIG_MAPS, config_map("a", k="1"))
    plugin.faster = sys.maxsize
    assert (await api.delete(f"{CONFIG_MAPS}/a", timeout="1s")).status == 504
    assert (await api.merge(f"{CONFIG_MAPS}/a", {"data": {"k": "2"}}, timeout="1s")).status == 504
    assert (await api.get(f"{CONFIG_MAPS}/a")).body["data"]["k"] == "1"
