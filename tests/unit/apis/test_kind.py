"""The kind framework: what follows from a kind, and that every kind of ours can be served."""

from __future__ import annotations

import re

import pytest

from headwater.apis.apis import v1alpha1, v1alpha2
from headwater.apis.apis.v1alpha1.apiresourceschema import NAME_PREFIX_PATTERN
from headwater.apis.core import v1alpha1 as core
from headwater.apis.kind import AGE_COLUMN, Kind, Scale, api_resource_schema_of, by_resource, column, crd_of
from headwater.apis.markers import integer, obj, resource, string
from headwater.apis.tenancy import v1alpha1 as tenancy
from headwater.machinery.jsonpath import compile_path
from headwater.schema import compile_schema, validate_structural

WIDGET = Kind(
    group="example.io",
    version="v1",
    kind="Widget",
    plural="widgets",
    singular="widget",
    short_names=("wg",),
    namespaced=True,
    schema=resource("A widget.", spec=obj(replicas=integer(default=1), color=string(enum=["red", "blue"]))),
    scale=Scale(label_selector=".status.selector"),
    columns=(column("Color", ".spec.color", priority=1), AGE_COLUMN),
    selectable_fields=(".spec.color",),
)
OLD_WIDGET = Kind(
    group="example.io",
    version="v1alpha1",
    kind="Widget",
    plural="widgets",
    singular="widget",
    schema=resource("A widget."),
    storage=False,
    deprecated=True,
    status_subresource=False,
)
OURS = [*tenancy.KINDS, *core.KINDS, *v1alpha1.KINDS, *v1alpha2.KINDS]


def test_crd_says_what_the_kind_says() -> None:
    """A CRD carries names, scope, subresources, columns and selectable fields."""
    crd = crd_of([WIDGET, OLD_WIDGET])
    assert crd["metadata"]["name"] == "widgets.example.io"
    assert crd["spec"]["scope"] == "Namespaced"
    assert crd["spec"]["names"]["shortNames"] == ["wg"]
    new, old = crd["spec"]["versions"]
    assert new["subresources"]["scale"] == {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    }
    assert new["selectableFields"] == [{"jsonPath": ".spec.color"}]
    assert [each["name"] for each in new["additionalPrinterColumns"]] == ["Color", "Age"]
    assert old["deprecated"] and not old["storage"] and "subresources" not in old


def test_schema_name_follows_the_content() -> None:
    """The same content gives the same name, other content another one, and the name is one that kcp accepts."""
    first, again = WIDGET.api_resource_schema(), WIDGET.api_resource_schema()
    both = api_resource_schema_of([WIDGET, OLD_WIDGET])
    assert first == again
    assert first["metadata"]["name"] != both["metadata"]["name"]
    prefix, _, rest = first["metadata"]["name"].partition(".")
    assert rest == "widgets.example.io"
    assert re.fullmatch(NAME_PREFIX_PATTERN, prefix)
    assert both["spec"]["conversion"] == {"strategy": "None"}
    assert WIDGET.api_resource_schema("v1")["metadata"]["name"] == "v1.widgets.example.io"


def test_versions_are_gathered_by_resource() -> None:
    """Versions of one kind come together in the order in which they were given."""
    assert by_resource([WIDGET, tenancy.WORKSPACE, OLD_WIDGET]) == [[WIDGET, OLD_WIDGET], [tenancy.WORKSPACE]]


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: f"{kind.plural}.{kind.version}")
def test_our_kinds_are_structural(kind: Kind) -> None:
    """Every schema is structural, compiles, and its columns and selectable fields can be read."""
    assert validate_structural(kind.schema, "schema") == []
    compile_schema(kind.schema).validate({"metadata": {"name": "x"}, "spec": {}})
    for each in kind.columns:
        compile_path(each["jsonPath"])


@pytest.mark.parametrize("versions", by_resource(OURS), ids=lambda versions: versions[0].plural)
def test_one_version_is_stored(versions: list[Kind]) -> None:
    """Exactly one version of each kind is the storage version."""
    assert sum(version.storage for version in versions) == 1


@pytest.mark.parametrize(
    ("spec", "old", "message"),
    [
        ({"type": {"name": "a", "path": "root"}}, {"type": {"name": "b", "path": "root"}}, "name is immutable"),
        ({"type": {"name": "a", "path": "x"}}, {"type": {"name": "a", "path": "root"}}, "path is immutable"),
        ({"cluster": "x"}, {"cluster": "y"}, "cluster is immutable"),
        ({}, {"cluster": "y"}, "cluster cannot be unset"),
        ({}, {"URL": "y"}, "URL cannot be unset"),
    ],
    ids=["type name", "type path", "cluster", "cluster gone", "URL gone"],
)
def test_workspace_transitions(spec: dict, old: dict, message: str) -> None:
    """A workspace's place can't change once it is set."""
    schema = compile_schema(tenancy.WORKSPACE.schema)
    new_object, old_object = ({"metadata": {"name": "w"}, "spec": each} for each in (spec, old))
    errors = schema.validate(new_object, old=old_object)
    assert [message in str(error) for error in errors] == [True]
