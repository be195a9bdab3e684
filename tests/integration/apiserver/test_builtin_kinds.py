"""What the builtin kinds do beyond their schemas."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from .conftest import CONFIG_MAPS, Api
from .test_create_update import DEPLOYMENTS, SECRETS, config_map, deployment

NAMESPACES = "/api/v1/namespaces"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
PODS = "/api/v1/namespaces/default/pods"
CONTAINERS = [{"name": "c", "image": "i"}]


async def test_namespace_life(api: Api) -> None:
    """A namespace is Active, then Terminating until /finalize takes its last finalizer; nothing new goes in."""
    made = await api.create(NAMESPACES, {"metadata": {"name": "n"}})
    assert made["status"] == {"phase": "Active"}
    assert made["spec"] == {"finalizers": ["kubernetes"]}
    assert made["metadata"]["labels"] == {"kubernetes.io/metadata.name": "n"}
    kept = await api.merge(f"{NAMESPACES}/n", {"spec": {"finalizers": []}, "metadata": {"labels": {"a": "b"}}})
    assert kept.body["spec"] == {"finalizers": ["kubernetes"]}
    assert kept.body["metadata"]["labels"]["kubernetes.io/metadata.name"] == "n"
    await api.create(f"{NAMESPACES}/n/configmaps", config_map("a"))
    going = await api.delete(f"{NAMESPACES}/n")
    assert (going.status, going.body["status"]["phase"]) == (200, "Terminating")
    refused = await api.post(f"{NAMESPACES}/n/configmaps", config_map("b"))
    assert (refused.status, refused.body["reason"]) == (403, "Forbidden")
    assert refused.body["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    assert "because it is being terminated" in refused.body["message"]
    assert (await api.merge(f"{NAMESPACES}/n/configmaps/a", {"data": {"k": "v"}})).status == 200
    body = going.body | {"spec": {"finalizers": ["kubernetes", "new"]}}
    same = await api.put(f"{NAMESPACES}/n/finalize", body)
    assert same.body["spec"] == {"finalizers": ["kubernetes"]}
    stale = await api.put(f"{NAMESPACES}/n/finalize", body | {"metadata": made["metadata"]})
    assert stale.status == 409
    last = await api.put(f"{NAMESPACES}/n/finalize", same.body | {"spec": {}})
    assert last.status == 200
    assert (await api.get(f"{NAMESPACES}/n")).status == 404


async def test_immortal_namespaces(api: Api) -> None:
    """default can't be deleted."""
    reply = await api.delete(f"{NAMESPACES}/default")
    assert (reply.status, reply.body["message"]) == (
        403,
        'namespaces "default" is forbidden: this namespace may not be deleted',
    )


async def test_secret_data(api: Api) -> None:
    """stringData becomes data; the type has a default and never changes; data must be base64."""
    made = await api.create(SECRETS, {"metadata": {"name": "s"}, "stringData": {"a": "hello"}, "data": {"b": "eA=="}})
    assert made["data"] == {"a": base64.b64encode(b"hello").decode(), "b": "eA=="}
    assert made["type"] == "Opaque"
    assert "stringData" not in made
    changed = await api.merge(f"{SECRETS}/s", {"type": "x"})
    assert changed.status == 422
    assert "field is immutable" in changed.body["message"]
    assert (await api.post(SECRETS, {"metadata": {"name": "t"}, "data": {"a": "***"}})).status in (400, 422)
    chosen = await api.get(SECRETS, fieldSelector="type=Opaque")
    assert len(chosen.body["items"]) == 1


@pytest.mark.parametrize("path", [CONFIG_MAPS, SECRETS])
async def test_immutable(api: Api, path: str) -> None:
    """An immutable object keeps its data and stays immutable; labels may change."""
    await api.create(path, {"metadata": {"name": "a"}, "data": {"k": "dg=="}, "immutable": True})
    for change in ({"data": {"k": "dw=="}}, {"immutable": False}):
        reply = await api.merge(f"{path}/a", change)
        assert reply.status == 422
        assert "field is immutable when `immutable` is set" in reply.body["message"]
    assert (await api.merge(f"{path}/a", {"metadata": {"labels": {"a": "b"}}})).status == 200


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("kind", "data", "status"),
    [
        ("kubernetes.io/tls", {"tls.crt": "eA==", "tls.key": "eA=="}, 201),
        ("kubernetes.io/tls", {"tls.crt": "eA=="}, 422),
        ("kubernetes.io/basic-auth", {"username": "eA=="}, 201),
        ("kubernetes.io/basic-auth", {}, 422),
        ("kubernetes.io/ssh-auth", {}, 422),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": encoded("{}")}, 201),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": encoded("{")}, 422),
        ("kubernetes.io/service-account-token", {}, 422),
        ("example.com/any", {}, 201),
    ],
)
async def test_secret_types(api: Api, kind: str, data: dict[str, str], status: int) -> None:
    """Each type asks for its keys."""
    assert (await api.post(SECRETS, {"metadata": {"name": "s"}, "type": kind, "data": data})).status == status


