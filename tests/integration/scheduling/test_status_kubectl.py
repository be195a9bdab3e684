"""What kubectl makes of the status that is written. Collected only where kubectl is on the PATH."""

from __future__ import annotations

import asyncio
import shutil

from tests.integration.scheduling.ground import DEPLOYMENTS, Ground, Space, deployment, ready_status
from tests.integration.scheduling.test_status import AVAILABLE, available, lose, placed, running, web

PROGRESSING = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}


async def kubectl(space: Space, *arguments: str) -> tuple[bool, str]:
    """Whether a command succeeded, and what it said."""
    options = space.ground.process.options
    process = await asyncio.create_subprocess_exec(
        "kubectl",
        f"--kubeconfig={options.root_directory / 'admin.kubeconfig'}",
        f"--cache-dir={options.root_directory / 'cache'}",
        f"--server={space.ground.process.url}/clusters/{space.cluster}",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode == 0, out.decode()


async def check_waiting(ground: Ground) -> None:
    """`wait` and `rollout status` mean what they say: for Scheduled, for Available, and when nobody knows any more."""
    space = await placed(ground, "one")
    await space.capacity("one", cpu="0")
    await space.resource(DEPLOYMENTS, "default").create(deployment("web", 1, cpu="1"))
    scheduled = ("wait", "--for=condition=Scheduled", "deployment/web")
    done, said = await kubectl(space, *scheduled, "--timeout=1s")
    assert (done, "timed out" in said) == (False, True), said
    waiting = asyncio.create_task(kubectl(space, *scheduled, "--timeout=50s"))
    await space.capacity("one", cpu="1")
    assert await waiting == (True, "deployment.apps/web condition met\n")
    rollout, until = (
        ("rollout", "status", "deployment/web"),
        ("wait", "--for=condition=Available", "deployment/web"),
    )
    assert not (await kubectl(space, *rollout, "--timeout=1s"))[0]
    full = {**ready_status(1), "observedGeneration": 1, "conditions": [AVAILABLE, PROGRESSING]}
    syncer = await running(space, "one", **full)
    assert (await kubectl(space, *rollout, "--timeout=50s"))[0]
    assert (await kubectl(space, *until, "--timeout=50s"))[0]
    await lose(space, "one")
    await web(space, lambda obj: available(obj) == "Unknown")
    assert not (await kubectl(space, *rollout, "--timeout=1s"))[0]
    assert not (await kubectl(space, *until, "--timeout=1s"))[0]
    assert (await kubectl(space, *scheduled, "--timeout=50s"))[0]
    await space.beat("one")
    assert (await kubectl(space, *rollout, "--timeout=50s"))[0]
    await kubectl(space, "scale", "deployment/web", "--replicas=2")
    assert (await syncer.resource(space, DEPLOYMENTS).get("web"))["spec"]["replicas"] == 2


if shutil.which("kubectl") is not None:
    test_waiting = check_waiting
