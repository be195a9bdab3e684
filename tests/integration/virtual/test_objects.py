"""What a syncer reads and writes through its virtual workspace, and what becomes of it upstream."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.scheduling.ground import CONFIG_MAPS, NAMESPACES, SECRETS, config_map, eventually, gone, states
from tests.integration.virtual.stage import COWBOYS, SPEC_DIFF, SUMMARIZING, Stage, view_of

from headwater.apis.placement.v1alpha1.placement import PLACEMENTS
from headwater.base import jsonio
from headwater.client.paths import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH
from headwater.machinery.errors import BadRequest, Conflict, Forbidden, InternalError, NotFound, UnsupportedMediaType
from headwater.machinery.objects import Object, annotations, finalizers, labels, resource_version, uid

DELETION = "deletion.internal.workload.kcp.io/"


async def claimed(stage: Stage, *targets: str) -> Object:
    """A cowboy that is placed on targets and claimed by their syncers."""
    await stage.place(*targets)
    await stage.cowboy()
    for name in targets:
        await getattr(stage, name).claim(stage.tenant, COWBOYS, "luke")
    return await stage.stored()


async def test_a_status_goes_up(stage: Stage) -> None:
    """The view is the object with nothing of upstream's own; a reported status is that of the object, a spec never."""
    await stage.place("north")
    made = await stage.cowboy(finalizers=["somebody.example.io/else"])
    [view] = (await stage.north.client.cluster("*").resource(COWBOYS).list())["items"]
    assert (uid(view), view["spec"], view.get("status")) == (uid(made), made["spec"], None)
    assert not finalizers(view)
    assert "managedFields" not in view["metadata"]
    url = annotations(view)["internal.workload.kcp.io/workspace-url"]
    assert url == f"{stage.ground.process.url}/clusters/{stage.tenant.cluster}"
    await stage.north.claim(stage.tenant, COWBOYS, "luke")
    cowboys = stage.north.resource(stage.tenant, COWBOYS)
    await cowboys.patch_status("luke", {"status": {"result": "joe in prison"}, "spec": {"intent": "shoot"}})
    await cowboys.patch("luke", {"spec": {"intent": "shoot"}, "metadata": {"labels": {"added": "by-syncer"}}})
    view, stored = await view_of(stage.north, stage.tenant), await stage.stored()
    assert view["status"] == stored["status"] == {"result": "joe in prison"}
    assert view["spec"] == stored["spec"] == made["spec"]
    assert "added" not in labels(stored)
    assert resource_version(view) == resource_version(stored)
    assert list(finalizers(stored)) == ["somebody.example.io/else", stage.north.finalizer]
    assert list(finalizers(view)) == [stage.north.finalizer]
    assert "internal.workload.kcp.io/workspace-url" not in annotations(stored)


async def test_an_object_of_the_location_workspace_itself(stage: Stage) -> None:
    """The tenant may be the owner of the pcluster."""
    await stage.west.bind("root:west", "wildwest")
    await stage.west.place("own", locationSelector={"names": ["north"]})
    body = {"apiVersion": "wildwest.dev/v1alpha1", "kind": "Cowboy", "metadata": {"name": "luke"}}
    await stage.west.resource(COWBOYS, "default").create({**body, "spec": {"intent": "sing"}})
    await stage.north.claim(stage.west, COWBOYS, "luke")
    await stage.north.report(stage.west, COWBOYS, "luke", result="sang")
    assert (await stage.west.resource(COWBOYS, "default").get("luke"))["status"] == {"result": "sang"}


async def test_only_what_is_placed_is_there(stage: Stage) -> None:
    """By name, list and selector a target reaches its own objects only."""
    await stage.place("north")
    await stage.cowboy("luke", labels={"who": "luke"})
    await stage.cowboy("joe")
    south = stage.south.resource(stage.tenant, COWBOYS)
    for read in (south.get("luke"), south.get("none"), south.patch("luke", {"metadata": {"finalizers": ["x"]}})):
        with pytest.raises(NotFound, match=r'cowboys.wildwest.dev "(luke|none)" not found'):
            await read
    assert (await south.list())["items"] == []
    north = stage.north.client.cluster("*").resource(COWBOYS)
    found = (await north.list(label_selector="who=luke"))["items"]
    assert [each["metadata"]["name"] for each in found] == ["luke"]
    found = (await north.list(field_selector="metadata.name=joe"))["items"]
    assert [each["metadata"]["name"] for each in found] == ["joe"]
    both = await stage.ground.client.transport.request(
        "GET", north.path, query=[("labelSelector", "who=luke"), ("labelSelector", "")]
    )
    assert [each["metadata"]["name"] for each in jsonio.loads(both.body)["items"]] == ["luke"]


