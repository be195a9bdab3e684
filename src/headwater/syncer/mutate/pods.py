"""Pod specs, wherever a kind keeps them: the account of the pods, and how they reach their workspace (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from headwater.apis.workload.podspecs import POD_SPEC_PATHS, pod_spec
from headwater.machinery.objects import Object, nested

__all__ = [
    "NO_ACCOUNT",
    "POD_SPEC_PATHS",
    "PodAccess",
    "PodAccount",
    "access_by",
    "account_as_applied",
    "with_upstream_account",
]

ACCESS_VOLUME: Final = "kcp-api-access"
ACCOUNT_DIRECTORY: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
_CONTAINERS: Final = ("initContainers", "containers", "ephemeralContainers")
_READABLE: Final = 0o644
_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class PodAccess:
    """How pods reach their workspace: the Secret with their token, and the control plane's host and port."""

    secret: str
    host: str
    port: str


@dataclass(frozen=True, slots=True)
class PodAccount:
    """What the account of pods is downstream: whether it is there under its name, its Secrets for images, its access.

    Without `access` the pods get no token at all, least of all one of the pcluster.
    """

    exists: bool = False
    pull_secrets: tuple[str, ...] = ()
    access: PodAccess | None = None


NO_ACCOUNT: Final = PodAccount()


def access_by(workspace_url: str, secret: str) -> PodAccess | None:
    """Access by a workspace's URL; None when that has no host.

    Clients in pods know a host and a port, and no path: the control plane tells the workspace by the token.
    """
    parts = urlsplit(workspace_url)
    if not parts.hostname:
        return None
    return PodAccess(secret, parts.hostname, str(parts.port or _PORTS.get(parts.scheme, 443)))


def account_as_applied(copy: Object, upstream: Object) -> PodAccount:
    """What the pods of a copy run as: for a Job, whose pods nobody can change any more."""
    pod, own = pod_spec(copy) or {}, pod_spec(upstream) or {}
    exists = pod.get("serviceAccountName") == own.get("serviceAccountName")
    pulls = () if own.get("imagePullSecrets") else tuple(each["name"] for each in pod.get("imagePullSecrets") or ())
    volumes = [each for each in pod.get("volumes") or () if each.get("name") == ACCESS_VOLUME]
    if not volumes:
        return PodAccount(exists, pulls)
    variables = (each for field in _CONTAINERS for one in pod.get(field) or () for each in one.get("env") or ())
    values = {each["name"]: str(each.get("value", "")) for each in variables}
    host, port = values.get("KUBERNETES_SERVICE_HOST", ""), values.get("KUBERNETES_SERVICE_PORT", "")
    return PodAccount(exists, pulls, PodAccess(nested(volumes[0], "secret", "secretName", default=""), host, port))


def with_upstream_account(body: Object, account: PodAccount, upstream_namespace: str) -> None:
    """Let pods be who they are upstream: nothing that they get speaks of the pcluster, or for it."""
    spec = pod_spec(body)
    if spec is None:
        return
    if not account.exists:
        spec.pop("serviceAccountName", None)
        spec.pop("serviceAccount", None)
    spec["automountServiceAccountToken"] = False
    if account.pull_secrets and not spec.get("imagePullSecrets"):
        spec["imagePullSecrets"] = [{"name": each} for each in account.pull_secrets]
    _replace_projected_tokens(spec, account.access)
    containers = [each for field in _CONTAINERS for each in spec.get(field) or ()]
    for container in containers:
        _name_upstream_namespace(container, upstream_namespace)
    if account.access is not None:
        _give_access(spec, containers, account.access)


def _name_upstream_namespace(container: Object, namespace: str) -> None:
    for variable in container.get("env") or ():
        if nested(variable, "valueFrom", "fieldRef", "fieldPath") == "metadata.namespace":
            del variable["valueFrom"]
            variable["value"] = namespace


def _give_access(spec: Object, containers: list[Object], access: PodAccess) -> None:
    """The environment and the files in which clients look for the API server of the cluster that they run in."""
    variables = {
        "KUBERNETES_SERVICE_HOST": access.host,
        "KUBERNETES_SERVICE_PORT": access.port,
        "KUBERNETES_SERVICE_PORT_HTTPS": access.port,
    }
    for container in containers:
        _set_variables(container, variables)
        _mount(container)
    secret = {"secretName": access.secret, "defaultMode": _READABLE}
    volumes = [each for each in spec.get("volumes") or () if each.get("name") != ACCESS_VOLUME]
    spec["volumes"] = [*volumes, {"name": ACCESS_VOLUME, "secret": secret}]


def _set_variables(container: Object, variables: dict[str, str]) -> None:
    """Those that are there stay at their place; others come first, so that any variable may refer to them."""
    kept = container.get("env") or []
    for variable in kept:
        if variable.get("name") in variables:
            variable.pop("valueFrom", None)
            variable["value"] = variables[variable["name"]]
    present = {variable.get("name") for variable in kept}
    added = [{"name": each, "value": value} for each, value in variables.items() if each not in present]
    container["env"] = [*added, *kept]


def _mount(container: Object) -> None:
    """Mount the files, unless the container has something of its own there, as Kubernetes does it."""
    mounts = [each for each in container.get("volumeMounts") or () if each.get("name") != ACCESS_VOLUME]
    if all(str(each.get("mountPath", "")).rstrip("/") != ACCOUNT_DIRECTORY for each in mounts):
        mounts.append({"name": ACCESS_VOLUME, "mountPath": ACCOUNT_DIRECTORY, "readOnly": True})
    container["volumeMounts"] = mounts


def _replace_projected_tokens(spec: Object, access: PodAccess | None) -> None:
    """Put the workspace's token where pods ask for one of the API server.

    The pcluster would give one of its own, for whatever audience a tenant names. A token for somebody else is left out:
    ours is no business of theirs.
    """
    for volume in spec.get("volumes") or ():
        sources = nested(volume, "projected", "sources")
        if not isinstance(sources, list) or not any("serviceAccountToken" in source for source in sources):
            continue
        kept = [replaced for source in sources if (replaced := _replaced(source, access)) is not None]
        if kept:
            volume["projected"]["sources"] = kept
        else:
            del volume["projected"]
            volume["emptyDir"] = {}


def _replaced(source: Object, access: PodAccess | None) -> Any:
    token = source.get("serviceAccountToken")
    if token is None:
        return source
    if access is None or token.get("audience"):
        return None
    return {"secret": {"name": access.secret, "items": [{"key": "token", "path": token.get("path", "token")}]}}
