"""Several pclusters run one object: shares, specs of their own, and whose status is shown (S14, V5 to V8)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.e2e.harness import PLATFORM, wait_for
from tests.e2e.scheduling import manifests
from tests.e2e.scheduling.api import Api, Object
from tests.e2e.scheduling.stage import Stage, Tenant, notes_of, states

pytestmark = pytest.mark.e2e
SPEC_DIFF = "experimental.spec-diff.workload.kcp.io/"
STATUS_DIFF = "diff.syncer.internal.kcp.io/"
SUMMARIZING = "experimental.summarizing.workload.kcp.io"
HALVES = {"min": 2, "max": 2}


@pytest.fixture
def ranch(stage: Stage, request: pytest.FixtureRequest) -> Iterator[Tenant]:
    """A workspace with cowboys bound, named after the test."""
    tenant = stage.tenant(request.node.name.removeprefix("test_").replace("_", "-")[:40].strip("-"), compute=False)
    tenant.bind(PLATFORM, "wildwest")
    yield tenant


def views(stage: Stage, pcluster: str, tenant: Tenant) -> Api:
    """A tenant's workspace as the syncer of a pcluster sees it, with the syncer's own account."""
    meta = (stage.platform.find("synctargets", pcluster) or {})["metadata"]
    base = f"/services/syncer/{meta['annotations']['kcp.io/cluster']}/{pcluster}/{meta['uid']}"
    return Api(stage.stack.credential_kubeconfig(pcluster)).at(f"{base}/clusters/{tenant.cluster}")


def report(tenant: Tenant, pcluster: str, name: str, result: str) -> None:
    """A controller of the pcluster writes the status of a cowboy there."""
    home = str(tenant.home(pcluster))
    api = tenant.stage.pclusters[pcluster]
    api.patch("cowboys", name, {"status": {"result": result}}, home, "status")


def shown(obj: Object | None) -> object:
    """The status of a cowboy."""
    return ((obj or {}).get("status") or {}).get("result")


def test_replicas_are_divided_and_added_up(stage: Stage) -> None:
    """S14: two workspaces, 4 and 8 replicas, half of them on each pcluster, and the workspace sees them all.

    kcp's coordinator is a program beside the server; here a Placement says that replicas are divided.
    """
    tenants = {replicas: stage.tenant(f"s14-{replicas}") for replicas in (4, 8)}
    for replicas, tenant in tenants.items():
        tenant.place("all", "east", "west", targets=HALVES, replicas={"mode": "Divided"})
        tenant.apply(manifests.deployment("web", replicas))
    for replicas, tenant in tenants.items():
        tenant.runs("web", east=replicas // 2, west=replicas // 2)
        tenant.kubectl("rollout", "status", "deployment/web", "--timeout=60s")

        def summed(obj: Object, total: int = replicas) -> bool:
            return bool((obj.get("status") or {}).get("availableReplicas") == total)

        found = tenant.until("deployments", "web", summed)
        assert found["spec"]["replicas"] == replicas
        for pcluster in ("east", "west"):
            key = stage.keys[pcluster]
            diff = json.loads(notes_of(found)[SPEC_DIFF + key])
            assert [(each["path"], each["value"]) for each in diff] == [("/replicas", replicas // 2)]
            reported = json.loads(notes_of(found)[STATUS_DIFF + key])["status"]
            assert reported["availableReplicas"] == replicas // 2


def test_scale_acts_on_the_whole(stage: Stage) -> None:
    """S14, further: the scale subresource shows and sets the replicas of all pclusters together."""
    tenant = stage.tenant("scale")
    tenant.place("all", "east", "west", targets=HALVES, replicas={"mode": "Divided"})
    tenant.apply(manifests.deployment("web", 2))
    tenant.runs("web", east=1, west=1)
    tenant.kubectl("scale", "deployment", "web", "--current-replicas=2", "--replicas=6")
    tenant.runs("web", east=3, west=3)
    path = "/apis/apps/v1/namespaces/default/deployments/web/scale"

    def scale() -> tuple[int, int]:
        found = tenant.api.request("GET", path)
        return found["spec"]["replicas"], found["status"]["replicas"]

    wait_for("the scale shows all", lambda: scale() == (6, 6))
    tenant.kubectl("scale", "deployment", "web", "--replicas=0")
    tenant.runs("web", east=0, west=0)


def test_never_promoted_from_two(ranch: Tenant, stage: Stage) -> None:
    """V5: of a kind that nobody can summarise, each pcluster sees its own status and the workspace none."""
    ranch.place("north-side", "east")
    ranch.place("south-side", "west")
    ranch.apply(manifests.cowboy("luke"))
    ranch.holds("cowboys", "luke", "east", "west")
    for pcluster in ("east", "west"):
        ranch.comes_down(pcluster, "cowboys", "luke")
        report(ranch, pcluster, "luke", f"seen in the {pcluster}")
    for pcluster in ("east", "west"):
        ranch.until(
            "cowboys", "luke", lambda obj, said=f"seen in the {pcluster}": shown(obj) == said,
            api=views(stage, pcluster, ranch),
        )  # fmt: skip
    assert shown(ranch.api.find("cowboys", "luke", "default")) is None


def test_promoted_again_after_a_move(ranch: Tenant, stage: Stage) -> None:
    """V6: the status of the only pcluster is shown, stays while there are two, and becomes that of the one left."""
    ranch.place("first", "east")
    ranch.apply(manifests.cowboy("luke"))
    ranch.comes_down("east", "cowboys", "luke")
    report(ranch, "east", "luke", "east")
    ranch.until("cowboys", "luke", lambda obj: shown(obj) == "east")
    assert shown(views(stage, "east", ranch).find("cowboys", "luke", "default")) == "east"
    ranch.place("second", "west")
    ranch.holds("cowboys", "luke", "east", "west")
    ranch.comes_down("west", "cowboys", "luke")
    report(ranch, "west", "luke", "west")
    west = views(stage, "west", ranch)
    ranch.until("cowboys", "luke", lambda obj: shown(obj) == "west", api=west)
    assert shown(views(stage, "east", ranch).find("cowboys", "luke", "default")) == "east"
    assert shown(ranch.api.find("cowboys", "luke", "default")) == "east"
    ranch.kubectl("delete", "placement", "first")
    ranch.goes("east", "cowboys", "luke")
    left = ranch.until("cowboys", "luke", lambda obj: states(obj) == {stage.keys["west"]: "Sync"})
    assert views(stage, "east", ranch).find("cowboys", "luke", "default") is None
    assert not [note for note in notes_of(left) if note.endswith(stage.keys["east"])]
    ranch.until("cowboys", "luke", lambda obj: shown(obj) == "west")
    assert shown(west.find("cowboys", "luke", "default")) == "west"


def test_a_spec_of_ones_own(ranch: Tenant, stage: Stage) -> None:
    """V7: a spec diff changes what one pcluster runs, and nothing in the workspace or elsewhere."""
    diff = [{"op": "replace", "path": "/intent", "value": "yodel"}]
    ranch.place("all", "east", "west", targets=HALVES)
    ranch.apply(manifests.cowboy("luke", **{SPEC_DIFF + stage.keys["east"]: json.dumps(diff)}))
    assert ranch.comes_down("east", "cowboys", "luke")["spec"] == {"intent": "yodel", "songs": 3}
    assert ranch.comes_down("west", "cowboys", "luke")["spec"] == {"intent": "sing", "songs": 3}
    assert (ranch.api.find("cowboys", "luke", "default") or {})["spec"]["intent"] == "sing"
    ranch.kubectl("patch", "cowboy", "luke", "--type=merge", "-p", '{"spec": {"songs": 4}}')
    wait_for("both sing more", lambda: all(songs(ranch, each) == 4 for each in ("east", "west")))
    ranch.kubectl("annotate", "cowboy", "luke", f"{SPEC_DIFF}{stage.keys['east']}-")
    ranch.until("cowboys", "luke", lambda obj: obj["spec"]["intent"] == "sing", str(ranch.home("east")),
                api=stage.pclusters["east"])  # fmt: skip


def songs(tenant: Tenant, pcluster: str) -> int:
    """How many songs the copy of luke on a pcluster is to sing."""
    found = tenant.below(pcluster, "cowboys", "luke") or {}
    return int(found["spec"]["songs"])


def test_a_rule_of_ones_own_for_the_status(ranch: Tenant, stage: Stage) -> None:
    """V8: with `promoteToUpstream: false` a report is kept for the pcluster that made it, and changes nothing else."""
    rule = [{"fieldPath": "status", "promoteToUpstream": False}]
    ranch.place("all", "east")
    ranch.apply(manifests.cowboy("luke", **{SUMMARIZING: json.dumps(rule)}))
    ranch.comes_down("east", "cowboys", "luke")
    report(ranch, "east", "luke", "happy")
    view = views(stage, "east", ranch)

    def both() -> tuple[Object, Object] | None:
        """The object as the pcluster's syncer sees it and as the workspace does, of one revision."""
        seen, upstream = (api.find("cowboys", "luke", "default") or {} for api in (view, ranch.api))
        same = seen["metadata"]["resourceVersion"] == upstream["metadata"]["resourceVersion"]
        return (seen, upstream) if same and shown(seen) == "happy" else None

    seen, upstream = wait_for("the report", both)
    assert shown(upstream) is None
    assert upstream["spec"] == seen["spec"]
    assert json.loads(notes_of(upstream)[STATUS_DIFF + stage.keys["east"]]) == {"status": {"result": "happy"}}
