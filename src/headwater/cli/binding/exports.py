"""Binds the APIs of pclusters into a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from headwater.cli.binding.waiting import wait
from headwater.cli.failure import CommandFailed
from headwater.cli.output import progress

if TYPE_CHECKING:
    from headwater.client.dynamic import Client, ClusterClient
    from headwater.machinery.objects import Object

_MAX_NAME_LENGTH = 253


async def check_exports(cluster_client: ClusterClient, exports: Sequence[str]) -> None:
    """Refuse an APIExport whose resources run nowhere, before anything is made. Raises CommandFailed.

    One that the caller may not read is taken on trust, and its binding will tell; of one that is not there, too.
    """
    from headwater.apis.apis.v1alpha2.apiexport import API_EXPORT
    from headwater.apis.workload.compute import is_compute, not_compute_words
    from headwater.machinery.errors import Forbidden, NotFound

    for path, name in map(_reference, exports):
        try:
            found = await cluster_client.cluster(path).resource(API_EXPORT.gvr).get(name)
        except (Forbidden, NotFound):
            continue
        if not is_compute(found):
            raise CommandFailed(not_compute_words(path, name))


async def bind_exports(client: Client, exports: Sequence[str], seconds: float) -> None:
    """Bind those of the exports that the workspace does not bind yet, and wait until each is bound.

    Warns of those of which nothing is placed. Raises CommandFailed.
    """
    from headwater.apis.apis.v1alpha2.apibinding import API_BINDING
    from headwater.apis.workload.compute import is_compute, not_compute_words
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
        path, export_name = _reference(export)
        name = bound.get(export, "")
        if not name:
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
        if not is_compute(await bindings.get(name)):
            progress(f"Warning: {not_compute_words(path, export_name)}.")


def _reference(export: str) -> tuple[str, str]:
    """Workspace path and name of an APIExport. Raises CommandFailed."""
    path, _, name = export.rpartition(":")
    if not name or not path:
        raise CommandFailed(f"APIExport {export!r} is not in the format of <workspace path>:<name>")
    return path, name


def _binding_problem(export: str, binding: dict[str, Any]) -> str:
    if (binding.get("status") or {}).get("phase") == "Bound":
        return ""
    conditions = (binding.get("status") or {}).get("conditions") or ()
    why = next((each["message"] for each in conditions if each.get("status") == "False" and each.get("message")), "")
    name = binding["metadata"]["name"]
    return (
        f'APIBindings not ready: APIBinding {name} is not bound to APIExport "{export}" yet: {why or "unknown reason"}'
    )
