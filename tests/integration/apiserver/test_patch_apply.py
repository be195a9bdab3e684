"""The four patch types."""

from __future__ import annotations

import asyncio
from typing import Any

from .conftest import CONFIG_MAPS, Api
from .test_create_update import DEPLOYMENTS, config_map, deployment

JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


async def test_json_patch(api: Api) -> None:
    """Operations apply all or none; a failed test is 422."""
    await api.create(CONFIG_MAPS, config_map("a", k="1"))
    ops: list[Any] = [{"op": "test", "path": "/data/k", "value": "1"}, {"op": "add", "path": "/data/l", "value": "2"}]
    done = await api.call("PATCH", f"{CONFIG_MAPS}/a", ops, content=JSON_PATCH)
    assert done.body["data"] == {"k": "1", "l": "2"}
    ops = [{"op": "add", "path": "/data/m", "value": "3"}, {"op": "test", "path": "/data/k", "value": "x"}]
    assert (await api.call("PATCH", f"{CONFIG_MAPS}/a", ops, content=JSON_PATCH)).status == 422
    assert (await api.get(f"{CONFIG_MAPS}/a")).body["data"] == {"k": "1", "l": "2"}
    assert (await api.call("PATCH", f"{CONFIG_MAPS}/a", b"[", content=JSON_PATCH)).status == 400


async def test_merge_patch(api: Api) -> None:
    """null removes; a resourceVersion or uid in the patch is a precondition."""
    made = await api.create(CONFIG_MAPS, config_map("a", k="1", l="2"))
    done = await api.merge(f"{CONFIG_MAPS}/a", {"data": {"k": None}})
    assert done.body["data"] == {"l": "2"}
    stale = await api.merge(f"{CONFIG_MAPS}/a", {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}})
    assert stale.status == 409
    other = await api.merge(f"{CONFIG_MAPS}/a", {"metadata": {"uid": "x"}, "data": {"z": "1"}})
    assert other.status == 409
    fresh = await api.merge(f"{CONFIG_MAPS}/a", {"metadata": {"resourceVersion": done.version}, "data": {"z": "1"}})
    assert fresh.status == 200
    assert (await api.merge(f"{CONFIG_MAPS}/none", {})).status == 404


async def test_strategic_patch_merges_lists_by_key(api: Api) -> None:
    """Containers merge by name, as native patch metadata says."""
    await api.create(DEPLOYMENTS, deployment("d"))
    patch = {
        "spec": {"template": {"spec": {"containers": [{"name": "d2", "image": "j"}, {"name": "c", "image": "k"}]}}}
    }
    done = await api.call("PATCH", f"{DEPLOYMENTS}/d", patch, content=STRATEGIC)
    images = {c["name"]: c["image"] for c in done.body["spec"]["template"]["spec"]["containers"]}
    assert images == {"c": "k", "d2": "j"}


async def test_unknown_patch_type(api: Api) -> None:
    """Other media types are 415."""
    reply = await api.call("PATCH", f"{CONFIG_MAPS}/a", {}, content="application/json")
    assert (reply.status, reply.body["reason"]) == (415, "UnsupportedMediaType")


async def test_strict_validation_of_a_patch(api: Api) -> None:
    """An unknown field that a patch brings is 422 when validation is strict, and dropped otherwise."""
    await api.create(CONFIG_MAPS, config_map("a"))
    strict = await api.merge(f"{CONFIG_MAPS}/a", {"spec": {"x": 1}}, fieldValidation="Strict")
    assert (strict.status, strict.body["reason"]) == (422, "Invalid")
    assert 'unknown field "spec"' in strict.body["message"]
    lax = await api.merge(f"{CONFIG_MAPS}/a", {"spec": {"x": 1}})
    assert lax.status == 200
    assert "spec" not in lax.body


async def test_parallel_patches_all_happen(api: Api) -> None:
    """Patches without a resourceVersion are tried again when another writer was faster."""
    await api.create(CONFIG_MAPS, config_map("a"))
    replies = await asyncio.gather(*(api.merge(f"{CONFIG_MAPS}/a", {"data": {f"k{n}": "v"}}) for n in range(4)))
    assert [reply.status for reply in replies] == [200] * 4
    assert len((await api.get(f"{CONFIG_MAPS}/a")).body["data"]) == 4


