"""Numbers of flags: what compares with no bound is no number."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from headwater.cli.main import cli

REFUSED = [
    ("start", "--sync-target-heartbeat-threshold", "nan"),
    ("start", "--move-rate", "nan"),
    ("start", "--move-rate", "inf"),
    ("start", "--move-rate", "0"),
    ("start", "--shutdown-grace-period", "-1"),
    ("syncer", "--qps", "nan"),
    ("syncer", "--downstream-namespace-clean-delay", "nan"),
    ("syncer", "--downstream-namespace-clean-delay", "-1"),
    ("syncer", "--workers", "0"),
]


@pytest.mark.parametrize(("command", "flag", "value"), REFUSED)
def test_what_is_out_of_bounds_names_the_flag(command: str, flag: str, value: str) -> None:
    """Before anything starts: a threshold of `nan` would let no pcluster ever be lost."""
    result = CliRunner().invoke(cli, [command, flag, value])
    assert result.exit_code == 2
    assert f"Invalid value for '{flag}': " in result.output
