"""Tokens of service accounts through a target's virtual workspace: for what the target runs, and for nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.integration.scheduling.ground import CONFIG_MAPS, DEPLOYMENTS, SECRETS, Syncer, deployment, eventually
from tests.integration.virtual.stage import CLUSTER_ROLE_BINDINGS, Stage

from headwater.apiserver.authn.interface import UserInfo
from headwater.base import jsonio
from headwater.machinery.errors import BadRequest, Forbidden, Invalid, MethodNotAllowed, NotFound, StatusError
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, labels
from headwater.machinery.timestamps import parse_time

ACCOUNTS = GroupVersionResource("", "v1", "serviceaccounts")
CRON_JOBS = GroupVersionResource("batch", "v1", "cronjobs")
OPT_OUT = "workload.kcp.io/workspace-access"


def running(name: str, account: str = "", *, mount: bool | None = None, **notes: str) -> Object:
    """A Deployment whose pods run as an account."""
    made = deployment(name)
    pod = made["spec"]["template"]["spec"]
    pod |= ({"serviceAccountName": account} if account else {}) | (
        {"automountServiceAccountToken": mount} if mount is not None else {}
    )
    made["metadata"]["annotations"] = notes
    return made


@pytest.fixture
async def placed(stage: Stage) -> Stage:
    """The tenant has namespaces `default`, placed on north, and `other`, placed nowhere; accounts in both."""
    await stage.tenant.bind()
    await stage.tenant.namespace("other", place="no")
    selector = {"names": ["north"]}
    only_default = {"matchLabels": {"kubernetes.io/metadata.name": "default"}}
    await stage.tenant.place(
        "north", locationWorkspace=stage.west.path, locationSelector=selector, namespaceSelector=only_default
    )
    await stage.tenant.holds_namespace("default", {stage.north.key: "Sync"})
    for space, names in {
        "default": ("robot", "idle", "shy", "muted", "kcp-syncer-north-12345678"),
        "other": ("robot", "elsewhere"),
    }.items():
        for name in names:
            body: Object = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
            if name == "shy":
                body["automountServiceAccountToken"] = False
            await stage.tenant.resource(ACCOUNTS, space).create(body)
    await stage.tenant.resource(DEPLOYMENTS, "other").create(running("far", "elsewhere"))
    return stage


async def run(stage: Stage, *objects: Object) -> None:
    """Create Deployments in the placed namespace, and wait until north has them."""
    resource = stage.tenant.resource(DEPLOYMENTS, "default")
    label = f"state.workload.kcp.io/{stage.north.key}"
    for obj in objects:
        await resource.create(obj)
        found = obj["metadata"]["name"]
        await eventually(lambda found=found: resource.get(found), lambda seen: labels(seen).get(label) == "Sync")


async def ask(syncer: Syncer, stage: Stage, account: str, space: str = "default", **spec: Any) -> Object:
    """A TokenRequest through the virtual workspace."""
    accounts = syncer.client.cluster(stage.tenant.cluster).resource(ACCOUNTS, space)
    return await accounts.create_subresource(account, "token", {"kind": "TokenRequest", "spec": spec})


async def test_a_token_reaches_the_workspace_that_it_is_of(placed: Stage) -> None:
    """It is the account's: it may what the account may, in its own workspace and in no other, for an hour at most."""
    await run(placed, running("web", "robot"))
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "robot"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": "default"}],
    }
    for space in (placed.tenant, placed.west):
        await space.resource(CLUSTER_ROLE_BINDINGS).create(binding)
    answer = await ask(placed.north, placed, "robot", expirationSeconds=30 * 24 * 3600)
    assert answer["spec"]["expirationSeconds"] == 3600
    ends = parse_time(answer["status"]["expirationTimestamp"])
    assert ends - placed.ground.clock.now() <= timedelta(hours=1)
    process = placed.ground.process
    user = await process.authentication.tokens.authenticate_token(answer["status"]["token"])
    assert user is not None
    assert user.name == "system:serviceaccount:default:robot"
    pod = placed.ground.as_user(UserInfo(user.name, user.uid, (*user.groups, "system:authenticated"), user.extra))
    body = jsonio.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made"}})
    own = "/api/v1/namespaces/default/configmaps"
    assert (await pod.cluster("").raw("POST", own, body=body)).status == 201
    assert (await placed.tenant.resource(CONFIG_MAPS, "default").get("made"))["metadata"]["name"] == "made"
    for cluster in (placed.west.cluster, "root", "*"):
        assert (await pod.cluster("").raw("GET", f"/clusters/{cluster}/api/v1/configmaps")).status == 403