async def test_apply_creates_and_owns(api: Api) -> None:
    """Apply creates (201), changes what its manager owns, removes what it no longer says."""
    made = await api.apply(f"{CONFIG_MAPS}/a", config_map("a", k="1", l="2"))
    assert made.status == 201
    assert made.body["metadata"]["managedFields"][0]["operation"] == "Apply"
    changed = await api.apply(f"{CONFIG_MAPS}/a", config_map("a", k="3"))
    assert (changed.status, changed.body["data"]) == (200, {"k": "3"})


async def test_apply_conflicts_name_the_other_manager(api: Api) -> None:
    """Changing a field of another manager is a conflict with causes, unless forced."""
    await api.apply(f"{CONFIG_MAPS}/a", config_map("a", k="1"), manager="one")
    conflict = await api.apply(f"{CONFIG_MAPS}/a", config_map("a", k="2"), manager="two")
    assert (conflict.status, conflict.body["reason"]) == (409, "Conflict")
    cause = conflict.body["details"]["causes"][0]
    assert (cause["reason"], cause["field"]) == ("FieldManagerConflict", ".data.k")
    assert '"one"' in conflict.body["message"]
    forced = await api.apply(f"{CONFIG_MAPS}/a", config_map("a", k="2"), manager="two", force="true")
    assert forced.body["data"] == {"k": "2"}
    shared = await api.apply(f"{CONFIG_MAPS}/a", config_map("a", l="1"), manager="one")
    assert shared.body["data"] == {"k": "2", "l": "1"}


async def test_apply_rules(api: Api) -> None:
    """A field manager is needed; force is for apply only; the name must match; YAML is fine."""
    missing = await api.call("PATCH", f"{CONFIG_MAPS}/a", config_map("a"), content="application/apply-patch+yaml")
    assert missing.status == 422
    assert "fieldManager: Required value: is required for apply patch" in missing.body["message"]
    assert (await api.apply(f"{CONFIG_MAPS}/b", config_map("a"))).status == 400
    await api.create(CONFIG_MAPS, config_map("a"))
    assert (await api.merge(f"{CONFIG_MAPS}/a", {}, force="true")).status == 422
    text = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: y}\ndata: {k: v}\n"
    assert (await api.apply(f"{CONFIG_MAPS}/y", text)).body["data"] == {"k": "v"}
    assert (await api.apply(f"{CONFIG_MAPS}/y", b": :\n-")).status == 400


async def test_apply_on_status_owns_status_only(api: Api) -> None:
    """An apply to /status takes nothing but status, and one to the object nothing of status."""
    config = deployment("d") | {"status": {"replicas": 5}}
    made = await api.apply(f"{DEPLOYMENTS}/d", config)
    assert "status" not in made.body
    small = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "labels": {"x": "y"}}}
    done = await api.apply(f"{DEPLOYMENTS}/d/status", small | {"status": {"replicas": 2}}, manager="s")
    assert done.status == 200
    assert done.body["status"] == {"replicas": 2}
    assert "labels" not in done.body["metadata"]
    missing = small | {"metadata": {"name": "no"}, "status": {}}
    assert (await api.apply(f"{DEPLOYMENTS}/no/status", missing, manager="s")).status == 404


async def test_apply_with_an_unknown_field(api: Api) -> None:
    """What the schema doesn't know is dropped with a warning and owned by nobody."""
    done = await api.apply(f"{CONFIG_MAPS}/a", config_map("a", k="v") | {"spec": {"x": 1}})
    assert done.status == 201
    assert "unknown field" in done.headers["warning"]
    assert "f:spec" not in str(done.body["metadata"]["managedFields"])
    strict = await api.apply(f"{CONFIG_MAPS}/b", config_map("b") | {"spec": {}}, fieldValidation="Strict")
    assert strict.status == 400