@pytest.mark.parametrize(
    ("parameter", "selector"),
    [
        pytest.param("labelSelector", "state.workload.kcp.io/{south}=Sync", id="another target's label"),
        pytest.param("labelSelector", "!state.workload.kcp.io/{south}", id="without another target's label"),
        pytest.param("labelSelector", "a=b,state.workload.kcp.io/{south} in (Sync)", id="as one of several"),
        pytest.param("fieldSelector", "status.result=x", id="a field that targets report"),
        pytest.param("labelSelector", "a in (", id="what is no selector"),
    ],
)
async def test_selectors_tell_nothing_of_other_targets(stage: Stage, parameter: str, selector: str) -> None:
    """What a view hides can't be found out by what a list or a watch selects."""
    root = stage.north.client.cluster("*")
    path = f"/apis/{COWBOYS.group}/{COWBOYS.version}/{COWBOYS.resource}"
    query = [(parameter, selector.replace("{south}", stage.south.key))]
    for more in ([], [("watch", "true")]):
        assert (await root.raw("GET", path, query=query + more)).status == 400
    own = f"state.workload.kcp.io/{stage.north.key}=Sync"
    assert (await root.resource(COWBOYS).list(label_selector=own, field_selector="metadata.name=luke"))["items"] == []


async def test_pages(stage: Stage) -> None:
    """Continue tokens pass through, over one logical cluster and over all."""
    await stage.place("north")
    for number in range(5):
        await stage.cowboy(f"cowboy-{number}")
    for cluster in ("*", stage.tenant.cluster):
        cowboys = stage.north.client.cluster(cluster).resource(COWBOYS)
        first = await cowboys.list(limit=2)
        assert len(first["items"]) == 2
        rest = await cowboys.list(limit=10, continue_token=first["metadata"]["continue"])
        names = [each["metadata"]["name"] for each in [*first["items"], *rest["items"]]]
        assert names == [f"cowboy-{number}" for number in range(5)]
        items, _ = await cowboys.list_all(page_size=2)
        assert len(items) == 5


async def test_two_targets_never_share_a_status(stage: Stage) -> None:
    """Each target sees its own, and the object has neither."""
    await claimed(stage, "north", "south")
    for name in ("north", "south"):
        await getattr(stage, name).report(stage.tenant, COWBOYS, "luke", result=name)
    for name in ("north", "south"):
        assert (await view_of(getattr(stage, name), stage.tenant))["status"] == {"result": name}
    assert not (await stage.stored()).get("status")


async def test_a_status_moves_with_its_object(stage: Stage) -> None:
    """Promoted with one target, nobody's with two, and that of the one that is left."""
    await claimed(stage, "north")
    await stage.north.report(stage.tenant, COWBOYS, "luke", result="north")
    assert (await stage.stored())["status"] == {"result": "north"}
    selector = {"names": ["south"]}
    await stage.tenant.place("south", locationWorkspace=stage.west.path, locationSelector=selector)
    await stage.south.claim(stage.tenant, COWBOYS, "luke")
    await stage.south.report(stage.tenant, COWBOYS, "luke", result="south")
    assert (await view_of(stage.north, stage.tenant))["status"] == {"result": "north"}
    assert (await view_of(stage.south, stage.tenant))["status"] == {"result": "south"}
    assert (await stage.stored())["status"] == {"result": "north"}
    await stage.tenant.resource(PLACEMENTS).delete("north")
    marked = await eventually(stage.stored, lambda obj: DELETION + stage.north.key in annotations(obj))
    assert DELETION + stage.south.key not in annotations(marked)
    await stage.north.let_go(stage.tenant, COWBOYS, "luke")
    left = await stage.stored()
    assert states(left) == {stage.south.key: "Sync"}
    assert left["status"] == {"result": "south"}
    await gone(lambda: view_of(stage.north, stage.tenant))
    assert (await view_of(stage.south, stage.tenant))["status"] == {"result": "south"}


