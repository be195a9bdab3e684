"""A SyncTarget that is deleted and made anew under the same name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.integration.servers import config_map, eventually
from tests.integration.servers import namespace as namespace_object
from tests.integration.syncer.conftest import CONFIG_MAPS, NAMESPACES, Line, install, register

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.base import yamlio
from headwater.cli.synctarget.manifests import syncer_kubeconfig
from headwater.machinery.errors import NotFound
from headwater.machinery.objects import name, namespace, uid
from headwater.syncer.agent import WrongSyncTarget
from headwater.syncer.run import run


async def test_the_old_syncer_is_refused_and_its_copies_stay(line: Line) -> None:
    """The new one makes copies of its own, and tells which namespaces are left of the old one."""
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await line.workspace.resource(CONFIG_MAPS, "web").create(config_map("here"))

    async def down() -> dict[str, str]:
        return {namespace(each): uid(each) for each in await line.copies(CONFIG_MAPS) if name(each) == "here"}

    before = await eventually(down)
    await line.workspace.resource(SYNC_TARGETS).delete("west")

    async def gone() -> bool:
        try:
            await line.sync_target()
        except NotFound:
            return True
        return False

    await eventually(gone)
    ca = (line.directory / "control-plane" / "pki" / "ca.crt").read_bytes()
    target, plan = await register(line.workspace, line.control_plane.url, ca, "west")
    await line.stop_agent()
    upstream, downstream = line.directory / "new-up.kubeconfig", line.directory / "new-down.kubeconfig"
    upstream.write_text(yamlio.dump(syncer_kubeconfig(plan)))
    (await install(line.pcluster, plan)).save(downstream)
    old = replace(line.options, from_kubeconfig=upstream, to_kubeconfig=downstream)
    with pytest.raises(WrongSyncTarget, match="made anew"):
        await run(old)
    line.options = replace(old, sync_target_uid=uid(target))
    line.start_agent()

    async def two() -> dict[str, str] | None:
        found = await down()
        return found if len(found) == 2 else None

    after = await eventually(two)
    assert before.items() <= after.items(), "the old copy is as it was"
