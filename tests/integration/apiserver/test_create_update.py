"""Create and update: identity, validation, optimistic locking, status isolation, dry-run."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .conftest import CONFIG_MAPS, Api

SECRETS = "/api/v1/namespaces/default/secrets"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def deployment(name: str, **spec: Any) -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
    }


async def test_created_objects_get_an_identity(api: Api) -> None:
    """uid, creationTimestamp, namespace and resourceVersion come from the server, whatever the client sent."""
    sent = config_map("a", k="v")
    sent["metadata"] |= {"uid": "mine", "creationTimestamp": "2001-01-01T00:00:00Z", "selfLink": "/x", "generation": 7}
    made = await api.create(CONFIG_MAPS, sent)
    meta = made["metadata"]
    assert meta["uid"] != "mine"
    assert meta["creationTimestamp"] > "2020"
    assert meta["namespace"] == "default"
    assert "selfLink" not in meta
    assert "generation" not in meta
    assert int(meta["resourceVersion"]) > 0
    assert meta["managedFields"][0]["manager"] == "tester"
    assert (await api.get(f"{CONFIG_MAPS}/a")).body == made


async def test_kinds_with_generation_start_at_one(api: Api) -> None:
    """The generation counts changes of the spec only, and status writes don't touch it."""
    made = await api.create(DEPLOYMENTS, deployment("d"))
    assert made["metadata"]["generation"] == 1
    relabeled = await api.merge(f"{DEPLOYMENTS}/d", {"metadata": {"labels": {"x": "y"}}})
    assert relabeled.body["metadata"]["generation"] == 1
    scaled = await api.merge(f"{DEPLOYMENTS}/d", {"spec": {"replicas": 4}})
    assert scaled.body["metadata"]["generation"] == 2
    status = await api.merge(f"{DEPLOYMENTS}/d/status", {"status": {"replicas": 4}})
    assert status.body["metadata"]["generation"] == 2


async def test_generate_name(api: Api) -> None:
    """Names are generated from five letters of Kubernetes' alphabet."""
    names = set()
    for _ in range(5):
        made = await api.create(CONFIG_MAPS, {"metadata": {"generateName": "gen-"}})
        names.add(made["metadata"]["name"])
    assert len(names) == 5
    assert all(re.fullmatch("gen-[bcdfghjklmnpqrstvwxz2456789]{5}", name) for name in names)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        pytest.param({"metadata": {}}, 422, "name or generateName is required", id="no name"),
        pytest.param({"metadata": {"name": "A_b"}}, 422, "a lowercase RFC 1123 subdomain must consist", id="bad name"),
        pytest.param(
            {"metadata": {"name": "a", "labels": {"a b": "c"}}}, 422, "name part must consist of", id="bad label key"
        ),
        pytest.param(
            {"metadata": {"name": "a", "resourceVersion": "5"}}, 400, "resourceVersion should not be set", id="rv"
        ),
        pytest.param(
            {"metadata": {"name": "a", "namespace": "other"}}, 400, "namespace of the provided", id="namespace"
        ),
        pytest.param({"kind": "Secret", "metadata": {"name": "a"}}, 400, "does not match the expected kind", id="kind"),
        pytest.param(
            {"apiVersion": "v2", "metadata": {"name": "a"}}, 400, "does not match the expected API", id="version"
        ),
        pytest.param({"metadata": {"name": "a"}, "data": {"k": 1}}, 422, "data.k", id="wrong type"),
        pytest.param({"metadata": {"name": "a"}, "data": {"k k": "v"}}, 422, "a valid config key", id="bad key"),
        pytest.param({"metadata": {"name": "a", "annotations": "x"}}, 422, "metadata.annotations", id="annotations"),
        pytest.param([], 400, "must be an object", id="list"),
        pytest.param(b'{"metadata": {"name": "a"}, "data": %b}' % (b"[" * 999 + b"]" * 999), 400, "limit", id="deep"),
        pytest.param(b"{", 400, "json parse error", id="no json"),
        pytest.param(None, 400, "is empty", id="empty"),
        pytest.param({"metadata": {"name": 5}}, 400, "metadata.name must be a string", id="name is a number"),
        pytest.param(
            {"metadata": {"name": "a", "ownerReferences": [{"kind": "X"}]}}, 422, "must not be empty", id="bad owner"
        ),
    ],
)
async def test_refused_bodies(api: Api, body: Any, status: int, message: str) -> None:
    """Wrong bodies are refused with Kubernetes' words, and leave nothing behind."""
    reply = await api.post(CONFIG_MAPS, body)
    assert reply.status == status, reply.body
    assert message in reply.body["message"]
    assert (await api.get(CONFIG_MAPS)).body["items"] == []


