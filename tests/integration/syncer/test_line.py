"""From a workspace to a pcluster and back."""

from __future__ import annotations

from tests.integration.servers import config_map, eventually
from tests.integration.servers import namespace as namespace_object
from tests.integration.syncer.conftest import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, Line

from headwater.apis.workload.locator import parse_locator
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import (
    Object,
    annotations,
    finalizers,
    labels,
    name,
    namespace,
    owner_references,
    uid,
)

REPLICA_SETS = GroupVersionResource("apps", "v1", "replicasets")


def deployment(object_name: str, replicas: int = 2) -> Object:
    marks = {"app": object_name}
    pod = {"metadata": {"labels": marks}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": object_name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": marks}, "template": pod},
    }


async def copy_of(line: Line, object_name: str, gvr: GroupVersionResource = DEPLOYMENTS) -> Object | None:
    """The copy of an object of namespace `web`."""
    space = line.downstream_namespace("web")
    found = [each for each in await line.copies(gvr) if name(each) == object_name and namespace(each) == space]
    return found[0] if found else None


async def test_a_deployment_runs_and_reports(line: Line) -> None:
    """Applied upstream, it runs downstream in its own namespace, and its status is upstream's status."""
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    deployments = line.workspace.resource(DEPLOYMENTS, "web")
    await deployments.create(deployment("frontend"))
    copy = await eventually(lambda: copy_of(line, "frontend"))
    space = await line.downstream.resource(NAMESPACES).get(namespace(copy))
    locator = parse_locator(annotations(space)["kcp.io/namespace-locator"])
    assert (locator.cluster, locator.namespace) == (line.cluster, "web")
    assert namespace(copy) == locator.downstream_namespace()
    assert not [label for label in labels(copy) if label.startswith("state.")]

    async def reported() -> Object | None:
        found = await deployments.get("frontend")
        return found if (found.get("status") or {}).get("availableReplicas") == 2 else None

    found = await eventually(reported)
    assert f"workload.kcp.io/syncer-{line.key}" in finalizers(found)
    assert found["status"]["observedGeneration"] == found["metadata"]["generation"]
    await deployments.patch("frontend", {"spec": {"replicas": 3}})

    async def scaled() -> bool:
        status = (await deployments.get("frontend")).get("status") or {}
        return status.get("availableReplicas") == 3 and status.get("observedGeneration") == 2

    await eventually(scaled)

    async def noted() -> bool:
        return "lastSyncTime" in (await line.sync_target())["status"]

    await eventually(noted)


async def test_deletion_goes_down_and_then_frees_the_object(line: Line) -> None:
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    maps = line.workspace.resource(CONFIG_MAPS, "web")
    await maps.create(config_map("settings", {"a": "1"}))
    await eventually(lambda: copy_of(line, "settings", CONFIG_MAPS))
    await maps.delete("settings")

    async def gone() -> bool:
        try:
            await maps.get("settings")
        except NotFound:
            return await copy_of(line, "settings", CONFIG_MAPS) is None
        return False

    await eventually(gone)


async def test_what_is_changed_or_deleted_downstream_comes_back(line: Line) -> None:
    """The workspace decides; the pcluster's own additions stay."""
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await line.workspace.resource(CONFIG_MAPS, "web").create(config_map("settings", {"a": "1"}))
    copy = await eventually(lambda: copy_of(line, "settings", CONFIG_MAPS))
    local = line.downstream.resource(CONFIG_MAPS, namespace(copy))
    await local.patch("settings", {"data": {"a": "drifted", "own": "kept"}})

    async def repaired() -> bool:
        return (await local.get("settings"))["data"] == {"a": "1", "own": "kept"}

    await eventually(repaired)
    await local.delete("settings")

    async def back() -> bool:
        found = await copy_of(line, "settings", CONFIG_MAPS)
        return found is not None and uid(found) != uid(copy)

    await eventually(back)


async def test_a_deleted_namespace_takes_its_copies_along(line: Line) -> None:
    """The workspace's namespace goes, then its objects downstream, then the empty downstream namespace."""
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await line.workspace.resource(DEPLOYMENTS, "web").create(deployment("frontend"))
    copy = await eventually(lambda: copy_of(line, "frontend"))
    await line.workspace.resource(NAMESPACES).delete("web")

    async def gone() -> bool:
        try:
            await line.downstream.resource(NAMESPACES).get(namespace(copy))
        except NotFound:
            return True
        return False

    await eventually(gone)
    try:
        await line.workspace.resource(NAMESPACES).get("web")
    except NotFound:
        return
    raise AssertionError("the upstream namespace is still there")


