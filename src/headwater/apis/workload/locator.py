"""Where a downstream namespace or cluster-scoped object comes from, and the downstream name derived from that.

The JSON form is hashed and compared as text, so field order and spacing are part of the format (kcp's locator).
"""

from __future__ import annotations

from dataclasses import dataclass

from headwater.base import jsonio
from headwater.base.hashing import base36_sha224, base62_sha224


class LocatorError(ValueError):
    """The annotation is there but does not hold a locator."""


@dataclass(frozen=True, slots=True)
class NamespaceLocator:
    """Origin of a downstream object: the sync target it came through, and its upstream workspace and namespace.

    `cluster` is the logical cluster name of the workspace; `namespace` is empty for cluster-scoped objects.
    """

    sync_target_cluster: str
    sync_target_name: str
    sync_target_uid: str
    cluster: str
    namespace: str

    def to_json(self) -> str:
        """Compact JSON in the one field order that kcp hashes; an empty workspace is left out."""
        target = {
            "cluster": self.sync_target_cluster,
            "name": self.sync_target_name,
            "uid": self.sync_target_uid,
        }
        document: dict[str, object] = {"syncTarget": target}
        if self.cluster:
            document["cluster"] = self.cluster
        document["namespace"] = self.namespace
        return jsonio.dumps(document).decode()

    def downstream_namespace(self) -> str:
        """Name of the downstream namespace: `kcp-` and 12 characters of a base36 SHA-224."""
        return "kcp-" + base36_sha224(self.to_json())[:12]

    def tenant_id(self) -> str:
        """Label value shared by all downstream namespaces of one workspace on one sync target."""
        whole = NamespaceLocator(
            self.sync_target_cluster, self.sync_target_name, self.sync_target_uid, self.cluster, namespace=""
        )
        return base62_sha224(whole.to_json())


def parse_locator(text: str) -> NamespaceLocator:
    """Read a locator annotation. A `path` written by old syncers stands in for a missing `cluster`.

    Raises LocatorError when the text is not JSON or not of a locator's shape.
    """
    try:
        document = jsonio.loads(text)
    except ValueError as error:
        raise LocatorError(f"namespace locator is not JSON: {error}") from error
    target = document.get("syncTarget") if isinstance(document, dict) else None
    if not isinstance(target, dict):
        raise LocatorError("namespace locator has no syncTarget")
    values = (
        target.get("cluster") or target.get("path", ""),
        target.get("name", ""),
        target.get("uid", ""),
        document.get("cluster", ""),
        document.get("namespace", ""),
    )
    if not all(isinstance(value, str) for value in values):
        raise LocatorError("namespace locator holds a value that is not a string")
    return NamespaceLocator(*values)
