"""What the comparison of schemas makes of servers that describe little, nothing, or can't be asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.integration.syncer.conftest import DEPLOYMENTS, Line

from headwater.client.dynamic import ClusterClient
from headwater.client.kubeconfig import load_file
from headwater.client.transport import NetworkTransport
from headwater.machinery.gvk import GroupVersionResource
from headwater.sim.faults import FaultSettings
from headwater.syncer.schemas import ApiImporter, Verdict

COWBOYS = GroupVersionResource("wildwest.dev", "v1", "cowboys")
CONFIG_MAPS = GroupVersionResource("", "v1", "configmaps")


@asynccontextmanager
async def importer_of(line: Line) -> AsyncIterator[tuple[ApiImporter, str]]:
    """One with the credentials of the syncer, which rests, and the URL of its virtual workspace."""
    await line.stop_agent()
    assert line.options.from_kubeconfig is not None and line.options.to_kubeconfig is not None
    transport = NetworkTransport(load_file(line.options.from_kubeconfig).settings())
    pcluster = NetworkTransport(load_file(line.options.to_kubeconfig).settings())
    url = (await line.sync_target())["status"]["virtualWorkspaces"][0]["syncerURL"]
    try:
        downstream = ClusterClient(pcluster).cluster("")
        yield ApiImporter(downstream, transport_for=lambda _: transport), url
    finally:
        await transport.close()
        await pcluster.close()


async def test_without_a_virtual_workspace_nothing_is_compared(line: Line) -> None:
    async with importer_of(line) as (importer, _):
        found = await importer.verdicts({DEPLOYMENTS: "Deployment"}, "")
    assert found == {
        DEPLOYMENTS: Verdict(note="its schema was not compared: the control plane serves no virtual workspace")
    }


async def test_a_side_that_does_not_describe_a_resource_is_named(line: Line) -> None:
    async with importer_of(line) as (importer, url):
        found = await importer.verdicts({COWBOYS: "Cowboy", CONFIG_MAPS: "ConfigMap"}, url)
    assert found[COWBOYS].note.endswith("the control plane does not describe its group version")
    assert found[CONFIG_MAPS].note.endswith("the control plane does not describe ConfigMap")


async def test_what_can_not_be_asked_keeps_its_verdict(line: Line) -> None:
    """And what was not judged before is let through, until it can be."""
    async with importer_of(line) as (importer, url):
        line.pcluster.faults.set(FaultSettings(error_share=1))
        first = await importer.verdicts({DEPLOYMENTS: "Deployment"}, url)
        assert first[DEPLOYMENTS].note.endswith("it can't be read at the moment")
        line.pcluster.faults.set(FaultSettings())
        assert await importer.verdicts({DEPLOYMENTS: "Deployment"}, url) == {DEPLOYMENTS: Verdict()}
        line.pcluster.faults.set(FaultSettings(error_share=1))
        assert await importer.verdicts({DEPLOYMENTS: "Deployment"}, url) == {DEPLOYMENTS: Verdict()}
        assert await importer.verdicts({}, url) == {}
