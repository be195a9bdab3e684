"""The official Python client watching: restarts of the server, history that is gone, bookmarks, its informer."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, dynamic, watch
from kubernetes.informer import SharedInformer
from tests.e2e.clients.access import api_client, config_map, configuration
from tests.e2e.harness import Stack, wait_for

from headwater.storage.factory import open_backend

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True)
def connected(hub: Stack) -> Iterator[None]:
    """A Watch takes the default configuration to decode what it gets."""
    before = client.Configuration.get_default_copy()
    client.Configuration.set_default(configuration(hub))
    yield
    client.Configuration.set_default(before)


def restart(hub: Stack) -> None:
    """Kill the control plane and start it as it was."""
    program = hub.programs["hub"]
    program.kill()
    program.start()
    hub.wait_ready(hub.kubeconfig, program)


def forget_history(hub: Stack) -> None:
    """Stop the control plane, give up the history of its store, and start it again."""

    async def compact() -> None:
        store = open_backend(f"sqlite://{hub.root / 'hub' / 'store.db'}")
        await store.open()
        await store.compact(store.revision())
        await store.close()

    program = hub.programs["hub"]
    program.stop()
    asyncio.run(compact())
    program.start()
    hub.wait_ready(hub.kubeconfig, program)


def events(core: client.CoreV1Api, count: int, **options: Any) -> list[tuple[str, str]]:
    """The first events of a watch of ConfigMaps: type and name."""
    watcher, found = watch.Watch(), []
    for event in watcher.stream(core.list_namespaced_config_map, "default", **options):
        found.append((event["type"], event["object"].metadata.name))
        if len(found) == count:
            watcher.stop()
    return found


def test_events_from_a_revision(hub: Stack, core: client.CoreV1Api) -> None:
    """A watch from a list's revision gives what happened since, once and in order, also after a kill -9."""
    revision = core.list_namespaced_config_map("default").metadata.resource_version
    core.create_namespaced_config_map("default", config_map("seen", labels={"who": "me"}))
    core.patch_namespaced_config_map("seen", "default", {"data": {"a": "b"}})
    core.create_namespaced_config_map("default", config_map("other"))
    core.patch_namespaced_config_map("seen", "default", {"metadata": {"labels": {"who": "you"}}})
    core.delete_namespaced_config_map("seen", "default")
    core.delete_namespaced_config_map("other", "default")
    mine = [("ADDED", "seen"), ("MODIFIED", "seen"), ("DELETED", "seen")]
    every = [*mine[:2], ("ADDED", "other"), ("MODIFIED", "seen"), *mine[2:], ("DELETED", "other")]
    for _ in ("before", "after"):
        assert events(core, 6, resource_version=revision) == every
        assert events(core, 3, resource_version=revision, label_selector="who=me") == mine
        assert events(core, 4, resource_version=revision, field_selector="metadata.name=seen") == [
            each for each in every if each[1] == "seen"
        ]
        restart(hub)


def test_a_watch_ends_in_time(core: client.CoreV1Api) -> None:
    """With a timeout the server ends the stream, after a bookmark when the client takes them."""
    before = core.list_namespaced_config_map("default").metadata.resource_version
    watcher = watch.Watch()
    found = [
        event["type"]
        for event in watcher.stream(
            core.list_namespaced_config_map, "default", timeout_seconds=1, allow_watch_bookmarks=True
        )
    ]
    assert found[-1] == "BOOKMARK"
    after = core.list_namespaced_config_map("default").metadata.resource_version
    assert int(before) <= int(watcher.resource_version) <= int(after), "others may write in between"


