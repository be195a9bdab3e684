"""Chooses how objects of a resource are printed."""

from __future__ import annotations

from functools import lru_cache

from headwater.apiserver.resources import ResourceInfo
from headwater.apiserver.tables.builtin import cluster, config, network, pods, workloads
from headwater.apiserver.tables.custom import ColumnPrinter, DefaultPrinter
from headwater.apiserver.tables.interface import Printer
from headwater.base import jsonio

_BUILTIN: dict[tuple[str, str], Printer] = {
    **workloads.PRINTERS,
    **pods.PRINTERS,
    **network.PRINTERS,
    **cluster.PRINTERS,
    **config.PRINTERS,
}
_DEFAULT = DefaultPrinter()


def printer_for(info: ResourceInfo) -> Printer:
    """The printer of a resource: Kubernetes' own for its kinds, else the declared columns, else NAME and AGE.

    A workload kind that is served through an APIResourceSchema or a CRD prints as it does on any Kubernetes server.
    """
    builtin = _BUILTIN.get((info.group, info.resource))
    if builtin is not None:
        return builtin
    return _declared(jsonio.dumps(list(info.columns))) if info.columns else _DEFAULT


@lru_cache(maxsize=512)
def _declared(columns: bytes) -> Printer:
    return ColumnPrinter(jsonio.loads(columns))
