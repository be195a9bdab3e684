"""What is divided of Jobs and of kinds that declare rules."""

from __future__ import annotations

from tests.integration.scheduling.ground import EXPORTS, SCHEMAS, Ground, eventually, states
from tests.integration.scheduling.test_status import JOBS, placed
from tests.integration.scheduling.test_synctargets import export, schema

from headwater.apis.placement.v1alpha1.placement import PLACEMENTS
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apis.workload.coordination import COORDINATION_ANNOTATION
from headwater.apis.workload.scheduled import without_scheduled
from headwater.base import jsonio
from headwater.machinery.conditions import get_condition
from headwater.machinery.gvk import GroupVersionResource
from headwater.virtual.scheduling.explanation import history_of


async def test_parts_of_a_job(ground: Ground) -> None:
    """Its completions are shared out once; it is complete when all parts are."""
    space = await placed(ground, "one", "two", replicas={"mode": "Divided", "weights": {"one": 3, "two": 1}})
    pod = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox"}]}}
    spec = {"template": pod, "completions": 8, "parallelism": 4}
    jobs = space.resource(JOBS, "default")
    await jobs.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "sum"}, "spec": spec})
    syncers = {each: await ground.syncer(space, each) for each in ("one", "two")}

    async def parts() -> dict[str, tuple[int, int]]:
        seen = {each: (await it.resource(space, JOBS).get("sum"))["spec"] for each, it in syncers.items()}
        return {each: (spec["parallelism"], spec["completions"]) for each, spec in seen.items()}

    await eventually(parts, lambda found: found == {"one": (3, 6), "two": (1, 2)})
    done = {"startTime": "2026-01-01T00:00:00Z", "completionTime": "2026-01-01T00:05:00Z"}
    complete = [{"type": "Complete", "status": "True"}]
    for syncer in syncers.values():
        await syncer.claim(space, JOBS, "sum")
    await syncers["two"].report(space, JOBS, "sum", succeeded=2, conditions=complete, **done)
    found = await eventually(lambda: jobs.get("sum"), lambda obj: obj.get("status", {}).get("succeeded") == 2)
    assert "conditions" not in without_scheduled(found["status"])
    await jobs.patch("sum", {"spec": {"parallelism": 8}})
    await eventually(parts, lambda found: found == {"one": (6, 6), "two": (2, 2)})
    await syncers["one"].report(space, JOBS, "sum", succeeded=6, conditions=complete, **done)
    found = await eventually(
        lambda: jobs.get("sum"), lambda obj: (without_scheduled(obj["status"]) or {}).get("conditions") == complete
    )
    assert (found["status"]["succeeded"], found["status"]["completionTime"]) == (8, done["completionTime"])
    told = await eventually(lambda: jobs.get("sum"), lambda obj: get_condition(obj, "Scheduled") is not None)
    await space.resource(SYNC_TARGETS).patch("two", {"spec": {"evictAfter": "2020-01-01T00:00:00Z"}})
    await syncers["two"].let_go(space, JOBS, "sum")
    left = await eventually(lambda: jobs.get("sum"), lambda obj: list(states(obj)) == [space.key("one")])
    await space.resource(SYNC_TARGETS).patch("two", {"spec": {"evictAfter": None}})
    bad = {"matchExpressions": [{"key": "name", "operator": "In"}]}
    await space.condition(PLACEMENTS, "all", "Scheduled", "True")
    await space.resource(PLACEMENTS).patch("all", {"spec": {"locationSelector": bad}})
    await space.condition(PLACEMENTS, "all", "Ready", "False", "InvalidSelector")
    await ground.skip(10)
    still = await jobs.get("sum")
    assert [each["targets"] for each in history_of(still)] == [["one", "two"], ["one"]], "it comes to no target again"
    assert still["status"] == told["status"], "what has ended is not placed any more, and keeps what it came to"
    assert still["metadata"]["annotations"].keys() == left["metadata"]["annotations"].keys()


async def test_a_declared_number_is_divided(ground: Ground) -> None:
    makers, space = await ground.workspace("makers", compute=False), await ground.workspace("west")
    cats = schema("cats")
    for version in cats["spec"]["versions"]:
        version["schema"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        version["subresources"] = {"status": {}}
    await makers.resource(SCHEMAS).create(cats)
    rule = {
        "group": "example.io",
        "resource": "cats",
        "replicasPath": "spec.litter.size",
        "readyPath": "status.fed",
        "status": [{"fieldPath": "status.fed", "combine": "sum"}],
    }
    offer = export(cats)
    offer["metadata"]["annotations"][COORDINATION_ANNOTATION] = jsonio.dumps([rule]).decode()
    await makers.resource(EXPORTS).create(offer)
    await space.bind(makers.path, "things")
    both = [{"path": "root:compute", "export": "kubernetes"}, {"path": makers.path, "export": "things"}]
    for each in ("one", "two"):
        await space.target(each, supportedAPIExports=both)
    await space.place(targets={"min": 2, "max": 2}, replicas={"mode": "Divided"})
    await space.chosen("one", "two")
    gvr = GroupVersionResource("example.io", "v1", "cats")
    body = {"apiVersion": "example.io/v1", "kind": "Cat", "metadata": {"name": "tom"}, "spec": {"litter": {"size": 6}}}
    await space.resource(gvr, "default").create(body)
    syncers = [await ground.syncer(space, each) for each in ("one", "two")]

    async def sizes() -> list[int]:
        return [(await it.resource(space, gvr).get("tom"))["spec"]["litter"]["size"] for it in syncers]

    await eventually(sizes, lambda found: found == [3, 3])
    await space.resource(gvr, "default").patch("tom", {"spec": {"litter": {"size": 10}}})
    await eventually(sizes, lambda found: found == [5, 5])
