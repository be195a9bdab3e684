"""What objects say about sync targets."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.apis.workload.intent import names_targets


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        pytest.param({}, False, id="nothing"),
        pytest.param({"labels": {"app": "web"}, "annotations": {"kcp.io/cluster": "root"}}, False, id="other things"),
        pytest.param({"finalizers": ["kubernetes"]}, False, id="another finalizer"),
        pytest.param({"labels": {"state.workload.kcp.io/abc": "Sync"}}, True, id="state label"),
        pytest.param({"labels": {"state.workload.kcp.io/abc": ""}}, True, id="empty state label"),
        pytest.param({"annotations": {"deletion.internal.workload.kcp.io/abc": "now"}}, True, id="deletion mark"),
        pytest.param({"annotations": {"experimental.spec-diff.workload.kcp.io/abc": "[]"}}, True, id="spec diff"),
        pytest.param({"annotations": {"finalizers.workload.kcp.io/abc": "me"}}, True, id="soft finalizer"),
        pytest.param({"annotations": {"diff.syncer.internal.kcp.io/abc": "{}"}}, True, id="status of a target"),
        pytest.param({"finalizers": ["workload.kcp.io/syncer-abc"]}, True, id="finalizer of a syncer"),
    ],
)
def test_names_targets(metadata: dict[str, Any], expected: bool) -> None:
    """Any trace of a target counts, and nothing else does."""
    assert names_targets({"metadata": metadata}) is expected
