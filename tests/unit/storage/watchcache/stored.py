"""Objects as an API server stores them, for the tests of this folder."""

from __future__ import annotations

import json

PREFIX = "/core/configmaps/-/"


def stored(name: str, labels: dict[str, str] | None = None, **data: str) -> bytes:
    """An object's stored bytes: apiVersion, kind and metadata first, no resourceVersion."""
    metadata = {"name": name, **({"labels": labels} if labels else {})}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    return json.dumps(body, separators=(",", ":")).encode()
