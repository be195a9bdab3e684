"""Admission of exports, schemas, CRDs and paths."""

from __future__ import annotations

import pytest
from tests.unit.controlplane.stores import Store

from headwater.apis.apis.v1alpha1 import API_RESOURCE_SCHEMA
from headwater.apiserver.admission.interface import CREATE, UPDATE, AdmissionAttributes
from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.builtin.kinds import builtin_resources
from headwater.controlplane.admission.apiexport import check_claims, check_resources
from headwater.controlplane.admission.apiresourceschema import APIResourceSchemaAdmission, check
from headwater.controlplane.admission.paths import PathAnnotation
from headwater.controlplane.admission.reserved import CustomResourceOverlap
from headwater.controlplane.binding.infos import infos_of_kind
from headwater.machinery.errors import Forbidden, Invalid
from headwater.machinery.objects import Object

ALICE = UserInfo("alice", groups=("system:authenticated",))
MASTER = UserInfo("m", groups=("system:masters",))


def is_builtin(group: str, resource: str) -> bool:
    return (group, resource) in {("", "secrets"), ("", "configmaps")}


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        ({"resources": [{"group": "g.io", "name": "ws", "schema": "v1.ws.g.io"}]}, []),
        ({"resources": [{"group": "", "name": "pods", "schema": "v1.pods.core"}]}, []),
        ({"resources": [{"group": "g.io", "name": "ws", "schema": "v1.xs.g.io"}]}, ["must end in .ws.g.io"]),
        ({"resources": [{"group": "g.io", "name": "ws", "schema": ".ws.g.io"}]}, ["must end in .ws.g.io"]),
        ({"latestResourceSchemas": ["v1.ws.g.io", "v2.ws.g.io"]}, ["Duplicate value"]),
        ({"latestResourceSchemas": ["odd"]}, ["must be of the form"]),
    ],
)
def test_export_resources(spec: Object, problems: list[str]) -> None:
    found = check_resources({"spec": spec})
    assert len(found) == len(problems)
    assert all(text in str(error) for text, error in zip(problems, found, strict=True))


@pytest.mark.parametrize(
    ("claims", "problems"),
    [
        ([{"resource": "secrets"}, {"resource": "configmaps"}], []),
        ([{"group": "apis.kcp.io", "resource": "apibindings"}], []),
        ([{"group": "g.io", "resource": "ws", "identityHash": "x"}], []),
        ([{"group": "g.io", "resource": "ws"}], ["identityHash is required"]),
        ([{"resource": "secrets", "identityHash": "x"}], ["must be empty for built-in"]),
        ([{"resource": "secrets"}, {"resource": "secrets"}], ["Duplicate value"]),
    ],
)
def test_export_claims(claims: list[Object], problems: list[str]) -> None:
    found = check_claims({"spec": {"permissionClaims": claims}}, is_builtin)
    assert len(found) == len(problems)
    assert all(text in str(error) for text, error in zip(problems, found, strict=True))


def schema(**change: object) -> Object:
    version = {"name": "v1", "served": True, "storage": True, "schema": {"type": "object"}}
    spec = {"group": "g.io", "names": {"plural": "ws", "kind": "W"}, "scope": "Cluster", "versions": [version]}
    return {"metadata": {"name": "v1.ws.g.io"}, "spec": {**spec, **change}}


def with_name(name: str, **change: object) -> Object:
    return {**schema(**change), "metadata": {"name": name}}


SECOND = {"name": "v2", "served": True, "storage": False, "schema": {"type": "object"}}
VERSIONS = [*schema()["spec"]["versions"], SECOND]
APPROVED = {"name": "v1.ws.x.k8s.io", "annotations": {"api-approved.kubernetes.io": "https://example.io"}}


