"""A control plane whose disk is full. It belongs to the suite where a small disk may be mounted, see `smalldisk.py`."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.e2e.faults.scene import scene
from tests.e2e.faults.smalldisk import SmallDisk, way_to_mount
from tests.e2e.faults.test_hub import create, try_to_write, uids
from tests.e2e.harness import wait_for

pytestmark = pytest.mark.e2e


def test_a_full_disk(tmp_path: Path) -> None:
    """What does not fit is refused, reads go on, nothing changes below, and with room again all goes on by itself."""
    disk = SmallDisk(tmp_path / "disk", way_to_mount(tmp_path))
    disk.folder.mkdir()
    store = ("--store", f"sqlite://{disk.folder}/store.db")
    with scene(tmp_path, *store, hub_within=disk.within) as made:
        create(made, "kept", 5)
        made.check()
        before = uids(made)
        process = made.program("hub").process
        assert process is not None
        disk.fill(process.pid)
        # Some writes still fit into what the files have already.
        wait_for("it is full", lambda: try_to_write(made, lambda error: error.status >= 500, size=100_000))
        for _ in range(5):
            assert try_to_write(made, lambda error: error.status >= 500, size=100_000)
        assert made.above().keys() >= made.history.kept.keys(), "it can be read"
        assert before <= uids(made)
        disk.clear(process.pid)
        wait_for("it takes writes again", lambda: not try_to_write(made, lambda error: True, size=100_000))
        create(made, "after", 3)
        made.check()
        assert before <= uids(made)
        assert process.poll() is None, "it is the same process"
