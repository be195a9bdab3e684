"""The official Python client without models: custom objects, the dynamic client, and server-side apply."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, dynamic
from kubernetes.dynamic.exceptions import ConflictError, NotFoundError, ResourceNotFoundError
from tests.e2e.clients.access import reason
from tests.e2e.harness import wait_for

pytestmark = pytest.mark.e2e
BOATS = {"group": "fleet.example.com", "version": "v1", "namespace": "default", "plural": "boats"}
CRD = (Path(__file__).parent / "boats.yaml").read_text()


def boat(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "fleet.example.com/v1",
        "kind": "Boat",
        "metadata": {"name": name, "labels": {"kind": "boat"}},
        "spec": {"crew": 2, **spec},
    }


@pytest.fixture
def custom(api: client.ApiClient) -> Iterator[client.CustomObjectsApi]:
    """Boats are served: the CRD comes with the first test, by the typed client, and stays."""
    extensions = client.ApiextensionsV1Api(api)
    try:
        extensions.create_custom_resource_definition(yaml.safe_load(CRD))
    except client.ApiException as error:
        assert reason(error) == "AlreadyExists"

    def established() -> bool:
        found = extensions.read_custom_resource_definition("boats.fleet.example.com")
        return any(each.type == "Established" and each.status == "True" for each in found.status.conditions or [])

    wait_for("the CRD", established)
    made = client.CustomObjectsApi(api)
    yield made
    made.delete_collection_namespaced_custom_object(**BOATS)


@pytest.fixture
def fleet(api: client.ApiClient, custom: client.CustomObjectsApi, tmp_path: Path) -> dynamic.DynamicClient:
    """The dynamic client with a cache of its own: it keeps discovery in a file that all processes share."""
    return dynamic.DynamicClient(api, cache_file=str(tmp_path / "discovery.json"))


def test_custom_objects(custom: client.CustomObjectsApi) -> None:
    """Plain dicts by CustomObjectsApi: defaults, validation, status and scale."""
    made = custom.create_namespaced_custom_object(**BOATS, body=boat("ada"))
    assert made["spec"] == {"crew": 2, "port": "home"}
    with pytest.raises(client.ApiException) as caught:
        custom.create_namespaced_custom_object(**BOATS, body=boat("bad", crew=0))
    assert (caught.value.status, reason(caught.value)) == (422, "Invalid")
    assert "spec.crew" in json.loads(caught.value.body)["details"]["causes"][0]["field"]
    patched = custom.patch_namespaced_custom_object(
        **BOATS, name="ada", body={"spec": {"port": None, "crew": 3}}, _content_type="application/merge-patch+json"
    )
    assert patched["spec"] == {"crew": 3, "port": "home"}
    status = custom.patch_namespaced_custom_object_status(
        **BOATS, name="ada", body={"status": {"ready": 3}}, _content_type="application/merge-patch+json"
    )
    assert status["status"] == {"ready": 3}
    assert status["metadata"]["generation"] == 2
    scale = custom.get_namespaced_custom_object_scale(**BOATS, name="ada")
    assert (scale["kind"], scale["spec"]["replicas"], scale["status"]["replicas"]) == ("Scale", 3, 3)
    scale["spec"]["replicas"] = 7
    custom.replace_namespaced_custom_object_scale(**BOATS, name="ada", body=scale)
    assert custom.get_namespaced_custom_object(**BOATS, name="ada")["spec"]["crew"] == 7
    with pytest.raises(client.ApiException) as caught:
        custom.patch_namespaced_custom_object(
            **BOATS, name="ada", body={}, _content_type="application/strategic-merge-patch+json"
        )
    assert caught.value.status == 415
    assert custom.get_api_resources("fleet.example.com", "v1").resources[0].name == "boats"


def test_discovery(fleet: dynamic.DynamicClient) -> None:
    """The dynamic client finds builtin, bound and custom kinds by discovery, and says what isn't there."""
    for version, kind, plural in [
        ("v1", "ConfigMap", "configmaps"),
        ("apps/v1", "Deployment", "deployments"),
        ("fleet.example.com/v1", "Boat", "boats"),
        ("tenancy.kcp.io/v1alpha1", "Workspace", "workspaces"),
    ]:
        found = fleet.resources.get(api_version=version, kind=kind)
        assert found.name == plural
    assert fleet.resources.get(short_names=["deploy"]).kind == "Deployment"
    assert "scale" in fleet.resources.get(api_version="apps/v1", kind="Deployment").subresources
    with pytest.raises(ResourceNotFoundError):
        fleet.resources.get(api_version="v1", kind="Nothing")
    assert fleet.version["kubernetes"]["gitVersion"].startswith("v1.")