@pytest.mark.parametrize(
    ("patch", "status", "message"),
    [
        pytest.param({"metadata": None}, 400, "metadata must be an object", id="without metadata"),
        pytest.param({"metadata": 5}, 400, "metadata must be an object", id="metadata is a number"),
        pytest.param({"metadata": {"annotations": [1]}}, 422, "metadata.annotations", id="annotations are a list"),
        pytest.param(
            b'{"metadata": {"managedFields": [{"fieldsV1": %b{}%b}]}}' % (b'{"f:a":' * 300, b"}" * 300),
            400, "Recursion limit", id="deep",
        ),
    ],
)  # fmt: skip
async def test_refused_patches(api: Api, patch: Any, status: int, message: str) -> None:
    """What a patch makes is looked at as what a body brings."""
    made = await api.create(CONFIG_MAPS, config_map("a"))
    reply = await api.merge(f"{CONFIG_MAPS}/a", patch)
    assert reply.status == status
    assert message in reply.body["message"]
    assert (await api.get(f"{CONFIG_MAPS}/a")).body == made


@pytest.mark.parametrize(
    ("path", "kind", "fields", "message"),
    [
        (SECRETS, "Secret", {"stringData": 5}, "stringData"),
        (SECRETS, "Secret", {"data": [1]}, "data"),
        ("/apis/rbac.authorization.k8s.io/v1/clusterroles", "ClusterRole", {"rules": 5}, "rules"),
        ("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", "ClusterRoleBinding", {"subjects": 5}, "subjects"),
        (DEPLOYMENTS, "Deployment", {"spec": {"template": {"spec": {"containers": [5]}}}}, "spec.template"),
        (DEPLOYMENTS, "Deployment", {"spec": 5}, "spec"),
    ],
)
async def test_wrong_types_are_named(api: Api, path: str, kind: str, fields: dict[str, Any], message: str) -> None:
    """Also where defaults, which come first, can make nothing of them."""
    group_version = "/".join(path.split("/")[2:4]) if path.startswith("/apis/") else "v1"
    reply = await api.post(path, {"apiVersion": group_version, "kind": kind, "metadata": {"name": "a"}, **fields})
    assert (reply.status, message in reply.body["message"]) == (422, True), reply.body


async def test_create_twice_and_without_namespace(api: Api) -> None:
    """The second create is 409 AlreadyExists; a namespace that isn't there is 404."""
    await api.create(CONFIG_MAPS, config_map("a"))
    again = await api.post(CONFIG_MAPS, config_map("a"))
    assert (again.status, again.body["reason"]) == (409, "AlreadyExists")
    assert again.body["message"] == 'configmaps "a" already exists'
    missing = await api.post("/api/v1/namespaces/nope/configmaps", config_map("a"))
    assert (missing.status, missing.body["message"]) == (404, 'namespaces "nope" not found')


