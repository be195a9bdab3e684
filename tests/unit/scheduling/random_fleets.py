"""Random small worlds for properties: few names, so that everything meets everything."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from tests.unit.scheduling.fleets import NOW, policy, target, workload

from headwater.machinery.labels import EVERYTHING, parse_selector
from headwater.scheduling.model import Policy, Preference, SpreadConstraint, Taint, Target, Toleration
from headwater.scheduling.workload import Workload

NAMES = "abcdef"
PODS = ("", "pods", "id")
ZONES = st.sampled_from([{}, {"zone": "x"}, {"zone": "y"}])
MOMENTS = st.sampled_from([None, NOW - timedelta(days=1), NOW - timedelta(seconds=30), NOW])
SELECTORS = st.sampled_from([EVERYTHING, EVERYTHING, parse_selector("zone=x"), parse_selector("zone!=x")])
TAINTS = st.builds(Taint, st.sampled_from("st"), st.just(""), st.sampled_from(["NoSchedule", "NoExecute"]), MOMENTS)
TOLERATIONS = st.builds(
    Toleration,
    st.sampled_from(["s", "t", ""]),
    st.just("Exists"),
    st.just(""),
    st.sampled_from(["", "NoExecute"]),
    st.sampled_from([None, 0, 60]),
)
SPREAD = st.builds(SpreadConstraint, st.sampled_from(["cell", "location", "label"]), st.integers(1, 2), st.just("zone"))
RARELY = st.sampled_from([False, False, False, True])


@st.composite
def targets(draw: Any, names: str = NAMES) -> list[Target]:
    """Some of the names, each with a random state."""
    found = []
    for name in draw(st.lists(st.sampled_from(names), unique=True, max_size=len(names))):
        limits = {
            resource: amount
            for resource in ("cpu", "memory")
            if (amount := draw(st.one_of(st.none(), st.integers(0, 15)))) is not None
        }
        found.append(
            target(
                name,
                **limits,
                labels=draw(ZONES),
                cells=draw(st.sampled_from([(), ("x",), ("y",), ("x", "y")])),
                taints=tuple(draw(st.lists(TAINTS, max_size=1)) if draw(RARELY) else ()),
                not_ready_since=draw(MOMENTS) if draw(RARELY) else None,
                unschedulable=draw(RARELY),
                evict_after=NOW if draw(RARELY) else None,
                accepted=frozenset() if draw(RARELY) else frozenset({PODS}),
            )
        )
    return found


@st.composite
def policies(draw: Any, uid: str) -> Policy:
    """A Placement with random rules and home targets."""
    maximum = draw(st.integers(1, 3))
    return policy(
        uid,
        order=("", uid),
        target_selector=draw(SELECTORS),
        preferences=tuple(draw(st.lists(st.builds(Preference, st.integers(1, 5), SELECTORS), max_size=1))),
        divided=draw(st.booleans()),
        divide_by=draw(st.sampled_from(["Weights", "FreeCapacity"])),
        weights=draw(st.one_of(st.just({}), st.dictionaries(st.sampled_from(NAMES), st.integers(0, 3), max_size=4))),
        minimum=draw(st.integers(1, maximum)),
        maximum=maximum,
        spread=tuple(draw(st.lists(SPREAD, max_size=2))),
        tolerations=tuple(draw(st.lists(TOLERATIONS, max_size=2))),
        required={"kubernetes": frozenset({PODS})} if draw(st.booleans()) else {},
        current=tuple(draw(keys)),
    )


keys = st.lists(st.sampled_from(NAMES).map(lambda name: f"key-{name}"), unique=True, max_size=3)


@st.composite
def workloads(draw: Any, name: str, uids: list[str]) -> Workload:
    """A workload of some of the policies, somewhere already or not."""
    replicas = draw(st.integers(0, 6))
    selected = [uid for uid in uids if draw(st.booleans())] or uids[:1]
    return workload(
        name,
        *selected,
        replicas=replicas,
        request=draw(st.sampled_from([{"cpu": 1}, {"cpu": 2, "memory": 1}, {"memory": 3}, {}])),
        current={key: draw(st.integers(0, replicas)) for key in draw(keys)} if draw(st.booleans()) else {},
        leaving={key: draw(st.integers(0, 6)) for key in draw(keys)} if draw(RARELY) else {},
    )


@st.composite
def values(draw: Any) -> list[Target | Policy | Workload]:
    """Everything that a world consists of, in random order."""
    uids = ["p1", "p2", "p3"][: draw(st.integers(1, 3))]
    made: list[Target | Policy | Workload] = [
        *draw(targets()),
        *(draw(policies(uid)) for uid in uids),
        *(draw(workloads(f"deployments.apps w{number}", uids)) for number in range(draw(st.integers(1, 5)))),
    ]
    return draw(st.permutations(made))
