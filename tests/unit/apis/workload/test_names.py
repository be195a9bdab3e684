"""Names on a pcluster that are derived from a SyncTarget and a workspace."""

from __future__ import annotations

import re

import pytest

from headwater.apis.workload.labels import dns_id


def test_name_of_a_resolver() -> None:
    """kcp's algorithm, with its own example."""
    assert dns_id("us-west1", "syncTargetUID", "root:org:ws") == "kcp-dns-us-west1-1nuzj7pw-2fcy2vpi"


@pytest.mark.parametrize("target", ["a" * 233, "west.example.com", "a" * 36 + ".b", "1"])
def test_it_names_a_service_whatever_the_sync_target_is_called(target: str) -> None:
    assert re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", dns_id(target, "u", "2x8k"))