@pytest.mark.parametrize("mode", ["Strict", "Warn", "Ignore", ""])
async def test_field_validation(api: Api, mode: str) -> None:
    """Unknown and duplicate fields are errors, warnings (the default) or nothing; unknown ones are never stored."""
    raw = b'{"metadata":{"name":"a"},"data":{"k":"1","k":"2"},"spec":{}}'
    reply = await api.post(CONFIG_MAPS, raw, **({"fieldValidation": mode} if mode else {}))
    if mode == "Strict":
        assert reply.status == 400
        assert reply.body["message"] == (
            'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: '
            'duplicate field "data.k", unknown field "spec"'
        )
        return
    assert reply.status == 201
    assert "spec" not in reply.body
    assert ("unknown field" in reply.headers.get("warning", "")) == (mode != "Ignore")


async def test_yaml_bodies(api: Api) -> None:
    """A body may be YAML."""
    raw = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: y\ndata:\n  k: v\n"
    made = await api.post(CONFIG_MAPS, raw, content="application/yaml")
    assert (made.status, made.body["data"]) == (201, {"k": "v"})
    for odd in (raw + b"  n: 0x%b\n" % (b"f" * 20), b"a: &a [*a]\n", b"[" * 500_000):
        reply = await api.post(CONFIG_MAPS, odd, content="application/yaml")
        assert (reply.status, "error converting YAML to JSON" in reply.body["message"]) == (400, True)
    other = await api.post(CONFIG_MAPS, raw, content="text/plain")
    assert other.status == 415


async def test_dry_run_stores_nothing(api: Api) -> None:
    """dryRun=All answers as if, for create, update, patch and delete."""
    made = await api.post(CONFIG_MAPS, config_map("a", k="v"), dryRun="All")
    assert made.status == 201
    assert (await api.get(f"{CONFIG_MAPS}/a")).status == 404
    await api.create(CONFIG_MAPS, config_map("a", k="v"))
    assert (await api.post(CONFIG_MAPS, config_map("a"), dryRun="All")).status == 409
    before = (await api.get(f"{CONFIG_MAPS}/a")).body
    changed = await api.put(f"{CONFIG_MAPS}/a", config_map("a", k="w"), dryRun="All")
    assert changed.body["data"] == {"k": "w"}
    patched = await api.merge(f"{CONFIG_MAPS}/a", {"data": {"k": "x"}}, dryRun="All")
    assert patched.body["data"] == {"k": "x"}
    assert (await api.delete(f"{CONFIG_MAPS}/a", dryRun="All")).status == 200
    assert (await api.delete(CONFIG_MAPS, dryRun="All")).status == 200
    assert (await api.get(f"{CONFIG_MAPS}/a")).body == before
    wrong = await api.post(CONFIG_MAPS, config_map("b"), dryRun="Some")
    assert (wrong.status, wrong.body["reason"]) == (422, "Invalid")


async def test_update_takes_the_newest_or_says_conflict(api: Api) -> None:
    """An update with an old resourceVersion is a conflict; a builtin kind without one is overwritten."""
    made = await api.create(CONFIG_MAPS, config_map("a", k="1"))
    old = made["metadata"]["resourceVersion"]
    second = await api.put(f"{CONFIG_MAPS}/a", made | {"data": {"k": "2"}})
    assert second.status == 200
    assert int(second.version) > int(old)
    stale = await api.put(f"{CONFIG_MAPS}/a", made | {"data": {"k": "3"}})
    assert (stale.status, stale.body["reason"]) == (409, "Conflict")
    assert "the object has been modified; please apply your changes to the latest version" in stale.body["message"]
    blind = await api.put(f"{CONFIG_MAPS}/a", config_map("a", k="4"))
    assert blind.body["data"] == {"k": "4"}
    assert (await api.put(f"{CONFIG_MAPS}/nope", config_map("nope"))).status == 404


