"""Seeds the root workspace, its exports and types, the compute workspace, and the rights in ``system:admin``."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from headwater.apis.apis.v1alpha1.apiresourceschema import GROUP as APIS_GROUP
from headwater.apis.apis.v1alpha2.apiexport import IDENTITY_NAMESPACE, IDENTITY_SECRET_KEY
from headwater.apis.core.v1alpha1.logicalcluster import GROUP as CORE_GROUP
from headwater.apis.core.v1alpha1.shard import ROOT_SHARD_NAME
from headwater.apis.tenancy.v1alpha1.workspace import GROUP as TENANCY_GROUP
from headwater.apiserver.authz import bootstrap as kubernetes_policy
from headwater.base.clock import Clock
from headwater.base.hashing import base36_sha224
from headwater.controlplane.bootstrap import compute, exports, rbac, workspaces
from headwater.controlplane.bootstrap.seeding import Seed, Seeder, seed_of
from headwater.controlplane.bootstrap.workspaces import ADMIN_CLUSTER, BoundSchema
from headwater.machinery import objects
from headwater.machinery.logicalcluster import ROOT
from headwater.machinery.objects import Object
from headwater.machinery.timestamps import format_time
from headwater.storage.interface import Backend
from headwater.storage.watchcache import CacheSet

COMPUTE_CLUSTER = base36_sha224(compute.COMPUTE_PATH)[:16]
"""Name of the logical cluster of ``root:compute``; derived, so that a start needs no look-up to find it."""


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """What the rest of the server needs to know: identity hash by export name, and how many objects were written."""

    identities: Mapping[str, str]
    written: int


async def bootstrap(backend: Backend, caches: CacheSet, clock: Clock, *, external_url: str) -> Bootstrapped:
    """Bring the store to what this version of the control plane starts with. Writes nothing when it is so already."""
    planner = _Planner(Seeder(backend, caches, clock), external_url.rstrip("/"), format_time(clock.now()))
    identities = await planner.run()
    return Bootstrapped(identities, await planner.seeder.flush())


class _Planner:
    def __init__(self, seeder: Seeder, external_url: str, now: str) -> None:
        self.seeder = seeder
        self._url = external_url
        self._now = now

    async def run(self) -> Mapping[str, str]:
        identities: dict[str, str] = {}
        bound: dict[str, Sequence[BoundSchema]] = {}
        for definition in exports.ROOT_EXPORTS:
            schemas = [(kind.group, kind.plural, kind.version, exports.schema_of(kind)) for kind in definition.kinds]
            bound[definition.name] = [
                BoundSchema(group, plural, version, objects.name(schema), await self._schema(schema, ROOT, ROOT))
                for group, plural, version, schema in schemas
            ]
            export = exports.definition_object(definition)
            identities[definition.name] = await self._export(export, ROOT, ROOT)
        await self._root(identities, bound)
        await self._compute(identities, bound)
        await self._rbac(ADMIN_CLUSTER, _admin_rights())
        return identities

    async def _schema(self, schema: Object, cluster: str, path: str) -> str:
        seed = seed_of(schema, "apiresourceschemas", cluster, path=path, create_only=True)
        return objects.uid(await self.seeder.plant(seed))

    async def _export(self, export: Object, cluster: str, path: str) -> str:
        """Plant an export with its identity; answers the identity hash."""
        name = objects.name(export)
        identity = await self._identity(cluster, name)
        export["spec"]["identity"] = {"secretRef": {"namespace": IDENTITY_NAMESPACE, "name": name}}
        export["status"] = {
            "identityHash": identity,
            "conditions": [workspaces.true_condition("IdentityValid", self._now)],
        }
        await self.seeder.plant(seed_of(export, "apiexports", cluster, path=path))
        return identity

    async def _identity(self, cluster: str, export: str) -> str:
        """The identity of an export: the hash of the key in its secret, which is made if there is none."""

        def make() -> Object:
            key = base64.b64encode(secrets.token_urlsafe(32).encode()).decode()
            return {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": export, "namespace": IDENTITY_NAMESPACE},
                "type": "Opaque",
                "data": {IDENTITY_SECRET_KEY: key},
            }

        seed = Seed(
            resource="secrets",
            group="",
            cluster=cluster,
            namespace=IDENTITY_NAMESPACE,
            name=export,
            make=make,
            create_only=True,
        )
        secret = await self.seeder.plant(seed)
        return hashlib.sha256(base64.b64decode(secret["data"][IDENTITY_SECRET_KEY])).hexdigest()

    async def _root(self, identities: Mapping[str, str], bound: Mapping[str, Sequence[BoundSchema]]) -> None:
        await self._logical_cluster(ROOT, ROOT, "root:root", None)
        for type_ in exports.workspace_types():
            await self.seeder.plant(
                seed_of(type_, "workspacetypes", ROOT, path=ROOT, identity=identities[TENANCY_GROUP])
            )
        shard = workspaces.shard(ROOT_SHARD_NAME, self._url)
        await self.seeder.plant(seed_of(shard, "shards", ROOT, identity=identities[exports.SHARDS_EXPORT]))
        await self._bindings(ROOT, ROOT, [*exports.DEFAULT_EXPORTS, exports.SHARDS_EXPORT], identities, bound)
        rights = rbac.root_cluster_objects(bindable=exports.DEFAULT_EXPORTS, usable_types=exports.USABLE_TYPES)
        await self._rbac(ROOT, rights)

    async def _compute(self, identities: dict[str, str], bound: Mapping[str, Sequence[BoundSchema]]) -> None:
        path, cluster = compute.COMPUTE_PATH, COMPUTE_CLUSTER
        workspace = workspaces.workspace(compute.COMPUTE_WORKSPACE, cluster=cluster, url=f"{self._url}/clusters/{path}")
        workspace["status"]["conditions"] = [
            workspaces.true_condition(type_, self._now) for type_ in ("WorkspaceInitialized", "WorkspaceScheduled")
        ]
        seed = seed_of(workspace, "workspaces", ROOT, identity=identities[TENANCY_GROUP], create_only=True)
        planted = await self.seeder.plant(seed)
        await self._logical_cluster(cluster, path, "root:universal", objects.uid(planted))
        await self._bindings(cluster, path, exports.DEFAULT_EXPORTS, identities, bound)
        for kind in compute.compute_kinds():
            await self.seeder.plant(
                Seed(
                    resource="apiresourceschemas",
                    group=APIS_GROUP,
                    cluster=cluster,
                    path=path,
                    name=compute.schema_name(kind),
                    make=partial(compute.schema_object, kind),
                    create_only=True,
                )
            )
        identities[compute.COMPUTE_EXPORT] = await self._export(compute.compute_export(), cluster, path)
        await self._rbac(cluster, compute.compute_rbac())

    async def _logical_cluster(self, cluster: str, path: str, type_: str, owner_uid: str | None) -> None:
        obj = workspaces.logical_cluster(path, type_, f"{self._url}/clusters/{cluster}", owner_uid)
        seed = seed_of(obj, "logicalclusters", cluster, path=path, create_only=True)
        assert seed.group == CORE_GROUP
        await self.seeder.plant(seed)
        for name in workspaces.NAMESPACES:
            namespace = workspaces.namespace(name)
            await self.seeder.plant(seed_of(namespace, "namespaces", cluster, create_only=True))

    async def _bindings(
        self,
        cluster: str,
        path: str,
        names: Sequence[str],
        identities: Mapping[str, str],
        bound: Mapping[str, Sequence[BoundSchema]],
    ) -> None:
        for name in names:
            binding = workspaces.binding(name, bound[name], identity=identities[name], now=self._now)
            await self.seeder.plant(seed_of(binding, "apibindings", cluster, path=path, create_only=True))

    async def _rbac(self, cluster: str, wanted: Sequence[Object]) -> None:
        for obj in wanted:
            resource = f"{obj['kind'].lower()}s"
            await self.seeder.plant(seed_of(obj, resource, cluster))


def _admin_rights() -> list[Object]:
    return [
        *kubernetes_policy.cluster_roles(),
        *kubernetes_policy.cluster_role_bindings(),
        *rbac.admin_cluster_objects(),
    ]