async def test_spec_diff(stage: Stage) -> None:
    """A target may be given another spec; what the tenant wrote stays, and so does the other target's view."""
    await stage.place("north", "south")
    patch = '[{"op": "replace", "path": "/intent", "value": "ride"}, {"op": "remove", "path": "/songs"}]'
    await stage.cowboy(annotations={SPEC_DIFF + stage.north.key: patch})
    assert (await view_of(stage.north, stage.tenant))["spec"] == {"intent": "ride"}
    assert (await view_of(stage.south, stage.tenant))["spec"] == {"intent": "sing", "songs": 3}
    assert (await stage.stored())["spec"] == {"intent": "sing", "songs": 3}
    await stage.north.claim(stage.tenant, COWBOYS, "luke")
    assert (await stage.stored())["spec"] == {"intent": "sing", "songs": 3}


async def test_summarizing_rules_of_the_object(stage: Stage) -> None:
    """A status that is not promoted is seen by its target only; other fields can be reported, too."""
    rules = [
        {"fieldPath": "status", "promoteToUpstream": False},
        {"fieldPath": "spec.songs", "promoteToUpstream": True},
    ]
    await stage.place("north")
    await stage.cowboy(annotations={SUMMARIZING: jsonio.dumps(rules).decode()})
    before = await stage.north.claim(stage.tenant, COWBOYS, "luke")
    await stage.north.report(stage.tenant, COWBOYS, "luke", result="quiet")
    view, stored = await view_of(stage.north, stage.tenant), await stage.stored()
    assert view["status"] == {"result": "quiet"}
    assert not stored.get("status")
    assert resource_version(view) == resource_version(stored) != resource_version(before)
    cowboys = stage.north.resource(stage.tenant, COWBOYS)
    await cowboys.patch("luke", {"spec": {"songs": 7, "intent": "shoot"}})
    stored = await stage.stored()
    assert stored["spec"] == {"intent": "sing", "songs": 7}
    assert (await view_of(stage.north, stage.tenant))["spec"]["songs"] == 7


@pytest.mark.parametrize(
    ("patch_type", "patch", "error"),
    [
        (MERGE_PATCH, {"status": {"result": "x"}}, None),
        (JSON_PATCH, [{"op": "add", "path": "/status", "value": {"result": "x"}}], None),
        (MERGE_PATCH, {"metadata": {"resourceVersion": "1"}}, Conflict),
        (JSON_PATCH, [{"op": "test", "path": "/metadata/name", "value": "joe"}], Exception),
        (MERGE_PATCH, [], BadRequest),
        (JSON_PATCH, [{"op": "remove", "path": "/metadata"}], BadRequest),
        (STRATEGIC_PATCH, {"status": {}}, UnsupportedMediaType),
        (APPLY_PATCH, {"status": {}}, UnsupportedMediaType),
        ("application/json", {"status": {}}, UnsupportedMediaType),
    ],
)
async def test_patch_types(stage: Stage, patch_type: str, patch: Any, error: type[Exception] | None) -> None:
    await claimed(stage, "north")
    cowboys = stage.north.resource(stage.tenant, COWBOYS)
    if error is None:
        await cowboys.patch_status("luke", patch, patch_type=patch_type)
        assert (await stage.stored())["status"] == {"result": "x"}
    else:
        before = await stage.stored()
        with pytest.raises(error):
            await cowboys.patch_status("luke", patch, patch_type=patch_type)
        assert await stage.stored() == before


async def test_updates(stage: Stage) -> None:
    """A PUT needs the current resourceVersion, and writes as little as a patch."""
    await claimed(stage, "north")
    cowboys = stage.north.resource(stage.tenant, COWBOYS)
    view = await cowboys.get("luke")
    await cowboys.update_status({**view, "status": {"result": "put"}, "spec": {"intent": "shoot"}})
    assert (await stage.stored())["status"] == {"result": "put"}
    assert (await stage.stored())["spec"]["intent"] == "sing"
    with pytest.raises(Conflict, match="modified in the meantime"):
        await cowboys.update_status({**view, "status": {"result": "late"}})
    with pytest.raises(Conflict):
        await cowboys.update({**view, "metadata": {**view["metadata"], "resourceVersion": ""}})
    raw = stage.north.client.cluster(stage.tenant.cluster)
    path = "/apis/wildwest.dev/v1alpha1/namespaces/default/cowboys/luke"
    assert (await raw.raw("PUT", path, body=b"{no json")).status == 400
    assert (await raw.raw("PUT", path, body=b"[]")).status == 400


