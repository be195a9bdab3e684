"""The stage on which explanations and plans are tested: two pclusters, two tenants, and a world of their objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.integration.scheduling.ground import BINDINGS, DEPLOYMENTS, Ground, Space, deployment

from headwater.apis.placement.v1alpha1.location import LOCATIONS
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apiserver.authn.interface import UserInfo
from headwater.base import jsonio
from headwater.client.answers import decode_object
from headwater.client.dynamic import ClusterClient
from headwater.client.interface import RawResponse
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object
from headwater.scheduling.snapshot import location_from, policy_from, required_resources, target_from
from headwater.scheduling.workload import Workload, workload_id
from headwater.scheduling.world import World
from headwater.server.process import ControlPlaneProcess, VirtualContext
from headwater.virtual.interface import VirtualWorkspace
from headwater.virtual.scheduling.service import SchedulingVirtualWorkspace

CLUSTER_ROLES = GroupVersionResource("rbac.authorization.k8s.io", "v1", "clusterroles")
CLUSTER_ROLE_BINDINGS = GroupVersionResource("rbac.authorization.k8s.io", "v1", "clusterrolebindings")
ALICE, BOB, CAROL = (UserInfo(name, groups=("system:authenticated",)) for name in ("alice", "bob", "carol"))
"""Administrators of `shop`, of `other`, and of the pclusters."""
STRANGER = UserInfo("stranger", groups=("system:authenticated",))
ANONYMOUS = UserInfo("system:anonymous", groups=("system:unauthenticated",))
PLANS = "/apis/placement.kcp.io/v1alpha1/plans"


@dataclass(slots=True)
class Horizon:
    """What the controllers know, played by the test."""

    world: World | None = None
    process: ControlPlaneProcess | None = None

    def workspace(self, context: VirtualContext) -> VirtualWorkspace:
        """The factory of the virtual workspace."""
        return SchedulingVirtualWorkspace(
            cluster_client=context.client, as_user=self.as_user, clock=context.clock, world=lambda: self.world
        )

    def as_user(self, user: UserInfo) -> ClusterClient:
        """A client for someone who logged in."""
        assert self.process is not None, "the fixture sets it"
        return ClusterClient(self.process.api.loopback(user))


@dataclass(slots=True)
class Outlook:
    """`west` has the targets north and south, and the tenants `shop` and `other` run on north."""

    ground: Ground
    horizon: Horizon
    west: Space
    shop: Space
    other: Space
    placements: dict[str, Object] = field(default_factory=dict)

    @property
    def world(self) -> World:
        assert self.horizon.world is not None, "built by the stage"
        return self.horizon.world

    async def get(self, user: UserInfo, path: str, *, accept: str = "application/json") -> Object:
        """GET below the virtual workspace."""
        return await self.horizon.as_user(user).cluster("").get_json(f"/services/scheduling{path}", accept=accept)

    async def send(self, user: UserInfo, method: str, path: str, body: bytes = b"", kind: str = "") -> RawResponse:
        """Any request below the virtual workspace."""
        client = self.horizon.as_user(user).cluster("")
        return await client.raw(
            method, f"/services/scheduling{path}", body=body, content_type=kind or "application/json"
        )

    async def explanation(self, user: UserInfo, space: Space, name: str, **options: str) -> Object:
        """The explanation of a Deployment in the namespace `default`."""
        path = f"/clusters/{space.path}/apis/apps/v1/namespaces/default/deployments/{name}/explanation"
        return await self.get(user, path, **options)

    async def plan(self, user: UserInfo, space: Space, **spec: Any) -> Object:
        """The status of a plan. Raises StatusError."""
        body = {"apiVersion": "placement.kcp.io/v1alpha1", "kind": "Plan", "spec": spec}
        answer = await self.send(user, "POST", f"/clusters/{space.path}{PLANS}", jsonio.dumps(body))
        status: Object = decode_object(answer)["status"]
        return status

    def know(self, space: Space, name: str, replicas: Mapping[str, int], request: int = 100) -> str:
        """Put a Deployment of a tenant into the world: on these targets, with so many thousandths of a core each."""
        policy = self.placements[space.cluster]["metadata"]["uid"]
        known = workload_id("apps", "deployments", f"{space.cluster}|default/{name}")
        current = {self.west.key(target): count for target, count in replicas.items()}
        self.world.put_workload(
            Workload(known, (policy,), sum(replicas.values()), {"cpu": request, "memory": 2**20}, current)
        )
        return known


async def grant(space: Space, user: UserInfo, *rules: Object) -> None:
    """Give somebody access to a workspace and these rules in it; without rules everything."""
    group = "rbac.authorization.k8s.io"
    name = "cluster-admin"
    if rules:
        name = f"{user.name}-{len(rules)}"
        entering = {"nonResourceURLs": ["/"], "verbs": ["access"]}
        body = {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": name}}
        await space.resource(CLUSTER_ROLES).create({**body, "rules": [entering, *rules]})
    await space.resource(CLUSTER_ROLE_BINDINGS).create(
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"{user.name}-{name}"},
            "subjects": [{"apiGroup": group, "kind": "User", "name": user.name}],
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
        }
    )


def rule(group: str, resource: str, *verbs: str, names: tuple[str, ...] = ()) -> Object:
    """A rule of a role."""
    found: Object = {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}
    return {**found, "resourceNames": list(names)} if names else found


async def set_outlook(ground: Ground, horizon: Horizon) -> Outlook:
    """Make workspaces, targets, Placements and Deployments, and the world that controllers would have of them."""
    west = await ground.workspace("west", compute=False)
    await west.target("north", cells=["a"])
    await west.target("south", cells=["b"])
    await west.location("all")
    shop, other = [await ground.workspace(name) for name in ("shop", "other")]
    for space, user in ((shop, ALICE), (other, BOB), (west, CAROL)):
        await grant(space, user)
    await grant(west, ALICE, rule("placement.kcp.io", "locations", "use"))
    outlook = Outlook(ground, horizon, west, shop, other)
    world = horizon.world = World()
    for target in (await west.resource(SYNC_TARGETS).list())["items"]:
        world.put_target(target_from(target))
    for location in (await west.resource(LOCATIONS).list())["items"]:
        world.put_location(location_from(location))
    for space, name in ((shop, "web"), (other, "ledger")):
        placement = await space.place("all", locationWorkspace=west.path)
        bindings = (await space.resource(BINDINGS).list())["items"]
        world.put_policy(policy_from(placement, required_resources(bindings), west.cluster))
        outlook.placements[space.cluster] = placement
        await space.resource(DEPLOYMENTS, "default").create(deployment(name))
        outlook.know(space, name, {"north": 2})
    return outlook