@pytest.mark.parametrize(
    ("obj", "problem"),
    [
        (schema(), ""),
        (with_name("v1.ws.core", group=""), ""),
        (with_name("v1.ws.apps", group="apps"), ""),
        (with_name("v1.ws.x.k8s.io", group="x.k8s.io"), "must have approval annotation"),
        ({**schema(group="x.k8s.io"), "metadata": APPROVED}, ""),
        (with_name("v1.ws.single", group="single"), "at least one dot"),
        (with_name("ws.g.io"), "the form <prefix>.ws.g.io"),
        (with_name("1x.ws.g.io"), "the form <prefix>.ws.g.io"),
        (schema(versions=[{**SECOND, "storage": False}]), "exactly one version must be the storage version"),
        (schema(versions=VERSIONS), "must be set when there are several versions"),
        (schema(versions=VERSIONS, conversion={"strategy": "None"}), ""),
        (
            schema(conversion={"strategy": "Webhook", "webhook": {"clientConfig": {"url": "http://x"}}}),
            "must use https",
        ),
        (schema(versions=[{**VERSIONS[0], "schema": {"properties": {"a": {}}}}]), "spec.versions[0].schema"),
    ],
)
def test_schemas(obj: Object, problem: str) -> None:
    """Names tell the resource, groups are ours to use, versions and schemas can be served."""
    found = "; ".join(str(error) for error in check(obj))
    assert (problem in found) if problem else not found


async def test_schemas_do_not_change() -> None:
    (info,) = infos_of_kind([API_RESOURCE_SCHEMA])
    plugin = APIResourceSchemaAdmission()

    async def update(new: Object) -> None:
        await plugin.validate(AdmissionAttributes(UPDATE, info, "c", "", "v1.ws.g.io", new, schema(), ALICE))

    await update({**schema(), "metadata": {"name": "v1.ws.g.io", "labels": {"a": "b"}}})
    with pytest.raises(Invalid, match="spec is immutable"):
        await update(schema(scope="Namespaced"))


def crd(group: str = "g.io", **annotations: str) -> Object:
    notes = {key.replace("__", "/"): value for key, value in annotations.items()}
    return {
        "metadata": {"name": f"ws.{group}", "annotations": notes},
        "spec": {"group": group, "names": {"plural": "ws"}},
    }


@pytest.mark.parametrize(
    ("obj", "cluster", "user", "problem"),
    [
        (crd(), "c", ALICE, ""),
        (crd("apis.kcp.io"), "c", ALICE, "apis.kcp.io is a reserved group"),
        (crd("x.apis.kcp.io"), "c", MASTER, "is a reserved group"),
        (crd(**{"apis.kcp.io__x": "y"}), "c", ALICE, "annotation apis.kcp.io/x is reserved"),
        (crd(**{"apis.kcp.io__x": "y"}), "c", MASTER, ""),
        (crd(), "bound", ALICE, "bound by APIBinding 'b'"),
        (crd("core.kcp.io"), "c", MASTER, "the resource is built in"),
    ],
)
async def test_local_definitions(store: Store, obj: Object, cluster: str, user: UserInfo, problem: str) -> None:
    """CRDs stay off reserved groups and annotations, and off what is bound."""
    status = {"boundResources": [{"group": "g.io", "resource": "ws", "schema": {}}]}
    await store.put("apis.kcp.io", "apibindings", "bound", {"metadata": {"name": "b"}, "status": status})
    info = builtin_resources([("", "secrets")])[0]
    plugin = CustomResourceOverlap(store.state, lambda *asked: asked == ("core.kcp.io", "ws"))
    attributes = AdmissionAttributes(CREATE, info, cluster, "", "ws.g.io", obj, None, user)
    if not problem:
        await plugin.validate(attributes)
        return
    with pytest.raises(Forbidden) as caught:
        await plugin.validate(attributes)
    assert problem in caught.value.message


async def test_paths_are_corrected_where_they_are(store: Store) -> None:
    """Kinds that need the path get it; on others only a wrong one is put right; LogicalClusters are left alone."""
    await store.logical_cluster("c", "root:org")
    plugin = PathAnnotation(store.state.clusters)
    (schemas,) = infos_of_kind([API_RESOURCE_SCHEMA])
    for present, expected in ((None, None), ({"kcp.io/path": "root:wrong"}, "root:org")):
        obj: Object = {"metadata": {"name": "x", **({"annotations": present} if present else {})}}
        await plugin.admit(AdmissionAttributes(CREATE, schemas, "c", "", "x", obj, None, ALICE))
        assert (obj["metadata"].get("annotations") or {}).get("kcp.io/path") == expected
