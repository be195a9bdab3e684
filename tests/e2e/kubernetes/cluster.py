"""A real Kubernetes: API server, controllers and etcd as processes, and a node whose pods are said to run."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from tests.e2e.harness import wait_for
from tests.e2e.scheduling.api import MERGE_PATCH, Api, Object, Refused, path_of
from tests.ports import free_ports

PROGRAMS = os.environ.get("HEADWATER_KUBERNETES", "")
"""The folder with the programs."""
_TOKEN = "for-the-owner"
_ROOM = {"cpu": "8", "memory": "16Gi", "pods": "110"}
_RUNS = [{"type": each, "status": "True"} for each in ("Initialized", "Ready", "ContainersReady", "PodScheduled")]
_SINCE = "2026-01-01T00:00:00Z"


@contextmanager
def kubernetes(folder: Path, kubeconfig: Path) -> Iterator[Api]:
    """A cluster that lives in a folder, for as long as the block; its owner's kubeconfig goes to a file."""
    programs: list[subprocess.Popen[bytes]] = []

    def run(name: str, *arguments: str) -> None:
        with (folder / f"{name}.log").open("wb") as log:
            programs.append(subprocess.Popen([f"{PROGRAMS}/{name}", *arguments], cwd=folder, stdout=log, stderr=log))

    first = free_ports(3)
    etcd, peer = (f"http://127.0.0.1:{port}" for port in (first, first + 1))
    done = threading.Event()
    try:
        run(
            "etcd", "--data-dir=etcd", f"--listen-client-urls={etcd}", f"--advertise-client-urls={etcd}",
            f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}",
        )  # fmt: skip
        subprocess.run(
            ["openssl", "genrsa", "-out", "account.key", "2048"], cwd=folder, check=True, capture_output=True
        )
        (folder / "tokens.csv").write_text(f'{_TOKEN},owner,owner,"system:masters"\n')
        run(
            "kube-apiserver", f"--etcd-servers={etcd}", f"--secure-port={first + 2}", "--bind-address=127.0.0.1",
            "--cert-dir=certificates", "--token-auth-file=tokens.csv", "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=account.key",
            "--service-account-signing-key-file=account.key", "--service-cluster-ip-range=10.0.0.0/16",
        )  # fmt: skip
        certificate = folder / "certificates" / "apiserver.crt"
        wait_for("certificate", certificate.exists)
        _write_kubeconfig(kubeconfig, f"https://127.0.0.1:{first + 2}", certificate.read_bytes())
        api = Api(kubeconfig)
        wait_for("API server", lambda: _is_ready(api))
        flags = [f"--{name}={kubeconfig}" for name in ("kubeconfig", "authentication-kubeconfig")]
        run(
            "kube-controller-manager", *flags, f"--authorization-kubeconfig={kubeconfig}", "--leader-elect=false",
            "--service-account-private-key-file=account.key", f"--root-ca-file={certificate}",
        )  # fmt: skip
        api.request("POST", path_of("nodes"), {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node"}})
        node = threading.Thread(target=_run_pods, args=(api, done), daemon=True)
        node.start()
        yield api
    finally:
        done.set()
        for program in reversed(programs):  # Nothing of it is used again, so nothing is asked to end in good order.
            program.kill()
            program.wait()


def _is_ready(api: Api) -> bool:
    try:
        api.request("GET", "/readyz")
    except (Refused, OSError):
        return False
    return True


def _write_kubeconfig(path: Path, server: str, certificate: bytes) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "real",
                "cluster": {"server": server, "certificate-authority-data": base64.b64encode(certificate).decode()},
            }
        ],
        "users": [{"name": "owner", "user": {"token": _TOKEN}}],
        "contexts": [{"name": "real", "context": {"cluster": "real", "user": "owner"}}],
        "current-context": "real",
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config))


def _run_pods(api: Api, done: threading.Event) -> None:
    """Play scheduler and kubelet: there is no container runtime here."""
    while not done.wait(0.3):
        try:
            ready = [{"type": "Ready", "status": "True", "lastTransitionTime": _SINCE}]
            room = {"capacity": _ROOM, "allocatable": _ROOM, "conditions": ready}
            api.request("PATCH", path_of("nodes", "node") + "/status", {"status": room}, MERGE_PATCH)
            for pod in api.list("pods"):
                _run_pod(api, pod)
        except (Refused, OSError):
            continue  # Somebody else was faster, or the server is going.


def _run_pod(api: Api, pod: Object) -> None:
    meta = pod["metadata"]
    path = path_of("pods", meta["name"], meta["namespace"])
    if meta.get("deletionTimestamp"):
        api.request("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0})
        return
    if not pod["spec"].get("nodeName"):
        target = {"apiVersion": "v1", "kind": "Node", "name": "node"}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": meta["name"]}, "target": target}
        api.request("POST", f"{path}/binding", binding)
    if pod["status"].get("phase") != "Running":
        containers = [
            {"name": each["name"], "image": each["image"], "imageID": "none", "ready": True, "restartCount": 0,
             "state": {"running": {"startedAt": _SINCE}}}
            for each in pod["spec"]["containers"]
        ]  # fmt: skip
        status = {"phase": "Running", "podIP": "10.9.0.1", "conditions": _RUNS, "containerStatuses": containers}
        api.request("PATCH", f"{path}/status", {"status": status}, MERGE_PATCH)
