"""How many writes it takes: one for each change, none where nothing changed."""

from __future__ import annotations

from tests.integration.servers import config_map, eventually
from tests.integration.servers import namespace as namespace_object
from tests.integration.syncer.conftest import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, Line
from tests.integration.syncer.test_line import copy_of, deployment
from tests.integration.syncer.test_upsync import running
from tests.integration.syncer.wiretap import tapped

from headwater.apis.workload.labels import STATE_SYNC, state_label
from headwater.machinery.objects import Object, labels, name


async def all_seen(line: Line, marker: str) -> None:
    """Wait until everything before this has been worked on: what was made after it is down, twice in a row."""
    for turn in ("first", "second"):
        await line.workspace.resource(CONFIG_MAPS, "web").create(config_map(f"{marker}-{turn}"))
        await eventually(lambda turn=turn: copy_of(line, f"{marker}-{turn}", CONFIG_MAPS))


async def test_an_object_takes_a_claim_and_an_apply_and_a_change_one_apply(line: Line) -> None:
    """Also while the pcluster's watch is so slow that the syncer has not seen what it applied."""
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    maps = line.workspace.resource(CONFIG_MAPS, "web")
    async with tapped(line) as tap:
        await all_seen(line, "begin")
        tap.down.flowing.clear()
        await maps.create(config_map("settings", {"a": "1"}))
        await all_seen(line, "slow")
        assert (tap.up.of("/settings"), tap.down.of("/settings")) == (["PATCH"], ["PATCH"])
        tap.down.flowing.set()
        await all_seen(line, "fast")
        assert (tap.up.of("/settings"), tap.down.of("/settings")) == (["PATCH"], ["PATCH"])
        await maps.patch("settings", {"data": {"a": "2"}})

        async def changed() -> bool:
            return ((await copy_of(line, "settings", CONFIG_MAPS)) or {}).get("data") == {"a": "2"}

        await eventually(changed)
        await all_seen(line, "changed")
        assert (tap.up.of("/settings"), tap.down.of("/settings")) == (["PATCH"], ["PATCH", "PATCH"])


async def test_a_claim_is_made_once_while_others_write_the_object(line: Line) -> None:
    """It is for the object with this UID, whatever became of it meanwhile, and what goes down is its newest state."""
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    maps = line.workspace.resource(CONFIG_MAPS, "web")
    async with tapped(line) as tap:
        await all_seen(line, "begin")

        async def write_first(_method: str, path: str) -> None:
            if path.endswith("/settings"):
                await maps.patch("settings", {"data": {"a": "2"}})

        tap.up.before_write = write_first
        await maps.create(config_map("settings", {"a": "1"}))
        await eventually(lambda: copy_of(line, "settings", CONFIG_MAPS))
        await all_seen(line, "end")
        assert (tap.up.of("/settings"), tap.down.of("/settings")) == (["PATCH"], ["PATCH"])
        copy = await copy_of(line, "settings", CONFIG_MAPS)
        assert copy is not None
        assert copy["data"] == {"a": "2"}


async def test_what_concerns_others_takes_no_write(line: Line) -> None:
    """Reports from below, and marks of another SyncTarget, are no reason to apply anything."""
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    deployments = line.workspace.resource(DEPLOYMENTS, "web")
    async with tapped(line) as tap:
        await deployments.create(deployment("frontend"))

        async def runs() -> bool:
            return ((await deployments.get("frontend")).get("status") or {}).get("availableReplicas") == 2

        await eventually(runs)
        await all_seen(line, "runs")
        path = "/deployments/frontend"
        assert (tap.up.of(path), tap.down.of(path)) == (["PATCH"], ["PATCH"])
        other = state_label("other")
        await deployments.patch("frontend", {"metadata": {"labels": {other: STATE_SYNC}}})

        async def forgotten() -> bool:
            return other not in labels(await deployments.get("frontend"))

        await eventually(forgotten)
        await all_seen(line, "other")
        assert (tap.up.of(path), tap.down.of(path)) == (["PATCH"], ["PATCH"])


async def test_a_restart_writes_nothing(line: Line) -> None:
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await line.workspace.resource(DEPLOYMENTS, "web").create(deployment("frontend"))

    async def runs() -> bool:
        status = (await line.workspace.resource(DEPLOYMENTS, "web").get("frontend")).get("status") or {}
        return status.get("availableReplicas") == 2

    await eventually(runs)
    await running(line, 2)  # Upstream too, so that nothing is left to bring up.
    await all_seen(line, "before")
    async with tapped(line) as tap:
        await all_seen(line, "after")
        wire = [*tap.up.writes, *tap.down.writes]
        assert sorted(path.rpartition("/")[2] for _, path in wire) == ["after-first"] * 2 + ["after-second"] * 2


async def test_nothing_is_written_before_the_copies_are_known(line: Line) -> None:
    """After a restart the control plane's list may be there long before that of the pcluster."""
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await line.workspace.resource(DEPLOYMENTS, "web").create(deployment("frontend"))
    await eventually(lambda: copy_of(line, "frontend"))
    await all_seen(line, "before")
    async with tapped(line, listed_late="/deployments") as tap:
        await all_seen(line, "unknown")
        await line.workspace.resource(DEPLOYMENTS, "web").create(deployment("later"))
        await all_seen(line, "still")
        tap.down.listing.set()
        await eventually(lambda: copy_of(line, "later"))
        await all_seen(line, "known")
        assert (tap.up.of("/frontend"), tap.down.of("/frontend")) == ([], [])
        assert tap.down.of("/deployments/later") == ["PATCH"]


async def test_a_namespace_is_made_for_what_is_in_it_and_never_claimed(line: Line) -> None:
    """Also when the syncer knows the workspace's namespaces before it knows those of the pcluster."""
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await all_seen(line, "before")
    async with tapped(line, listed_late="/namespaces") as tap:

        async def known() -> bool:
            return any(path.endswith("/namespaces") for path in tap.up.listed)

        await eventually(known)
        tap.down.listing.set()
        await all_seen(line, "after")
        assert not [path for _, path in tap.up.writes if path.rpartition("/")[0].endswith("/namespaces")]


async def test_a_namespace_is_made_once(line: Line) -> None:
    """Twenty objects of it arrive at once, and the syncer sees late what it made."""
    maps = line.workspace.resource(CONFIG_MAPS, "web")
    wanted = {f"settings-{number}" for number in range(20)}
    async with tapped(line) as tap:
        tap.down.flowing.clear()
        tap.up.flowing.clear()
        await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
        for each in sorted(wanted):
            await maps.create(config_map(each))

        async def placed() -> bool:
            found: list[Object] = (await maps.list_all())[0]
            return {name(each) for each in found if labels(each).get(state_label(line.key)) == STATE_SYNC} >= wanted

        async def all_down() -> bool:
            return {name(each) for each in await line.copies(CONFIG_MAPS)} >= wanted

        await eventually(placed)
        tap.up.flowing.set()
        await eventually(all_down)
        assert tap.down.of(f"/{line.downstream_namespace('web')}") == ["POST"]
