"""A control plane with one SyncTarget, asked as over the network: with a bearer token and through all filters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.integration.scheduling.skipclock import SkipClock

from headwater.apis.sync.v1alpha1.identity import SyncerIdentity, identity_of_target
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apis.workload.labels import syncer_id
from headwater.apiserver.authn.interface import NOBODY
from headwater.base import jsonio
from headwater.cli.synctarget.manifests import identity_objects
from headwater.client.dynamic import Client
from headwater.client.interface import RawResponse
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, uid
from headwater.server.process import ControlPlaneProcess

WORKSPACES = GroupVersionResource("tenancy.kcp.io", "v1alpha1", "workspaces")
EVENTS = GroupVersionResource("", "v1", "events")
_RBAC = "rbac.authorization.k8s.io"
ROLES = {
    "ClusterRole": GroupVersionResource(_RBAC, "v1", "clusterroles"),
    "ClusterRoleBinding": GroupVersionResource(_RBAC, "v1", "clusterrolebindings"),
}
CLAIMANT = "a-secret-of-this-claimant"


@dataclass(slots=True)
class Hub:
    """The control plane, its clock, and the workspace of the SyncTargets."""

    process: ControlPlaneProcess
    clock: SkipClock
    workspace: Client
    cluster: str
    targets: dict[str, Object] = field(default_factory=dict)

    async def target(self, name: str) -> SyncerIdentity:
        """A new SyncTarget with the role of its syncer."""
        made = await self.workspace.resource(SYNC_TARGETS).create(
            {
                "apiVersion": "sync.kcp.io/v1alpha1",
                "kind": "SyncTarget",
                "metadata": {"name": name},
                "spec": {"supportedAPIExports": [{"path": "root:compute", "export": "kubernetes"}]},
            }
        )
        for obj in identity_objects(syncer_id(name, uid(made)), made):
            await self.workspace.resource(ROLES[obj["kind"]]).create(obj)
        return identity_of_target(made)

    async def ask(
        self, method: str, path: str, body: Object | None = None, *, token: str = "", content_type: str = ""
    ) -> RawResponse:
        """One request, authenticated by nothing but the token."""
        headers = {"accept": "application/json"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        if body is not None:
            headers["content-type"] = content_type or "application/json"
        path, _, query = path.partition("?")
        pairs = [(key, value) for key, _, value in (each.partition("=") for each in query.split("&") if each)]
        sent = jsonio.dumps(body) if body is not None else b""
        return await self.process.api.loopback(NOBODY).request(method, path, query=pairs, headers=headers, body=sent)

    async def bootstrap(self, identity: SyncerIdentity, **body: Any) -> str:
        """A bootstrap token, as the owner of the SyncTarget asks for it."""
        answer = await self.workspace_free.raw("POST", url_of(identity, "bootstrap"), body=jsonio.dumps(body))
        assert answer.status == 201, answer.body
        token: str = jsonio.loads(answer.body)["status"]["token"]
        return token

    @property
    def workspace_free(self) -> Client:
        """A privileged client that names no workspace."""
        return self.process.client.cluster("")

    async def exchange(self, identity: SyncerIdentity, token: str, claimant: str = CLAIMANT) -> RawResponse:
        """The use of a bootstrap token."""
        return await self.ask("POST", url_of(identity, "exchange"), {"token": token, "claimant": claimant})

    async def credential(self, identity: SyncerIdentity) -> str:
        """A syncer's credential, had in the ordinary way."""
        return token_in(await self.exchange(identity, await self.bootstrap(identity)))

    async def reads_target(self, identity: SyncerIdentity, token: str) -> int:
        """The status of reading the SyncTarget."""
        path = f"/clusters/{identity.cluster}/apis/sync.kcp.io/v1alpha1/synctargets/{identity.name}"
        return (await self.ask("GET", path, token=token)).status

    async def events(self) -> list[tuple[str, str]]:
        """(SyncTarget, reason) of the Events about credentials."""
        found = (await self.workspace.resource(EVENTS, "default").list())["items"]
        ours = [each for each in found if each["source"]["component"] == "syncer-credentials"]
        return [(each["involvedObject"]["name"], each["reason"]) for each in ours]


def url_of(identity: SyncerIdentity, action: str) -> str:
    """Where credentials are asked for."""
    return f"/services/syncer-credentials/{identity.cluster}/{identity.name}/{identity.uid}/{action}"


def token_in(answer: RawResponse) -> str:
    """The token of an answer that has one."""
    assert answer.status == 201, answer.body
    token: str = jsonio.loads(answer.body)["status"]["token"]
    return token


def message_in(answer: RawResponse) -> str:
    """What a refusal says."""
    return str(jsonio.loads(answer.body)["message"])
