"""Cells of Kubernetes' own kinds, as kubectl users know them."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.apiserver.resources import ResourceInfo
from headwater.apiserver.tables.printing import printer_for
from headwater.machinery.timestamps import parse_time

NOW = parse_time("2026-01-01T01:00:00Z").timestamp()
HOUR_AGO = "2026-01-01T00:00:00Z"
POD_SPEC = {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]}
TEMPLATE = {"spec": POD_SPEC}
SELECTOR = {"matchLabels": {"app": "w"}}


def cells(group: str, resource: str, **body: Any) -> list[Any]:
    obj = {**body, "metadata": {"name": "n", "creationTimestamp": HOUR_AGO, **body.get("metadata", {})}}
    info = ResourceInfo(group=group, version="v1", resource=resource, kind="K", namespaced=True)
    printer = printer_for(info)
    row = printer.cells(obj, NOW)
    assert len(row) == len(printer.definitions)
    return row


CASES: list[Any] = [
    (
        "apps/deployments",
        {
            "spec": {"replicas": 3, "selector": SELECTOR, "template": TEMPLATE},
            "status": {"readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 1},
        },
        ["n", "2/3", 3, 1, "60m", "a,b", "x,y", "app=w"],
    ),
    (
        "apps/replicasets",
        {"spec": {"replicas": 3, "selector": SELECTOR, "template": TEMPLATE}, "status": {"replicas": 2}},
        ["n", 3, 2, 0, "60m", "a,b", "x,y", "app=w"],
    ),
    (
        "/replicationcontrollers",
        {"spec": {"replicas": 1, "selector": {"b": "c", "a": "b"}, "template": TEMPLATE}},
        ["n", 1, 0, 0, "60m", "a,b", "x,y", "a=b,b=c"],
    ),
    (
        "apps/statefulsets",
        {"spec": {"replicas": 1, "template": TEMPLATE}, "status": {"readyReplicas": 1}},
        ["n", "1/1", "60m", "a,b", "x,y"],
    ),
    (
        "apps/daemonsets",
        {"spec": {"selector": SELECTOR, "template": {"spec": POD_SPEC | {"nodeSelector": {"d": "ssd"}}}},
         "status": {"desiredNumberScheduled": 2, "numberReady": 1}},
        ["n", 2, 0, 1, 0, 0, "d=ssd", "60m", "a,b", "x,y", "app=w"],
    ),
    (
        "apps/controllerrevisions",
        {"metadata": {"ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "s",
                                           "controller": True}]}, "revision": 2},
        ["n", "statefulset.apps/s", 2, "60m"],
    ),
    (
        "batch/jobs",
        {"spec": {"completions": 2, "template": TEMPLATE, "selector": SELECTOR},
         "status": {"succeeded": 2, "startTime": HOUR_AGO, "completionTime": "2026-01-01T00:01:30Z",
                    "conditions": [{"type": "Complete", "status": "True"}]}},
        ["n", "Complete", "2/2", "90s", "60m", "a,b", "x,y", "app=w"],
    ),
    (
        "batch/jobs",
        {"spec": {"parallelism": 3, "template": TEMPLATE}, "status": {"startTime": HOUR_AGO}},
        ["n", "Running", "0/1 of 3", "60m", "60m", "a,b", "x,y", "<none>"],
    ),
    (
        "batch/cronjobs",
        {"spec": {"schedule": "* * * * *", "suspend": True, "jobTemplate": {"spec": {"template": TEMPLATE}}},
         "status": {"active": [{}], "lastScheduleTime": "2026-01-01T00:59:00Z"}},
        ["n", "* * * * *", "<none>", "True", 1, "60s", "60m", "a,b", "x,y", "<none>"],
    ),
    (
        "autoscaling/horizontalpodautoscalers",
        {"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "d"}, "minReplicas": 1, "maxReplicas": 3,
                  "metrics": [{"type": "Resource", "resource": {"name": "cpu",
                                                                "target": {"averageUtilization": 80}}}]},
         "status": {"currentReplicas": 2, "currentMetrics": [
             {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 40}}}]}},
        ["n", "Deployment/d", "cpu: 40%/80%", "1", 3, 2, "60m"],
    ),
    (
        "policy/poddisruptionbudgets",
        {"spec": {"minAvailable": "50%"}, "status": {"disruptionsAllowed": 1}},
        ["n", "50%", "N/A", 1, "60m"],
    ),
    (
        "/services",
        {"spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.1", "selector": {"a": "b"},
                  "ports": [{"port": 80, "nodePort": 30000, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]},
         "status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}},
        ["n", "LoadBalancer", "10.0.0.1", "1.2.3.4", "80:30000/TCP,53/UDP", "60m", "a=b"],
    ),
    (
        "/services",
        {"spec": {"type": "LoadBalancer", "ports": []}},
        ["n", "LoadBalancer", "<none>", "<pending>", "<none>", "60m", "<none>"],
    ),
    (
        "/services",
        {"spec": {"type": "ExternalName", "externalName": "db.example"}},
        ["n", "ExternalName", "<none>", "db.example", "<none>", "60m", "<none>"],
    ),
    (
        "/endpoints",
        {"subsets": [{"addresses": [{"ip": f"10.0.0.{n}"} for n in range(4)], "ports": [{"port": 80}]}]},
        ["n", "10.0.0.0:80,10.0.0.1:80,10.0.0.2:80 + 1 more...", "60m"],
    ),
    (
        "discovery.k8s.io/endpointslices",
        {"addressType": "IPv4", "ports": [{"port": 80}, {}], "endpoints": [{"addresses": ["10.0.0.1"]}]},
        ["n", "IPv4", "80,*", "10.0.0.1", "60m"],
    ),
    (
        "networking.k8s.io/ingresses",
        {"spec": {"ingressClassName": "c", "rules": [{"host": "a"}, {}], "tls": [{}]},
         "status": {"loadBalancer": {"ingress": [{"hostname": "h"}]}}},
        ["n", "c", "a,*", "h", "80, 443", "60m"],
    ),
    (
        "networking.k8s.io/ingressclasses",
        {"spec": {"controller": "x", "parameters": {"apiGroup": "g", "kind": "K", "name": "p"}}},
        ["n", "x", "K.g/p", "60m"],
    ),
    ("networking.k8s.io/networkpolicies", {"spec": {"podSelector": SELECTOR}}, ["n", "app=w", "60m"]),
    (
        "/nodes",
        {"metadata": {"labels": {"node-role.kubernetes.io/control-plane": "", "kubernetes.io/role": "x"}},
         "spec": {"unschedulable": True},
         "status": {"conditions": [{"type": "Ready", "status": "True"}],
                    "addresses": [{"type": "InternalIP", "address": "10.1.1.1"}],
                    "nodeInfo": {"kubeletVersion": "v1", "osImage": "os", "kernelVersion": "k",
                                 "containerRuntimeVersion": "r"}}},
        ["n", "Ready,SchedulingDisabled", "control-plane,x", "60m", "v1", "10.1.1.1", "<none>", "os", "k", "r"],
    ),
    ("/namespaces", {"status": {"phase": "Active"}}, ["n", "Active", "60m"]),
    (
        "/persistentvolumes",
        {"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce", "ReadOnlyMany"],
                  "persistentVolumeReclaimPolicy": "Retain", "claimRef": {"namespace": "d", "name": "c"},
                  "storageClassName": "s"}, "status": {"phase": "Bound"}},
        ["n", "1Gi", "RWO,ROX", "Retain", "Bound", "d/c", "s", "<unset>", "", "60m", "<unset>"],
    ),
    (
        "/persistentvolumeclaims",
        {"spec": {"volumeName": "v", "storageClassName": "s", "volumeMode": "Block"},
         "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteMany"]}},
        ["n", "Bound", "v", "1Gi", "RWX", "s", "<unset>", "60m", "Block"],
    ),
    (
        "storage.k8s.io/storageclasses",
        {"metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}, "provisioner": "p"},
        ["n (default)", "p", "Delete", "Immediate", False, "60m"],
    ),
    ("storage.k8s.io/csidrivers", {"spec": {}}, ["n", True, False, False, "<unset>", False, "<none>", "60m"]),
    ("scheduling.k8s.io/priorityclasses", {"value": 5}, ["n", 5, False, "60m", "PreemptLowerPriority"]),
    ("node.k8s.io/runtimeclasses", {"handler": "h"}, ["n", "h", "60m"]),
    ("/configmaps", {"data": {"a": "b"}, "binaryData": {"c": "d"}}, ["n", 2, "60m"]),
    ("/secrets", {"type": "t", "data": {"a": "b"}}, ["n", "t", 1, "60m"]),
    ("/serviceaccounts", {"secrets": [{}]}, ["n", 1, "60m"]),
    ("/limitranges", {}, ["n", HOUR_AGO]),
    (
        "/resourcequotas",
        {"status": {"hard": {"pods": "3", "limits.cpu": "1"}, "used": {"pods": "1"}}},
        ["n", "pods: 1/3", "limits.cpu: 0/1", "60m"],
    ),
    ("coordination.k8s.io/leases", {"spec": {"holderIdentity": "h"}}, ["n", "h", "60m"]),
    ("rbac.authorization.k8s.io/clusterroles", {}, ["n", HOUR_AGO]),
    (
        "rbac.authorization.k8s.io/rolebindings",
        {"roleRef": {"kind": "Role", "name": "r"},
         "subjects": [{"kind": "User", "name": "u"}, {"kind": "ServiceAccount", "namespace": "d", "name": "s"}]},
        ["n", "Role/r", "60m", "u", "", "d/s"],
    ),
    (
        "certificates.k8s.io/certificatesigningrequests",
        {"spec": {"signerName": "s", "username": "u", "expirationSeconds": 60},
         "status": {"conditions": [{"type": "Approved"}], "certificate": "x"}},
        ["n", "60m", "s", "u", "60s", "Approved,Issued"],
    ),
    ("admissionregistration.k8s.io/validatingwebhookconfigurations", {"webhooks": [{}]}, ["n", 1, "60m"]),
    (
        "admissionregistration.k8s.io/validatingadmissionpolicies",
        {"spec": {"validations": [{}], "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}}},
        ["n", 1, "v1/ConfigMap", "60m"],
    ),
    (
        "admissionregistration.k8s.io/validatingadmissionpolicybindings",
        {"spec": {"policyName": "p", "paramRef": {"namespace": "d", "name": "c"}}},
        ["n", "p", "d/c", "60m"],
    ),
    (
        "/events",
        {"involvedObject": {"kind": "Pod", "name": "p", "fieldPath": "spec"}, "type": "Normal", "reason": "R",
         "source": {"component": "c", "host": "h"}, "message": " hi\n", "count": 3,
         "firstTimestamp": HOUR_AGO, "lastTimestamp": "2026-01-01T00:59:00Z"},
        ["60s", "Normal", "R", "pod/p", "spec", "c, h", "hi", "60m", 3, "n"],
    ),
    ("/podtemplates", {"template": {"metadata": {"labels": {"a": "b"}}, "spec": POD_SPEC}}, ["n", "a,b", "x,y", "a=b"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("resource", "body", "expected"), CASES, ids=[f"{case[0]}-{n}" for n, case in enumerate(CASES)]
)
def test_rows(resource: str, body: dict[str, Any], expected: list[Any]) -> None:
    """Each kind prints its own columns."""
    group, _, plural = resource.rpartition("/")
    assert cells(group, plural, **body) == expected


def running(name: str, *, ready: bool = True, restarts: int = 0) -> dict[str, Any]:
    return {"name": name, "ready": ready, "restartCount": restarts, "state": {"running": {}}}


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        pytest.param({"status": {"phase": "Pending"}}, ["0/2", "Pending", "0"], id="pending"),
        pytest.param(
            {"status": {"phase": "Running", "containerStatuses": [running("a"), running("b", ready=False)]}},
            ["1/2", "Running", "0"],
            id="half ready",
        ),
        pytest.param(
            {"status": {"phase": "Running", "containerStatuses": [
                {"name": "a", "restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                 "lastState": {"terminated": {"finishedAt": "2026-01-01T00:59:00Z"}}}]}},
            ["0/2", "CrashLoopBackOff", "4 (60s ago)"],
            id="crash loop",
        ),
        pytest.param(
            {"status": {"phase": "Failed", "containerStatuses": [{"name": "a",
                                                                  "state": {"terminated": {"exitCode": 3}}}]}},
            ["0/2", "ExitCode:3", "0"],
            id="exit code",
        ),
        pytest.param(
            {"status": {"phase": "Failed",
                        "containerStatuses": [{"name": "a", "state": {"terminated": {"signal": 9}}}]}},
            ["0/2", "Signal:9", "0"],
            id="signal",
        ),
        pytest.param(
            {"status": {"phase": "Running",
                        "conditions": [{"type": "Ready", "status": "True"}],
                        "containerStatuses": [running("b"),
                                              {"name": "a", "state": {"terminated": {"reason": "Completed"}}}]}},
            ["1/2", "Running", "0"],
            id="one completed, one running, ready",
        ),
        pytest.param(
            {"status": {"phase": "Running",
                        "containerStatuses": [{"name": "a", "state": {"terminated": {"reason": "Completed"}}},
                                              running("b")]}},
            ["1/2", "NotReady", "0"],
            id="one completed, one running, not ready",
        ),
        pytest.param(
            {"status": {"phase": "Pending", "initContainerStatuses": [
                {"name": "i", "state": {"terminated": {"exitCode": 0}}}, {"name": "j", "state": {"running": {}}}]},
             "spec": POD_SPEC | {"initContainers": [{"name": "i"}, {"name": "j"}]}},
            ["0/2", "Init:1/2", "0"],
            id="initializing",
        ),
        pytest.param(
            {"status": {"phase": "Pending", "initContainerStatuses": [
                {"name": "i", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]},
             "spec": POD_SPEC | {"initContainers": [{"name": "i"}]}},
            ["0/2", "Init:ImagePullBackOff", "0"],
            id="init waits",
        ),
        pytest.param(
            {"status": {"phase": "Failed", "initContainerStatuses": [
                {"name": "i", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]},
             "spec": POD_SPEC | {"initContainers": [{"name": "i"}]}},
            ["0/2", "Init:Error", "0"],
            id="init failed",
        ),
        pytest.param(
            {"status": {"phase": "Running", "containerStatuses": [running("a"), running("b")],
                        "initContainerStatuses": [running("s", restarts=2) | {"started": True}]},
             "spec": POD_SPEC | {"initContainers": [{"name": "s", "restartPolicy": "Always"}]}},
            ["3/3", "Running", "2"],
            id="sidecar",
        ),
        pytest.param(
            {"metadata": {"deletionTimestamp": HOUR_AGO}, "status": {"phase": "Running"}},
            ["0/2", "Terminating", "0"],
            id="terminating",
        ),
        pytest.param(
            {"metadata": {"deletionTimestamp": HOUR_AGO}, "status": {"phase": "Running", "reason": "NodeLost"}},
            ["0/2", "Unknown", "0"],
            id="node lost",
        ),
        pytest.param(
            {"status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}]}},
            ["0/2", "SchedulingGated", "0"],
            id="gated",
        ),
        pytest.param({"status": {"phase": "Failed", "reason": "Evicted"}}, ["0/2", "Evicted", "0"], id="evicted"),
    ],
)  # fmt: skip
def test_pod_status(pod: dict[str, Any], expected: list[Any]) -> None:
    """The status word comes from the most telling field."""
    assert cells("", "pods", **({"spec": POD_SPEC} | pod))[1:4] == expected


def test_pod_places() -> None:
    """Wide columns: address, node, gates."""
    spec = POD_SPEC | {"nodeName": "n1", "readinessGates": [{"conditionType": "g"}, {"conditionType": "h"}]}
    status = {"podIPs": [{"ip": "10.0.0.9"}], "conditions": [{"type": "g", "status": "True"}]}
    assert cells("", "pods", spec=spec, status=status)[5:] == ["10.0.0.9", "n1", "<none>", "1/2"]
