"""String formats."""

from __future__ import annotations

import pytest

from headwater.schema.formats import FORMATS


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("bsonobjectid", ["507f1f77bcf86cd799439011"], ["507f"]),
        ("byte", ["", "aGk=", "aG\nk="], ["aGk", "a*k=", "aG\n*="]),
        ("cidr", ["10.0.0.0/8", "2001:db8::/32"], ["10.0.0.0", "10.0.0.0/33"]),
        ("creditcard", ["4111 1111 1111 1111"], ["4111"]),
        ("date", ["2024-02-29"], ["2023-02-29", "2024-2-9", "2024-02-29T"]),
        (
            "date-time",
            ["2024-02-29T01:02:03Z", "2024-02-29T01:02:03.5+01:00"],
            ["2024-02-30T01:02:03Z", "2024-02-29", "2024-W01-1T00:00:00Z"],
        ),
        ("duration", ["1h30m", "0", "2 days"], ["soon", "1"]),
        ("email", ["a@example.com"], ["a.example.com", "a b@c"]),
        ("hexcolor", ["#fff", "00ff00"], ["#ffff"]),
        ("hostname", ["a.example.com"], ["-a", "a..b"]),
        ("ipv4", ["10.0.0.1"], ["10.0.0", "::1"]),
        ("ipv6", ["::1"], ["10.0.0.1"]),
        ("isbn", ["0-306-40615-2", "978-0-306-40615-7"], ["12"]),
        ("k8s-short-name", ["a-b"], ["A", "a" * 64]),
        ("k8s-long-name", ["a.b"], ["a..b"]),
        ("mac", ["00:11:22:33:44:55"], ["00:11"]),
        ("quantity", ["1", "1.5Gi", "100m", "1e3", ".5"], ["", "1.5.1", "1GiB", "m"]),
        ("rgbcolor", ["rgb(1, 2, 3)"], ["rgb(1,2)"]),
        ("ssn", ["123-45-6789"], ["123"]),
        ("uri", ["https://example.com/a?b", "/a"], ["a b", "http://[", "plain"]),
        ("uuid", ["550e8400-e29b-41d4-a716-446655440000"], ["550e8400"]),
        ("uuid4", ["550e8400-e29b-41d4-a716-446655440000"], ["550e8400-e29b-11d4-a716-446655440000"]),
    ],
)
def test_format(name: str, good: list[str], bad: list[str]) -> None:
    """Each format accepts its own and refuses others."""
    assert [value for value in good if not FORMATS[name](value)] == []
    assert [value for value in bad if FORMATS[name](value)] == []
