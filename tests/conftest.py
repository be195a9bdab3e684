"""Settings for all tests."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# The same examples on every run and no deadlines: a red build is a broken change, never a slow machine.
# `pytest --hypothesis-profile=explore` looks further, with new examples each time.
settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

_STAGE = "tests/e2e/scheduling/"
_LONGEST_FIRST = (_STAGE, "tests/e2e/", "tests/integration/", "tests/conformance/", "tests/unit/")


def _rank(item: pytest.Item) -> int:
    return next((rank for rank, folder in enumerate(_LONGEST_FIRST) if item.nodeid.startswith(folder)), 9)


def pytest_collection_finish() -> None:
    """Have Python look for cycles as rarely as the programs do; what is imported by now, it looks at no more."""
    from headwater.base.collector import expect_many_objects  # Not before coverage is measured.

    gc.collect()
    expect_many_objects()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the longest files begun first, so that in the end no worker waits for one that has just begun."""
    items.sort(key=_rank)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """For `--dist loadfile`: files in the order of above, and those that share one stage all to one worker."""
    from xdist.scheduler import LoadFileScheduling

    if config.getoption("dist") != "loadfile":
        return None

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _STAGE if nodeid.startswith(_STAGE) else str(super()._split_scope(nodeid))

    config.option.loadscopereorder = False  # By the number of tests, which puts the longest files last.
    return Scheduling(config, log)
