"""Properties of decisions over random worlds."""

from __future__ import annotations

from hypothesis import given, settings
from tests.unit.scheduling.fleets import NOW, settle_homes, world
from tests.unit.scheduling.random_fleets import values
from tests.unit.scheduling.reference import Reference

from headwater.scheduling.assign import assign, assign_all, begin, record
from headwater.scheduling.explain import explain
from headwater.scheduling.filters import reject
from headwater.scheduling.home import choose_home
from headwater.scheduling.model import Policy, Target
from headwater.scheduling.workload import Workload
from headwater.scheduling.world import World

Values = list[Target | Policy | Workload]
RUNS = settings(max_examples=120, deadline=None)
MAY_STAY = {"InsufficientCapacity", "Evicting", "NotReady", "Tainted"}
"""What may be said of a target that keeps its workload: the last three of a time to come."""


def settled(made: World, rounds: int = 20) -> World:
    """Decide all until nothing changes any more."""
    settle_homes(made)
    for _ in range(rounds):
        before = state(made)
        assign_all(made, made.workloads(), NOW)
        if state(made) == before:
            return made
    raise AssertionError("never comes to rest")


def state(made: World) -> dict[str, dict[str, int]]:
    return {each: dict(workload_of(made, each).current) for each in made.workloads()}


def workload_of(made: World, workload_id: str) -> Workload:
    found = made.workload(workload_id)
    assert found is not None
    return found


def policies_of(made: World, workload: Workload) -> list[Policy]:
    return [policy for uid in workload.policies if (policy := made.policy(uid)) is not None]


@RUNS
@given(values())
def test_independent_of_order(given_values: Values) -> None:
    """The same values in another order, and with detours, come to the same decisions."""
    shuffled = sorted(given_values, key=repr)
    one, other = world(*given_values), world(*shuffled, *shuffled)
    settle_homes(one)
    settle_homes(other)
    assert one.policies() == other.policies()
    assert assign_all(one, one.workloads(), NOW) == assign_all(other, reversed(list(other.workloads())), NOW)
    assert [one.requested(each.key) for each in one.targets()] == [
        other.requested(each.key) for each in other.targets()
    ]


@RUNS
@given(values())
def test_nothing_changes_without_a_cause(given_values: Values) -> None:
    """Deciding again changes nothing: for one Placement at once, for several when all has come to rest."""
    made = world(*given_values)
    settle_homes(made)
    for workload_id in sorted(made.workloads()):
        first = assign(made, workload_id, NOW)
        record(made, workload_id, first)
        again = assign(made, workload_id, NOW)
        if len(workload_of(made, workload_id).policies) == 1:
            assert (again.shares, again.unplaced, again.short) == (first.shares, first.unplaced, first.short)
    settled(made)
    homes = {each.uid: set(each.current) for each in made.policies()}
    settle_homes(made)
    assert {each.uid: set(each.current) for each in made.policies()} == homes


@RUNS
@given(values())
def test_constraints_hold(given_values: Values) -> None:
    """Newcomers come only where a Placement lets them, never too many, and never over-commit anything.

    What others are leaving is not free for them, nor what they leave themselves for others.
    """
    made = world(*given_values)
    settle_homes(made)
    for workload_id in sorted(made.workloads()):
        before = workload_of(made, workload_id)
        policies = policies_of(made, before)
        given_to = assign(made, workload_id, NOW)
        begin(made, workload_id, given_to)
        assert len(given_to.shares) <= sum(policy.maximum for policy in policies)
        if all(policy.divided for policy in policies):
            assert sum(given_to.shares.values()) + given_to.unplaced == before.replicas
        for key, replicas in given_to.shares.items():
            target = made.target(key)
            assert target is not None
            if key not in before.current:
                assert any(may_come(policy, target) for policy in policies)
            kept_whole = key in before.current and not all(policy.divided for policy in policies)
            if replicas > before.charged.get(key, 0) and not kept_whole:
                free = made.free(key) or {}
                assert all(free.get(resource, 0) >= 0 for resource in before.request)


@RUNS
@given(values())
def test_divided_replicas_are_on_enough_targets(given_values: Values) -> None:
    """Shares are on `targets.min` targets, or it is said; by weights only where no other could have taken one."""
    made = world(*given_values)
    settle_homes(made)
    for workload_id in sorted(made.workloads()):
        before = workload_of(made, workload_id)
        policies = policies_of(made, before)
        given_to = assign(made, workload_id, NOW)
        assert bool(given_to.reasons) >= bool(given_to.unplaced or given_to.short)
        if len(policies) == 1 and policies[0].divided:
            policy = policies[0]
            used = sum(replicas > 0 for replicas in given_to.shares.values())
            assert given_to.short == max(min(policy.minimum, before.replicas) - used, 0)
            if given_to.short and policy.divide_by == "Weights" and max(given_to.shares.values(), default=0) > 1:
                weights = {key: policy.weights.get(key.removeprefix("key-"), 0) for key in given_to.shares}
                idle = [key for key, replicas in given_to.shares.items() if not replicas and weights[key]]
                assert not any(room_for_one(made, before, policy, key) for key in idle)
        record(made, workload_id, given_to)


