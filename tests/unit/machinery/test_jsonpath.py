"""JSON paths of printer columns."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.machinery.jsonpath import compile_path

OBJECT: dict[str, Any] = {
    "metadata": {"name": "web", "labels": {"a.b/c": "v", "x": "y"}},
    "spec": {"replicas": 0, "none": None, "matrix": [[1, 2], [3]]},
    "status": {
        "conditions": [
            {"type": "Ready", "status": "True", "n": 1, "ok": True},
            {"type": "Up (now)", "status": "False", "n": 3, "ok": False, "extra": "e"},
        ]
    },
}

FOUND = [
    (".spec.replicas", [0]),
    ("spec.replicas", [0]),
    ("{.spec.replicas}", [0]),
    ("$.spec.replicas", [0]),
    (".spec.none", [None]),
    (".spec.absent.deeper", []),
    (".metadata.name.deeper", []),
    (".metadata.labels['a.b/c']", ["v"]),
    ('.metadata.labels["x"]', ["y"]),
    (r".metadata.labels.a\.b/c", ["v"]),
    (r".metadata.labels['a\.b/c']", ["v"]),
    (".metadata.labels['x','a.b/c']", ["y", "v"]),
    (".metadata.labels['x','absent']", ["y"]),
    (".metadata.labels.*", ["v", "y"]),
    (".status.conditions[0].type", ["Ready"]),
    (".status.conditions[-1].status", ["False"]),
    (".status.conditions[7].status", []),
    (".status.conditions[*].status", ["True", "False"]),
    (".status.conditions[0:1].status", ["True"]),
    (".status.conditions[1:].status", ["False"]),
    (".status.conditions[::2].status", ["True"]),
    (".spec.matrix[*][0]", [1, 3]),
    ('.status.conditions[?(@.type=="Ready")].status', ["True"]),
    (".status.conditions[?(@.type=='Up (now)')].status", ["False"]),
    (".status.conditions[?( @.type != 'Ready' )].n", [3]),
    (".status.conditions[?(@.n>1)].n", [3]),
    (".status.conditions[?(@.n>=1)].n", [1, 3]),
    (".status.conditions[?(@.n<1.5)].n", [1]),
    (".status.conditions[?(@.n<=3)].n", [1, 3]),
    (".status.conditions[?(@.n=='1')].n", []),
    (".status.conditions[?(@.ok==true)].n", [1]),
    (".status.conditions[?(@.ok==false)].n", [3]),
    (".status.conditions[?(@.extra)].n", [3]),
    (".status.conditions[?(@.type==@.status)].n", []),
    (".status.conditions[?(@>1)].n", []),
    ("..status", [OBJECT["status"], "True", "False"]),
    ("", [OBJECT]),
    (".", [OBJECT]),
]


@pytest.mark.parametrize(("path", "found"), FOUND, ids=[path or "empty" for path, _ in FOUND])
def test_found(path: str, found: list[Any]) -> None:
    """Paths find values in order, and nothing where there is nothing."""
    assert compile_path(path)(OBJECT) == found


REFUSED = [".a[", ".a[x]", ".a{", ".a]", ".a[?(@.x==y)]", ".a[?@.x]", ".a['x]", ".a[0", "." * 5000, ".a['b'c]"]


@pytest.mark.parametrize("path", REFUSED, ids=[path[:12] for path in REFUSED])
def test_refused(path: str) -> None:
    """What can't be understood is an error that shows the path."""
    with pytest.raises(ValueError, match="JSON path"):
        compile_path(path)


@given(st.text(alphabet=".[]?()@'\"*\\ab0=<>!:, {}$", max_size=25))
def test_any_text_compiles_or_is_refused(path: str) -> None:
    """No path crashes the server, neither when read nor when run."""
    try:
        find = compile_path(path)
    except ValueError:
        return
    assert isinstance(find(OBJECT), list)
