"""Requests a second of the API server, as ratios to a bare server and a bare database of the same run."""

from __future__ import annotations

from pathlib import Path

from benchmarks.floors import database_floor, http_floor
from benchmarks.load import Figures, api_figures
from benchmarks.startup import memory_mb, seconds_until_ready
from headwater.cli.demo.processes import Processes, free_port
from headwater.client.kubeconfig import load_file

REFERENCE = {"create": 837, "get": 1721, "merge_patch": 658, "apply": 513, "delete": 748}
"""Requests a second of a Kubernetes 1.36 API server with etcd 3.4 on a machine of this kind, by the same load."""


async def api_server_figures(folder: Path, count: int) -> Figures:
    """Each verb beside its floor: a GET beside a bare GET, a write beside a bare POST."""
    root = folder / "api" / "hub"
    port = free_port()
    processes = Processes(folder / "api" / "logs")
    flags = ["--root-directory", str(root), "--secure-port", str(port), "--log-level", "warning"]
    await processes.start("hub", ["start", *flags])
    try:
        await seconds_until_ready(port)
        settings = load_file(root / "admin.kubeconfig").settings("root")
        idle = memory_mb(processes.pids()["hub"])
        figures = await api_figures(settings.server, settings.token, count)
        loaded = memory_mb(processes.pids()["hub"])
        certificate, key = _serving_files(root)
        floors = await http_floor(certificate, key, count)
    finally:
        await processes.stop()
    database = database_floor(count * 4)
    for verb, figure in figures.items():
        floor = floors["get" if verb == "get" else "post"]["per_second"]
        figure["ratio_to_bare_http"] = round(figure["per_second"] / floor, 2)
        figure["ratio_to_kubernetes_reference"] = round(figure["per_second"] / REFERENCE[verb], 2)
        if verb != "get":
            figure["ratio_to_bare_database"] = round(figure["per_second"] / database["per_second"], 3)
    memory = {"idle": idle, "after": loaded}
    return {"verbs": figures, "floors": {**floors, "database_puts": database}, "memory_mb": memory}


def _serving_files(root: Path) -> tuple[Path, Path]:
    """Certificate and key that the control plane serves with, for the bare server to do the same TLS."""
    return root / "pki" / "apiserver.crt", root / "pki" / "apiserver.key"
