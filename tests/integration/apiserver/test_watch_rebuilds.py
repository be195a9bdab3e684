"""Property: list and watch, cut anywhere, rebuild exactly what the store holds."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.apiserver.builtin.kinds import builtin_resources
from headwater.apiserver.registry.options import ListOptions, WatchOptions
from headwater.base import jsonio
from headwater.machinery.errors import Expired
from headwater.machinery.labels import parse_selector

from .conftest import Api, start
from .test_create_update import config_map

(CONFIG_MAPS,) = builtin_resources([("", "configmaps")])
NAMES = st.sampled_from(["a", "b", "c", "d"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), NAMES, st.sampled_from(["yes", "no"])),
        st.tuples(st.just("delete"), NAMES, st.just("")),
        st.tuples(st.just("read"), st.just(""), st.just("")),
        st.tuples(st.just("cut"), st.just(""), st.just("")),
        st.tuples(st.just("compact"), st.just(""), st.just("")),
    ),
    max_size=40,
)


class Follower:
    """What a client keeps: objects by name, built from a list and the events after it."""

    def __init__(self, api: Api, selector: str) -> None:
        self._store = api.server.store
        self._selector = parse_selector(selector) if selector else None
        self._session: Any = None
        self._revision = 0
        self.objects: dict[str, Any] = {}

    async def connect(self) -> None:
        """Watch again from the last version seen, or list when that is gone."""
        if self._revision:
            options = WatchOptions(label_selector=self._selector, resource_version=str(self._revision))
            try:
                self._session = await self._store.watch(CONFIG_MAPS, "local", "default", options)
                return
            except Expired:
                pass
        listed = await self._store.list(CONFIG_MAPS, "local", "default", ListOptions(label_selector=self._selector))
        self.objects = {item.decoded["metadata"]["name"]: jsonio.loads(item.value) for item in listed.items}
        self._revision = listed.revision
        options = WatchOptions(label_selector=self._selector, resource_version=str(listed.revision))
        self._session = await self._store.watch(CONFIG_MAPS, "local", "default", options)

    async def read(self) -> None:
        """Take what has come, up to a bookmark."""
        if self._session is None:
            await self.connect()
        while True:
            try:
                items = await self._session.next(0.0005)
            except Expired:
                self.cut()
                self._revision = 0
                await self.connect()
                continue
            if items is None:
                self._revision = self._session.revision
                return
            for item in items:
                obj = jsonio.loads(item.object.value)
                name = obj["metadata"]["name"]
                assert int(obj["metadata"]["resourceVersion"]) > self._revision or item.type == "ADDED"
                if item.type == "DELETED":
                    assert name in self.objects
                    del self.objects[name]
                else:
                    assert (name in self.objects) == (item.type == "MODIFIED")
                    self.objects[name] = obj

    def cut(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = None


async def play(steps: list[tuple[str, str, str]], selector: str) -> None:
    api = await start()
    follower = Follower(api, selector)
    await follower.connect()
    store = api.server.store
    for kind, name, on in steps:
        path = f"/api/v1/namespaces/default/configmaps/{name}"
        if kind == "write":
            obj = config_map(name)
            obj["metadata"]["labels"] = {"on": on}
            await api.apply(path, obj, force="true")
        elif kind == "delete":
            await api.delete(path)
        elif kind == "read":
            await follower.read()
        elif kind == "cut":
            follower.cut()
        else:
            await api.backend.compact(api.backend.revision())
    await follower.read()
    options = ListOptions(label_selector=parse_selector(selector) if selector else None)
    listed = await store.list(CONFIG_MAPS, "local", "default", options)
    assert follower.objects == {item.decoded["metadata"]["name"]: item.decoded for item in listed.items}
    follower.cut()
    await api.backend.close()


@settings(max_examples=60)
@given(steps=STEPS, selector=st.sampled_from(["", "on=yes", "on!=yes"]))
def test_followers_end_with_the_state_of_the_store(steps: list[tuple[str, str, str]], selector: str) -> None:
    """Whatever is cut or compacted, the follower's objects are the store's, and each event fits what it had."""
    asyncio.run(play(steps, selector))
