"""OpenAPI documents of what a server serves: pure functions from served resources to bytes.

`v3` makes the index and one document per group version, `v2` the one document that older clients read, as JSON or as
protobuf. Building takes tens to hundreds of milliseconds, so callers build in a thread and keep the result by
`fingerprint`.
"""

from __future__ import annotations

from headwater.apiserver.openapi.fingerprint import fingerprint
from headwater.apiserver.openapi.interface import ServedResource
from headwater.apiserver.openapi.v2 import (
    V2_PROTOBUF_ACCEPT,
    V2_PROTOBUF_CONTENT_TYPE,
    build_v2_json,
    build_v2_protobuf,
)
from headwater.apiserver.openapi.v3 import build_v3_document, build_v3_index, document_key, group_version_resources

__all__ = [
    "V2_PROTOBUF_ACCEPT",
    "V2_PROTOBUF_CONTENT_TYPE",
    "ServedResource",
    "build_v2_json",
    "build_v2_protobuf",
    "build_v3_document",
    "build_v3_index",
    "document_key",
    "fingerprint",
    "group_version_resources",
]
