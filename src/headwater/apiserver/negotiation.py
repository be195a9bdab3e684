"""Content negotiation: what a client accepts, and in which form it sends bodies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from headwater.base import jsonio, yamlio
from headwater.machinery.errors import BadRequest, NotAcceptable, UnsupportedMediaType

JSON: Final = "application/json"
YAML: Final = "application/yaml"
PROTOBUF: Final = "application/vnd.kubernetes.protobuf"
TABLE: Final = "Table"
PARTIAL: Final = "PartialObjectMetadata"
PARTIAL_LIST: Final = "PartialObjectMetadataList"
META_GROUP: Final = "meta.k8s.io"
MAX_BODY_BYTES: Final = 3 * 1024 * 1024

QUICK_YAML_BYTES: Final = 64 * 1024
"""YAML that is read or written within some hundred milliseconds; all that is larger must not be, on the loop."""
_META_VERSIONS = ("v1", "v1beta1")
_TRANSFORMS = frozenset({TABLE, PARTIAL, PARTIAL_LIST})
# Protobuf is answered as JSON: clients that prefer it understand both, and say so or not.
_AS_JSON = frozenset({JSON, "application/*", "*/*", PROTOBUF})
_BROWSERS = ("curl", "Wget", "Mozilla/")


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One entry of an Accept header."""

    media_type: str
    parameters: Mapping[str, str]
    quality: float


@dataclass(frozen=True, slots=True)
class Accepted:
    """The form of an answer: `media_type` is JSON or YAML, `kind` "" or a meta.k8s.io transform in `version`."""

    media_type: str = JSON
    kind: str = ""
    version: str = ""


@lru_cache(maxsize=512)
def parse_accept(header: str) -> tuple[MediaRange, ...]:
    """The entries of an Accept header, best first; an absent header accepts everything."""
    ranges = []
    for entry in header.split(",") if header.strip() else ["*/*"]:
        media_type, *raw = (part.strip() for part in entry.split(";"))
        parameters = {name.strip(): value.strip() for name, _, value in (part.partition("=") for part in raw)}
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            quality = 0.0
        if media_type and quality > 0:
            ranges.append(MediaRange(media_type.lower(), parameters, quality))
    return tuple(sorted(ranges, key=lambda entry: -entry.quality))


@lru_cache(maxsize=512)
def negotiate(header: str) -> Accepted:
    """What to answer with. Raises NotAcceptable when nothing that is accepted can be served."""
    for entry in parse_accept(header):
        media_type = _served(entry.media_type)
        if media_type is None:
            continue
        kind = entry.parameters.get("as", "")
        if not kind:
            return Accepted(media_type)
        version = entry.parameters.get("v", "")
        if kind in _TRANSFORMS and entry.parameters.get("g") == META_GROUP and version in _META_VERSIONS:
            return Accepted(media_type, kind, version)
    raise NotAcceptable(f"only the following media types are accepted: {JSON}, {YAML}")


def _served(media_type: str) -> str | None:
    if media_type in _AS_JSON:
        return JSON
    return YAML if media_type in (YAML, "application/x-yaml", "text/yaml") else None


def wants_pretty(pretty: str, user_agent: str) -> bool:
    """Whether to indent: asked for by parameter, or by a person's tool that didn't say otherwise."""
    if pretty:
        return pretty.lower() not in ("0", "false")
    return user_agent.startswith(_BROWSERS)


def finish(body: bytes | list[bytes], media_type: str, *, pretty: bool = False) -> bytes | list[bytes]:
    """JSON bytes in the negotiated form. What is large stays as it is where YAML is wanted: JSON is YAML too."""
    if media_type == JSON and not pretty:
        return body
    whole = body if isinstance(body, bytes) else b"".join(body)
    if media_type == YAML:
        if len(whole) > QUICK_YAML_BYTES:
            return whole
        return yamlio.dump(jsonio.loads(whole)).encode()
    return jsonio.dumps_pretty(jsonio.loads(whole))


def body_media_type(header: str) -> str:
    """The type of a request body: JSON, YAML or protobuf. Raises UnsupportedMediaType for others."""
    media_type = header.partition(";")[0].strip().lower()
    if not media_type or media_type == JSON:
        return JSON
    if media_type in (YAML, "application/x-yaml"):
        return YAML
    if media_type == PROTOBUF:
        return PROTOBUF
    raise UnsupportedMediaType(
        f"the body of the request was in an unknown format - accepted media types include: {JSON}, {YAML}, {PROTOBUF}"
    )


def decode_body(body: bytes, content_type: str) -> tuple[object, bytes]:
    """A request body as data, and as JSON bytes. Raises BadRequest, UnsupportedMediaType."""
    media_type = body_media_type(content_type)
    if media_type == JSON:
        try:
            return jsonio.loads(body), body
        except jsonio.DecodeError as error:
            raise BadRequest(f"couldn't get version/kind; json parse error: {error}") from None
    if media_type == PROTOBUF:
        from headwater.apiserver.protobuf.decode import decode_object

        obj = decode_object(body)
        return obj, jsonio.dumps(obj)
    try:
        documents = yamlio.load_all(body)
    except (yamlio.YAMLError, UnicodeDecodeError) as error:
        raise BadRequest(f"error converting YAML to JSON: {error}") from None
    if len(documents) != 1:
        raise BadRequest("the body must hold one YAML document")
    try:
        return documents[0], jsonio.dumps(documents[0])
    except jsonio.EncodeError as error:
        raise BadRequest(f"error converting YAML to JSON: {error}") from None
