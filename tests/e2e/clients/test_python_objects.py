"""The official Python client on typed objects: reads and writes as its users write them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client
from tests.e2e.clients.access import administrator, api_client, config_map, reason
from tests.e2e.harness import Stack, wait_for

pytestmark = pytest.mark.e2e


def deployment(name: str, replicas: int = 2) -> client.V1Deployment:
    """A Deployment of two containers."""
    labels = {"app": name}
    containers = [client.V1Container(name=each, image=f"{each}:1") for each in ("web", "side")]
    return client.V1Deployment(
        metadata=client.V1ObjectMeta(name=name, labels=labels),
        spec=client.V1DeploymentSpec(
            replicas=replicas,
            selector=client.V1LabelSelector(match_labels=labels),
            template=client.V1PodTemplateSpec(
                metadata=client.V1ObjectMeta(labels=labels), spec=client.V1PodSpec(containers=containers)
            ),
        ),
    )


@pytest.fixture
def web(api: client.ApiClient) -> Iterator[client.AppsV1Api]:
    """Deployment `web`, once the control plane has said of it that no Placement selects it; gone afterwards."""
    apps = client.AppsV1Api(api)
    apps.create_namespaced_deployment("default", deployment("web"))

    def told() -> bool:
        status = apps.read_namespaced_deployment("web", "default").status
        return any(each.type == "Scheduled" for each in (status.conditions if status else None) or ())

    wait_for("the condition Scheduled", told)
    yield apps
    apps.delete_namespaced_deployment("web", "default")


def images(found: client.V1Deployment) -> dict[str, str]:
    return {each.name: each.image for each in found.spec.template.spec.containers}


def test_create_read_replace_delete(core: client.CoreV1Api) -> None:
    """What is written is read back; a replace with an old resourceVersion is refused."""
    made = core.create_namespaced_config_map("default", config_map("typed", {"a": "1"}, labels={"kind": "typed"}))
    assert made.metadata.uid
    assert made.metadata.creation_timestamp.tzinfo is not None
    first = core.read_namespaced_config_map("typed", "default")
    assert first.data == {"a": "1"}
    assert first.metadata.resource_version == made.metadata.resource_version
    first.data["a"] = "2"
    second = core.replace_namespaced_config_map("typed", "default", first)
    assert int(second.metadata.resource_version) > int(made.metadata.resource_version)
    with pytest.raises(client.ApiException) as caught:
        core.replace_namespaced_config_map("typed", "default", first)
    assert (caught.value.status, reason(caught.value)) == (409, "Conflict")
    gone = core.delete_namespaced_config_map("typed", "default")
    assert gone["status"] == "Success"
    with pytest.raises(client.ApiException) as caught:
        core.read_namespaced_config_map("typed", "default")
    assert caught.value.reason == "Not Found"
    body = json.loads(caught.value.body)
    assert (body["kind"], body["code"], body["details"]) == ("Status", 404, {"name": "typed", "kind": "configmaps"})


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ({"metadata": {"name": "Not_a_name"}}, 422, "Invalid"),
        ({"metadata": {}}, 422, "Invalid"),
        ({"metadata": {"name": "fine", "namespace": "other"}}, 400, "BadRequest"),
        ({"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "fine"}}, 400, "BadRequest"),
    ],
    ids=["name", "no name", "another namespace", "another kind"],
)
def test_refused(core: client.CoreV1Api, body: dict[str, Any], status: int, expected: str) -> None:
    """A bad object is refused with the status and the reason that Kubernetes gives."""
    with pytest.raises(client.ApiException) as caught:
        core.create_namespaced_config_map("default", body)
    assert (caught.value.status, reason(caught.value)) == (status, expected)


def test_twice_and_dry_run(core: client.CoreV1Api) -> None:
    core.create_namespaced_config_map("default", config_map("once"), dry_run="All")
    core.create_namespaced_config_map("default", config_map("once"))
    with pytest.raises(client.ApiException) as caught:
        core.create_namespaced_config_map("default", config_map("once"))
    assert (caught.value.status, reason(caught.value)) == (409, "AlreadyExists")
    core.delete_namespaced_config_map("once", "default", dry_run="All")
    assert core.read_namespaced_config_map("once", "default")
    core.delete_namespaced_config_map("once", "default")


def test_generate_name(core: client.CoreV1Api) -> None:
    """The server chooses names that differ."""
    body = client.V1ConfigMap(metadata=client.V1ObjectMeta(generate_name="made-", labels={"test": "generated"}))
    names = {core.create_namespaced_config_map("default", body).metadata.name for _ in range(5)}
    assert len(names) == 5
    assert all(len(name) == len("made-") + 5 and name.startswith("made-") for name in names)
    core.delete_collection_namespaced_config_map("default", label_selector="test=generated")
    assert not core.list_namespaced_config_map("default", label_selector="test=generated").items


def test_patches(web: client.AppsV1Api) -> None:
    """The client takes a list for a JSON patch and a dict for a strategic patch; a merge patch goes by its type."""
    change = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "web:2"}]}}}}
    merged = web.patch_namespaced_deployment("web", "default", change)
    assert images(merged) == {"web": "web:2", "side": "side:1"}
    assert merged.metadata.generation == 2
    operations = [{"op": "test", "path": "/spec/replicas", "value": 2}, {"op": "remove", "path": "/spec/replicas"}]
    assert web.patch_namespaced_deployment("web", "default", operations).spec.replicas == 1
    with pytest.raises(client.ApiException) as caught:
        web.patch_namespaced_deployment("web", "default", operations)
    assert (caught.value.status, reason(caught.value)) == (422, "Invalid")
    whole = web.patch_namespaced_deployment("web", "default", change, _content_type="application/merge-patch+json")
    assert images(whole) == {"web": "web:2"}


def test_status(hub: Stack, web: client.AppsV1Api) -> None:
    """The status is written by its own subresource alone, and not by tenants: it tells what pclusters reported."""
    found = web.read_namespaced_deployment("web", "default")
    found.status = client.V1DeploymentStatus(replicas=2, ready_replicas=2, observed_generation=1)
    written = web.replace_namespaced_deployment("web", "default", found).status
    assert written is None or written.ready_replicas is None
    found = web.read_namespaced_deployment("web", "default")
    found.status, found.spec.replicas = client.V1DeploymentStatus(ready_replicas=2), 9
    with pytest.raises(client.ApiException) as caught:
        web.replace_namespaced_deployment_status("web", "default", found)
    assert (caught.value.status, reason(caught.value)) == (403, "Forbidden")
    with api_client(hub, administrator(hub, "system:masters")) as owner:
        apps = client.AppsV1Api(owner)
        written = apps.replace_namespaced_deployment_status("web", "default", found)
        assert (written.status.ready_replicas, written.spec.replicas, written.metadata.generation) == (2, 2, 1)
        patched = apps.patch_namespaced_deployment_status("web", "default", {"status": {"replicas": 2}})
        assert (patched.status.replicas, patched.status.ready_replicas) == (2, 2)


def test_scale(web: client.AppsV1Api) -> None:
    """The scale changes nothing but the replicas."""
    scale = web.read_namespaced_deployment_scale("web", "default")
    assert (scale.spec.replicas, scale.status.replicas, scale.status.selector) == (2, 0, "app=web")
    scale.spec.replicas = 4
    web.replace_namespaced_deployment_scale("web", "default", scale)
    web.patch_namespaced_deployment_scale("web", "default", {"spec": {"replicas": 5}})
    found = web.read_namespaced_deployment("web", "default")
    assert (found.spec.replicas, found.metadata.generation, images(found)["web"]) == (5, 3, "web:1")


def test_pages_and_selectors(core: client.CoreV1Api) -> None:
    """Pages show one state: what is made or deleted between them changes nothing."""
    for number in range(25):
        labels = {"test": "pages", "even": str(number % 2 == 0).lower()}
        core.create_namespaced_config_map("default", config_map(f"page-{number:02}", labels=labels))
    page = core.list_namespaced_config_map("default", label_selector="test=pages", limit=10)
    revision, names = page.metadata.resource_version, [each.metadata.name for each in page.items]
    core.create_namespaced_config_map("default", config_map("page-99", labels={"test": "pages"}))
    core.delete_namespaced_config_map("page-24", "default")
    while page.metadata._continue:
        page = core.list_namespaced_config_map(
            "default", label_selector="test=pages", limit=10, _continue=page.metadata._continue
        )
        assert page.metadata.resource_version == revision
        names += [each.metadata.name for each in page.items]
    assert names == [f"page-{number:02}" for number in range(25)]

    def chosen(**selectors: str) -> int:
        return len(core.list_namespaced_config_map("default", **selectors).items)

    assert chosen(label_selector="test=pages,even=true") == 12
    assert chosen(label_selector="test in (pages, other),even notin (true),even") == 12
    assert chosen(label_selector="test=pages,!even") == 1
    assert chosen(field_selector="metadata.name=page-03") == 1
    assert chosen(label_selector="test=pages", field_selector="metadata.name!=page-03") == 24
    everywhere = core.list_config_map_for_all_namespaces(label_selector="test=pages")
    assert {each.metadata.namespace for each in everywhere.items} == {"default"}
    with pytest.raises(client.ApiException) as caught:
        chosen(field_selector="data.a=b")
    assert (caught.value.status, reason(caught.value)) == (400, "BadRequest")
    with pytest.raises(client.ApiException) as caught:
        core.list_namespaced_config_map("default", limit=1, _continue="nonsense")
    assert caught.value.status == 400
    core.delete_collection_namespaced_config_map("default", label_selector="test=pages")
    assert chosen(label_selector="test=pages") == 0


def test_delete_options(core: client.CoreV1Api) -> None:
    """Preconditions hold, a finalizer keeps the object, and dependents go with the owner or stay, as is asked."""
    made = core.create_namespaced_config_map("default", config_map("owner", finalizers=["example.com/hold"]))
    wrong = client.V1DeleteOptions(preconditions=client.V1Preconditions(uid="0000"))
    with pytest.raises(client.ApiException) as caught:
        core.delete_namespaced_config_map("owner", "default", body=wrong)
    assert (caught.value.status, reason(caught.value)) == (409, "Conflict")
    right = client.V1DeleteOptions(preconditions=client.V1Preconditions(uid=made.metadata.uid), grace_period_seconds=0)
    core.delete_namespaced_config_map("owner", "default", body=right)
    held = core.read_namespaced_config_map("owner", "default")
    assert held.metadata.deletion_timestamp is not None
    core.patch_namespaced_config_map("owner", "default", [{"op": "remove", "path": "/metadata/finalizers"}])
    with pytest.raises(client.ApiException) as caught:
        core.read_namespaced_config_map("owner", "default")
    assert caught.value.status == 404


@pytest.mark.parametrize("policy", ["Background", "Foreground", "Orphan"])
def test_propagation(core: client.CoreV1Api, policy: str) -> None:
    """Dependents go with their owner, before it, or stay without it."""
    owner = core.create_namespaced_config_map("default", config_map("head"))
    reference = client.V1OwnerReference(
        api_version="v1", kind="ConfigMap", name="head", uid=owner.metadata.uid, block_owner_deletion=True
    )
    core.create_namespaced_config_map("default", config_map("tail", owner_references=[reference]))
    core.delete_namespaced_config_map("head", "default", propagation_policy=policy)

    def left() -> list[client.V1ConfigMap]:
        items = core.list_namespaced_config_map("default").items
        return [each for each in items if each.metadata.name in ("head", "tail")]

    expected = [("tail", None)] if policy == "Orphan" else []
    wait_for("deletion", lambda: [(each.metadata.name, each.metadata.owner_references) for each in left()] == expected)
    core.delete_collection_namespaced_config_map("default", field_selector="metadata.name=tail")


def test_namespace_life(core: client.CoreV1Api) -> None:
    """A deleted namespace goes when what is in it is gone."""
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name="brief")))
    core.create_namespaced_secret(
        "brief", client.V1Secret(metadata=client.V1ObjectMeta(name="s"), string_data={"password": "w"})
    )
    assert core.read_namespaced_secret("s", "brief").data == {"password": "dw=="}
    core.delete_namespace("brief")
    wait_for("the namespace to go", lambda: "brief" not in {n.metadata.name for n in core.list_namespace().items})
    with pytest.raises(client.ApiException) as caught:
        core.create_namespaced_config_map("brief", config_map("late"))
    assert caught.value.status == 404


def test_a_table_only_for_those_who_ask(core: client.CoreV1Api) -> None:
    """Lists are lists of objects; with the header that kubectl sends, the same request gives a Table."""
    for accept, kind in [
        ("application/json", "ConfigMapList"),
        ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", "Table"),
    ]:
        found = core.list_namespaced_config_map("default", _headers={"Accept": accept}, _preload_content=False)
        assert json.loads(found.data)["kind"] == kind
