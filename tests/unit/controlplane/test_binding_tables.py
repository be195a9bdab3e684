"""What is bound in a logical cluster, shared by content and bounded in number."""

from __future__ import annotations

import gc

import pytest
from tests.unit.controlplane.stores import Store

from headwater.apiserver.builtin.kinds import builtin_resource
from headwater.apiserver.catalog import StaticCatalog
from headwater.apiserver.resources import ResourceInfo
from headwater.controlplane.binding import library as library_module
from headwater.controlplane.binding.bound import BoundResource, TableRegistry, bound_resources
from headwater.controlplane.binding.catalog import ControlPlaneCatalog
from headwater.controlplane.binding.infos import infos_of_spec
from headwater.controlplane.binding.library import SchemaLibrary
from headwater.controlplane.binding.system import system_resources
from headwater.machinery.gvk import GroupVersionKind
from headwater.machinery.objects import Object

APIS = "apis.kcp.io"
DEPLOYMENT = GroupVersionKind("apps", "v1", "Deployment")


def schema(name: str = "s1", uid: str = "u1", *, group: str = "example.io", kind: str = "Widget") -> Object:
    versions = [
        {"name": "v1", "served": True, "storage": True, "schema": {"type": "object"}, "subresources": {"status": {}}},
        {"name": "v0", "served": True, "storage": False, "schema": {"type": "object"}, "deprecated": True},
        {"name": "v2", "served": False, "storage": False, "schema": {"type": "object"}},
    ]
    names = {"plural": f"{kind.lower()}s", "kind": kind}
    spec = {"group": group, "names": names, "scope": "Namespaced", "versions": versions}
    return {"metadata": {"name": name, "uid": uid}, "spec": spec}


def binding(name: str = "b", *, uid: str = "u1", identity: str = "i1", resource: str = "widgets") -> Object:
    bound = {
        "group": "example.io",
        "resource": resource,
        "schema": {"name": "s1", "UID": uid, "identityHash": identity},
    }
    return {
        "metadata": {"name": name},
        "spec": {"reference": {"export": {"path": "root:p", "name": "e"}}},
        "status": {"apiExportClusterName": "p", "boundResources": [bound]},
    }


def export(identity: str = "i1") -> Object:
    resources = [{"group": "example.io", "name": "widgets", "schema": "s1"}]
    return {"metadata": {"name": "e"}, "spec": {"resources": resources}, "status": {"identityHash": identity}}


def test_equal_bindings_share_a_table() -> None:
    """Two logical clusters with the same bindings have one table; when nobody uses it, it goes."""
    registry = TableRegistry()
    one = registry.table([binding()], reserved=frozenset())
    two = registry.table([binding("other")], reserved=frozenset())
    three = registry.table([binding(identity="i2")], reserved=frozenset())
    assert one is two
    assert one is not three and one.fingerprint != three.fingerprint
    assert len(registry) == 2
    del one, two, three
    gc.collect()
    assert len(registry) == 0


def test_tables_refuse_what_is_not_theirs() -> None:
    """A binding can't bring what is built in or what has no identity; of two claims the first one holds."""
    registry = TableRegistry()
    reserved = frozenset({("example.io", "widgets")})
    assert not registry.table([binding()], reserved=reserved).by_resource
    assert not registry.table([binding(identity="")], reserved=frozenset()).by_resource
    both = registry.table([binding("a"), binding("b", identity="i2")], reserved=frozenset())
    assert both.by_resource["example.io", "widgets"].identity == "i1"
    assert bound_resources({"metadata": {}}) == []


def test_a_schema_becomes_its_served_versions() -> None:
    infos = infos_of_spec(schema()["spec"], identity="i", fingerprint="f", native=lambda _: None)
    assert [(info.version, info.storage_version, info.versions) for info in infos] == [
        ("v1", "v1", ("v1", "v0")),
        ("v0", "v1", ("v1", "v0")),
    ]
    assert infos[0].prefix == "/example.io/widgets/i/"
    assert infos[0].subresources == {"status"} and not infos[1].subresources
    assert infos[1].deprecation_warning == "example.io/v0 Widget is deprecated"


def test_native_kinds_keep_their_behaviour() -> None:
    """A Deployment is a Deployment, whoever's schema it comes with."""
    (info, _) = infos_of_spec(
        schema(group="apps", kind="Deployment")["spec"], identity="i", fingerprint="f", native=builtin_resource
    )
    native = builtin_resource(DEPLOYMENT)
    assert native is not None
    assert info.strategy is native.strategy and info.native_merge
    assert info.prefix == "/apps/deployments/i/"
    assert info.raw_schema == {"type": "object"}


class Schemas:
    """Counts how often each schema is looked at."""

    def __init__(self, *known: Object) -> None:
        self.known = {obj["metadata"]["name"]: obj for obj in known}
        self.reads = 0

    def get(self, cluster: str, name: str) -> Object | None:
        self.reads += 1
        return self.known.get(name)


def bound(uid: str = "u1", identity: str = "i1", name: str = "s1") -> BoundResource:
    return BoundResource("example.io", "widgets", "p", "e", name, uid, identity)


