"""The copy of an informer: what rests in it is the same to whoever reads it."""

from __future__ import annotations

import pytest

from headwater.client.informer.store import Store
from headwater.machinery.objects import Object, labels


def colour(obj: Object) -> tuple[str, ...]:
    return (labels(obj)["colour"],)


def thing(name: str, colour: str = "red") -> Object:
    return {"kind": "Thing", "metadata": {"name": name, "labels": {"colour": colour}}}


@pytest.fixture
def resting() -> Store:
    """Two things that nobody has used for a while."""
    store = Store({"colour": colour})
    store.put("a", thing("a"))
    store.put("b", thing("b", "blue"))
    for _ in range(2):
        list(store.rest())
    return store


def test_objects_rest_when_they_were_not_used_for_two_turns() -> None:
    """One step for each object; the first turn leaves what was just written alone."""
    store = Store()
    obj = thing("a")
    store.put("a", obj)
    assert len(list(store.rest())) == 0
    assert store.get("a") is obj
    assert len(list(store.rest())) == 1
    assert len(list(store.rest())) == 0


def test_reading_wakes_an_object(resting: Store) -> None:
    """The same content comes back, as one dict until it rests again."""
    found = resting.get("a")
    assert found == thing("a")
    for _ in range(3):
        assert resting.get("a") is found, "it is read again and again"
        list(resting.rest())
    list(resting.rest())
    assert resting.get("a") is not found
    assert resting.get("a") == thing("a")


def test_no_more_objects_than_allowed_are_awake() -> None:
    """Those that were read last stay; nobody sees a difference in what is read."""
    store = Store({"colour": colour}, awake=2)
    names = [f"thing-{number}" for number in range(9)]
    for each in names:
        assert store.put(each, thing(each), store.pack(thing(each))) is None
    found = {each: store.get(each) for each in names}
    assert found == {each: thing(each) for each in names}
    assert store.get(names[-1]) is found[names[-1]]
    assert store.get(names[0]) is not found[names[0]]
    assert store.list() == list(found.values())


def test_a_look_wakes_nothing(resting: Store) -> None:
    """What is written later and what is awake already is seen as well."""
    assert resting.peek("a") is not resting.peek("a")
    assert resting.peek("a") == thing("a")
    assert resting.get("a") is resting.peek("a")
    resting.put("a", thing("a", "blue"))
    assert resting.peek("a") == thing("a", "blue")
    assert resting.peek("c") is None


def test_lists_and_indexes_see_objects_that_rest(resting: Store) -> None:
    """Also an index that is added only then."""
    resting.add_index("name", lambda obj: (obj["metadata"]["name"],))
    assert resting.list() == [thing("a"), thing("b", "blue")]
    assert resting.by_index("colour", "blue") == [thing("b", "blue")]
    assert resting.by_index("name", "a") == [thing("a")]


def test_replacing_an_object_that_rests_tells_its_old_state(resting: Store) -> None:
    """The index follows, too."""
    assert resting.put("a", thing("a", "blue")) == thing("a")
    assert not resting.index_keys("colour", "red")
    assert set(resting.index_keys("colour", "blue")) == {"a", "b"}


def test_removing_an_object_that_rests_tells_its_last_state(resting: Store) -> None:
    """It leaves nothing behind."""
    assert resting.remove("a") == thing("a")
    assert resting.remove("a") is None
    assert "a" not in resting
    assert not resting.index_keys("colour", "red")
    for _ in range(2):
        assert len(list(resting.rest())) == 0
