"""Ways into a workspace for clients that are not ours: kubeconfigs, and the official Python client made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config
from tests.e2e.harness import SHOP, Stack

from headwater.apiserver.certificates import CertificateAuthority
from headwater.base.clock import SystemClock


def administrator(made: Stack, group: str = "system:kcp:admin") -> dict[str, str]:
    """A certificate of an administrator: unlike the token of admin.kubeconfig, it outlives a restart."""
    authority = CertificateAuthority.load_or_create(made.root / "hub" / "pki", clock=SystemClock())
    pair = authority.client(group.replace(":", "-"), common_name="tester", organizations=[group])
    return {"client-certificate": str(pair.certificate), "client-key": str(pair.key)}


def kubeconfig(made: Stack, user: dict[str, Any] | None = None, workspace: str = SHOP) -> dict[str, Any]:
    """A kubeconfig for a workspace, of the administrator when no other credentials are given."""
    admin = yaml.safe_load(made.kubeconfig.read_text())
    cluster = next(each["cluster"] for each in admin["clusters"] if each["name"] == "base")
    who = administrator(made) if user is None else user
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "it", "cluster": {**cluster, "server": f"{cluster['server']}/clusters/{workspace}"}}],
        "users": [{"name": "it", "user": who}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it", "namespace": "default"}}],
        "current-context": "it",
    }


def kubeconfig_file(made: Stack, name: str) -> Path:
    """The same as a file, for programs of their own."""
    path = made.root / f"{name}.kubeconfig"
    path.write_text(yaml.safe_dump(kubeconfig(made)))
    return path


def configuration(made: Stack, user: dict[str, Any] | None = None, workspace: str = SHOP) -> client.Configuration:
    """What the official client makes of such a kubeconfig."""
    loaded = client.Configuration()
    config.load_kube_config_from_dict(kubeconfig(made, user, workspace), client_configuration=loaded)
    return loaded


def api_client(made: Stack, user: dict[str, Any] | None = None, workspace: str = SHOP) -> client.ApiClient:
    """The official client in a workspace."""
    return client.ApiClient(configuration(made, user, workspace))


def bind_compute(made: Stack) -> None:
    """Bind Deployments, Jobs and the like into the workspace, and wait until they are served."""
    binding = {
        "apiVersion": "apis.kcp.io/v1alpha2",
        "kind": "APIBinding",
        "metadata": {"name": "kubernetes"},
        "spec": {"reference": {"export": {"path": "root:compute", "name": "kubernetes"}}},
    }
    made.kubectl("create", "-f", "-", stdin=json.dumps(binding))
    made.kubectl("wait", "--for=condition=Ready", "apibinding/kubernetes", "--timeout=60s")


def config_map(name: str, data: dict[str, str] | None = None, **metadata: Any) -> client.V1ConfigMap:
    """A ConfigMap as a typed object."""
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, **metadata), data=data or {})


def reason(error: client.ApiException) -> str:
    """The `reason` of the Status that an error carries."""
    return str(json.loads(error.body)["reason"])