async def test_a_restarted_syncer_changes_nothing_that_is_right(line: Line) -> None:
    """After a restart nothing is written again, and what happened meanwhile is made up for."""
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    maps = line.workspace.resource(CONFIG_MAPS, "web")
    for object_name in ("stays", "goes"):
        await maps.create(config_map(object_name))
        await eventually(lambda object_name=object_name: copy_of(line, object_name, CONFIG_MAPS))
    before = await copy_of(line, "stays", CONFIG_MAPS)
    await line.stop_agent()
    await maps.delete("goes")
    await maps.create(config_map("new"))
    line.start_agent()

    async def caught_up() -> bool:
        return {name(each) for each in await line.copies(CONFIG_MAPS)} >= {"stays", "new"} and (
            await copy_of(line, "goes", CONFIG_MAPS) is None
        )

    await eventually(caught_up)
    assert await copy_of(line, "stays", CONFIG_MAPS) == before


async def test_root_ca_has_another_name_downstream(line: Line) -> None:
    """The pcluster publishes a ConfigMap of the same name in every namespace."""
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    copy = await eventually(lambda: copy_of(line, "kcp-root-ca.crt", CONFIG_MAPS))
    own = await eventually(lambda: line.downstream.resource(CONFIG_MAPS, namespace(copy)).get("kube-root-ca.crt"))
    assert own["data"] != copy["data"]


async def test_the_syncers_own_credential_stays_upstream(line: Line) -> None:
    """Its token is in a namespace that may itself be placed; it must not go to the pcluster."""
    secrets = GroupVersionResource("", "v1", "secrets")
    mine: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mine"}, "stringData": {"a": "b"}}
    await line.workspace.resource(secrets, "default").create(mine)

    async def copied() -> list[str]:
        return sorted(name(each) for each in await line.copies(secrets))

    assert await eventually(copied) == ["mine"]


async def test_what_becomes_of_dependents_is_up_to_who_deletes(line: Line) -> None:
    """Orphaned, pods run on without the Deployment; in the foreground, it stays until they are gone."""
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    deployments = line.workspace.resource(DEPLOYMENTS, "web")
    replica_sets = line.downstream.resource(REPLICA_SETS, line.downstream_namespace("web"))
    for each in ("orphaning", "foreground"):
        await deployments.create(deployment(each))

    async def sets_of(app: str) -> list[Object]:
        return (await replica_sets.list_all(label_selector=f"app={app}"))[0]

    kept = (await eventually(lambda: sets_of("orphaning")))[0]
    held = (await eventually(lambda: sets_of("foreground")))[0]
    await replica_sets.patch(name(held), {"metadata": {"finalizers": ["example.com/hold"]}})
    await deployments.delete("orphaning", propagation_policy="Orphan")
    await deployments.delete("foreground", propagation_policy="Foreground")

    async def left() -> set[str]:
        return {name(each) for each in (await deployments.list_all())[0]}

    async def going() -> bool:
        return bool((await replica_sets.get(name(held)))["metadata"].get("deletionTimestamp"))

    await eventually(going)
    await eventually(lambda: copy_is_gone(line, "orphaning"))
    alone = await replica_sets.get(name(kept))
    assert (uid(alone), owner_references(alone)) == (uid(kept), ())
    assert "foreground" in await left()
    await replica_sets.patch(name(held), {"metadata": {"finalizers": None}})

    async def nothing_is_left() -> bool:
        return not await left()

    await eventually(nothing_is_left)


async def test_a_namespace_gets_its_labels_back(line: Line) -> None:
    """Without them the copies in it, and their pods, would be nobody's, although nothing is to be written there."""
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await line.workspace.resource(CONFIG_MAPS, "web").create(config_map("settings", {"a": "1"}))
    await eventually(lambda: copy_of(line, "settings", CONFIG_MAPS))
    spaces, space = line.downstream.resource(NAMESPACES), line.downstream_namespace("web")
    wanted = dict(labels(await spaces.get(space)))

    async def complete() -> bool:
        return labels(await spaces.get(space)) == wanted

    for label in ("internal.workload.kcp.io/cluster", "kcp.io/tenant-id"):
        await spaces.patch(space, {"metadata": {"labels": {label: None}}})
        await eventually(complete)
    await line.stop_agent()
    await spaces.patch(space, {"metadata": {"labels": {"internal.workload.kcp.io/cluster": None}}})
    line.start_agent()
    await eventually(complete)


async def copy_is_gone(line: Line, object_name: str) -> bool:
    return await copy_of(line, object_name) is None