def test_schemas_are_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for all logical clusters; a replaced schema (another uid) isn't served under the old binding."""
    schemas = Schemas(schema())
    library = SchemaLibrary(schemas.get, lambda _: None, lambda _: None)
    assert library.infos(bound()) is library.infos(bound())
    assert schemas.reads == 1
    assert library.infos(bound(uid="other")) == {}
    assert library.infos(bound(name="gone")) == {}
    assert library.needs_uid(bound())
    monkeypatch.setattr(library_module, "MAX_SCHEMAS", 1)
    library.infos(bound(identity="i2"))
    library.infos(bound())
    assert schemas.reads == 7


def test_removed_schemas_are_served_from_their_copy() -> None:
    """Copies are named by the uid of the original."""
    schemas = Schemas(schema(name="u1", uid="copy"))
    library = SchemaLibrary(schemas.get, lambda _: None, lambda _: None)
    assert set(library.infos(bound())) == {"v1", "v0"}


def test_our_own_copies_are_not_decoded() -> None:
    """The schemas that we published ourselves are served from the originals."""
    schemas = Schemas()
    library = SchemaLibrary(schemas.get, builtin_resource, lambda _: DEPLOYMENT)
    info = library.infos(bound())["v1"]
    native = builtin_resource(DEPLOYMENT)
    assert native is not None
    assert (info.identity, info.schema, schemas.reads) == ("i1", native.schema, 0)
    assert not library.needs_uid(bound())


def test_old_versions_are_converted() -> None:
    """Exports and bindings are stored as v1alpha2 and served as both."""
    found = {(info.resource, info.version): info for info in system_resources()}
    assert found["apibindings", "v1alpha1"].conversion is not None
    assert found["apibindings", "v1alpha1"].stored_api_version == "apis.kcp.io/v1alpha2"
    assert found["apiexports", "v1alpha2"].conversion is None


async def catalog_of(store: Store) -> ControlPlaneCatalog:
    secrets = builtin_resource(GroupVersionKind("", "v1", "Secret"))
    assert secrets is not None
    library = SchemaLibrary(store.state.schemas.get, lambda _: None, lambda _: None)
    return ControlPlaneCatalog(store.state, library, StaticCatalog([secrets]), frozenset({("", "secrets")}))


async def test_catalog_follows_bindings(store: Store) -> None:
    """A resource is served from the moment of its binding to the moment of its unbinding, and only there."""
    catalog = await catalog_of(store)
    await store.put(APIS, "apiresourceschemas", "p", schema())

    async def widget(cluster: str, identity: str | None = None) -> ResourceInfo | None:
        return await catalog.lookup(cluster, "example.io", "v1", "widgets", identity)

    assert await widget("c") is None
    empty = catalog.fingerprint("c")
    await store.put(APIS, "apibindings", "c", binding())
    found = await widget("c")
    assert found is not None and found.identity == "i1"
    assert await widget("c", "i1") is found
    assert await widget("c", "i2") is None
    assert await widget("d") is None
    assert catalog.fingerprint("c") != empty == catalog.fingerprint("d")
    assert {info.resource for info in await catalog.served("c")} == {"secrets", "widgets"}
    assert await catalog.lookup("c", "example.io", "v9", "widgets") is None
    await store.delete(APIS, "apibindings", "c", "b")
    assert await widget("c") is None


async def test_wildcard_lookups_go_by_identity(store: Store) -> None:
    """The identity leads to the export's schema; what was exported once stays known; builtins need none."""
    catalog = await catalog_of(store)
    changes: list[None] = []
    catalog.add_listener(lambda: changes.append(None))
    await store.put(APIS, "apiexports", "p", export())
    assert await catalog.lookup("*", "example.io", "v1", "widgets", "i1") is None, "the schema isn't there yet"
    await store.put(APIS, "apiresourceschemas", "p", schema())
    found = await catalog.lookup("*", "example.io", "v1", "widgets", "i1")
    assert found is not None and found.cluster_prefix("*") == "/example.io/widgets/i1/"
    assert await catalog.lookup("*", "example.io", "v1", "widgets", "i2") is None
    assert await catalog.lookup("*", "example.io", "v1", "widgets") is None
    assert await catalog.lookup("*", "", "v1", "secrets") is not None
    assert await catalog.lookup("*", "", "v1", "secrets", "i1") is None
    await store.put(APIS, "apiexports", "p", {**export(), "spec": {"resources": []}})
    assert await catalog.lookup("*", "example.io", "v1", "widgets", "i1") is found
    assert {info.resource for info in await catalog.everywhere()} == {"secrets", "widgets"}
    assert len(changes) == 2
    assert catalog.is_builtin("", "secrets") and not catalog.is_builtin("example.io", "widgets")
    assert catalog.bound("c", "example.io", "widgets") is None


async def test_exports_known_at_start(store: Store) -> None:
    """A catalog made over a filled store knows its exports."""
    await store.put(APIS, "apiresourceschemas", "p", schema())
    await store.put(APIS, "apiexports", "p", export())
    catalog = await catalog_of(store)
    assert await catalog.lookup("*", "example.io", "v1", "widgets", "i1") is not None
