"""What a SyncTarget remembers of how its syncer is to run."""

from __future__ import annotations

import pytest

from headwater.apis.sync.v1alpha1.synctarget import SYNCER_CHOICES_ANNOTATION
from headwater.base import jsonio
from headwater.cli.failure import CommandFailed
from headwater.cli.synctarget.choices import SyncerChoices, remembered
from headwater.cli.tenantflags import TenantFlags
from headwater.machinery.objects import Object

ALL = SyncerChoices(
    tenants=TenantFlags("hw:1", "k8s.example", True, ("10.0.0.0/8",)),
    namespace="kcp",
    image="registry.example/headwater:1",
    replicas=2,
    kcp_namespace="accounts",
)


def target(text: str | None) -> Object:
    notes = {} if text is None else {SYNCER_CHOICES_ANNOTATION: text}
    return {"metadata": {"name": "east", "annotations": notes}}


@pytest.mark.parametrize(
    "choices",
    [
        ALL,
        SyncerChoices(),
        SyncerChoices(replicas=0),
        SyncerChoices(tenants=TenantFlags(dns_image="", isolate_tenants=False)),
    ],
    ids=["all", "nothing", "no replica", "taken back"],
)
def test_what_is_remembered_comes_back(choices: SyncerChoices) -> None:
    assert remembered(target(choices.remember())) == choices


def test_as_it_is_written() -> None:
    """Only what was said, in an order that does not change."""
    assert SyncerChoices().remember() is None
    choices = SyncerChoices(replicas=3, tenants=TenantFlags(isolate_tenants=True))
    assert choices.remember() == '{"isolateTenants":true,"replicas":3}'


def test_what_is_said_now_counts() -> None:
    """And what is "" is by default again; what another version remembers is kept."""
    before = remembered(target(jsonio.dumps({**jsonio.loads(ALL.remember() or ""), "colour": "red"}).decode()))
    after = SyncerChoices(image="", namespace="other", tenants=TenantFlags(isolate_tenants=False)).over(before)
    assert after == SyncerChoices(
        tenants=TenantFlags("hw:1", "k8s.example", False, None),
        namespace="other",
        replicas=2,
        kcp_namespace="accounts",
        unknown={"colour": "red"},
    )
    assert jsonio.loads(after.remember() or "")["colour"] == "red"
    assert SyncerChoices().over(before) == before


def test_a_new_sync_target_remembers_nothing_that_was_taken_back() -> None:
    taken_back = TenantFlags(dns_image="", isolate_tenants=False)
    assert SyncerChoices(image="", tenants=taken_back).at_first() == SyncerChoices()
    with pytest.raises(CommandFailed, match="--pod-cidrs needs --isolate-tenants"):
        SyncerChoices(tenants=TenantFlags(pod_cidrs=("10.0.0.0/8",))).at_first()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "can't be read: "),
        ("[]", "is not an object"),
        ('{"replicas":true}', "replicas is no int"),
        ('{"image":null}', "image is no str"),
        ('{"isolateTenants":"yes"}', "isolateTenants is no bool"),
        ('{"podCIDRs":["10.0.0.0/33"]}', "--pod-cidrs: '10.0.0.0/33'"),
    ],
)
def test_what_can_not_be_read_is_refused(text: str, message: str) -> None:
    """To go on without it would take the choices back in silence."""
    with pytest.raises(CommandFailed, match=message):
        remembered(target(text))