async def test_refused_writes(stage: Stage) -> None:
    """Before a claim nothing can be reported; a claim can't be given up at will; both leave no trace."""
    await stage.place("north")
    await stage.cowboy()
    cowboys = stage.north.resource(stage.tenant, COWBOYS)
    before = await stage.stored()
    with pytest.raises(BadRequest, match="dryRun"):
        await cowboys.patch("luke", {"metadata": {}}, dry_run=True)
    with pytest.raises(Forbidden, match="not owning it"):
        await cowboys.patch_status("luke", {"status": {"result": "x"}})
    assert await stage.stored() == before
    await stage.north.claim(stage.tenant, COWBOYS, "luke")
    before = await stage.stored()
    with pytest.raises(Forbidden, match="not owning it"):
        await cowboys.patch("luke", {"metadata": {"finalizers": None}})
    pretended = {"finalizers": None, "deletionTimestamp": "2026-01-01T00:00:00Z"}
    with pytest.raises(Forbidden, match="not being removed"):
        await cowboys.patch("luke", {"metadata": pretended})
    marks = {"labels": {f"state.workload.kcp.io/{stage.south.key}": "Sync"}, "annotations": {SPEC_DIFF + "x": "[]"}}
    await cowboys.patch("luke", {"metadata": marks})
    assert await stage.stored() == before


async def test_a_deleted_object_is_let_go(stage: Stage) -> None:
    """The upstream deletion shows as the target's deletion mark; after it is let go the object is gone for good."""
    await claimed(stage, "north")
    await stage.tenant.resource(COWBOYS, "default").delete("luke")
    await stage.north.let_go(stage.tenant, COWBOYS, "luke")
    await gone(stage.stored)


UNREADABLE = {
    "summarizing": {SUMMARIZING: "{"},
    "summarizing-metadata": {SUMMARIZING: '[{"fieldPath": "metadata.labels"}]'},
    "spec-diff": {SPEC_DIFF + "{north}": '[{"op": "remove", "path": "/none"}]'},
    "spec-diff-not-json": {SPEC_DIFF + "{north}": "{"},
    "spec-diff-too-deep": {SPEC_DIFF + "{north}": f'[{{"op": "add", "path": "/x", "value": {"[" * 254 + "]" * 254}}}]'},
}


@pytest.mark.parametrize("notes", UNREADABLE.values(), ids=UNREADABLE)
async def test_one_unreadable_object_does_not_hide_the_others(stage: Stage, notes: dict[str, str]) -> None:
    """Lists and watches go on without it, and asked for by name it tells why."""
    await stage.place("north")
    bad = {note.replace("{north}", stage.north.key): text for note, text in notes.items()}
    everything = stage.north.client.cluster("*").resource(COWBOYS)
    start = (await everything.list())["metadata"]["resourceVersion"]
    await stage.cowboy("bad", annotations=bad)
    await stage.cowboy("good")
    found = (await everything.list())["items"]
    assert [each["metadata"]["name"] for each in found] == ["good"]
    async with everything.watch(resource_version=start) as events:
        async for kind, obj in events:
            assert obj["metadata"].get("name") != "bad"
            if (kind, obj["metadata"].get("name")) == ("ADDED", "good"):
                break
    cowboys = stage.north.resource(stage.tenant, COWBOYS)
    with pytest.raises(InternalError, match="'bad'"):
        await cowboys.get("bad")
    with pytest.raises(InternalError, match="'bad'"):
        await cowboys.patch_status("bad", {"status": {}})
    first = next(iter(bad))
    await stage.tenant.resource(COWBOYS, "default").patch("bad", {"metadata": {"annotations": {first: None}}})
    await cowboys.get("bad")


async def test_builtin_kinds(stage: Stage) -> None:
    """ConfigMaps, Secrets and Namespaces are served as any other object, with their content."""
    await stage.place("north")
    await stage.tenant.resource(CONFIG_MAPS, "default").create(config_map("settings"))
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"k": "v"}}
    await stage.tenant.resource(SECRETS, "default").create(secret)
    for gvr, name in ((CONFIG_MAPS, "settings"), (SECRETS, "s")):
        claimed_view = await stage.north.claim(stage.tenant, gvr, name)
        assert list(finalizers(claimed_view)) == [stage.north.finalizer]
        assert claimed_view["data"]
    [namespace] = (await stage.north.client.cluster("*").resource(NAMESPACES).list())["items"]
    assert namespace["metadata"]["name"] == "default"
    with pytest.raises(NotFound):
        await stage.north.client.cluster(stage.tenant.cluster).resource(NAMESPACES).get("kube-system")
