"""The story of the demo: register two pclusters, bind compute, apply an application, drain a pcluster."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from headwater.cli.demo.processes import Processes, free_port, headwater_command
from headwater.cli.demo.view import where, where_table
from headwater.cli.failure import CommandFailed

if TYPE_CHECKING:
    from headwater.client.dynamic import Client, ClusterClient

T = TypeVar("T")

PCLUSTERS = ("east", "west")
PLATFORM = "root:platform"
SHOP = "root:shop"
_STEP_SECONDS = 90.0
_POLL_SECONDS = 0.1


class Scenario:
    """One run of the demo in a folder of its own."""

    def __init__(self, root: Path, processes: Processes) -> None:
        self._root = root
        self._processes = processes
        self.hub: ClusterClient | None = None
        self.pclusters: dict[str, ClusterClient] = {}

    @property
    def admin_kubeconfig(self) -> Path:
        """Kubeconfig of the control plane."""
        return self._root / "hub" / "admin.kubeconfig"

    def pcluster_kubeconfig(self, name: str) -> Path:
        """Kubeconfig of a pcluster."""
        return self._root / "pclusters" / f"{name}.kubeconfig"

    async def run(self) -> None:
        """All acts in order."""
        await self.start()
        await self.register()
        await self._apply()
        await self._show("Running on both pclusters, or on the one it was placed on")
        await self._drain()

    async def close(self) -> None:
        """Close connections."""
        for client in (self.hub, *self.pclusters.values()):
            if client is not None:
                await client.close()

    async def start(self) -> None:
        """Start control plane and pclusters in an empty folder, and connect to them."""
        shutil.rmtree(self._root, ignore_errors=True)
        self._root.mkdir(parents=True)
        click.echo("▸ Starting the control plane and two simulated pclusters")
        hub = ["start", "--root-directory", str(self._root / "hub"), "--secure-port", str(free_port())]
        sim = [
            "sim",
            "--root-directory",
            str(self._root / "pclusters"),
            *(part for name in PCLUSTERS for part in ("--name", name)),
        ]
        await self._processes.start("hub", hub)
        await self._processes.start("sim", sim)
        self.hub = await self._connect(self.admin_kubeconfig)
        for name in PCLUSTERS:
            self.pclusters[name] = await self._connect(self.pcluster_kubeconfig(name))

    async def _connect(self, kubeconfig: Path) -> ClusterClient:
        """A client for a kubeconfig, as soon as the file is there and its server ready."""
        from dataclasses import replace

        from headwater.cli.session import split_workspace
        from headwater.client.dynamic import ClusterClient
        from headwater.client.interface import TransportError
        from headwater.client.kubeconfig import load_file
        from headwater.client.transport import NetworkTransport

        async def reachable() -> ClusterClient | None:
            if not kubeconfig.exists():
                return None
            settings = load_file(kubeconfig).settings()
            client = ClusterClient(NetworkTransport(replace(settings, server=split_workspace(settings.server)[0])))
            try:
                if (await client.cluster("").raw("GET", "/readyz")).status == 200:
                    return client
            except TransportError:
                pass
            await client.close()
            return None

        return await self.until(f"{kubeconfig.stem} is ready", reachable)

    async def register(self) -> None:
        """Make the workspaces, register each pcluster, and run its syncer."""
        click.echo(f"▸ Creating workspaces {PLATFORM} (who owns pclusters) and {SHOP} (who runs an application)")
        for path in (PLATFORM, SHOP):
            await self.headwater("workspace", "create", path.rpartition(":")[2], workspace="root")
        for name in PCLUSTERS:
            click.echo(f"▸ Registering pcluster {name} and starting its syncer")
            manifests, agent = self._root / f"{name}.yaml", self._root / f"{name}-syncer.kubeconfig"
            await self.headwater(
                "sync-target", "create", name, "-o", str(manifests), "--syncer-kubeconfig", str(agent),
                "--labels", f"region={name}", "--cells", name, workspace=PLATFORM,
            )  # fmt: skip
            await self._start_syncer(name, manifests, agent)

    async def _start_syncer(self, name: str, manifests: Path, agent: Path) -> None:
        """Apply the manifests to the pcluster, and run the agent as a process with the account they give it."""
        from headwater.base import yamlio
        from headwater.cli.demo.downstream import apply_manifests, syncer_arguments

        objects = [obj for obj in yamlio.load_all(manifests.read_text()) if obj["kind"] != "Deployment"]
        kubeconfig = self._root / f"{name}-agent-downstream.kubeconfig"
        await apply_manifests(self.pclusters[name], objects, self.pcluster_kubeconfig(name), kubeconfig)
        arguments = await syncer_arguments(self.client(PLATFORM), name, agent, kubeconfig)
        await self._processes.start(f"syncer-{name}", arguments)

    async def _apply(self) -> None:
        click.echo(f"▸ Binding compute into {SHOP}: namespace web runs on two pclusters, namespace backend on one")
        for tier, targets in (("web", 2), ("backend", 1)):
            await self.headwater(
                "bind", "compute", PLATFORM, "--name", tier, "--namespace-selector", f"tier={tier}",
                "--min-targets", str(targets), "--max-targets", str(targets), workspace=SHOP,
            )  # fmt: skip
        manifest = resources.files("headwater.cli.demo").joinpath("shop.yaml").read_text()
        path = self._root / "shop.yaml"
        path.write_text(manifest)
        kubectl = shutil.which("kubectl")
        if kubectl is None:
            from headwater.cli.demo.downstream import apply_all

            click.echo(f"▸ Applying {path} (kubectl is not installed, so with headwater's own client)")
            await apply_all(self.client(SHOP), manifest)
            return
        server = self._shop_server()
        click.echo(f"▸ kubectl apply -f {path}")
        await self._command(
            kubectl, "--kubeconfig", str(self.admin_kubeconfig), "--server", server, "apply", "-f", str(path)
        )

    async def _drain(self) -> None:
        victim = await self._backend_pcluster()
        click.echo(f"\n▸ headwater sync-target drain {victim}")
        await self.headwater("sync-target", "drain", victim, workspace=PLATFORM)
        lowest = [2]

        async def moved() -> bool:
            running = await where(self.pclusters)
            ready = sum(cells.get(("backend", "cart"), (0, 0))[0] for cells in running.values())
            lowest[0] = min(lowest[0], ready)
            return not running[victim] and all(
                cells.get(("backend", "cart"), (0, 0))[0] == 2 for name, cells in running.items() if name != victim
            )

        await self.until(f"{victim} is empty", moved)
        await self._show(f"After draining {victim}", (victim,))
        click.echo(f"  backend/cart never had fewer than {lowest[0]} ready pods while it moved (2 were asked for).")

    async def _backend_pcluster(self) -> str:
        running = await where(self.pclusters)
        return next(name for name, cells in running.items() if ("backend", "cart") in cells)

    async def _show(self, title: str, drained: tuple[str, ...] = ()) -> None:
        """Wait until the workspace says that all is ready, with a line for each change, then print the table."""
        from headwater.machinery.gvk import GroupVersionResource

        deployments = self.client(SHOP).resource(GroupVersionResource("apps", "v1", "deployments"))
        said = ""

        async def settled() -> list[Any] | None:
            nonlocal said
            found, _ = await deployments.list_all()
            ready = {each["metadata"]["name"]: (each.get("status") or {}).get("readyReplicas", 0) for each in found}
            line = ", ".join(
                f"{each['metadata']['name']} {ready[each['metadata']['name']]}/{each['spec']['replicas']}"
                for each in found
            )
            if line != said:
                said = line
                click.echo(f"  workspace: {line}")
            running = await where(self.pclusters)
            copies = sum(len(cells) for cells in running.values())
            enough = copies == 3 - len(drained) and all(
                cell[0] == cell[1] for cells in running.values() for cell in cells.values()
            )
            return (
                found if enough and all(ready[e["metadata"]["name"]] == e["spec"]["replicas"] for e in found) else None
            )

        found = await self.until("everything is ready", settled)
        click.echo(f"\n{title}:\n\n{where_table(found, await where(self.pclusters))}")

    def client(self, workspace: str) -> Client:
        """Administrator's client of a workspace."""
        assert self.hub is not None, "connected before use"
        return self.hub.cluster(workspace)

    def _shop_server(self) -> str:
        from headwater.cli.session import split_workspace
        from headwater.client.kubeconfig import load_file

        return f"{split_workspace(load_file(self.admin_kubeconfig).settings().server)[0]}/clusters/{SHOP}"

    async def headwater(self, *arguments: str, workspace: str) -> None:
        """Run a command as a user would."""
        flags = ("--kubeconfig", str(self.admin_kubeconfig), "--workspace", workspace)
        await self._command(headwater_command(), *arguments, *flags)

    async def _command(self, *arguments: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        output, _ = await process.communicate()
        if process.returncode:
            raise CommandFailed(f"{' '.join(arguments[:8])} failed:\n{output.decode(errors='replace')}")

    async def until(self, what: str, attempt: Callable[[], Awaitable[T | None]]) -> T:
        """What `attempt` gives, once it gives something true. Raises CommandFailed when it does not in time."""
        try:
            async with asyncio.timeout(_STEP_SECONDS):
                while True:
                    self._processes.check()
                    found = await attempt()
                    if found:
                        return found
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError as error:
            raise CommandFailed(f"{what}: not within {_STEP_SECONDS:.0f} s; see {self._processes.logs}") from error

    def how_to_go_on(self, pids: dict[str, int]) -> str:
        """Commands for the reader, and how to stop."""
        admin = self.admin_kubeconfig
        return (
            f"\nTo go on:\n\n  export KUBECONFIG={admin}\n  export PATH=$PWD/.venv/bin:$PATH\n"
            f"  kubectl ws {SHOP}\n  kubectl get deployments,services,ingresses -A\n  kubectl get placements -o wide\n"
            f"  headwater sync-target list --workspace {PLATFORM}\n"
            f"  headwater sync-target uncordon {PCLUSTERS[0]} --workspace {PLATFORM}\n"
            + "".join(f"  kubectl --kubeconfig {self.pcluster_kubeconfig(name)} get pods -A\n" for name in PCLUSTERS)
            + f"\nTo stop:  kill {' '.join(str(pid) for pid in reversed(pids.values()))}\nLogs: {self._processes.logs}"
        )
