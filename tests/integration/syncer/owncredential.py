"""A syncer of the line that looks after its own credential, from a bootstrap token on."""

from __future__ import annotations

from dataclasses import replace

from tests.integration.syncer.conftest import PLURALS, Line

from headwater.apis.sync.v1alpha1.identity import identity_of_target
from headwater.apis.workload.labels import syncer_id
from headwater.base import jsonio, yamlio
from headwater.cli.synctarget.manifests import SyncerPlan, downstream_objects, identity_objects, syncer_kubeconfig
from headwater.machinery.objects import Object, name, uid


async def ask(line: Line, action: str) -> Object:
    """Have a credential made, or revoked, as the owner of the SyncTarget."""
    target = identity_of_target(line.target)
    path = f"/services/syncer-credentials/{target.cluster}/{target.name}/{target.uid}/{action}"
    answer = await line.control_plane.client.cluster("").raw("POST", path)
    assert answer.status in (200, 201), answer.body
    document: Object = jsonio.loads(answer.body)
    return document


async def plan_with_token(line: Line, *, proxy_url: str = "") -> SyncerPlan:
    """The syncer's manifests with a new bootstrap token; the kubeconfig of the line gets it too."""
    server = f"{line.control_plane.url}/clusters/{line.cluster}"
    plan = SyncerPlan(
        syncer_id=syncer_id("west", uid(line.target)),
        sync_target_name="west",
        sync_target_uid=uid(line.target),
        cluster=line.cluster,
        upstream_url=server,
        ca_data=(line.directory / "control-plane" / "pki" / "ca.crt").read_bytes(),
        token=(await ask(line, "bootstrap"))["status"]["token"],
        namespace="kcp-syncer",
        image="",
        replicas=1,
        resources=(),
        keeps_credentials=True,
    )
    kubeconfig = syncer_kubeconfig(plan)
    if proxy_url:
        kubeconfig["clusters"][0]["cluster"]["proxy-url"] = proxy_url
    line.options.from_kubeconfig.write_text(yamlio.dump(kubeconfig))
    return plan


async def keep_own_credential(line: Line, *, proxy_url: str = "") -> None:
    """Have the syncer start from a bootstrap token and keep its credential in a Secret of the pcluster.

    It is stopped, and not started again.
    """
    await line.stop_agent()
    plan = await plan_with_token(line, proxy_url=proxy_url)
    for obj in identity_objects(plan.syncer_id, line.target):
        await line.workspace.resource(PLURALS[obj["kind"]]).apply(obj, field_manager="test", force=True)
    await line.workspace.resource(PLURALS["ServiceAccount"], "default").delete(plan.syncer_id)
    for obj in downstream_objects(plan):
        if name(obj) == plan.credentials_secret:
            await line.downstream.resource(PLURALS[obj["kind"]], "kcp-syncer").create(obj)
    # The role for what is synced must not be what lets the syncer write its Secret.
    roles = line.downstream.resource(PLURALS["ClusterRole"])
    rules = (await roles.get(plan.syncer_id))["rules"]
    rules = [{**rule, "resources": [each for each in rule["resources"] if each != "secrets"]} for rule in rules]
    await roles.patch(plan.syncer_id, {"rules": rules})
    line.options = replace(line.options, credentials_secret=f"kcp-syncer/{plan.credentials_secret}")


async def strangers(line: Line) -> float:
    """How many requests the control plane has refused since it could not tell from whom they were."""
    text = (await line.control_plane.client.cluster("").raw("GET", "/metrics")).body.decode()
    lines = [each for each in text.splitlines() if each.startswith('authentication_attempts_total{result="failure"}')]
    return float(lines[0].rpartition(" ")[2]) if lines else 0.0
