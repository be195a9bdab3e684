"""A resource that the pcluster takes away for a moment is not told to the scheduler, and one that stays away is."""

from __future__ import annotations

import pytest
from tests.unit.syncer.test_choose import DEPLOYMENTS, ENTRY, GRANTED, served

from headwater.base.clock import ManualClock
from headwater.client.discovery import Discovery
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object
from headwater.syncer.schemas import Verdict
from headwater.syncer.target.choose import ALWAYS_SYNCED, judged_resources, wanted_resources
from headwater.syncer.target.losses import PATIENCE_SECONDS, Losses
from headwater.syncer.target.rights import Rights

SECRETS = GroupVersionResource("", "v1", "secrets")
SYNCED = {gvr.group_resource: gvr for gvr in (*ALWAYS_SYNCED, DEPLOYMENTS)}
NO_SECRETS: Rights = {**GRANTED, SECRETS: ("get",)}


class Looks:
    """What the follower makes of one look after another."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self._losses = Losses(self.clock)
        self.entry: Object = ENTRY
        self.synced = dict(SYNCED)
        self.soon = False

    def look(self, found: Discovery, rights: Rights, refusal: str = "") -> None:
        verdicts = {DEPLOYMENTS: Verdict(refusal)} if refusal else {}
        seen, lent, self.soon = self._losses.bear([self.entry], found, rights, verdicts, self.synced)
        [self.entry] = judged_resources([self.entry], seen, lent, verdicts)
        self.synced = wanted_resources([self.entry], seen, lent, verdicts, self.synced)


@pytest.mark.parametrize(
    ("found", "rights"),
    [
        pytest.param(served(), GRANTED, id="not served"),
        pytest.param(served(DEPLOYMENTS), {DEPLOYMENTS: ("get", "list")}, id="no rights"),
    ],
)
def test_what_comes_back_was_never_away(found: Discovery, rights: Rights) -> None:
    looks = Looks()
    for _ in range(3):
        looks.look(found, rights)
        assert (looks.entry, looks.synced, looks.soon) == (ENTRY, SYNCED, True)
        looks.clock.advance(PATIENCE_SECONDS - 1)
        looks.look(served(DEPLOYMENTS), GRANTED)
        assert (looks.entry, looks.synced, looks.soon) == (ENTRY, SYNCED, False)
    looks.look(found, rights)
    looks.clock.advance(PATIENCE_SECONDS)
    looks.look(found, rights)
    assert looks.entry["state"] == "Incompatible"
    assert DEPLOYMENTS.group_resource not in looks.synced
    assert not looks.soon
    looks.look(found, rights)
    assert looks.entry["state"] == "Incompatible"


def test_rights_on_what_every_target_syncs_are_borne_too() -> None:
    looks = Looks()
    looks.look(served(DEPLOYMENTS), NO_SECRETS)
    assert looks.synced == SYNCED
    looks.clock.advance(PATIENCE_SECONDS)
    looks.look(served(DEPLOYMENTS), NO_SECRETS)
    assert SECRETS.group_resource not in looks.synced


def test_each_absence_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    """There is a look every two seconds."""
    looks = Looks()
    told: list[int] = []
    for rights in (NO_SECRETS, NO_SECRETS, GRANTED, NO_SECRETS):
        looks.look(served(DEPLOYMENTS), rights)
        told.append(capsys.readouterr().err.count("synced resources are away"))
    assert told == [1, 0, 0, 1]


def test_another_schema_is_no_absence() -> None:
    """It is there, and takes something else."""
    looks = Looks()
    looks.look(served(DEPLOYMENTS), GRANTED, refusal="spec.paused: is missing")
    assert looks.entry["state"] == "Incompatible"
    assert not looks.soon
