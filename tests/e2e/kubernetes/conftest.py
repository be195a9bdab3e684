"""What is collected: these tests are for `make kubernetes`, which builds the programs that they need."""

from __future__ import annotations

from tests.e2e.kubernetes.cluster import PROGRAMS

collect_ignore = [] if PROGRAMS else ["test_kubernetes.py"]
