"""What follows a workload to where it runs."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.reconcilers.scheduling.resource.references import backends, needed_by, references


def workload(pod: dict[str, Any] | None = None, **marks: str) -> dict[str, Any]:
    template = {"metadata": {"labels": marks or {"app": "web"}}, "spec": pod or {}}
    return {"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": template}}


def env(**source: Any) -> dict[str, Any]:
    return {"containers": [{"name": "c", "env": [{"name": "X", "valueFrom": source}]}]}


NAMED: dict[str, tuple[dict[str, Any], tuple[str, str, str]]] = {
    "account": ({"serviceAccountName": "robot"}, ("", "serviceaccounts", "robot")),
    "pull-secret": ({"imagePullSecrets": [{"name": "s"}]}, ("", "secrets", "s")),
    "env-config": (env(configMapKeyRef={"name": "c", "key": "k"}), ("", "configmaps", "c")),
    "env-secret": (env(secretKeyRef={"name": "s", "key": "k"}), ("", "secrets", "s")),
    "env-from": ({"initContainers": [{"envFrom": [{"secretRef": {"name": "s"}}]}]}, ("", "secrets", "s")),
    "config-volume": ({"volumes": [{"name": "v", "configMap": {"name": "c"}}]}, ("", "configmaps", "c")),
    "secret-volume": ({"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}, ("", "secrets", "s")),
    "claim": (
        {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]},
        ("", "persistentvolumeclaims", "data"),
    ),
    "projected": (
        {"volumes": [{"name": "v", "projected": {"sources": [{"configMap": {"name": "c"}}]}}]},
        ("", "configmaps", "c"),
    ),
    "driver-secret": ({"volumes": [{"name": "v", "rbd": {"secretRef": {"name": "s"}}}]}, ("", "secrets", "s")),
}


@pytest.mark.parametrize(("pod", "expected"), NAMED.values(), ids=NAMED)
def test_pods_name_what_they_need(pod: dict[str, Any], expected: tuple[str, str, str]) -> None:
    """Wherever a pod can name it, it is found, and nothing else is but the account of pods that name none."""
    account = {("", "serviceaccounts", "default")} if "serviceAccountName" not in pod else set()
    assert references(workload(pod)) == {expected} | account


def selecting(resource: str, **spec: Any) -> dict[str, Any]:
    return {"kind": resource, "metadata": {"name": "x"}, "spec": spec}


SELECTED: dict[str, tuple[str, str, dict[str, Any], bool]] = {
    "service": ("", "services", {"selector": {"app": "web"}}, True),
    "service-of-others": ("", "services", {"selector": {"app": "db"}}, False),
    "service-without-selector": ("", "services", {}, False),
    "budget": ("policy", "poddisruptionbudgets", {"selector": {"matchLabels": {"app": "web"}}}, True),
    "bad-budget": ("policy", "poddisruptionbudgets", {"selector": {"matchExpressions": [{"key": "a"}]}}, False),
    "network-policy": ("networking.k8s.io", "networkpolicies", {"podSelector": {}}, True),
    "autoscaler": (
        "autoscaling",
        "horizontalpodautoscalers",
        {"scaleTargetRef": {"kind": "Deployment", "name": "web"}},
        True,
    ),
    "autoscaler-of-others": (
        "autoscaling",
        "horizontalpodautoscalers",
        {"scaleTargetRef": {"kind": "Deployment", "name": "db"}},
        False,
    ),
    "unnamed-secret": ("", "secrets", {}, False),
}


@pytest.mark.parametrize(("group", "resource", "spec", "needed"), SELECTED.values(), ids=SELECTED)
def test_what_selects_a_workload_follows_it(group: str, resource: str, spec: dict[str, Any], needed: bool) -> None:
    """Services, budgets, policies and autoscalers of its pods."""
    found = list(needed_by(selecting(resource, **spec), group, resource, [workload()]))
    assert bool(found) is needed


def test_a_stateful_set_names_its_service() -> None:
    """Its governing Service, which need not select anything."""
    stateful = {"kind": "StatefulSet", "metadata": {"name": "db"}, "spec": {"serviceName": "db", "template": {}}}
    assert list(needed_by(selecting("services") | {"metadata": {"name": "db"}}, "", "services", [stateful]))


def test_backends_of_an_ingress() -> None:
    """By path, and the default one."""
    path = {"backend": {"service": {"name": "a"}}}
    ingress = {"spec": {"rules": [{"http": {"paths": [path]}}, {}], "defaultBackend": {"service": {"name": "b"}}}}
    assert backends(ingress) == {"a", "b"}
