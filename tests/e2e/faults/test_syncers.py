"""Several syncers for one SyncTarget, and the brake, with real processes."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from tests.e2e.faults.history import manifest
from tests.e2e.faults.scene import Scene, scene
from tests.e2e.harness import PLATFORM, wait_for
from tests.e2e.scheduling.api import path_of
from tests.e2e.scheduling.stage import condition

pytestmark = pytest.mark.e2e
TWINS = ("syncer-east", "syncer-east-twin")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Two pclusters, the first with two syncers of which one leads."""
    with scene(tmp_path_factory.mktemp("syncers")) as scene_of_module:
        yield scene_of_module


def create(made: Scene, *names: str) -> None:
    """ConfigMaps, as acknowledged."""
    for name in names:
        obj = made.tenant.request("POST", path_of("configmaps", "", "default"), manifest(name, name))
        made.history.kept[name] = (obj["metadata"]["uid"], name)


def leader(made: Scene) -> str:
    """The program that leads at the moment, by the Lease and by what each says of itself; "" when it was given back."""
    leases = [
        each
        for space in made.pclusters["east"].list("namespaces")
        for each in made.pclusters["east"].list("leases", space["metadata"]["name"])
        if "syncer" in each["metadata"]["name"]
    ]
    assert len(leases) == 1
    holder = leases[0]["spec"]["holderIdentity"]
    logs = {name: made.program(name).log.read_text() for name in TWINS}
    return next((name for name in TWINS if holder and holder in logs[name]), "")


@pytest.mark.parametrize("how", ["kill", "freeze", "stop"])
def test_the_other_syncer_takes_over(made: Scene, how: str) -> None:
    """It goes on where the first one was, and when that comes back there is still one who writes."""
    create(made, f"before-{how}")
    made.check()
    first = leader(made)
    program = made.program(first)
    assert program.process is not None
    if how == "kill":
        made.kill(first)
    elif how == "freeze":
        made.freeze(first)
    else:
        program.process.send_signal(signal.SIGTERM)
        program.process.wait(30)
    create(made, f"after-{how}")
    wait_for("the other one leads", lambda: leader(made) not in ("", first))
    if how == "freeze":
        made.thaw(first)
    else:
        made.start(first)
    made.check()
    assert leader(made) not in ("", first), "who comes back stands by"
    if how == "freeze":
        wait_for("it knows", lambda: "not leading any more" in program.log.read_text())


def test_a_manifest_on_the_wrong_pcluster(made: Scene) -> None:
    """Its syncer says so and does nothing, neither there nor to what the right one does."""
    made.check()
    before = {copy["metadata"]["uid"] for each in made.history.copies for copy in each.now()}
    arguments = list(made.program("syncer-east").arguments)
    at = arguments.index("--lease-namespace")
    del arguments[at : at + 2]
    arguments[arguments.index("--to-kubeconfig") + 1] = str(made.stack.root / "west-agent-downstream.kubeconfig")
    copied = made.stack.run("syncer-copied", *arguments)
    platform = made.hub.at(f"/clusters/{PLATFORM}")

    def said() -> bool:
        return condition(platform.find("synctargets", "east"), "PClusterBound").get("reason") == "OtherPCluster"

    wait_for("it is told", said)
    create(made, "beside")
    made.check()
    assert before <= {copy["metadata"]["uid"] for each in made.history.copies for copy in each.now()}
    wait_for("event", lambda: "OtherPCluster" in {each["reason"] for each in platform.list("events", "default")})
    copied.check()
    copied.kill()
    del made.stack.programs["syncer-copied"]


def test_deletions_in_masses_wait_for_a_person(made: Scene) -> None:
    """The syncer of west has the usual limits: it holds, says so, holds on after a restart, and goes on when told."""
    made.check()
    program = made.program("syncer-west")
    program.stop()
    limits = program.arguments[-2:]
    program.arguments[-2:] = ["--deletion-brake-count", "5", "--deletion-brake-share", "0.1"]
    names = [f"mass-{number}" for number in range(30)]
    create(made, *names)
    program.start()
    wait_for("they are down", lambda: not made.history.wrong_below())
    program.kill()
    program.start()
    platform = made.hub.at(f"/clusters/{PLATFORM}")

    def allowed() -> str:
        return str(condition(platform.find("synctargets", "west"), "DeletionsAllowed").get("status"))

    for name in names:
        made.history.deleting.add(name)
        del made.history.kept[name]
        made.tenant.request("DELETE", path_of("configmaps", name, "default"))
    wait_for("it holds", lambda: allowed() == "False")
    program.kill()
    program.start()
    west = next(each for each in made.history.copies if each.pcluster == "west")
    create(made, "meanwhile")
    wait_for("work goes on", lambda: "meanwhile" in {each["metadata"]["name"] for each in west.now()})
    assert sum(each["metadata"]["name"].startswith("mass-") for each in west.now()) >= 20
    platform.patch("synctargets", "west", {"metadata": {"annotations": {"sync.kcp.io/allow-deletions": "true"}}})
    made.check()
    wait_for("it says that it goes on", lambda: allowed() == "True")
    told = {"DeletionsHeld", "DeletionsAllowed"}
    wait_for("events", lambda: told <= {each["reason"] for each in platform.list("events", "default")})
    program.stop()
    program.arguments[-4:] = limits
    program.start()
