"""CustomResourceDefinitions and aggregated ClusterRoles."""

from __future__ import annotations

from tests.integration.kube.conftest import World
from tests.integration.servers import eventually, namespace

from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, finalizers
from headwater.reconcilers.kube.conditions import get_condition, is_true
from headwater.reconcilers.kube.kinds import CLUSTER_ROLES, CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES

WIDGETS = GroupVersionResource("example.com", "v1", "widgets")


def definition(plural: str, kind: str, **names: object) -> Object:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind, **names},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                    },
                }
            ],
        },
    }


async def test_established_served_and_cleaned_up(world: World) -> None:
    """A definition is established, its objects can be made, and they go before it does."""
    definitions = world.client.resource(CUSTOM_RESOURCE_DEFINITIONS)
    await definitions.create(definition("widgets", "Widget", shortNames=["wd"]))

    async def established() -> Object | None:
        found = await definitions.get("widgets.example.com")
        return found if is_true(found, "Established") and is_true(found, "NamesAccepted") else None

    found = await eventually(established)
    assert found["status"]["acceptedNames"]["shortNames"] == ["wd"]
    await world.client.resource(NAMESPACES).create(namespace("a"))
    widgets = world.client.resource(WIDGETS, "a")
    widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "one", "finalizers": ["x.y/z"]}}
    await eventually(lambda: widgets.create(widget))
    await definitions.delete("widgets.example.com")

    async def widget_is_going() -> bool:
        return bool((await widgets.get("one"))["metadata"].get("deletionTimestamp"))

    await eventually(widget_is_going)
    found = await definitions.get("widgets.example.com")
    assert is_true(found, "Terminating")
    assert "customresourcecleanup.apiextensions.k8s.io" in finalizers(found)
    await widgets.patch("one", {"metadata": {"finalizers": None}})

    async def gone() -> bool:
        try:
            await definitions.get("widgets.example.com")
        except NotFound:
            return True
        return False

    await eventually(gone)


async def test_taken_names_are_refused_until_they_are_free(world: World) -> None:
    definitions = world.client.resource(CUSTOM_RESOURCE_DEFINITIONS)
    await definitions.create(definition("widgets", "Widget"))

    async def established() -> bool:
        return is_true(await definitions.get("widgets.example.com"), "Established")

    await eventually(established)
    await definitions.create(definition("others", "Widget"))

    async def refused() -> Object | None:
        condition = get_condition(await definitions.get("others.example.com"), "NamesAccepted")
        return condition if condition and condition["status"] == "False" else None

    condition = await eventually(refused)
    assert condition["reason"] == "SingularConflict"
    assert not is_true(await definitions.get("others.example.com"), "Established")
    await definitions.delete("widgets.example.com")

    async def accepted() -> bool:
        return is_true(await definitions.get("others.example.com"), "Established")

    await eventually(accepted)


async def test_roles_are_summed_up(world: World) -> None:
    """An aggregated ClusterRole follows the roles that its selector matches."""
    roles = world.client.resource(CLUSTER_ROLES)
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    sum_role: Object = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "sum"},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"add": "yes"}}]},
    }
    await roles.create(sum_role)
    part: Object = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "part", "labels": {"add": "yes"}},
        "rules": [rule],
    }
    await roles.create(part)

    async def rules_are(wanted: list[Object]) -> bool:
        return ((await roles.get("sum")).get("rules") or []) == wanted

    await eventually(lambda: rules_are([rule]))
    await roles.patch("part", {"metadata": {"labels": {"add": None}}})
    await eventually(lambda: rules_are([]))