async def test_update_keeps_what_it_can_not_change(api: Api) -> None:
    """Identity stays; another uid is a conflict; another name is a bad request."""
    made = await api.create(CONFIG_MAPS, config_map("a"))
    sent = config_map("a")
    sent["metadata"] |= {"creationTimestamp": "2001-01-01T00:00:00Z", "deletionTimestamp": "2001-01-01T00:00:00Z"}
    updated = await api.put(f"{CONFIG_MAPS}/a", sent)
    assert updated.body["metadata"]["uid"] == made["metadata"]["uid"]
    assert updated.body["metadata"]["creationTimestamp"] == made["metadata"]["creationTimestamp"]
    assert "deletionTimestamp" not in updated.body["metadata"]
    sent["metadata"]["uid"] = "other"
    assert (await api.put(f"{CONFIG_MAPS}/a", sent)).status == 409
    assert (await api.put(f"{CONFIG_MAPS}/b", config_map("a"))).status == 400


async def test_writes_that_change_nothing_make_no_revision(api: Api) -> None:
    """The same object again keeps its resourceVersion, by update, patch and apply."""
    made = await api.create(CONFIG_MAPS, config_map("a", k="1"))
    assert (await api.put(f"{CONFIG_MAPS}/a", made)).version == made["metadata"]["resourceVersion"]
    assert (await api.merge(f"{CONFIG_MAPS}/a", {"data": {"k": "1"}})).version == made["metadata"]["resourceVersion"]
    applied = await api.apply(f"{CONFIG_MAPS}/b", config_map("b", k="1"))
    assert (await api.apply(f"{CONFIG_MAPS}/b", config_map("b", k="1"))).version == applied.version


async def test_status_is_apart(api: Api) -> None:
    """The main endpoint ignores status, the status endpoint everything else, on create, update and patch."""
    sent = deployment("d") | {"status": {"replicas": 9}}
    made = await api.create(DEPLOYMENTS, sent)
    assert "status" not in made
    changed = made | {"status": {"replicas": 2}, "spec": made["spec"] | {"replicas": 7}}
    status = await api.put(f"{DEPLOYMENTS}/d/status", changed)
    assert status.body["status"] == {"replicas": 2}
    assert status.body["spec"]["replicas"] == 1
    main = await api.put(f"{DEPLOYMENTS}/d", status.body | {"status": {"replicas": 5}, "spec": changed["spec"]})
    assert (main.body["status"], main.body["spec"]["replicas"]) == ({"replicas": 2}, 7)
    assert (await api.get(f"{DEPLOYMENTS}/d/status")).body["status"] == {"replicas": 2}
    managers = {(m["manager"], m.get("subresource", "")) for m in main.body["metadata"]["managedFields"]}
    assert managers == {("tester", ""), ("tester", "status")}


async def test_scale(api: Api) -> None:
    """Scale reads and writes replicas, with its own preconditions and rules."""
    await api.create(DEPLOYMENTS, deployment("d"))
    path = f"{DEPLOYMENTS}/d/scale"
    scale = (await api.get(path)).body
    assert (scale["kind"], scale["spec"], scale["status"]) == (
        "Scale",
        {"replicas": 1},
        {"replicas": 0, "selector": "app=d"},
    )
    put = await api.put(path, scale | {"spec": {"replicas": 3}})
    assert put.body["spec"] == {"replicas": 3}
    assert (await api.put(path, scale | {"spec": {"replicas": 4}})).status == 409
    assert (await api.merge(path, {"spec": {"replicas": 5}})).body["spec"] == {"replicas": 5}
    ops = [{"op": "replace", "path": "/spec/replicas", "value": 0}]
    assert (await api.call("PATCH", path, ops, content="application/json-patch+json")).body["spec"] == {"replicas": 0}
    assert (await api.get(f"{DEPLOYMENTS}/d")).body["spec"]["replicas"] == 0
    for wrong, code in ((-1, 422), ("2", 400)):
        assert (await api.merge(path, {"spec": {"replicas": wrong}})).status == code
    assert (await api.get(f"{CONFIG_MAPS}/x/scale")).status == 404
    assert (await api.delete(path)).status == 405
