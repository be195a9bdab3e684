"""What of an earlier SyncTarget can be taken over, and what stays as it is."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from headwater.apis.workload.locator import NamespaceLocator, parse_locator
from headwater.cli.synctarget.adopting import NAMESPACES, Orphan, adoption, is_copy, orphans
from headwater.machinery.objects import Object, name
from headwater.syncer.identity import TargetIdentity

NEW = TargetIdentity("hub", "east", "new")


def locator(uid: str = "old", namespace: str = "web", target: str = "east", cluster: str = "hub") -> str:
    return NamespaceLocator(cluster, target, uid, "shop", namespace).to_json()


def space(object_name: str, text: str | None, **meta: Any) -> Object:
    notes = {"kcp.io/namespace-locator": text} if text is not None else {}
    return {"metadata": {"name": object_name, "uid": "u", "resourceVersion": "7", "annotations": notes, **meta}}


@pytest.mark.parametrize(
    ("spaces", "found"),
    [
        pytest.param([space("a", locator())], {"a": ""}, id="left"),
        pytest.param([space("a", locator("new"))], {}, id="its own"),
        pytest.param([space("a", locator(target="west"))], {}, id="of another SyncTarget"),
        pytest.param([space("a", locator(cluster="elsewhere"))], {}, id="of a SyncTarget elsewhere"),
        pytest.param([space("a", None), space("b", "{"), space("c", locator(namespace=""))], {}, id="of nobody"),
        pytest.param([space("a", locator()), space("b", locator("new"))], {"a": "b has taken"}, id="made anew"),
        pytest.param(
            [space("a", locator()), space("b", locator("older"))], {"a": "several", "b": "several"}, id="two of them"
        ),
        pytest.param([space("empty", locator())], {"empty": "no copy"}, id="empty"),
        pytest.param([space("a", locator(), deletionTimestamp="t")], {"a": "being deleted"}, id="going"),
    ],
)
def test_namespaces(spaces: list[Object], found: dict[str, str]) -> None:
    judged = orphans(NEW, spaces, {}, Counter({"a": 2, "b": 1, "c": 1}))
    assert {name(each.obj): bool(each.hindrance) for each in judged} == {key: bool(why) for key, why in found.items()}
    assert all(found[name(each.obj)] in each.hindrance for each in judged)


def test_what_is_in_no_namespace() -> None:
    """Each says by itself where it comes from. What came up from the pcluster carries another label."""
    left, own = space("data", locator(namespace="")), space("mine", locator("new", namespace=""))
    [found] = orphans(NEW, [], {"persistentvolumes": [left, own]}, Counter())
    assert (found.resource, name(found.obj), found.hindrance, found.origin) == (
        "persistentvolumes", "data", "", "shop/data"
    )  # fmt: skip


def test_only_locator_and_tenant_change_and_only_of_what_was_seen() -> None:
    given = parse_locator(locator())
    meta = adoption(Orphan(NAMESPACES, space("a", locator()), given, 1), NEW)["metadata"]
    taken = NEW.locator("shop", "web")
    assert meta == {
        "uid": "u",
        "resourceVersion": "7",
        "annotations": {"kcp.io/namespace-locator": taken.to_json()},
        "labels": {"kcp.io/tenant-id": taken.tenant_id()},
    }
    assert "labels" not in adoption(Orphan("persistentvolumes", space("a", locator()), given, 1), NEW)["metadata"]


def test_what_controllers_made_is_no_copy() -> None:
    labels = {"internal.workload.kcp.io/cluster": "key"}
    assert is_copy(space("a", None, labels=labels), "key")
    assert not is_copy(space("a", None), "key")
    assert not is_copy(space("a", None, labels=labels, ownerReferences=[{"kind": "Service"}]), "key")
