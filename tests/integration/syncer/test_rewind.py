"""A pcluster that was restored from an older state, whose watches say nothing of it, as those of Kubernetes do."""

from __future__ import annotations

from tests.integration.servers import config_map, eventually
from tests.integration.servers import namespace as namespace_object
from tests.integration.syncer.conftest import CONFIG_MAPS, NAMESPACES, Line
from tests.integration.syncer.test_line import copy_of
from tests.integration.syncer.wiretap import tapped

from headwater.machinery.objects import Object, namespace, uid


async def test_what_vanished_in_the_restore_is_made_again(line: Line) -> None:
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    async with tapped(line) as tap:
        await line.workspace.resource(CONFIG_MAPS, "web").create(config_map("settings"))
        before = await eventually(lambda: copy_of(line, "settings", CONFIG_MAPS))
        tap.down.flowing.clear()
        await line.downstream.resource(CONFIG_MAPS, namespace(before)).delete("settings")
        tap.down.went_back = True

        async def again() -> Object | None:
            found = await copy_of(line, "settings", CONFIG_MAPS)
            return found if found is not None and uid(found) != uid(before) else None

        await eventually(again)
