"""Fixtures for the control plane's parts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.unit.controlplane.stores import Store


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    opened = await Store.open()
    yield opened
    await opened.close()