ATTACKS: list[tuple[str, dict[str, Any], type[StatusError], str]] = [
    ("idle", {}, Forbidden, "no pods of this target run as it"),
    ("default", {}, Forbidden, "no pods of this target run as it"),
    ("nobody", {}, Forbidden, "no pods of this target run as it"),
    ("robot", {"space": "other"}, Forbidden, "no pods of this target run as it"),
    ("elsewhere", {"space": "other"}, Forbidden, "no pods of this target run as it"),
    ("ghost", {}, NotFound, 'serviceaccounts "ghost" not found'),
    ("shy", {}, Forbidden, "no pods that run as it want access"),
    ("muted", {}, Forbidden, "no pods that run as it want access"),
    ("kcp-syncer-north-12345678", {}, Forbidden, "it is the account of a syncer"),
    ("robot", {"audiences": ["vault"]}, Forbidden, "spec.audiences can't be set"),
    ("robot", {"boundObjectRef": {"kind": "Secret", "name": "x"}}, Forbidden, "spec.boundObjectRef can't be set"),
    ("robot", {"expirationSeconds": 5}, Invalid, "less than 10 minutes"),
    ("robot", {"expirationSeconds": "long"}, BadRequest, "whole number"),
]


async def test_everything_else_is_refused(placed: Stage) -> None:
    """Accounts that nothing here runs as, other namespaces, other targets, and wishes that are not the syncer's."""
    await run(
        placed,
        running("web", "robot"),
        running("haunted", "ghost"),
        running("shy", "shy"),
        running("muted", "muted", mount=False),
        running("quiet", "muted", **{OPT_OUT: "false"}),
        running("sly", "kcp-syncer-north-12345678"),
    )
    for account, wish, error, why in ATTACKS:
        with pytest.raises(error, match=why):
            await ask(placed.north, placed, account, **wish)
    with pytest.raises(Forbidden, match="no pods of this target run as it"):
        await ask(placed.south, placed, "robot")
    await run(placed, running("loud", "shy", mount=True))
    assert (await ask(placed.north, placed, "shy"))["status"]["token"]


CRAFTED: list[tuple[str, str, int]] = [
    ("GET", "namespaces/default/serviceaccounts/robot/token", MethodNotAllowed.code),
    ("PUT", "namespaces/default/serviceaccounts/robot/token", MethodNotAllowed.code),
    ("PATCH", "namespaces/default/serviceaccounts/robot/token", MethodNotAllowed.code),
    ("POST", "namespaces/default/serviceaccounts/robot", MethodNotAllowed.code),
    ("POST", "namespaces/default/serviceaccounts", MethodNotAllowed.code),
    ("POST", "serviceaccounts/robot/token", NotFound.code),
    ("POST", "namespaces/default/serviceaccounts/robot/token/more", NotFound.code),
    ("POST", "namespaces/default/serviceaccounts/robot/tokens", MethodNotAllowed.code),
    ("POST", "namespaces/default/secrets/robot/token", MethodNotAllowed.code),
    ("POST", "namespaces/default/serviceaccounts:x/robot/token", NotFound.code),
    ("POST", "namespaces/default/serviceaccounts/../token", BadRequest.code),
    ("POST", "namespaces/default/serviceaccounts/robot%2F..%2Fidle/token", BadRequest.code),
    ("POST", "namespaces//serviceaccounts/robot/token", BadRequest.code),
]


async def test_there_is_no_way_around(placed: Stage) -> None:
    """Other verbs and crafted paths lead nowhere, nor does a request over all logical clusters, or by a stranger."""
    await run(placed, running("web", "robot"))
    client, body = placed.north.client, jsonio.dumps({"spec": {}})
    for method, path, status in CRAFTED:
        answer = await client.cluster(placed.tenant.cluster).raw(method, f"/api/v1/{path}", body=body)
        assert answer.status == status, (method, path, answer.body)
    token = "/api/v1/namespaces/default/serviceaccounts/robot/token"
    assert (await client.cluster("*").raw("POST", token, body=body)).status == BadRequest.code
    eve = await placed.as_user(UserInfo("eve", groups=("system:authenticated",)), "north")
    assert (await eve.cluster(placed.tenant.cluster).raw("POST", token, body=body)).status == Forbidden.code


async def test_a_cron_job_runs_pods_too(placed: Stage) -> None:
    pod = {"serviceAccountName": "robot", "restartPolicy": "Never", "containers": [{"name": "c", "image": "nginx"}]}
    job = {"spec": {"template": {"spec": pod}}}
    body = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"}}
    jobs = placed.tenant.resource(CRON_JOBS, "default")
    await jobs.create({**body, "spec": {"schedule": "0 0 * * *", "jobTemplate": job}})
    label = f"state.workload.kcp.io/{placed.north.key}"
    await eventually(lambda: jobs.get("nightly"), lambda seen: labels(seen).get(label) == "Sync")
    assert (await ask(placed.north, placed, "robot"))["status"]["token"]
    assert (await placed.tenant.resource(SECRETS, "default").list())["items"] == [], "nothing is stored for it"
