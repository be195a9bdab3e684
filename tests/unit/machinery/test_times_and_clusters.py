"""Timestamps, durations, logical cluster names, watch event types."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.machinery import logicalcluster, watch
from headwater.machinery.duration import format_duration, human_duration, parse_duration
from headwater.machinery.timestamps import format_micro_time, format_time, parse_time


def test_formats() -> None:
    """Times are UTC with Z, cut and not rounded; years have four digits."""
    when = datetime(2026, 1, 2, 5, 4, 5, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert format_time(when) == "2026-01-02T03:04:05Z"
    assert format_micro_time(when) == "2026-01-02T03:04:05.999999Z"
    assert format_time(datetime(26, 1, 2)) == "0026-01-02T00:00:00Z"


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05.123456789Z", datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)),
        ("2026-01-02t03:04:05.5+02:00", datetime(2026, 1, 2, 1, 4, 5, 500_000, tzinfo=UTC)),
    ],
)
def test_parsing(text: str, when: datetime) -> None:
    """RFC 3339 in all its forms, as UTC."""
    assert parse_time(text) == when
    assert parse_time(text).tzinfo is UTC


@pytest.mark.parametrize("text", ["", "2026-01-02", "2026-01-02T03:04:05", "2026-13-02T03:04:05Z", "20260102T030405Z"])
def test_malformed_times(text: str) -> None:
    """Other forms of ISO 8601 are not Kubernetes times."""
    with pytest.raises(ValueError, match=r".+"):
        parse_time(text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_micro_times_round_trip(when: datetime) -> None:
    """Nothing is lost at microseconds."""
    assert parse_time(format_micro_time(when)) == when
    assert parse_time(format_time(when)) == when.replace(microsecond=0)


AGES = [
    (-5, "<invalid>"),
    (-1, "0s"),
    (0, "0s"),
    (119, "119s"),
    (120, "2m"),
    (312, "5m12s"),
    (600, "10m"),
    (10_799, "179m"),
    (10_800, "3h"),
    (11_100, "3h5m"),
    (28_800, "8h"),
    (172_799, "47h"),
    (172_800, "2d"),
    (187_200, "2d4h"),
    (691_200, "8d"),
    (63_071_999, "729d"),
    (63_072_000, "2y"),
    (63_072_000 + 86_400 * 3, "2y3d"),
    (86_400 * 365 * 8, "8y"),
]


@pytest.mark.parametrize(("seconds", "text"), AGES, ids=[text for _, text in AGES])
def test_ages(seconds: int, text: str) -> None:
    """The AGE column of kubectl."""
    assert human_duration(seconds) == text


DURATIONS = [
    ("0s", 0.0),
    ("250ms", 0.25),
    ("1.5s", 1.5),
    ("5m0s", 300.0),
    ("1h5m0s", 3900.0),
    ("2h0m0.5s", 7200.5),
    ("-1m30s", -90.0),
    ("20µs", 2e-5),
    ("5ns", 5e-9),
]


@pytest.mark.parametrize(("text", "seconds"), DURATIONS)
def test_go_durations(text: str, seconds: float) -> None:
    """Both directions, as Go prints them."""
    assert parse_duration(text) == pytest.approx(seconds)
    assert format_duration(seconds) == text


@pytest.mark.parametrize(("text", "seconds"), [("0", 0), ("+1h", 3600), ("1m1m", 120), (".5s", 0.5), ("1us", 1e-6)])
def test_other_spellings(text: str, seconds: float) -> None:
    """What Go also reads."""
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "1", "s", "1 s", "1d", "-", "1s2", "1.2.3s"])
def test_malformed_durations(text: str) -> None:
    """A number without a unit is not a duration."""
    with pytest.raises(ValueError, match="invalid duration"):
        parse_duration(text)


@given(st.integers(0, 10**7))
def test_durations_round_trip(milliseconds: int) -> None:
    """Printed durations read back the same."""
    assert parse_duration(format_duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)


def test_smallest_duration_is_a_nanosecond() -> None:
    """Less is nothing."""
    assert format_duration(1e-10) == "0s"


@pytest.mark.parametrize(
    ("text", "name", "path"),
    [
        ("root", True, True),
        ("2x8k3abc", True, True),
        ("system:admin", True, True),
        ("root:org", False, True),
        ("root:org:team-1", False, True),
        ("a" * 63, True, True),
        ("a" * 64, False, False),
        ("", False, False),
        ("*", False, False),
        ("Root", False, False),
        ("root:", False, False),
        (":root", False, False),
        ("root::a", False, False),
        ("-a", False, False),
        ("a\n", False, False),
        ("root/../x", False, False),
    ],
)
def test_cluster_names_and_paths(text: str, name: bool, path: bool) -> None:
    """A name is one segment (or a system cluster), a path segments joined by colons."""
    assert logicalcluster.is_valid_name(text) is name
    assert logicalcluster.is_valid_path(text) is path


def test_paths_come_apart_and_together() -> None:
    """Parent and base undo join."""
    assert logicalcluster.parent("root:org:team") == "root:org"
    assert logicalcluster.parent("root") == ""
    assert logicalcluster.base("root:org:team") == "team"
    assert logicalcluster.join("root:org", "team") == "root:org:team"
    assert logicalcluster.join("", "root") == "root"
    assert logicalcluster.join("root", "") == "root"
    assert logicalcluster.split("root:org") == ("root", "org")
    assert logicalcluster.has_prefix("root:org:a", "root:org")
    assert logicalcluster.has_prefix("root", "root")
    assert logicalcluster.has_prefix("root", "")
    assert not logicalcluster.has_prefix("root:organs", "root:org")


def test_watch_types() -> None:
    """The five types of the wire."""
    types = {watch.ADDED, watch.MODIFIED, watch.DELETED, watch.BOOKMARK, watch.ERROR}
    assert types == {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"}
