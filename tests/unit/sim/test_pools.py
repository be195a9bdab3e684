"""Pod addresses, networks of a fleet, its options, and logs of pods."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headwater.apiserver.web.types import Query
from headwater.machinery.errors import BadRequest
from headwater.sim.addresspool import AddressPool
from headwater.sim.fleet import FleetOptions, StartError, check, networks, pcluster_options
from headwater.sim.podlogs import chosen_lines, log_lines


def pod(uid: str, address: str = "") -> dict[str, Any]:
    return {"metadata": {"uid": uid}, "status": {"podIP": address}}


def test_each_pod_has_an_address_of_its_own() -> None:
    """The same again for the same pod, and not one that is known to be in use."""
    pool = AddressPool(7)
    pool.note(pod("old", "10.7.1.2"))
    assert pool.take(pod("a")) == "10.7.1.3"
    assert pool.take(pod("a")) == "10.7.1.3"
    assert pool.take(pod("b")) == "10.7.1.4"
    assert pool.take(pod("old")) == "10.7.1.2"


def test_addresses_come_back_and_never_end_in_0_or_255() -> None:
    """All 65,000 are used before the pool is empty."""
    pool = AddressPool(1)
    taken = [pool.take(pod(str(number))) for number in range(64_000)]
    assert len(set(taken)) == len(taken)
    assert not any(address.endswith((".0", ".255")) for address in taken)
    pool.release(pod("5"))
    with pytest.raises(RuntimeError):
        for number in range(64_000, 70_000):
            pool.take(pod(str(number)))


def options(**changes: Any) -> FleetOptions:
    return FleetOptions(**{"names": ["east", "west"], "root_directory": Path("/r"), **changes})


def test_pclusters_of_a_fleet_are_told_apart() -> None:
    """By directory, port, kubeconfig and network."""
    east, west = pcluster_options(options(first_port=7000, kubeconfig_directory=Path("/k")))
    assert (east.directory, west.directory) == (Path("/r/east"), Path("/r/west"))
    assert (east.port, west.port) == (7000, 7001)
    assert west.kubeconfig == Path("/k/west.kubeconfig")
    assert east.shape.network != west.shape.network


def test_networks_are_stable_and_distinct() -> None:
    """A name has the same one in any fleet, unless another has it there."""
    names = [f"p{number}" for number in range(200)]
    assert len(set(networks(names).values())) == 200
    assert networks(["east"]) == networks(["east"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"names": []}, "at least one"),
        ({"names": ["East"]}, "can't be a pcluster's name"),
        ({"names": ["a", "a"]}, "a name of its own"),
        ({"nodes": 999}, "0 to 250 nodes"),
        ({"capacity": {"cpu": "many"}}, "is not a quantity"),
    ],
)
def test_options_that_make_no_sense(changes: dict[str, Any], message: str) -> None:
    """One line says what is wrong."""
    with pytest.raises(StartError, match=message):
        check(options(**changes))


def logged(state: dict[str, Any], **entry: Any) -> dict[str, Any]:
    status = {"name": "c", "image": "i", "state": state, **entry}
    spec = {"nodeName": "n", "containers": [{"name": "c"}]}
    return {"metadata": {"name": "p"}, "spec": spec, "status": {"containerStatuses": [status]}}


ENDED = {"startedAt": "1", "finishedAt": "2", "exitCode": 3}
STARTED_LINE = "simulated container c started from i on n"


@pytest.mark.parametrize(
    ("made", "lines"),
    [
        (logged({"running": {"startedAt": "1"}}), [f"1 {STARTED_LINE}"]),
        (logged({"terminated": ENDED}), [f"1 {STARTED_LINE}", "2 simulated container c ended with code 3"]),
        (
            logged({"waiting": {}}, lastState={"terminated": ENDED}),
            [f"1 {STARTED_LINE}", "2 simulated container c ended with code 3"],
        ),
    ],
    ids=["running", "ended", "crashed before"],
)
def test_logs(made: dict[str, Any], lines: list[str]) -> None:
    """A line for each thing that happened."""
    began, ended = log_lines(made, "c")
    assert [f"{at} {text}" for at, text in (*began, *ended)] == lines


@pytest.mark.parametrize(
    ("made", "wanted", "message"),
    [
        (logged({"running": {}}), "x", "container x is not valid for pod p"),
        (logged({"waiting": {"reason": "ImagePullBackOff"}}), "c", "is waiting to start: ImagePullBackOff"),
    ],
)
def test_logs_that_there_are_not(made: dict[str, Any], wanted: str, message: str) -> None:
    """A kubelet's words."""
    with pytest.raises(BadRequest, match=message):
        log_lines(made, wanted)


LINES = [("2026-01-01T00:00:00Z", "a"), ("2026-01-01T00:01:00Z", "b"), ("2026-01-01T00:02:00Z", "c")]
TWO_PAST = datetime(2026, 1, 1, 0, 2, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", "abc"),
        ("sinceSeconds=60", "bc"),
        ("sinceSeconds=1&tailLines=5", "c"),
        ("sinceTime=2026-01-01T00:00:30Z", "bc"),
        ("sinceTime=2026-01-01T00:00:30Z&tailLines=1", "c"),
        ("tailLines=0", ""),
    ],
)
def test_a_part_of_the_log(query: str, shown: str) -> None:
    assert "".join(text for _, text in chosen_lines(LINES, Query(query), TWO_PAST)) == shown


@pytest.mark.parametrize("query", ["sinceTime=yesterday", "sinceSeconds=99999999999999999999"])
def test_a_part_since_no_time(query: str) -> None:
    with pytest.raises(BadRequest, match="is no time"):
        chosen_lines(LINES, Query(query), TWO_PAST)
