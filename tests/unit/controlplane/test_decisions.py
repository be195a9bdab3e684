"""What is allowed is remembered, and forgotten as soon as it may be otherwise."""

from __future__ import annotations

import pytest
from tests.unit.controlplane.stores import Store

from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.authz.interface import Attributes, Decision
from headwater.controlplane.authorization import decisions
from headwater.controlplane.authorization.decisions import RememberedDecisions

ALICE = UserInfo("alice")


class Asked:
    """Allows some names only ("" for all), and counts the questions."""

    def __init__(self, *names: str) -> None:
        self.names = set(names)
        self.questions = 0

    async def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        self.questions += 1
        allowed = "" in self.names or attributes.name in self.names
        return (Decision.ALLOW, "yes") if allowed else (Decision.NO_OPINION, "no")


def of(name: str = "", *, user: UserInfo = ALICE, **rest: str) -> Attributes:
    return Attributes(user, "get", "c", resource="configmaps", namespace="d", name=name)._replace(**rest)


async def test_one_question_for_all_names() -> None:
    """What is allowed without a name is allowed with any."""
    asked = Asked("")
    remembered = RememberedDecisions(asked)
    for name in ("a", "b", "", "c"):
        assert await remembered.authorize(of(name)) == (Decision.ALLOW, "yes")
    assert asked.questions == 1


@pytest.mark.parametrize(
    "other",
    [
        of(verb="list"),
        of(cluster="d"),
        of(group="g"),
        of(resource="secrets"),
        of(subresource="status"),
        of(namespace="e"),
        of(path="/x"),
        of(user=UserInfo("alice")),
    ],
    ids=["verb", "cluster", "group", "resource", "subresource", "namespace", "path", "user"],
)
async def test_anything_else_is_another_question(other: Attributes) -> None:
    """Nothing that authorization looks at is left out; an equal user from elsewhere is another one."""
    asked = Asked("")
    remembered = RememberedDecisions(asked)
    await remembered.authorize(of())
    await remembered.authorize(other)
    assert asked.questions == 2


async def test_names_and_refusals_are_not_remembered() -> None:
    """A right on one name says nothing of others, and what is refused now may be allowed in a moment."""
    asked = Asked("mine")
    remembered = RememberedDecisions(asked)
    assert (await remembered.authorize(of("mine")))[0] is Decision.ALLOW
    assert (await remembered.authorize(of("other")))[0] is Decision.NO_OPINION
    assert (await remembered.authorize(of()))[0] is Decision.NO_OPINION
    assert len(remembered) == 0
    asked.names.add("other")
    assert (await remembered.authorize(of("other")))[0] is Decision.ALLOW


async def test_changes_make_it_forget(store: Store) -> None:
    """Each kind of object that a decision rests on."""
    asked = Asked("")
    remembered = RememberedDecisions(asked)
    await remembered.follow(store.state, store.caches)
    rbac = "rbac.authorization.k8s.io"
    resources = [(rbac, each) for each in ("clusterroles", "clusterrolebindings", "roles", "rolebindings")]
    resources += [("apis.kcp.io", "apibindings"), ("apis.kcp.io", "apiexports")]
    for group, resource in resources:
        await remembered.authorize(of())
        assert len(remembered) == 1
        await store.put(group, resource, "c", {"metadata": {"name": "x"}})
        assert len(remembered) == 0, resource
    await remembered.authorize(of())
    await store.logical_cluster("c", "root:c")
    assert len(remembered) == 0


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "MAX_DECISIONS", 3)
    remembered = RememberedDecisions(Asked(""))
    for number in range(10):
        await remembered.authorize(of(namespace=str(number)))
    assert len(remembered) <= 3


async def test_a_change_during_the_question_counts() -> None:
    """An answer that was on its way while things changed is given, but not remembered."""

    class Changing(Asked):
        async def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
            answer = await super().authorize(attributes)
            remembered.forget()
            return answer

    remembered = RememberedDecisions(Changing(""))
    assert (await remembered.authorize(of()))[0] is Decision.ALLOW
    assert len(remembered) == 0
