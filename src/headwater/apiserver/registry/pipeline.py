"""What every write goes through, from a decoded body to the object that will be stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from headwater.apiserver.registry import fieldvalidation, metadata
from headwater.apiserver.registry.objectmeta import metadata_errors
from headwater.apiserver.registry.options import Warn
from headwater.apiserver.registry.strategy import WriteContext
from headwater.apiserver.resources import ResourceInfo
from headwater.machinery import errors
from headwater.machinery.fieldpath import FieldError
from headwater.machinery.objects import Object
from headwater.patch import managed

_STATUS = frozenset({"status"})


def check_type(info: ResourceInfo, obj: Object, namespace: str) -> None:
    """Body and URL must name the same kind and namespace; what a builtin kind's body leaves out is filled in."""
    if not isinstance(obj.get("metadata"), dict):
        if obj.get("metadata") is not None:
            raise errors.BadRequest("metadata must be an object")
        obj["metadata"] = {}
    kind, api_version = obj.get("kind"), obj.get("apiVersion")
    if not kind or not api_version:
        if not info.native:
            missing = "Kind" if not kind else "apiVersion"
            raise errors.BadRequest(f"Object '{missing}' is missing in the body of a {info.kind}")
        kind = obj["kind"] = kind or info.kind
        api_version = obj["apiVersion"] = api_version or info.api_version
    if api_version != info.api_version:
        raise errors.BadRequest(
            f"the API version in the data ({api_version}) does not match the expected API version ({info.api_version})"
        )
    if kind != info.kind:
        raise errors.BadRequest(f"the kind in the data ({kind}) does not match the expected kind ({info.kind})")
    meta = obj["metadata"]
    stated = meta.get("namespace")
    if stated and namespace and stated != namespace:
        raise errors.BadRequest("the namespace of the provided object does not match the namespace sent on the request")


def check_name(obj: Object, name: str) -> None:
    """The name in the body of an update must be the one in the URL, or absent."""
    meta = obj["metadata"]
    stated = meta.get("name")
    if stated and stated != name:
        raise errors.BadRequest(f"the name of the object ({stated}) does not match the name on the URL ({name})")
    meta["name"] = name


def clean(
    ctx: WriteContext, obj: Object, mode: str, warn: Warn, *, duplicates: Sequence[str] = (), patch: bytes | None = None
) -> None:
    """Prune unknown fields (and report them as `mode` says), then fill defaults."""
    prune(ctx, obj, mode, warn, duplicates=duplicates, patch=patch)
    default(ctx, obj)


def prune(
    ctx: WriteContext, obj: Object, mode: str, warn: Warn, *, duplicates: Sequence[str] = (), patch: bytes | None = None
) -> None:
    """Remove unknown fields and report them."""
    info = ctx.info
    unknown: Sequence[str] = info.schema.prune(obj) if info.schema is not None else ()
    if unknown or duplicates:
        fieldvalidation.report(info, fieldvalidation.problems(unknown, duplicates), mode, warn, patch=patch)


def default(ctx: WriteContext, obj: Object) -> None:
    """Fill the schema's defaults and the kind's own."""
    if ctx.info.schema is not None:
        ctx.info.schema.default(obj)
    ctx.info.strategy.default(ctx, obj)


@contextmanager
def blaming_types(info: ResourceInfo, obj: Object) -> Iterator[None]:
    """Defaults and admission come before the schema is asked, and may break on a value of another type than they know.

    Raises Invalid with what the schema says then; where it says nothing, the fault is ours.
    """
    try:
        yield
    except (AttributeError, TypeError, KeyError, IndexError) as error:
        found = info.schema.validate(obj) if info.schema is not None else []
        if not found:
            raise
        raise errors.invalid(info.kind, str(obj["metadata"].get("name") or ""), found, group=info.group) from error


def validate(ctx: WriteContext, obj: Object, old: Object | None) -> None:
    """Raise Invalid with every error of metadata, schema and kind."""
    info = ctx.info
    found: list[FieldError] = list(metadata_errors(info, obj, old))
    if old is not None:
        found += metadata.new_finalizer_errors(obj, old)
    if info.schema is not None:
        found += info.schema.validate(obj, old=old)
    if not found:
        # The kind's own rules rely on the types that the schema checked.
        found += info.strategy.validate(ctx, obj)
        if old is not None:
            found += info.strategy.validate_update(ctx, obj, old)
    if found:
        raise errors.invalid(info.kind, str(obj["metadata"].get("name") or ""), found, group=info.group)


def record_managers(ctx: WriteContext, live: Object | None, obj: Object, manager: str) -> None:
    """Keep metadata.managedFields of a write that isn't an apply."""
    info = ctx.info
    managed.update(
        live,
        obj,
        manager=manager,
        schema=info.raw_schema,
        api_version=info.api_version,
        subresource=ctx.subresource,
        now=ctx.now,
        ignore=unowned_fields(info, ctx.subresource),
    )


def unowned_fields(info: ResourceInfo, subresource: str) -> frozenset[str] | None:
    """Top-level fields that a write to this endpoint can't own; None for the usual ones of a subresource."""
    if subresource:
        return None
    return _STATUS if "status" in info.subresources else frozenset()


def to_storage(info: ResourceInfo, obj: Object) -> None:
    """From the served version to the stored one, in place."""
    if info.served_as_stored:
        return
    if info.conversion is not None:
        info.conversion.to_storage(obj)
    obj["apiVersion"] = info.stored_api_version


def from_storage(info: ResourceInfo, obj: Object) -> Object:
    """From the stored version to the served one, in place; answers `obj`."""
    if not info.served_as_stored:
        if info.conversion is not None:
            info.conversion.from_storage(obj)
        obj["apiVersion"] = info.api_version
        obj["kind"] = info.kind
    return obj
