"""Asks the control plane for a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headwater.cli.failure import CommandFailed

if TYPE_CHECKING:
    from headwater.cli.session import Session
    from headwater.machinery.objects import Object

API_VERSION = "placement.kcp.io/v1alpha1"
_ABSENT = "FieldValueNotFound"
_PATH = f"/apis/{API_VERSION}/plans"


def absence(cause: Mapping[str, Any]) -> str:
    """`SyncTarget "x" not found` for what a plan names and is not there; empty for any other cause of a refusal."""
    field = str(cause.get("field", ""))
    if cause.get("reason") != _ABSENT or field.startswith("spec.apply"):
        return ""
    what = "cell" if field.startswith("spec.fail.cells") else "SyncTarget"
    return f"{what} {str(cause.get('message', '')).removeprefix('Not found: ')} not found"


async def ask(session: Session, spec: dict[str, Any]) -> Object:
    """The Plan with its status. Raises StatusError, and CommandFailed for a control plane that makes none."""
    from headwater.base import jsonio
    from headwater.client.answers import decode_object
    from headwater.machinery.errors import Invalid, NotFound

    body = jsonio.dumps({"kind": "Plan", "apiVersion": API_VERSION, "spec": spec})
    try:
        return decode_object(await session.scheduling.raw("POST", _PATH, body=body))
    except Invalid as error:
        absent = [words for each in error.causes if (words := absence(each))]
        if not absent or len(absent) < len(error.causes):
            raise
        raise CommandFailed(
            f"{'; '.join(absent)}. What is there: `headwater sync-target list --workspace {session.workspace}`"
        ) from error
    except NotFound as error:
        if (error.details or {}).get("name"):
            raise
        raise CommandFailed(
            "this control plane makes no plans (it runs without virtual workspaces, or is older than this program). "
            "Plan on a file of its objects instead: --on FILE."
        ) from error
