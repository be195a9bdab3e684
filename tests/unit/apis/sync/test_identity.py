"""Only the exact name of a syncer stands for it: parsed, and compared by equality."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.apis.sync.v1alpha1.identity import SyncerIdentity, identity_of_target, identity_of_user, parse_identity

UID = "0b9c1f0a-1111-4222-8333-444455556666"
EAST = SyncerIdentity("2x8k3", "east", UID)
LOOKALIKES = {
    "prefix": f"system:kcp:syncer:2x8k3:east:{UID}x",
    "suffix": f"xsystem:kcp:syncer:2x8k3:east:{UID}",
    "longer-cut-uid": f"system:kcp:syncer:2x8k3:east:{UID[:-1]}",
    "more-parts": f"system:kcp:syncer:2x8k3:east:more:{UID}",
    "fewer-parts": f"system:kcp:syncer:2x8k3:{UID}",
    "path": f"system:kcp:syncer:root:platform:east:{UID}",
    "empty-cluster": f"system:kcp:syncer::east:{UID}",
    "wildcard": f"system:kcp:syncer:*:east:{UID}",
    "upper-case": f"system:kcp:syncer:2x8k3:East:{UID}",
    "upper-case-uid": f"system:kcp:syncer:2x8k3:east:{UID.upper()}",
    "cyrillic-a": f"system:kcp:syncer:2x8k3:e\u0430st:{UID}",
    "fullwidth-digit": f"system:kcp:syncer:2x8k\uff13:east:{UID}",
    "arabic-digit-uid": f"system:kcp:syncer:2x8k3:east:\u0660{UID[1:]}",
    "newline": f"system:kcp:syncer:2x8k3:east:{UID}\n",
    "space": f"system:kcp:syncer:2x8k3:east :{UID}",
    "slash": f"system:kcp:syncer:2x8k3:east/status:{UID}",
    "bootstrap": f"system:kcp:syncer-bootstrap:2x8k3:east:{UID}",
    "account": "system:serviceaccount:default:east",
}


@pytest.mark.parametrize("text", LOOKALIKES.values(), ids=LOOKALIKES)
def test_what_only_looks_like_one_is_nobody(text: str) -> None:
    assert identity_of_user(text) is None


def test_a_name_and_its_identity_are_the_same() -> None:
    meta = {"name": "east", "uid": UID, "annotations": {"kcp.io/cluster": "2x8k3"}}
    assert identity_of_target({"metadata": meta}) == EAST
    assert identity_of_user(EAST.user_name) == EAST


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_two_texts_are_one_identity(left: str, right: str) -> None:
    """What is read back is what was written, so different names can't meet in one identity."""
    for text in (f"{left}:{right}:{UID}", f"{left}:east:{UID}"):
        found = parse_identity(text)
        assert found is None or str(found) == text
