"""Binds the APIs of pclusters into a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from headwater.cli.binding.waiting import wait
from headwater.cli.failure import CommandFailed
from headwater.cli.output import progress

if TYPE_CHECKING:
    from headwater.client.dynamic import Client
    from headwater.machinery.objects import Object

_MAX_NAME_LENGTH = 253


async def bind_exports(client: Client, exports: Sequence[str], seconds: float) -> None:
    """Bind those of the exports that the workspace does not bind yet, and wait until each is bound."""
    from headwater.apis.apis.v1alpha2.apibinding import API_BINDING
    from headwater.base.hashing import base36_sha224
    from headwater.machinery.errors import AlreadyExists
    from headwater.machinery.objects import nested

    bindings = client.resource(API_BINDING.gvr)
    existing, _ = await bindings.list_all()
    bound = {
        f"{nested(each, 'spec', 'reference', 'export', 'path', default='')}:"
        f"{nested(each, 'spec', 'reference', 'export', 'name', default='')}": each["metadata"]["name"]
        for each in existing
    }
    for export in exports:
        path, _, export_name = export.rpartition(":")
        if not export_name or not path:
            raise CommandFailed(f"APIExport {export!r} is not in the format of <workspace path>:<name>")
        if export in bound:
            await wait(bindings, bound[export], partial(_binding_problem, export), seconds)
            continue
        name = f"{export_name[: _MAX_NAME_LENGTH - 9]}-{base36_sha224('/clusters/' + path)[:8]}"
        progress(f'Binding APIExport "{export}".')
        binding: Object = {
            "apiVersion": API_BINDING.api_version,
            "kind": API_BINDING.kind,
            "metadata": {"name": name},
            "spec": {"reference": {"export": {"path": path, "name": export_name}}},
        }
        try:
            await bindings.create(binding)
        except AlreadyExists:
            pass
        await wait(bindings, name, partial(_binding_problem, export), seconds)


def _binding_problem(export: str, binding: dict[str, Any]) -> str:
    if (binding.get("status") or {}).get("phase") == "Bound":
        return ""
    conditions = (binding.get("status") or {}).get("conditions") or ()
    why = next((each["message"] for each in conditions if each.get("status") == "False" and each.get("message")), "")
    name = binding["metadata"]["name"]
    return (
        f'APIBindings not ready: APIBinding {name} is not bound to APIExport "{export}" yet: {why or "unknown reason"}'
    )
