"""Watches as seen from outside: whatever happens to the server, each watcher ends with the server's state."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import NotFoundException
from tests.e2e.clients.access import api_client, config_map, reason
from tests.e2e.clients.watchers import Watcher
from tests.e2e.harness import Stack, wait_for

pytestmark = pytest.mark.e2e
WATCHERS, WRITERS, NAMES = 12, 3, 20


@pytest.fixture
def watchers(hub: Stack) -> Iterator[list[Watcher]]:
    """Both ways to begin, with and without a selector that objects come into and go out of."""
    made = [
        Watcher(hub, f"watcher-{number}", streaming=number % 2 == 0, selector="side=left" if number % 3 == 0 else "")
        for number in range(WATCHERS)
    ]
    for each in made:
        each.start()
    yield made
    for each in made:
        each.stop()
    for each in made:
        each.join()


def churn(hub: Stack, seed: int, enough: threading.Event) -> int:
    """Create, change, relabel and delete at random, through whatever happens; how many writes were acknowledged."""
    dice, done = random.Random(seed), 0
    with api_client(hub) as api:
        core = client.CoreV1Api(api)
        while not enough.is_set():
            name, side = f"churn-{dice.randrange(NAMES)}", dice.choice(["left", "right"])
            patch = {"metadata": {"labels": {"side": side}}, "data": {"n": str(done)}}
            try:
                if dice.random() < 0.3:
                    core.delete_namespaced_config_map(name, "default")
                else:
                    try:
                        core.patch_namespaced_config_map(name, "default", patch)
                    except NotFoundException:
                        core.create_namespaced_config_map("default", config_map(name, labels={"side": side}))
                done += 1
            except client.ApiException as error:
                assert error.status in (404, 409, 429, 503), error
            except Exception as error:
                # The control plane is down; what urllib3 raises then is an error of its own.
                if not type(error).__module__.startswith("urllib3"):
                    raise
                enough.wait(0.05)
    return done


def truth(core: client.CoreV1Api, selector: str = "") -> dict[str, str]:
    items = core.list_namespaced_config_map("default", label_selector=selector or None).items
    return {each.metadata.name: each.metadata.resource_version for each in items}


def test_every_watcher_ends_with_the_state(hub: Stack, core: client.CoreV1Api, watchers: list[Watcher]) -> None:
    """Through churn, a kill -9 and a SIGTERM, each sees every change once and in order, and none has to list again."""
    enough, program = threading.Event(), hub.programs["hub"]

    def progress() -> None:
        before = {each.name: each.revision for each in watchers}
        wait_for("all to see more", lambda: all(each.broken or each.revision != before[each.name] for each in watchers))

    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [pool.submit(churn, hub, seed, enough) for seed in range(WRITERS)]
        try:
            progress()
            for end in (program.kill, program.stop):
                end()
                program.start()
                hub.wait_ready(hub.kubeconfig, program)
                progress()
        finally:
            enough.set()
        assert all(each.result() for each in writers)
    core.create_namespaced_config_map("default", config_map("last", labels={"side": "left"}))
    for each in watchers:
        expected = truth(core, each.selector)
        wait_for(each.name, lambda each=each, expected=expected: each.broken or each.state == expected)
    assert {each.name: each.broken for each in watchers if each.broken} == {}
    assert [each.relists for each in watchers] == [0] * WATCHERS
    assert all(each.watches > 2 for each in watchers)
    wait_for("a bookmark", lambda: sum(each.bookmarks for each in watchers) > 0)


def raw_events(core: client.CoreV1Api, **options: Any) -> list[dict[str, Any]]:
    """All events of a watch of a second, as they are on the wire."""
    response = core.list_namespaced_config_map(
        "default", watch=True, timeout_seconds=1, _preload_content=False, **options
    )
    return [json.loads(line) for line in response.data.splitlines()]


def test_bookmarks_go_on_without_events(core: client.CoreV1Api) -> None:
    """A watcher that nothing matches learns the newest revision, so that it never falls out of the history."""
    start = core.list_namespaced_config_map("default").metadata.resource_version
    written = core.create_namespaced_config_map("default", config_map("unseen")).metadata.resource_version
    found = raw_events(core, resource_version=start, label_selector="no=such", allow_watch_bookmarks=True)
    assert {each["type"] for each in found} == {"BOOKMARK"}
    content = found[-1]["object"]
    assert int(content["metadata"]["resourceVersion"]) >= int(written)
    assert (content["apiVersion"], content["kind"]) == ("v1", "ConfigMap")
    assert raw_events(core, resource_version=start, label_selector="no=such") == []
    core.delete_namespaced_config_map("unseen", "default")


@pytest.mark.parametrize("revision", [None, "0", "current"])
@pytest.mark.parametrize("bookmarks", [True, False], ids=["bookmarks", "no bookmarks"])
def test_initial_events(core: client.CoreV1Api, revision: str | None, bookmarks: bool) -> None:
    """From any revision on, the state comes first, as sorted ADDED events; its end is told to who takes bookmarks."""
    core.create_namespaced_config_map("default", config_map("here"))
    listed = core.list_namespaced_config_map("default")
    if revision == "current":
        revision = listed.metadata.resource_version
    found = raw_events(
        core, send_initial_events=True, resource_version_match="NotOlderThan", resource_version=revision,
        allow_watch_bookmarks=bookmarks,
    )  # fmt: skip
    count = len(listed.items)
    assert [(each["type"], each["object"]["metadata"]["name"]) for each in found[:count]] == [
        ("ADDED", each.metadata.name) for each in listed.items
    ]
    ends = [each for each in found if "initial-events-end" in json.dumps(each["object"]["metadata"])]
    assert ends == (found[count : count + 1] if bookmarks else [])
    assert len(ends) == bookmarks
    assert len(found) >= count + bookmarks
    core.delete_namespaced_config_map("here", "default")


@pytest.mark.parametrize(
    "options",
    [
        {"send_initial_events": True},
        {"send_initial_events": True, "resource_version_match": "Exact"},
        {"resource_version_match": "NotOlderThan", "resource_version": "0"},
    ],
    ids=["no match", "another match", "match alone"],
)
def test_options_that_do_not_go_together(core: client.CoreV1Api, options: dict[str, Any]) -> None:
    with pytest.raises(client.ApiException) as caught:
        core.list_namespaced_config_map("default", watch=True, **options)
    assert (caught.value.status, reason(caught.value)) == (422, "Invalid")


def test_without_initial_events(core: client.CoreV1Api) -> None:
    """Asked not to send the state, a watch starts with what happens from now on, or from the revision given."""
    start = core.list_namespaced_config_map("default").metadata.resource_version
    core.create_namespaced_config_map("default", config_map("between"))
    quiet = {"send_initial_events": False, "resource_version_match": "NotOlderThan"}
    assert raw_events(core, **quiet) == []
    later = raw_events(core, resource_version=start, **quiet)
    assert [(each["type"], each["object"]["metadata"]["name"]) for each in later] == [("ADDED", "between")]
    core.delete_namespaced_config_map("between", "default")
