"""A SyncTarget that is deleted and made anew under the same name."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from click.testing import CliRunner
from tests.integration.servers import config_map, eventually
from tests.integration.servers import namespace as namespace_object
from tests.integration.syncer.conftest import CONFIG_MAPS, NAMESPACES, Line, install, register

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.base import yamlio
from headwater.cli.synctarget.adopt import adopt
from headwater.cli.synctarget.manifests import SyncerPlan, syncer_kubeconfig
from headwater.machinery.conditions import get_condition, is_false
from headwater.machinery.errors import NotFound
from headwater.machinery.objects import finalizers, name, namespace, uid
from headwater.syncer.run import run
from headwater.syncer.target.find import WrongSyncTarget


async def below(line: Line, object_name: str = "here") -> dict[str, str]:
    """Downstream namespace -> uid of the copies of a ConfigMap."""
    return {namespace(each): uid(each) for each in await line.copies(CONFIG_MAPS) if name(each) == object_name}


async def replaced(line: Line) -> SyncerPlan:
    """Delete the SyncTarget, and make it anew."""
    await line.workspace.resource(SYNC_TARGETS).delete("west")

    async def gone() -> bool:
        try:
            await line.sync_target()
        except NotFound:
            return True
        return False

    await eventually(gone)
    ca = (line.directory / "control-plane" / "pki" / "ca.crt").read_bytes()
    line.target, plan = await register(line.workspace, line.control_plane.url, ca, "west")
    await line.stop_agent()
    return plan


async def install_new(line: Line, plan: SyncerPlan) -> None:
    """Give the line's agent the credentials of the new SyncTarget, and still the UID of the old one."""
    upstream, downstream = line.directory / "new-up.kubeconfig", line.directory / "new-down.kubeconfig"
    upstream.write_text(yamlio.dump(syncer_kubeconfig(plan)))
    (await install(line.pcluster, plan)).save(downstream)
    line.options = replace(line.options, from_kubeconfig=upstream, to_kubeconfig=downstream)


async def test_the_old_syncer_is_refused_and_its_copies_stay(line: Line) -> None:
    """The new one makes copies of its own, and tells which namespaces are left of the old one."""
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await line.workspace.resource(CONFIG_MAPS, "web").create(config_map("here"))
    before = await eventually(lambda: below(line))
    await install_new(line, await replaced(line))
    with pytest.raises(WrongSyncTarget, match="made anew"):
        await run(line.options)
    line.options = replace(line.options, sync_target_uid=uid(line.target))
    line.start_agent()

    async def two() -> dict[str, str] | None:
        found = await below(line)
        return found if len(found) == 2 else None

    after = await eventually(two)
    assert before.items() <= after.items(), "the old copy is as it was"
    assert "has been at work" in await adopting(line, "--yes")


async def adopting(line: Line, *flags: str) -> str:
    """What the command says that takes over what is left."""
    connection = ["--kubeconfig", str(line.directory / "control-plane" / "admin.kubeconfig")]
    arguments = ["west", "--pcluster-kubeconfig", str(line.pcluster.kubeconfig_path), "--workspace", "root:shop"]
    done = await asyncio.to_thread(CliRunner().invoke, adopt, [*arguments, *connection, *flags])
    return done.output


async def test_what_the_old_one_left_is_adopted(line: Line) -> None:
    """It runs on as it was; what is not placed any more goes when a person has allowed it, and not before."""
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    maps = line.workspace.resource(CONFIG_MAPS, "web")
    for object_name in ("here", "gone"):
        await maps.create(config_map(object_name))
        await eventually(lambda object_name=object_name: below(line, object_name))
    before, left = await below(line), await below(line, "gone")
    plan = await replaced(line)
    await maps.delete("gone")
    space = next(iter(before))
    shown = " ".join((await adopting(line)).split())
    assert f"namespaces/{space} {line.cluster}/web " in shown
    assert "Nothing was changed" in shown
    assert not get_condition(await line.sync_target(), "DeletionsAllowed")
    said = await adopting(line, "--yes")
    assert f"namespaces/{space} adopted" in said
    assert "sync.kcp.io/allow-deletions=true" in said
    assert "of an earlier SyncTarget west" in await adopting(line, "--yes")
    await install_new(line, plan)
    line.options = replace(line.options, sync_target_uid=uid(line.target))
    line.start_agent()

    async def claimed() -> bool:
        return bool(finalizers(await maps.get("here")))

    await eventually(claimed)
    await maps.create(config_map("new"))
    assert (await eventually(lambda: below(line, "new"))).keys() == {space}
    assert await below(line) == before
    assert await below(line, "gone") == left
    assert is_false(await line.sync_target(), "DeletionsAllowed")
    leave = {"metadata": {"annotations": {"sync.kcp.io/allow-deletions": "true"}}}
    await line.workspace.resource(SYNC_TARGETS).patch("west", leave)

    async def let_go() -> bool:
        return not await below(line, "gone")

    await eventually(let_go)
    assert await below(line) == before