def room_for_one(made: World, workload: Workload, policy: Policy, key: str) -> bool:
    target = made.target(key)
    assert target is not None
    return may_come(policy, target) and made.room(key, workload) > 0


def may_come(policy: Policy, target: Target) -> bool:
    selected = policy.target_selector.matches(target.labels)
    return selected and reject(target, policy, NOW, in_use=False) is None


@RUNS
@given(values())
def test_movement_is_least(given_values: Values) -> None:
    """A target in use that may stay is left only when the Placements that let it stay have enough others in use."""
    made = world(*given_values)
    settle_homes(made)
    for workload_id in sorted(made.workloads()):
        workload = workload_of(made, workload_id)
        after = assign(made, workload_id, NOW).shares
        for policy in policies_of(made, workload):
            staying = {
                target.key
                for target in made.targets()
                if target.key in workload.current
                and policy.target_selector.matches(target.labels)
                and reject(target, policy, NOW, in_use=True) is None
            }
            if staying - set(after):
                assert len(staying & set(after)) >= policy.maximum


@RUNS
@given(values())
def test_explain_agrees(given_values: Values) -> None:
    """What is explained as chosen is what is assigned; every other target has a reason."""
    made = world(*given_values)
    settle_homes(made)
    for workload_id in sorted(made.workloads()):
        explanation = explain(made, workload_id, NOW)
        expected = assign(made, workload_id, NOW, rejections=True)
        assert explanation.assignment == expected
        used = {
            verdict.target.key: verdict.replicas
            for verdict in explanation.verdicts
            if verdict.decision in ("Chosen", "Kept", "Held")
        }
        assert used == expected.shares
        current = workload_of(made, workload_id).current
        for verdict in explanation.verdicts:
            told = {reason.reason for reason in verdict.reasons}
            if verdict.decision in ("Chosen", "Kept"):
                assert told <= (MAY_STAY if verdict.decision == "Kept" else set())
            else:
                assert told
            assert (verdict.decision in ("Kept", "Held")) <= (verdict.target.key in current)
        first = {rejection.target.key: rejection.reason for rejection in expected.rejections}
        for verdict in explanation.verdicts:
            if verdict.target.key in first and len(explanation.placements) == 1 and verdict.location is not None:
                told = {reason.reason for reason in verdict.reasons}
                assert first[verdict.target.key] in told or "TargetNotSelected" in told


@RUNS
@given(values())
def test_arrays_decide_as_plain_loops_do(given_values: Values) -> None:
    """The engine's homes and assignments are those of a reference that asks target by target."""
    made = world(*given_values)
    for policy in made.policies():
        decision = choose_home(made, policy.uid, NOW)
        assert {pick.target.key for pick in decision.picks} == Reference(made, policy).home()
    for workload_id in sorted(made.workloads()):
        workload = workload_of(made, workload_id)
        policies = policies_of(made, workload)
        if len(policies) == 1 and not policies[0].divided:
            expected = Reference(made, policies[0]).assign(workload)
            assert assign(made, workload_id, NOW).shares == dict.fromkeys(expected, workload.replicas)
        record(made, workload_id, assign(made, workload_id, NOW))


@RUNS
@given(values())
def test_fork_is_independent(given_values: Values) -> None:
    """What happens in a copy does not show in the original, nor the other way round."""
    made = settled(world(*given_values))
    before, homes = state(made), made.policies()
    free = [made.free(each.key) for each in made.targets()]
    copy = made.fork()
    assert (state(copy), copy.policies(), [copy.free(each.key) for each in copy.targets()]) == (before, homes, free)
    for target in copy.targets():
        copy.drop_target(target.key)
    for workload_id in list(copy.workloads()):
        record(copy, workload_id, assign(copy, workload_id, NOW))
        copy.drop_workload(workload_id)
    for policy in copy.policies():
        copy.drop_policy(policy.uid)
    assert (state(made), made.policies(), [made.free(each.key) for each in made.targets()]) == (before, homes, free)
    assert assign_all(made, made.workloads(), NOW).keys() == before.keys()
    assert state(made) == before


@RUNS
@given(values())
def test_homes_keep_their_constraints(given_values: Values) -> None:
    """Homes are never too many, come only where they may, and keep the spread among those that come."""
    made = world(*given_values)
    for policy in made.policies():
        decision = choose_home(made, policy.uid, NOW)
        assert len(decision.picks) <= policy.maximum
        followed = made.ground.common(policy.uid)  # There its workloads are already.
        fresh = [pick for pick in decision.picks if not (pick.kept or pick.target.key in followed)]
        assert all(may_come(policy, pick.target) for pick in fresh)
        rejected = {each.target.key for each in decision.rejections}
        assert all((pick.target.key in rejected) == (not pick.fit) for pick in decision.picks)
