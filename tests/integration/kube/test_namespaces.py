"""What every namespace gets, and how it goes."""

from __future__ import annotations

import base64

from tests.integration.kube.conftest import ROOT_CA, World
from tests.integration.servers import config_map, eventually, namespace

from headwater.machinery.errors import NotFound
from headwater.machinery.objects import Object, annotations, name, uid
from headwater.reconcilers.kube.kinds import CONFIG_MAPS, NAMESPACES, SECRETS, SERVICE_ACCOUNTS


async def is_gone(world: World, space: str) -> bool:
    try:
        await world.client.resource(NAMESPACES).get(space)
    except NotFound:
        return True
    return False


async def test_account_and_root_ca_come_and_come_back(world: World) -> None:
    """Every namespace has a default account and the CA bundle; both are restored when someone removes them."""
    await world.client.resource(NAMESPACES).create(namespace("a"))
    accounts = world.client.resource(SERVICE_ACCOUNTS, "a")
    maps = world.client.resource(CONFIG_MAPS, "a")
    await eventually(lambda: accounts.get("default"))
    bundle: Object = await eventually(lambda: maps.get("kube-root-ca.crt"))
    assert bundle["data"]["ca.crt"] == ROOT_CA.decode()
    await accounts.delete("default")
    await eventually(lambda: accounts.get("default"))
    await maps.patch("kube-root-ca.crt", {"data": {"ca.crt": "forged"}})

    async def repaired() -> bool:
        return (await maps.get("kube-root-ca.crt"))["data"]["ca.crt"] == ROOT_CA.decode()

    await eventually(repaired)
    await maps.delete("kube-root-ca.crt")
    await eventually(lambda: maps.get("kube-root-ca.crt"))


async def test_a_deleted_namespace_goes_with_its_content(world: World) -> None:
    await world.client.resource(NAMESPACES).create(namespace("a"))
    await world.client.resource(NAMESPACES).create(namespace("b"))
    await world.client.resource(CONFIG_MAPS, "a").create(config_map("one"))
    await world.client.resource(CONFIG_MAPS, "b").create(config_map("other"))
    await world.client.resource(NAMESPACES).delete("a")
    await eventually(lambda: is_gone(world, "a"))
    left, _ = await world.client.resource(CONFIG_MAPS).list_all()
    assert [name(each) for each in left if name(each) != "kube-root-ca.crt"] == ["other"]


async def test_content_with_finalizers_holds_the_namespace(world: World) -> None:
    """The namespace says what holds it, and goes once that is gone."""
    await world.client.resource(NAMESPACES).create(namespace("a"))
    held = config_map("held")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    maps = world.client.resource(CONFIG_MAPS, "a")
    await maps.create(held)
    await world.client.resource(NAMESPACES).delete("a")

    async def reported() -> Object | None:
        space = await world.client.resource(NAMESPACES).get("a")
        assert space["status"]["phase"] == "Terminating"
        found = {entry["type"]: entry for entry in space["status"].get("conditions") or ()}
        return found if found.get("NamespaceFinalizersRemaining", {}).get("status") == "True" else None

    conditions = await eventually(reported)
    assert conditions["NamespaceContentRemaining"]["message"] == (
        "Some resources are remaining: configmaps. has 1 resource instances"
    )
    assert conditions["NamespaceFinalizersRemaining"]["message"] == (
        "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
    )
    assert conditions["NamespaceDeletionDiscoveryFailure"]["status"] == "False"
    await maps.patch("held", {"metadata": {"finalizers": None}})
    await eventually(lambda: is_gone(world, "a"))


async def test_token_secrets_are_filled(world: World) -> None:
    """A token Secret gets token, CA and namespace, and goes with its account."""
    await world.client.resource(NAMESPACES).create(namespace("a"))
    accounts = world.client.resource(SERVICE_ACCOUNTS, "a")
    account = await accounts.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}})
    secrets = world.client.resource(SECRETS, "a")
    note = {"kubernetes.io/service-account.name": "robot"}
    secret: Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/service-account-token",
        "metadata": {"name": "robot-token", "annotations": note},
    }
    await secrets.create(secret)

    async def filled() -> Object | None:
        found = await secrets.get("robot-token")
        return found if (found.get("data") or {}).get("token") else None

    found = await eventually(filled)
    data = {key: base64.b64decode(value).decode() for key, value in found["data"].items()}
    assert data == {"token": f"token of {world.cluster}/a/robot", "ca.crt": ROOT_CA.decode(), "namespace": "a"}
    assert annotations(found)["kubernetes.io/service-account.uid"] == uid(account)
    await accounts.delete("robot")

    async def gone() -> bool:
        return not (await secrets.list_all())[0]

    await eventually(gone)
