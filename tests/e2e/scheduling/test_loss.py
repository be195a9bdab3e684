"""Pclusters that are lost, come back, flap or are slow: what should stay stays, and nothing moves to and fro."""

from __future__ import annotations

import signal

import pytest
from tests.e2e.harness import wait_for
from tests.e2e.scheduling import manifests
from tests.e2e.scheduling.floor import ReadyFloor
from tests.e2e.scheduling.stage import Stage, condition, states

pytestmark = pytest.mark.e2e
NO_GRACE = {"graceSeconds": 1}


def test_a_lost_pcluster_is_replaced_and_its_return_changes_nothing(stage: Stage, floor: ReadyFloor) -> None:
    """After the grace another pcluster runs the workload; the lost one's copy goes when its syncer is back."""
    tenant = stage.tenant("loss")
    tenant.place("all", "east", eviction=NO_GRACE)
    settings = manifests.config_map("lost-settings")
    tenant.apply(settings, manifests.deployment("lost", 3, config_maps=["lost-settings"]))
    tenant.runs("lost", east=3)
    tenant.kubectl("patch", "placement", "all", "--type=merge", "-p", '{"spec": {"locationSelector": {"names": null}}}')
    floor.hold("lost", 3)
    stage.syncer("east").kill()
    stage.ready("east", "False")
    wait_for("replaced", lambda: sum(floor.where("lost").values()) == 6)
    second = tenant.chosen()[0]
    assert second != "east"
    assert floor.where("lost") == {"east": 3, second: 3}, "what runs on a pcluster that can't be reached stays there"
    replacement = tenant.identity(second, "lost")
    tenant.until("deployments", "lost", lambda obj: (obj.get("status") or {}).get("readyReplicas") == 3)
    stage.start_syncer("east")
    tenant.goes("east", "deployments", "lost")
    tenant.goes("east", "configmaps", "lost-settings")
    tenant.runs("lost", **{second: 3})
    floor.check(lost=3)
    assert tenant.chosen() == [second]
    assert tenant.identity(second, "lost") == replacement
    tenant.holds("deployments", "lost", second)


def test_a_pcluster_that_flaps_within_its_grace_keeps_everything(stage: Stage, floor: ReadyFloor) -> None:
    """Down long enough to be reported and up again, several times: not one pod is another one afterwards."""
    tenant = stage.tenant("flapping")
    tenant.place("all", "east", "west", targets={"min": 1, "max": 1})
    tenant.apply(manifests.deployment("steady", 3))
    floor.hold("steady", 3)
    home = tenant.chosen()[0]
    before = tenant.identity(home, "steady")
    for _ in range(2):
        stage.syncer(home).kill()
        stage.ready(home, "False")
        assert tenant.chosen() == [home]
        stage.start_syncer(home)
    assert tenant.chosen() == [home]
    assert tenant.identity(home, "steady") == before
    assert states(tenant.holds("deployments", "steady", home)) == {stage.keys[home]: "Sync"}
    floor.check(steady=3)


def test_the_only_pcluster_is_not_given_up(stage: Stage, floor: ReadyFloor) -> None:
    """Without another one to take over nothing is taken off a lost pcluster, whatever the grace; it goes on there."""
    tenant = stage.tenant("only")
    tenant.place("all", "west", eviction={"graceSeconds": 0})
    tenant.apply(manifests.deployment("lonely", 2), manifests.config_map("lonely-settings"))
    tenant.comes_down("west", "configmaps", "lonely-settings")
    floor.hold("lonely", 2)
    before = tenant.identity("west", "lonely")
    stage.syncer("west").kill()
    stage.ready("west", "False")
    said = tenant.judged("placements", "all", "Scheduled", "False", namespace="")
    assert "west" in condition(said, "Scheduled")["message"]
    assert tenant.chosen() == ["west"]
    tenant.kubectl("scale", "deployment", "lonely", "--replicas=4")
    stage.start_syncer("west")
    tenant.runs("lonely", west=4)
    floor.check(lonely=2)
    assert before.items() <= tenant.identity("west", "lonely").items()


