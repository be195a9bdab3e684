"""Reads, writes and watches an API server as a client library does: one connection pool, JSON in and out."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Generator
from contextlib import closing
from copy import copy
from pathlib import Path
from typing import Any

import urllib3
import yaml

Object = dict[str, Any]
MERGE_PATCH = "application/merge-patch+json"
_GROUPS = {
    "apps/v1": ("deployments", "statefulsets", "replicasets", "daemonsets"),
    "batch/v1": ("jobs",),
    "coordination.k8s.io/v1": ("leases",),
    "networking.k8s.io/v1": ("ingresses",),
    "rbac.authorization.k8s.io/v1": ("clusterroles",),
    "apiextensions.k8s.io/v1": ("customresourcedefinitions",),
    "apis.kcp.io/v1alpha2": ("apibindings", "apiexports"),
    "tenancy.kcp.io/v1alpha1": ("workspaces",),
    "sync.kcp.io/v1alpha1": ("synctargets",),
    "placement.kcp.io/v1alpha1": ("placements", "locations"),
    "wildwest.dev/v1alpha1": ("cowboys",),
}
_HOME = {resource: f"/apis/{version}" for version, resources in _GROUPS.items() for resource in resources}


def path_of(resource: str, name: str = "", namespace: str = "") -> str:
    """The path of a resource, or of one object of it, within an API server or a workspace."""
    parts = [_HOME.get(resource, "/api/v1"), *(("namespaces", namespace) if namespace else ()), resource]
    return "/".join([*parts, name] if name else parts)


class Refused(Exception):
    """An answer that is an error, with its HTTP status and the server's message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class _Session:
    """A connection pool with the credentials of a kubeconfig file, or with a token instead."""

    def __init__(self, kubeconfig: Path, token: str) -> None:
        self._kubeconfig = kubeconfig
        self._token = token
        self.read()

    def read(self) -> None:
        """Read the file, and lay its certificates beside it."""
        config = yaml.safe_load(self._kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        if self._token:
            user = {"token": self._token}
        files: dict[str, str] = {}
        for key, data in {**cluster, **user}.items():
            if key.endswith("-data"):
                path = self._kubeconfig.parent / f"{self._kubeconfig.stem}-{key.removesuffix('-data')}.pem"
                path.touch(mode=0o600)
                path.write_bytes(base64.b64decode(data))
                files[key] = str(path)
        server = urllib3.util.parse_url(cluster["server"])
        self.root = f"https://{server.host}:{server.port}"
        self.headers = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
        self.pool = urllib3.PoolManager(
            num_pools=1, maxsize=8, retries=False, ca_certs=files["certificate-authority-data"],
            cert_file=files.get("client-certificate-data"), key_file=files.get("client-key-data"),
        )  # fmt: skip


class Api:
    """One API server, with the credentials of a kubeconfig file or with a token instead."""

    def __init__(self, kubeconfig: Path, token: str = "") -> None:
        self._session = _Session(kubeconfig, token)
        self._base = ""

    def at(self, base: str) -> Api:
        """The same server below a path, such as that of a workspace."""
        below = copy(self)
        below._base = base
        return below

    def renew(self) -> None:
        """Read the kubeconfig again, for all who share it: a restarted control plane writes a new one."""
        self._session.read()

    def request(self, verb: str, path: str, body: object = None, content: str = "application/json") -> Object:
        """The decoded answer. Raises Refused."""
        session = self._session
        answer = session.pool.request(
            verb, session.root + self._base + path, body=json.dumps(body) if body is not None else None,
            headers={**session.headers, "Content-Type": content}, timeout=60,
        )  # fmt: skip
        if answer.status >= 400:
            raise Refused(answer.status, answer.data.decode(errors="replace"))
        return dict(json.loads(answer.data)) if answer.data[:1] == b"{" else {}

    def find(self, resource: str, name: str, namespace: str = "") -> Object | None:
        """An object, None when there is none."""
        try:
            return self.request("GET", path_of(resource, name, namespace))
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def list(self, resource: str, namespace: str = "", query: str = "") -> list[Object]:
        """All objects of a resource; none where it isn't served."""
        try:
            return list(self.request("GET", path_of(resource, "", namespace) + query)["items"])
        except Refused as refused:
            if refused.status == 404:
                return []
            raise

    def patch(self, resource: str, name: str, change: Object, namespace: str = "", subresource: str = "") -> Object:
        """Merge a change into an object."""
        path = path_of(resource, name, namespace) + (f"/{subresource}" if subresource else "")
        return self.request("PATCH", path, change, MERGE_PATCH)

    def watch(self, path: str) -> Generator[Object, None, None]:
        """The events of a watch, until it ends."""
        session = self._session
        url = session.root + self._base + path
        answer = session.pool.request("GET", url, headers=session.headers, preload_content=False, timeout=60)
        rest = b""
        try:
            for chunk in answer.stream(2**16):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from (dict(json.loads(line)) for line in lines)
        finally:
            answer.close()

    def when(self, resource: str, namespace: str, accept: Callable[[Object], bool]) -> Object:
        """The first object that is accepted, among those there are and what a watch brings; seen without a pause."""
        path = path_of(resource, "", namespace)
        found = self.request("GET", path)
        for each in found["items"]:
            if accept(each):
                return dict(each)
        with closing(self.watch(f"{path}?watch=1&resourceVersion={found['metadata']['resourceVersion']}")) as events:
            for event in events:
                if accept(event["object"]):
                    return dict(event["object"])
        raise AssertionError(f"no {resource} as wanted before the watch ended")
