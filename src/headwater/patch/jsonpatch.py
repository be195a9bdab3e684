"""JSON patch (RFC 6902) with Kubernetes' limits and errors; the only door to the jsonpatch library."""

from __future__ import annotations

from typing import Any

from headwater.base import jsonio
from headwater.machinery.errors import BadRequest, Invalid, RequestEntityTooLarge
from headwater.machinery.objects import Object, deep_copy

MAXIMUM_OPERATIONS = 10_000
MAXIMUM_COPIED_BYTES = 3 * 1024 * 1024
_MISFITS = (TypeError, AttributeError, KeyError, IndexError, ValueError)
_REJECTED = "the server rejected our request due to an error in our request"


def apply_json_patch(obj: Object, ops: Any) -> Object:
    """The object with all operations applied; the result shares nothing with `obj`.

    Raises BadRequest when `ops` isn't a JSON patch, RequestEntityTooLarge for more than 10,000 operations or for copies
    that add up to more than 3 MiB, Invalid (422) when an operation doesn't fit the object, a failed `test` included.
    """
    # The library takes 50 ms to import, and most servers never see a JSON patch.
    import jsonpatch
    import jsonpointer

    if not isinstance(ops, list):
        raise BadRequest("error decoding patch: a JSON patch must be an array of operations")
    if len(ops) > MAXIMUM_OPERATIONS:
        raise RequestEntityTooLarge(
            f"The allowed maximum operations in a JSON patch is {MAXIMUM_OPERATIONS}, got {len(ops)}"
        )
    _check_form(ops)
    target: Any = deep_copy(obj)
    copied_bytes = 0
    try:
        for run in _runs(ops):
            if run[0]["op"] == "copy":
                copied_bytes += len(jsonio.dumps(jsonpointer.resolve_pointer(target, run[0]["from"])))
                if copied_bytes > MAXIMUM_COPIED_BYTES:
                    raise RequestEntityTooLarge(
                        f"Unable to complete the copy, the accumulated size increase of copy is {copied_bytes}, "
                        f"exceeding the limit {MAXIMUM_COPIED_BYTES}"
                    )
            target = jsonpatch.JsonPatch(run).apply(target, in_place=True)
    except (jsonpatch.InvalidJsonPatch, RecursionError) as cause:
        raise BadRequest(f"error decoding patch: {cause}") from cause
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException) as cause:
        # What the library says has values of the object in it, which end in logs.
        raise Invalid(f"{_REJECTED}: {_misfit(obj, ops)}") from cause
    except _MISFITS as cause:
        raise Invalid(f"{_REJECTED}: {_misfit(obj, ops)}") from cause
    if not isinstance(target, dict):
        raise Invalid(f"{_REJECTED}: the patched document isn't an object")
    return target


def _misfit(obj: Object, ops: list[Any]) -> str:
    """Which operation does not fit the object, by its number and path."""
    import jsonpatch
    import jsonpointer

    target: Any = deep_copy(obj)
    for number, op in enumerate(ops):
        try:
            target = jsonpatch.JsonPatch([deep_copy(op)]).apply(target, in_place=True)
        except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, *_MISFITS):
            where = f"{op['from']} to {op.get('path', '')}" if "from" in op else op.get("path", "")
            why = "the value is another one" if op["op"] == "test" else "it does not fit what is there"
            return f"operation {number} ({op['op']} {where}): {why}"
    return "the operations don't fit what is there"


def _check_form(ops: list[Any]) -> None:
    for index, op in enumerate(ops):
        if not isinstance(op, dict) or not isinstance(op.get("op"), str):
            raise BadRequest(f"error decoding patch: operation {index} isn't an object with op and path")
        for key in ("path", "from"):
            if key in op and not isinstance(op[key], str):
                raise BadRequest(f"error decoding patch: {key} of operation {index} isn't a string")


def _runs(ops: list[Object]) -> list[list[Object]]:
    """Operations in runs that are applied at once; each copy alone, because its size must be looked up first."""
    if not any(op["op"] == "copy" for op in ops):
        return [deep_copy(ops)] if ops else []
    return [[deep_copy(op)] for op in ops]
