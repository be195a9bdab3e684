"""A control plane whose store is older than it was, empty, or full."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Callable, Iterator

import pytest
from tests.e2e.faults.history import manifest
from tests.e2e.faults.scene import Scene, scene
from tests.e2e.harness import PLATFORM, wait_for
from tests.e2e.scheduling.api import Refused, path_of
from tests.e2e.scheduling.stage import condition

pytestmark = pytest.mark.e2e
LEAVE = {"metadata": {"annotations": {"sync.kcp.io/allow-deletions": "true"}}}


@pytest.fixture
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A scene for one test, since a control plane that lost something never is what it was."""
    with scene(tmp_path_factory.mktemp("hub")) as scene_of_test:
        yield scene_of_test


def create(made: Scene, prefix: str, count: int) -> None:
    """ConfigMaps, as acknowledged."""
    for number in range(count):
        name = f"{prefix}-{number}"
        obj = made.tenant.request("POST", path_of("configmaps", "", "default"), manifest(name, name))
        made.history.kept[name] = (obj["metadata"]["uid"], name)


def uids(made: Scene) -> set[str]:
    """All copies."""
    return {copy["metadata"]["uid"] for each in made.history.copies for copy in each.now()}


def held(made: Scene, target: str) -> str:
    """Why deletions of a target are held, "" while they are not."""
    found = condition(made.hub.at(f"/clusters/{PLATFORM}").find("synctargets", target), "DeletionsAllowed")
    return str(found.get("reason")) if found.get("status") == "False" else ""


def test_restored_from_an_older_copy(made: Scene) -> None:
    """What the copy does not know, or marks though it was taken back later, stays below until a person has looked."""
    create(made, "old", 5)
    made.check()
    store = made.stack.root / "hub"
    backup = made.stack.root / "backup"
    made.program("hub").stop()
    shutil.copytree(store, backup)
    made.start("hub")
    create(made, "new", 20)
    made.check()
    before = uids(made)
    made.kill("hub")
    shutil.rmtree(store)
    shutil.copytree(backup, store)
    made.start("hub")
    for target in ("east", "west"):
        wait_for(f"{target} holds", lambda target=target: held(made, target) == "ControlPlaneBehind")
    create(made, "later", 3)
    wait_for(
        "work goes on",
        lambda: all("later-2" in {c["metadata"]["name"] for c in each.now()} for each in made.history.copies),
    )
    assert before <= uids(made), "nothing went"
    made.history.deleting |= {f"new-{number}" for number in range(20)}
    made.history.kept = {name: each for name, each in made.history.kept.items() if not name.startswith("new-")}
    platform = made.hub.at(f"/clusters/{PLATFORM}")

    def let_go() -> bool:
        """A person may have to say so again: after what was held there can be more than a tenth to delete."""
        for target in ("east", "west"):
            if held(made, target):
                platform.patch("synctargets", target, LEAVE)
        return not made.history.wrong_below()

    wait_for("what is not upstream goes", let_go)
    made.check()


def test_emptied(made: Scene) -> None:
    """A control plane that lost everything knows neither objects nor syncers, and nothing goes."""
    create(made, "kept", 5)
    made.check()
    before = uids(made)
    made.kill("hub")
    store = made.stack.root / "hub"
    for file in store.glob("*.db*"):
        file.unlink()
    made.start("hub")
    for names in (("syncer-west",), ("syncer-east", "syncer-east-twin")):
        name = wait_for(f"one of {names} is refused", lambda names=names: _refused(made, *names))
        made.kill(name)
        made.program(name).start()
        wait_for(f"{name} is refused again", lambda name=name: "can't read SyncTarget" in made.program(name).tail())
    assert uids(made) == before
    assert not made.history.wrongly_gone()


def _refused(made: Scene, *names: str) -> str:
    """The one of several syncers that asks, as it leads, and is refused again and again."""
    return next((name for name in names if made.program(name).log.read_text().count("Unauthorized") > 10), "")


def test_no_room_for_the_store(made: Scene) -> None:
    """Writes that can't be kept are refused, reads go on, nothing changes below, and with room again all goes on.

    A limit on the size of files stands for the full disk, as it needs no rights. SQLite takes that for a broken disk,
    after which nothing is written before a restart; `test_full_disk.py` has a disk that is really full.
    """
    create(made, "kept", 5)
    made.check()
    before = uids(made)
    process = made.program("hub").process
    assert process is not None
    usual = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (4096, usual[1]))
    refused = try_to_write(made, lambda error: error.status >= 500)
    assert refused
    assert made.above().keys() >= made.history.kept.keys(), "it can be read"
    assert before <= uids(made)
    made.kill("hub")
    made.start("hub")
    wait_for("it takes writes again", lambda: not try_to_write(made, lambda error: True))
    create(made, "after", 3)
    made.check()
    assert before <= uids(made)


def try_to_write(made: Scene, wrong: Callable[[Refused], bool], size: int = 0) -> bool:
    """Write something, so many bytes and some; whether that was refused in this way."""
    name = f"try-{len(made.history.story)}-{len(made.history.kept)}"
    value = name + "x" * size
    made.history.note(name)
    try:
        obj = made.tenant.request("POST", path_of("configmaps", "", "default"), manifest(name, value))
    except Refused as error:
        made.history.note(f"{name}: {error}")
        made.history.unsure[name] = {"", value}
        return wrong(error)
    made.history.kept[name] = (obj["metadata"]["uid"], value)
    return False
