"""Patch: the four patch types on top of create and guaranteed update."""

from __future__ import annotations

import asyncio
from typing import Any

from headwater.apiserver.negotiation import QUICK_YAML_BYTES
from headwater.apiserver.registry import options as opts
from headwater.apiserver.registry import pipeline
from headwater.apiserver.registry.encoding import Answer
from headwater.apiserver.registry.writer import Transform, Writer
from headwater.apiserver.registry.writerequest import WriteRequest
from headwater.apiserver.resources import ResourceInfo
from headwater.base import jsonio, yamlio
from headwater.machinery import errors
from headwater.machinery.fieldpath import forbidden_field, required
from headwater.machinery.objects import Object
from headwater.patch import managed
from headwater.patch.jsonpatch import apply_json_patch
from headwater.patch.mergepatch import apply_merge_patch
from headwater.patch.strategic import apply_strategic_patch

APPLY_TRIES = 5


async def patch(writer: Writer, request: WriteRequest, body: bytes, options: opts.PatchOptions) -> Answer:
    """Patch an object. Raises what `Writer.update` does, UnsupportedMediaType and BadRequest for the patch itself."""
    if options.patch_type == opts.PATCH_APPLY:
        return await _apply(writer, request, await read_apply(body), force=options.force)
    return await writer.update(request, _transform(request.info, options.patch_type, body))


def accepted_types(info: ResourceInfo) -> list[str]:
    """Patch types that the kind takes, as errors and discovery name them."""
    types = [opts.PATCH_JSON, opts.PATCH_MERGE, opts.PATCH_APPLY]
    return [*types[:2], opts.PATCH_STRATEGIC, types[2]] if info.native_merge else types


def _transform(info: ResourceInfo, patch_type: str, body: bytes) -> Transform:
    if patch_type not in accepted_types(info):
        accepted = ", ".join(accepted_types(info))
        raise errors.UnsupportedMediaType(
            f"the body of the request was in an unknown format - accepted media types include: {accepted}"
        )
    decoded = _decode_json(body)
    if patch_type == opts.PATCH_JSON:
        return lambda old: apply_json_patch(old, decoded)
    if patch_type == opts.PATCH_MERGE:
        return lambda old: apply_merge_patch(old, decoded)
    return lambda old: apply_strategic_patch(old, decoded, info.patch_schema or info.raw_schema)


def _decode_json(body: bytes) -> Any:
    try:
        return jsonio.loads(body)
    except jsonio.DecodeError as error:
        raise errors.BadRequest(f"error decoding patch: {error}") from None


async def read_apply(body: bytes) -> Object:
    """The configuration in the body of an apply: YAML, of which JSON is a part. What is large is read off the loop."""
    return await asyncio.to_thread(_decode_apply, body) if len(body) > QUICK_YAML_BYTES else _decode_apply(body)


def _decode_apply(body: bytes) -> Object:
    try:
        applied = jsonio.loads(body)
    except jsonio.DecodeError:
        try:
            documents = yamlio.load_all(body)
        except (yamlio.YAMLError, UnicodeDecodeError) as error:
            raise errors.BadRequest(f"error decoding YAML: {error}") from None
        applied = documents[0] if len(documents) == 1 else None
    if not isinstance(applied, dict):
        raise errors.BadRequest("error decoding YAML: an apply configuration must be one object")
    return applied


async def _apply(writer: Writer, request: WriteRequest, applied: Object, *, force: bool) -> Answer:
    info = request.info
    pipeline.check_type(info, applied, request.namespace)
    pipeline.check_name(applied, request.name)
    if request.namespace:
        applied["metadata"]["namespace"] = request.namespace
    ctx = writer.context(request)
    pipeline.prune(ctx, applied, request.field_validation, request.warn, duplicates=request.duplicates)
    _drop_unowned(info, applied, request.subresource)

    def merged(live: Object | None) -> Object:
        result = managed.apply(
            live,
            applied,
            manager=request.manager,
            force=force,
            schema=info.raw_schema,
            api_version=info.api_version,
            subresource=request.subresource,
            now=ctx.now,
            ignore=pipeline.unowned_fields(info, request.subresource),
        )
        return result.object

    stated = str(applied["metadata"].get("resourceVersion") or "")
    may_create = not request.subresource and not applied["metadata"].get("uid") and not stated
    for attempt in range(APPLY_TRIES):
        try:
            # The first try spares a look into the backend: creating finds out whether the cache was right.
            return await writer.update(request, merged, owned=True, cached_only=may_create and not attempt)
        except errors.NotFound:
            if request.subresource or applied["metadata"].get("uid"):
                raise
        if stated:
            why = "resourceVersion should not be set on an object that does not exist"
            raise errors.conflict(info.group_resource, request.name, why)
        try:
            return await writer.create(request, merged(None), owned=True)
        except errors.AlreadyExists:
            continue
    raise errors.conflict(info.group_resource, request.name, "the object is created and deleted all the time")


def _drop_unowned(info: ResourceInfo, applied: Object, subresource: str) -> None:
    if subresource == "status":
        for field in applied.keys() - {"apiVersion", "kind", "metadata", "status"}:
            del applied[field]
    elif "status" in info.subresources:
        applied.pop("status", None)


def check_apply_options(options: opts.PatchOptions) -> None:
    """Apply needs a field manager; force is for apply only."""
    if options.patch_type == opts.PATCH_APPLY:
        if not options.field_manager:
            error = required("fieldManager", "is required for apply patch")
            raise errors.invalid("PatchOptions", "", [error], group="meta.k8s.io")
    elif options.force:
        error = forbidden_field("force", "may not be specified for non-apply patch")
        raise errors.invalid("PatchOptions", "", [error], group="meta.k8s.io")