def test_server_side_apply(fleet: dynamic.DynamicClient) -> None:
    """Apply creates, changes nothing when repeated, removes what is left out, and names who is in conflict."""
    boats = fleet.resources.get(api_version="fleet.example.com/v1", kind="Boat")
    first = boats.server_side_apply(boat("bea", port="left"), namespace="default", field_manager="one")
    again = boats.server_side_apply(boat("bea", port="left"), namespace="default", field_manager="one")
    assert again.metadata.resourceVersion == first.metadata.resourceVersion
    with pytest.raises(ConflictError) as caught:
        boats.server_side_apply(boat("bea", crew=5), namespace="default", field_manager="two")
    causes = json.loads(caught.value.body)["details"]["causes"]
    assert [(each["reason"], each["field"]) for each in causes] == [("FieldManagerConflict", ".spec.crew")]
    forced = boats.server_side_apply(
        boat("bea", crew=5), namespace="default", field_manager="two", force_conflicts=True
    )
    assert (forced.spec.crew, forced.spec.port) == (5, "left")
    bare = boat("bea")
    del bare["spec"]["crew"]
    left = boats.server_side_apply(bare, namespace="default", field_manager="one")
    assert (left.spec.crew, left.spec.port) == (5, "home")
    managers = {each.manager: each.operation for each in left.metadata.managedFields}
    assert managers == {"one": "Apply", "two": "Apply"}


def test_apply_of_builtin_lists(fleet: dynamic.DynamicClient) -> None:
    """Two appliers own a container each of one Deployment."""
    deployments = fleet.resources.get(api_version="apps/v1", kind="Deployment")

    def applied(manager: str, container: str) -> Any:
        labels = {"app": "shared"}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": container, "image": "i:1"}]}}
        body = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "shared"},
            "spec": {"selector": {"matchLabels": labels}, "template": template},
        }
        return deployments.server_side_apply(body, namespace="default", field_manager=manager)

    applied("one", "a")
    both = applied("two", "b")
    assert [each.name for each in both.spec.template.spec.containers] == ["a", "b"]
    swapped = applied("one", "c")
    assert {each.name for each in swapped.spec.template.spec.containers} == {"b", "c"}
    deployments.delete(name="shared", namespace="default")


def test_dynamic_writes(fleet: dynamic.DynamicClient) -> None:
    """Create, get, replace, patch, delete and the status by the dynamic client."""
    boats = fleet.resources.get(api_version="fleet.example.com/v1", kind="Boat")
    made = boats.create(body=boat("cat"), namespace="default")
    found = boats.get(name="cat", namespace="default")
    assert found.metadata.uid == made.metadata.uid
    body = found.to_dict()
    body["spec"]["crew"] = 4
    assert boats.replace(body=body, namespace="default").spec.crew == 4
    with pytest.raises(ConflictError):
        boats.replace(body=body, namespace="default")
    operations = [{"op": "replace", "path": "/spec/crew", "value": 6}]
    patched = boats.patch(name="cat", namespace="default", body=operations, content_type="application/json-patch+json")
    assert patched.spec.crew == 6
    boats.status.patch(
        name="cat", namespace="default", body={"status": {"ready": 1}}, content_type="application/merge-patch+json"
    )
    assert [each.status.ready for each in boats.get(namespace="default", label_selector="kind=boat").items] == [1]
    boats.delete(name="cat", namespace="default")
    with pytest.raises(NotFoundError):
        boats.get(name="cat", namespace="default")
