"""The fieldValidation parameter: what becomes of unknown and duplicate fields in a request body."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.apiserver.registry.options import Warn
from headwater.apiserver.resources import ResourceInfo
from headwater.base import jsonio
from headwater.machinery.errors import BadRequest, invalid
from headwater.machinery.fieldpath import invalid_value
from headwater.machinery.objects import Object

STRICT = "Strict"
WARN = "Warn"
IGNORE = "Ignore"
_MAX_REPORTED = 100


def problems(unknown: Sequence[str], duplicates: Sequence[str]) -> list[str]:
    """The findings in Kubernetes' words, at most a hundred of them."""
    found = [f'duplicate field "{path}"' for path in duplicates]
    found += [f'unknown field "{path}"' for path in unknown]
    return found[:_MAX_REPORTED]


def report(info: ResourceInfo, found: Sequence[str], mode: str, warn: Warn, *, patch: bytes | None = None) -> None:
    """Warn of the findings, or refuse the request when the mode is Strict: 400, or 422 when a patch brought them."""
    if not found or mode == IGNORE:
        return
    if mode != STRICT:
        for text in found:
            warn(text)
        return
    text = "strict decoding error: " + ", ".join(found)
    if patch is not None:
        shown = patch[:1000].decode(errors="replace")
        raise invalid("", "", [invalid_value("patch", shown, text)])
    raise BadRequest(f'{info.kind} in version "{info.version}" cannot be handled as a {info.kind}: {text}')


def duplicate_fields(data: bytes, obj: Object) -> Sequence[str]:
    """Paths of fields that occur twice in a JSON body that decoded to `obj`.

    A compact body as long as its own encoding can't hold duplicates, which spares the slow look in most cases. Raises
    BadRequest for one that is nested too deeply.
    """
    try:
        if len(data.rstrip()) == len(jsonio.dumps(obj)):
            return ()
        return jsonio.loads_checking_duplicates(data)[1]
    except (jsonio.EncodeError, jsonio.DecodeError) as error:
        raise BadRequest(f"the body can't be read: {error}") from None
