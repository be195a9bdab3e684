"""One stack for all tests of scheduling, which goes with the last of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.e2e.harness import kubectls, stack
from tests.e2e.scheduling.floor import ReadyFloor
from tests.e2e.scheduling.stage import PCLUSTERS, Stage, set_stage


@pytest.fixture(scope="package")
def whole_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The platform's three pclusters, registered and ready."""
    with stack(tmp_path_factory.mktemp("scheduling"), kubectls()[0]) as made, set_stage(made) as stage:
        yield stage


@pytest.fixture
def stage(whole_stage: Stage) -> Iterator[Stage]:
    """The same, put back in order behind a test."""
    yield whole_stage
    whole_stage.restore()


@pytest.fixture
def floor(stage: Stage) -> Iterator[ReadyFloor]:
    """Counts ready pods on all pclusters while a test runs."""
    with ReadyFloor({name: stage.stack.pcluster_kubeconfig(name) for name in PCLUSTERS}) as watching:
        yield watching