def test_gone(hub: Stack, core: client.CoreV1Api) -> None:
    """History that is gone is a 410 to watches and to pages; a new list goes on from the present."""
    for number in range(4):
        core.create_namespaced_config_map("default", config_map(f"old-{number}", labels={"age": "old"}))
    page = core.list_namespaced_config_map("default", label_selector="age=old", limit=2)
    core.delete_namespaced_config_map("old-3", "default")
    forget_history(hub)
    with pytest.raises(client.ApiException) as caught:
        events(core, 1, resource_version=page.metadata.resource_version, timeout_seconds=20)
    assert caught.value.status == 410
    with pytest.raises(client.ApiException) as caught:
        core.list_namespaced_config_map("default", label_selector="age=old", limit=2, _continue=page.metadata._continue)
    status = json.loads(caught.value.body)
    assert (status["code"], status["reason"]) == (410, "Expired")
    rest = core.list_namespaced_config_map(
        "default", label_selector="age=old", limit=2, _continue=status["metadata"]["continue"]
    )
    assert [each.metadata.name for each in rest.items] == ["old-2"]
    fresh = core.list_namespaced_config_map("default").metadata.resource_version
    core.create_namespaced_config_map("default", config_map("young"))
    assert events(core, 1, resource_version=fresh) == [("ADDED", "young")]
    core.delete_collection_namespaced_config_map("default", label_selector="age=old")


def test_initial_events(api: client.ApiClient, core: client.CoreV1Api) -> None:
    """The state arrives as events, then a bookmark that says so, then what happens: a list and watch in one."""
    config_maps = dynamic.DynamicClient(api).resources.get(api_version="v1", kind="ConfigMap")
    core.create_namespaced_config_map("default", config_map("present"))
    names = {each.metadata.name for each in core.list_namespaced_config_map("default").items}
    watcher, seen = watch.Watch(), set()
    stream = config_maps.watch(
        namespace="default", send_initial_events=True, resource_version_match="NotOlderThan",
        allow_watch_bookmarks=True, watcher=watcher, timeout=30,
    )  # fmt: skip
    for event in stream:
        metadata = event["raw_object"]["metadata"]
        if event["type"] == "BOOKMARK":
            assert metadata["annotations"] == {"k8s.io/initial-events-end": "true"}
            break
        assert event["type"] == "ADDED"
        seen.add(metadata["name"])
    assert seen == names
    core.delete_namespaced_config_map("present", "default")
    last = next(stream)
    assert (last["type"], last["raw_object"]["metadata"]["name"]) == ("DELETED", "present")
    assert int(last["raw_object"]["metadata"]["resourceVersion"]) > int(metadata["resourceVersion"])
    watcher.stop()


def test_informer(hub: Stack, core: client.CoreV1Api, request: pytest.FixtureRequest) -> None:
    """The client's informer ends with the server's state after a kill -9, and after history is lost."""
    with api_client(hub) as connection:
        informer = SharedInformer(
            client.CoreV1Api(connection).list_namespaced_config_map, namespace="default", label_selector="by=informer"
        )
        gone = threading.Event()
        informer.add_event_handler("DELETED", lambda each: gone.set() if each.metadata.name == "i-0" else None)
        request.addfinalizer(informer.stop)
        informer.start()

        def state() -> dict[str, str]:
            return {each.metadata.name: each.metadata.resource_version for each in informer.cache.list()}

        def truth() -> dict[str, str]:
            items = core.list_namespaced_config_map("default", label_selector="by=informer").items
            return {each.metadata.name: each.metadata.resource_version for each in items}

        def write(start: int) -> None:
            for number in range(start, start + 10):
                core.create_namespaced_config_map("default", config_map(f"i-{number}", labels={"by": "informer"}))
            core.patch_namespaced_config_map(f"i-{start + 1}", "default", {"data": {"a": "b"}})
            core.delete_namespaced_config_map(f"i-{start}", "default")

        for start, disturb in ((0, restart), (100, forget_history), (200, restart)):
            write(start)
            disturb(hub)
            write(start + 10)
            wait_for("the informer", lambda: state() == truth())
        assert gone.is_set()
        assert len(state()) == 54
    core.delete_collection_namespaced_config_map("default", label_selector="by=informer")