def test_slow_heartbeats_and_a_slow_network_move_nothing(stage: Stage, floor: ReadyFloor) -> None:
    """An agent that stands still for less than the threshold, and a pcluster that answers late and wrongly."""
    tenant = stage.tenant("slow")
    tenant.place("all", "east", "west", eviction={"graceSeconds": 0})
    tenant.apply(manifests.deployment("patient", 2))
    floor.hold("patient", 2)
    home = tenant.chosen()[0]
    before = tenant.identity(home, "patient")
    stage.trouble(home, latency_ms=300, jitter_ms=300, error_share=0.1)
    process = stage.syncer(home).process
    assert process is not None
    for replicas in (3, 4):
        last = stage.heartbeat(home)
        process.send_signal(signal.SIGSTOP)
        # Without kubectl, whose start may take longer than the threshold.
        tenant.api.patch("deployments", "patient", {"spec": {"replicas": replicas}}, "default")
        process.send_signal(signal.SIGCONT)
        wait_for("the next heartbeat", lambda last=last: stage.heartbeat(home) != last)
    stage.trouble(home)
    tenant.runs("patient", **{home: 4})
    assert tenant.chosen() == [home]
    assert before.items() <= tenant.identity(home, "patient").items()
    floor.check(patient=2)


def test_what_is_deleted_while_a_pcluster_is_away_goes_with_its_return(stage: Stage) -> None:
    """The object and its finalizer wait for the lost pcluster; everything else there stays as it was."""
    tenant = stage.tenant("deleted-away")
    tenant.place("all", "north")
    tenant.apply(manifests.config_map("stays"), manifests.config_map("goes"))
    kept = tenant.comes_down("north", "configmaps", "stays")
    tenant.comes_down("north", "configmaps", "goes")
    stage.syncer("north").kill()
    tenant.kubectl("delete", "configmap", "goes", "--wait=false")
    waiting = tenant.api.find("configmaps", "goes", "default") or {}
    assert waiting["metadata"]["deletionTimestamp"]
    assert tenant.below("north", "configmaps", "goes")
    stage.start_syncer("north")
    tenant.goes("north", "configmaps", "goes")
    wait_for("gone upstream", lambda: tenant.api.find("configmaps", "goes", "default") is None)
    left = tenant.comes_down("north", "configmaps", "stays")
    assert left["metadata"]["uid"] == kept["metadata"]["uid"]


def test_a_change_of_mind_while_a_pcluster_is_away(stage: Stage, floor: ReadyFloor) -> None:
    """Told to go and called back while its syncer is away, a workload was never touched when that returns."""
    tenant = stage.tenant("away-mind")
    tenant.place("all", "north")
    tenant.apply(manifests.deployment("untouched", 2))
    floor.hold("untouched", 2)
    before = tenant.identity("north", "untouched")
    stage.syncer("north").kill()
    tenant.api.patch("placements", "all", {"spec": {"locationSelector": {"names": ["nowhere"]}}})
    tenant.until("deployments", "untouched", lambda obj: states(obj) == {stage.keys["north"]: "Sync-"})
    tenant.api.patch("placements", "all", {"spec": {"locationSelector": {"names": ["north"]}}})
    stage.start_syncer("north")
    tenant.kubectl("scale", "deployment", "untouched", "--replicas=3")
    tenant.runs("untouched", north=3)
    assert before.items() <= tenant.identity("north", "untouched").items()
    floor.check(untouched=2)


def test_a_pcluster_that_does_not_answer_its_syncer_is_lost_too(stage: Stage, floor: ReadyFloor) -> None:
    """The agent is well and says so, the pcluster behind it is cut off: that is a loss like any other, and a return."""
    tenant = stage.tenant("cut-off")
    tenant.place("all", "east", eviction=NO_GRACE)
    tenant.apply(manifests.deployment("reached", 2))
    floor.hold("reached", 2)
    tenant.api.patch("placements", "all", {"spec": {"locationSelector": {"names": ["east", "west"]}}})
    stage.trouble("east", partition=True)
    stage.ready("east", "False")
    wait_for("replaced", lambda: floor.where("reached").get("west") == 2)
    stage.trouble("east")
    stage.ready("east")
    tenant.runs("reached", west=2)
    floor.check(reached=2)
