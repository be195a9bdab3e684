"""What a syncer's own credential can bring about in workspaces, if somebody gets hold of it."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from tests.integration.syncer.conftest import Line
from tests.integration.syncer.test_upsync import PODS, SECRETS, running, started

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGET, SYNC_TARGETS
from headwater.client.dynamic import ClusterClient
from headwater.client.kubeconfig import load_file
from headwater.client.transport import NetworkTransport
from headwater.machinery.errors import BadRequest, Forbidden, NotFound
from headwater.machinery.objects import Object, name, uid


def marked(line: Line, object_name: str) -> Object:
    labels = {f"state.workload.kcp.io/{line.key}": "Upsync"}
    spec = {"containers": [{"name": "c", "image": "x"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": object_name, "labels": labels}, "spec": spec}


async def test_the_syncers_credential_reaches_its_own_pods_only(line: Line) -> None:
    """Not another target's view, not where nothing is placed, not the tenant's objects, and no way around the view."""
    await started(line, 1)
    [own] = (await running(line, 1)).values()
    body = {"apiVersion": SYNC_TARGET.api_version, "kind": "SyncTarget", "metadata": {"name": "other"}, "spec": {}}
    other = await line.workspace.resource(SYNC_TARGETS).create(body)
    secret: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tenants"}}
    await line.workspace.resource(SECRETS, "web").create(secret)
    [shard] = (await line.sync_target())["status"]["virtualWorkspaces"]
    path = urlsplit(shard["upsyncerURL"]).path
    assert line.options.from_kubeconfig is not None
    transport = NetworkTransport(load_file(line.options.from_kubeconfig).settings())
    mine = ClusterClient(transport, base_path=path)
    theirs = ClusterClient(transport, base_path=f"/services/upsyncer/{line.cluster}/other/{uid(other)}")
    try:
        assert (await mine.cluster(line.cluster).resource(PODS, "web").get(name(own)))["metadata"]["uid"] == uid(own)
        for client, error in (
            (theirs.cluster("*").resource(PODS).list(), Forbidden),
            (theirs.cluster(line.cluster).resource(PODS, "web").create(marked(line, "x")), Forbidden),
            (mine.cluster(line.cluster).resource(PODS, "kube-system").create(marked(line, "x")), Forbidden),
            (mine.cluster("root").resource(PODS, "default").create(marked(line, "x")), Forbidden),
            (mine.cluster("root:shop").resource(PODS, "web").list(), NotFound),
            (mine.cluster(line.cluster).resource(SECRETS, "web").get("tenants"), NotFound),
            (mine.cluster(line.cluster).resource(SECRETS, "web").delete("tenants"), NotFound),
            (
                mine.cluster(line.cluster).resource(PODS, "web").create({**marked(line, "x"), "metadata": {}}),
                BadRequest,
            ),
            (ClusterClient(transport).cluster(line.cluster).resource(PODS, "web").list(), Forbidden),
        ):
            with pytest.raises(error):
                await client
    finally:
        await transport.close()
    assert [name(each) for each in (await line.workspace.resource(PODS).list())["items"]] == [name(own)]
