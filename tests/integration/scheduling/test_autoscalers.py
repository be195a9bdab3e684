"""Autoscalers of workloads whose replicas are divided."""

from __future__ import annotations

from tests.integration.scheduling.ground import DEPLOYMENTS, Ground, deployment, eventually
from tests.integration.scheduling.test_division import shares
from tests.integration.scheduling.test_status import placed

from headwater.apis.placement.v1alpha1.placement import PLACEMENTS
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, annotations

AUTOSCALERS = GroupVersionResource("autoscaling", "v2", "horizontalpodautoscalers")
SPEC_DIFF = "experimental.spec-diff.workload.kcp.io/"


def autoscaler(name: str, low: int, high: int) -> Object:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    spec = {"scaleTargetRef": reference, "minReplicas": low, "maxReplicas": high}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name}, "spec": spec}


async def test_each_target_gets_its_part_of_the_bounds(ground: Ground) -> None:
    """They follow autoscaler and division, go with it, and leave what a user changes for one target alone."""
    space = await placed(ground, "one", "two", replicas={"mode": "Divided", "weights": {"one": 3, "two": 1}})
    autoscalers = space.resource(AUTOSCALERS, "default")
    await space.resource(DEPLOYMENTS, "default").create(deployment("web", 8))
    await autoscalers.create(autoscaler("web", 4, 12))
    syncers = {each: await ground.syncer(space, each) for each in ("one", "two")}

    async def bounds() -> dict[str, tuple[int, int]]:
        found = {}
        for name, syncer in syncers.items():
            spec = (await syncer.resource(space, AUTOSCALERS).get("web"))["spec"]
            found[name] = (spec["minReplicas"], spec["maxReplicas"])
        return found

    await eventually(bounds, lambda found: found == {"one": (3, 9), "two": (1, 3)})
    await autoscalers.patch("web", {"spec": {"maxReplicas": 20}})
    await eventually(bounds, lambda found: found == {"one": (3, 15), "two": (1, 5)})
    weights = {"one": 1, "two": 1}
    await space.resource(PLACEMENTS).patch("all", {"spec": {"replicas": {"weights": weights}}})
    await shares(space, {"one": 4, "two": 4})
    await eventually(bounds, lambda found: found == {"one": (2, 10), "two": (2, 10)})
    note = SPEC_DIFF + space.key("one")
    own = '[{"op":"add","path":"/behavior","value":{"scaleDown":{"stabilizationWindowSeconds":60}}}]'
    await autoscalers.patch("web", {"metadata": {"annotations": {note: own}}})
    await eventually(bounds, lambda found: found == {"one": (2, 10), "two": (2, 10)})
    view = await syncers["one"].resource(space, AUTOSCALERS).get("web")
    assert view["spec"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 60
    await space.resource(PLACEMENTS).patch("all", {"spec": {"replicas": {"mode": "Duplicated"}}})
    await eventually(bounds, lambda found: found == {"one": (4, 20), "two": (4, 20)})
    left = annotations(await autoscalers.get("web"))
    assert {key: text for key, text in left.items() if key.startswith(SPEC_DIFF)} == {note: own}