async def test_role_bindings_refer_for_ever(api: Api) -> None:
    """roleRef has a default group and never changes; subjects are checked."""
    path = f"{RBAC}/clusterrolebindings"
    binding: dict[str, Any] = {
        "metadata": {"name": "system:b"},
        "roleRef": {"kind": "ClusterRole", "name": "r"},
        "subjects": [{"kind": "User", "name": "u"}],
    }
    made = await api.create(path, binding)
    assert made["roleRef"]["apiGroup"] == made["subjects"][0]["apiGroup"] == "rbac.authorization.k8s.io"
    changed = await api.put(f"{path}/system:b", binding | {"roleRef": {"kind": "ClusterRole", "name": "s"}})
    assert changed.status == 422
    assert "cannot change roleRef" in changed.body["message"]
    for wrong in (
        {"roleRef": {"kind": "Role", "name": "r"}},
        {"roleRef": {"kind": "ClusterRole", "name": ""}},
        {"subjects": [{"kind": "Robot", "name": "u"}]},
        {"subjects": [{"kind": "ServiceAccount", "name": "u"}]},
        {"subjects": [{"kind": "User", "name": "u", "apiGroup": "x"}]},
    ):
        assert (await api.post(path, binding | {"metadata": {"name": "x"}} | wrong)).status == 422, wrong


async def test_role_rules(api: Api) -> None:
    """Rules need verbs, and either resources or URLs."""
    roles, cluster_roles = f"{RBAC}/namespaces/default/roles", f"{RBAC}/clusterroles"
    good = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
    await api.create(roles, {"metadata": {"name": "a:b"}, "rules": [good]})
    urls = {"verbs": ["get"], "nonResourceURLs": ["/x"]}
    await api.create(cluster_roles, {"metadata": {"name": "u"}, "rules": [urls]})
    for path, rule in (
        (roles, urls),
        (roles, good | {"verbs": []}),
        (cluster_roles, good | {"apiGroups": []}),
        (cluster_roles, good | {"resources": []}),
        (cluster_roles, good | urls),
    ):
        assert (await api.post(path, {"metadata": {"name": "w"}, "rules": [rule]})).status == 422, rule
    assert (await api.post(roles, {"metadata": {"name": "a%b"}, "rules": []})).status == 422


async def test_leases_need_a_version(api: Api) -> None:
    """Leases are not overwritten blindly, as leader election relies on it."""
    path = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    made = await api.create(path, {"metadata": {"name": "l"}, "spec": {"holderIdentity": "a"}})
    assert (await api.put(f"{path}/l", {"metadata": {"name": "l"}, "spec": {}})).status == 422
    assert (await api.put(f"{path}/l", made | {"spec": {"holderIdentity": "b"}})).status == 200


async def test_workload_rules(api: Api) -> None:
    """Selectors match their template and never change."""
    wrong = deployment("d")
    wrong["spec"]["template"]["metadata"]["labels"] = {"x": "y"}
    reply = await api.post(DEPLOYMENTS, wrong)
    assert reply.status == 422
    assert "`selector` does not match template `labels`" in reply.body["message"]
    empty = deployment("d")
    empty["spec"]["selector"] = {}
    assert (await api.post(DEPLOYMENTS, empty)).status == 422
    made = await api.create(DEPLOYMENTS, deployment("d"))
    container = made["spec"]["template"]["spec"]["containers"][0]
    assert (container["imagePullPolicy"], container["terminationMessagePath"]) == ("Always", "/dev/termination-log")
    labels = {"app": "d", "y": "z"}
    made["spec"]["selector"]["matchLabels"] = labels
    made["spec"]["template"]["metadata"]["labels"] = labels
    assert "spec.selector" in (await api.put(f"{DEPLOYMENTS}/d", made)).body["message"]
    sets = "/apis/apps/v1/namespaces/default/statefulsets"
    stateful = deployment("s", serviceName="s") | {"kind": "StatefulSet"}
    await api.create(sets, stateful)
    assert (await api.merge(f"{sets}/s", {"spec": {"replicas": 3}})).status == 200
    assert (await api.merge(f"{sets}/s", {"spec": {"serviceName": "t"}})).status == 422


