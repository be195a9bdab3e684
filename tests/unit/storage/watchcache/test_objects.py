"""Cached objects and events: spliced revisions, lazy decoding, shared encoding."""

from __future__ import annotations

import json

import pytest
from tests.unit.storage.watchcache.stored import stored

from headwater.base.packing import Packer
from headwater.storage.watchcache.objects import CachedObject, CacheEvent, DecodedMemo
from headwater.storage.watchcache.splice import replace_revision, splice_revision


def cached(value: bytes, revision: int = 7, memo: DecodedMemo | None = None) -> CachedObject:
    return CachedObject("/k", splice_revision(value, revision), revision, memo or DecodedMemo(1 << 20))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({}, id="plain"),
        pytest.param({"note": '"metadata":{"resourceVersion":"7","name":"fake"'}, id="json-in-a-string"),
        pytest.param({"metadata": "x"}, id="metadata-elsewhere"),
    ],
)
def test_splice_sets_the_resource_version_of_the_object_itself(data: dict[str, str]) -> None:
    """The result is the same object with metadata.resourceVersion set, wherever else the text occurs."""
    value = stored("a", **data)
    expected = json.loads(value)
    expected["metadata"]["resourceVersion"] = "7"
    spliced = splice_revision(value, 7)
    assert json.loads(spliced) == expected
    expected["metadata"]["resourceVersion"] = "12"
    assert json.loads(replace_revision(spliced, 7, 12)) == expected


def test_splice_leaves_other_bytes_alone() -> None:
    """Values that are no objects pass through."""
    assert splice_revision(b"\x00raw", 7) == b"\x00raw"


def test_decoded_is_made_once_until_the_memo_takes_it_back() -> None:
    """Decoded forms stay up to a bound of bytes, the oldest go first and come back on demand."""
    memo = DecodedMemo(max_bytes=len(splice_revision(stored("a"), 7)) * 2)
    first, second, third = (cached(stored(name), memo=memo) for name in "abc")
    decoded = first.decoded
    assert decoded["metadata"] == {"resourceVersion": "7", "name": "a"}
    assert first.decoded is decoded
    assert second.decoded["metadata"]["name"] == "b"
    assert first.decoded is decoded
    assert third.decoded["metadata"]["name"] == "c"
    assert first.decoded is not decoded
    assert first.decoded == decoded


@pytest.mark.parametrize(
    ("value", "labels"),
    [
        pytest.param(stored("a", {"app": "web"}), {"app": "web"}, id="labels"),
        pytest.param(stored("a"), {}, id="none"),
        pytest.param(stored("a", note='"labels":{"app":"fake"}'), {}, id="text-in-data"),
        pytest.param(
            b'{"kind":"D","metadata":{"name":"d"},"spec":{"metadata":{"labels":{"app":"web"}}}}', {}, id="template-only"
        ),
        pytest.param(b'{"kind":"D","metadata":{"name":"d","labels":null},"x":{"labels":{"a":"b"}}}', {}, id="null"),
    ],
)
def test_labels_are_the_objects_own(value: bytes, labels: dict[str, str]) -> None:
    """Labels of a template or in a string don't count; they read the same before and after a decode."""
    assert cached(value).labels == labels
    decoded = cached(value)
    assert decoded.decoded
    assert decoded.labels == labels
    assert decoded.labels is decoded.labels


def test_an_event_encodes_once_as_a_watch_line() -> None:
    """All watchers share the bytes of one line."""
    event = CacheEvent("MODIFIED", cached(stored("a")), cached(stored("a"), 3))
    assert event.encoded is event.encoded
    assert event.encoded.endswith(b"}\n")
    assert json.loads(event.encoded) == {"type": "MODIFIED", "object": event.object.decoded}
    assert event.revision == 7
    assert repr(event) == "CacheEvent(MODIFIED /k 7)"


@pytest.mark.parametrize("decode_first", [True, False])
def test_a_state_under_another_revision_reads_the_same_decoded_or_not(decode_first: bool) -> None:
    """What was decoded before serves the moved state too, and stays as it was."""
    item = cached(stored("a"))
    if decode_first:
        assert item.decoded
    moved = item.at_revision(12)
    assert moved.decoded == json.loads(moved.value)
    assert moved.decoded["metadata"]["resourceVersion"] == "12"
    assert item.decoded["metadata"]["resourceVersion"] == "7"


def test_a_resting_object_is_the_same_when_read() -> None:
    """Packed once; value, decoded form and size stay what they were, however often it wakes."""
    packer = Packer()
    cached(stored("sample")).rest(packer)
    item = cached(stored("a", {"app": "web"}))
    value, decoded, size = item.value, item.decoded, item.size
    assert item.rest(packer)
    assert (item.value, item.decoded, item.size) == (value, decoded, size)
    assert not item.rest(packer)
    assert item.labels == {"app": "web"}
    assert item.at_revision(9).value == splice_revision(stored("a", {"app": "web"}), 9)


def test_a_resting_event_encodes_again() -> None:
    """A watcher that comes late gets the same line."""
    packer = Packer()
    event = CacheEvent("MODIFIED", cached(stored("a", note="new"), 8), cached(stored("a", note="old"), 7))
    line = event.encoded
    assert event.rest(packer)
    assert event.encoded == line
    assert event.previous is not None
    assert json.loads(event.previous.value)["data"] == {"note": "old"}
