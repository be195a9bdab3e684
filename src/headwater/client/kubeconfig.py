"""Kubeconfig files: the merge of a KUBECONFIG list, contexts, connection settings, and safe writing."""

from __future__ import annotations

import base64
import binascii
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from headwater.base import yamlio
from headwater.client.connection import ConfigError, ConnectionSettings

Entry = dict[str, Any]

_LISTS: Final = (("clusters", "cluster"), ("users", "user"), ("contexts", "context"))
_FILE_FIELDS: Final = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
_UNSUPPORTED: Final = ("exec", "auth-provider")


@dataclass(slots=True)
class Kubeconfig:
    """A kubeconfig, merged or to be written. Entries are dicts in the file's own words, keyed by name."""

    clusters: dict[str, Entry] = field(default_factory=dict)
    users: dict[str, Entry] = field(default_factory=dict)
    contexts: dict[str, Entry] = field(default_factory=dict)
    current_context: str = ""

    def settings(self, context: str = "") -> ConnectionSettings:
        """Connection settings of a context, by default the current one. Raises ConfigError."""
        name = context or self.current_context
        if not name:
            raise ConfigError("kubeconfig has no current context; name one")
        if name not in self.contexts:
            raise ConfigError(f"context {name!r} does not exist in the kubeconfig")
        chosen = self.contexts[name]
        cluster = self.clusters.get(chosen.get("cluster", ""))
        if cluster is None:
            raise ConfigError(f"context {name!r} names cluster {chosen.get('cluster', '')!r}, which does not exist")
        user = self.users.get(chosen.get("user", ""), {})
        for kind in _UNSUPPORTED:
            if kind in user:
                raise ConfigError(f"user {chosen['user']!r} has credentials of type {kind!r}, which is not supported")
        token_file = user.get("tokenFile")
        return ConnectionSettings(
            server=str(cluster.get("server", "")).rstrip("/"),
            ca_data=_data(cluster, "certificate-authority"),
            tls_server_name=cluster.get("tls-server-name", ""),
            insecure_skip_tls_verify=bool(cluster.get("insecure-skip-tls-verify", False)),
            client_certificate_data=_data(user, "client-certificate"),
            client_key_data=_data(user, "client-key"),
            token=user.get("token", "") if not token_file else "",
            token_file=Path(token_file) if token_file else None,
            username=user.get("username", ""),
            password=user.get("password", ""),
            proxy_url=cluster.get("proxy-url", ""),
            namespace=chosen.get("namespace", "default"),
        )

    def set_context(self, name: str, *, cluster: Entry, user: Entry, namespace: str = "") -> None:
        """Add or replace a context with a cluster and a user of the same name."""
        self.clusters[name] = cluster
        self.users[name] = user
        self.contexts[name] = {"cluster": name, "user": name, **({"namespace": namespace} if namespace else {})}

    def to_object(self) -> Entry:
        """The file's document."""
        document: Entry = {"apiVersion": "v1", "kind": "Config"}
        for (plural, singular), entries in zip(_LISTS, (self.clusters, self.users, self.contexts), strict=True):
            document[plural] = [{"name": name, singular: entry} for name, entry in entries.items()]
        document["current-context"] = self.current_context
        return document

    def save(self, path: Path) -> None:
        """Write the file in one step, readable by its owner only. Raises ConfigError when that fails."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            try:
                with os.fdopen(descriptor, "w") as file:
                    file.write(yamlio.dump(self.to_object()))
                    file.flush()
                    os.fsync(file.fileno())
                Path(temporary).chmod(0o600)
                Path(temporary).replace(path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise ConfigError(f"can't write kubeconfig {path}: {error.strerror or error}") from error


def default_paths() -> list[Path]:
    """Files that kubectl would read: the KUBECONFIG list, else `~/.kube/config`."""
    listed = [Path(part) for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return listed or [Path.home() / ".kube" / "config"]


def load(paths: Sequence[Path] = ()) -> Kubeconfig:
    """Merge kubeconfig files as kubectl does: the first to name an entry, or a current context, wins.

    Files that don't exist are left out; relative file names in a file are taken from its own folder. Raises
    ConfigError for a file that can't be read or is no kubeconfig.
    """
    merged = Kubeconfig()
    for path in paths or default_paths():
        if path.exists():
            _merge(merged, _read(path), path.parent)
    return merged


def load_file(path: Path) -> Kubeconfig:
    """Read one file, which must exist. Raises ConfigError."""
    if not path.exists():
        raise ConfigError(f"kubeconfig {path} does not exist")
    return load([path])


def parse(text: str, directory: Path = Path()) -> Kubeconfig:
    """Read the text of a kubeconfig; relative file names are taken from ``directory``. Raises ConfigError."""
    config = Kubeconfig()
    _merge(config, _document(text, "text"), directory)
    return config


def embed(data: bytes) -> str:
    """The form that PEM data has in a kubeconfig."""
    return base64.b64encode(data).decode()


def _read(path: Path) -> Entry:
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"can't read kubeconfig {path}: {error}") from error
    return _document(text, str(path))


def _document(text: str, origin: str) -> Entry:
    try:
        documents = [document for document in yamlio.load_all(text) if document is not None]
    except yamlio.YAMLError as error:
        raise ConfigError(f"kubeconfig {origin} is not YAML: {error}") from error
    if not documents:
        return {}
    if len(documents) > 1 or not isinstance(documents[0], dict):
        raise ConfigError(f"kubeconfig {origin} is not one YAML mapping")
    return documents[0]


def _merge(config: Kubeconfig, document: Entry, directory: Path) -> None:
    for (plural, singular), known in zip(_LISTS, (config.clusters, config.users, config.contexts), strict=True):
        for item in document.get(plural) or []:
            if not isinstance(item, dict) or not isinstance(item.get("name"), str):
                raise ConfigError(f"kubeconfig has an entry without a name in {plural}")
            if item["name"] not in known:
                known[item["name"]] = _with_absolute_files(item.get(singular) or {}, directory)
    if not config.current_context:
        config.current_context = document.get("current-context") or ""


def _with_absolute_files(entry: Entry, directory: Path) -> Entry:
    resolved = dict(entry)
    for name in _FILE_FIELDS:
        if entry.get(name):
            resolved[name] = str(directory / Path(entry[name]))
    return resolved


def _data(entry: Entry, name: str) -> bytes:
    """PEM data embedded in an entry, or read from the file that it names."""
    embedded = entry.get(f"{name}-data")
    if embedded:
        try:
            return base64.b64decode(embedded, validate=True)
        except (binascii.Error, ValueError) as error:
            raise ConfigError(f"{name}-data in the kubeconfig is not base64") from error
    path = entry.get(name)
    if not path:
        return b""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"can't read {name} {path}: {error.strerror or error}") from error
