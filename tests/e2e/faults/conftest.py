"""What is collected on this machine."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.e2e.faults.smalldisk import way_to_mount

# Where no mount is allowed no disk can be filled; the limit of `test_hub.py` stands for it everywhere.
collect_ignore = [] if way_to_mount(Path(tempfile.gettempdir())) else ["test_full_disk.py"]
