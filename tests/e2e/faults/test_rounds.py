"""Random faults, round after round. `make faults ROUNDS=300 SEED=7` for more of them, or for the same again."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from tests.e2e.faults.rounds import Client, play
from tests.e2e.faults.scene import scene

ROUNDS = int(os.environ.get("HEADWATER_FAULT_ROUNDS", "0"))
SEED = int(os.environ.get("HEADWATER_FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
_FEW, _SECONDS = 6, 35.0
"""Without a number: so many rounds, and none that begins after so many seconds."""


@pytest.mark.e2e
@pytest.mark.timeout(300 + 60 * ROUNDS)
def test_nothing_is_lost_and_nothing_wrongly_deleted(tmp_path: Path) -> None:
    """Whatever happened, once all is well again everything acknowledged is there, once, and nothing went unasked."""
    source = random.Random(SEED)
    print(f"seed {SEED}")
    with scene(tmp_path) as made:
        client = Client(made, random.Random(SEED + 1))
        started = time.monotonic()
        for number in range(ROUNDS or _FEW):
            if not ROUNDS and time.monotonic() - started > _SECONDS:
                break
            play(made, client, source, number)
            print(f"round {number} of seed {SEED}: {time.monotonic() - started:.0f} s", flush=True)