async def test_jobs_select_their_pods(api: Api) -> None:
    """A job's selector is made from its uid; its template stays."""
    path = "/apis/batch/v1/namespaces/default/jobs"
    template = {"spec": {"containers": CONTAINERS, "restartPolicy": "Never"}}
    made = await api.create(path, {"metadata": {"name": "j"}, "spec": {"template": template}})
    uid = made["metadata"]["uid"]
    assert made["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    assert made["spec"]["template"]["metadata"]["labels"]["job-name"] == "j"
    assert (made["spec"]["completions"], made["spec"]["parallelism"]) == (1, 1)
    changed = await api.merge(f"{path}/j", {"spec": {"template": {"spec": {"restartPolicy": "OnFailure"}}}})
    assert changed.status == 422


async def test_jobs_refuse_the_selector_of_another(api: Api) -> None:
    """A copy of a job names the uid of the first one, which the server refuses unless manualSelector says so."""
    path = "/apis/batch/v1/namespaces/default/jobs"
    labels = {"batch.kubernetes.io/controller-uid": "other"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": CONTAINERS, "restartPolicy": "Never"}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    refused = await api.post(path, {"metadata": {"name": "copy"}, "spec": spec})
    assert refused.status == 422
    fields = {cause["field"] for cause in refused.body["details"]["causes"]}
    assert fields == {"spec.template.metadata.labels[batch.kubernetes.io/controller-uid]", "spec.selector"}
    made = await api.create(path, {"metadata": {"name": "own"}, "spec": spec | {"manualSelector": True}})
    assert made["spec"]["selector"] == {"matchLabels": labels}


async def test_pods(api: Api) -> None:
    """A pod is Pending with a QoS class, may change its images only, is bound once, and is evicted."""
    resources = {"limits": {"cpu": "1", "memory": "1Gi"}}
    spec = {"containers": [CONTAINERS[0] | {"resources": resources}]}
    made = await api.create(PODS, {"metadata": {"name": "p"}, "spec": spec})
    assert made["status"]["phase"] == "Pending"
    assert made["status"]["qosClass"] == "Guaranteed"
    image = [{"name": "c", "image": "j"}]
    strategic = "application/strategic-merge-patch+json"
    good = await api.call("PATCH", f"{PODS}/p", {"spec": {"containers": image}}, content=strategic)
    assert good.status == 200
    moved = await api.merge(f"{PODS}/p", {"spec": {"nodeName": "m"}})
    assert moved.status == 422
    assert "pod updates may not change fields other than" in moved.body["message"]
    target = {"target": {"kind": "Node", "name": "n"}}
    assert (await api.post(f"{PODS}/p/binding", {"metadata": {"name": "p"}})).status == 422
    assert (await api.post(f"{PODS}/p/binding", {"metadata": {"name": "p"}} | target)).status == 201
    bound = (await api.get(f"{PODS}/p")).body
    assert bound["spec"]["nodeName"] == "n"
    assert bound["status"]["conditions"][0]["type"] == "PodScheduled"
    assert (await api.post(f"{PODS}/p/binding", {"metadata": {"name": "p"}} | target)).status == 409
    assert len((await api.get(PODS, fieldSelector="spec.nodeName=n,status.phase=Pending")).body["items"]) == 1
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
    assert (await api.post(f"{PODS}/p/eviction", eviction)).status == 201
    assert (await api.get(f"{PODS}/p")).body["metadata"]["deletionTimestamp"]
    assert (await api.get(f"{PODS}/p/binding")).status == 405


async def test_disruption_budgets_stop_evictions(api: Api) -> None:
    """An eviction that leaves a budget short is 429; a pod that is on its way doesn't count."""
    budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    for name in "ab":
        meta = {"name": name, "labels": {"app": "x"}}
        await api.create(PODS, {"metadata": meta, "spec": {"containers": CONTAINERS, "nodeName": "n"}})
        await api.merge(f"{PODS}/{name}/status", {"status": ready})
    budget = {"metadata": {"name": "x"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}}}
    await api.create(budgets, budget)
    assert (await api.post(f"{PODS}/a/eviction", {"metadata": {"name": "a"}})).status == 201
    refused = await api.post(f"{PODS}/b/eviction", {"metadata": {"name": "b"}})
    assert (refused.status, refused.body["details"]["causes"][0]["reason"]) == (429, "DisruptionBudget")
    assert "Cannot evict pod as it would violate the pod's disruption budget." in refused.body["message"]
    assert (await api.get(f"{PODS}/b")).body["metadata"].get("deletionTimestamp") is None
    await api.create(budgets, budget | {"metadata": {"name": "y"}})
    assert (await api.post(f"{PODS}/b/eviction", {"metadata": {"name": "b"}})).status == 500
    assert (await api.post(f"{PODS}/none/eviction", {"metadata": {"name": "none"}})).status == 404


async def test_services(api: Api) -> None:
    """Ports get their defaults; more than one needs names; an address once given stays."""
    path = "/api/v1/namespaces/default/services"
    made = await api.create(
        path, {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}], "clusterIP": "10.0.0.1"}}
    )
    assert made["spec"]["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    assert made["spec"]["type"] == "ClusterIP"
    kept = await api.put(f"{path}/s", {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 81}]}})
    assert kept.body["spec"]["clusterIP"] == "10.0.0.1"
    assert (await api.merge(f"{path}/s", {"spec": {"clusterIP": "10.0.0.2"}})).status == 422
    for spec in (
        {"ports": [{"port": 1}, {"port": 2}]},
        {"type": "ClusterIP"},
        {"type": "ExternalName"},
    ):
        assert (await api.post(path, {"metadata": {"name": "t"}, "spec": spec})).status == 422, spec
    assert (await api.post(path, {"metadata": {"name": "1t"}, "spec": {"ports": [{"port": 1}]}})).status == 422
