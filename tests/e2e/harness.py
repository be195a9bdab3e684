"""Starts and kills the real programs, and runs the real kubectl against them."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from tests.ports import free_port, free_ports

T = TypeVar("T")
SECONDS = 100.0
HEADWATER = str(Path(sysconfig.get_path("scripts")) / "headwater")
ROOT = Path(__file__).resolve().parents[2]
PLATFORM, SHOP = "root:platform", "root:shop"


def kubectls() -> list[str]:
    """Every kubectl to test with: the one on PATH and Debian's, which `hack/kubectl.sh` unpacks beside the tools."""
    found = [shutil.which("kubectl"), ROOT / ".venv" / "kubectl" / "usr" / "bin" / "kubectl"]
    present = [str(path) for path in found if path and Path(path).exists()]
    assert present, "no kubectl: apt-get install kubernetes-client"
    return present


def wait_for(what: str, attempt: Callable[[], T | None], seconds: float = SECONDS) -> T:
    """The first true answer of `attempt`."""
    deadline = time.monotonic() + seconds
    while True:
        found = attempt()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.05)


@dataclass
class Program:
    """A headwater process that can be killed and started again as it was."""

    name: str
    arguments: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    within: tuple[str, ...] = ()
    """A command that runs the program, and becomes it."""

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*self.within, HEADWATER, *self.arguments], stdout=log, stderr=log)

    def kill(self) -> None:
        """SIGKILL: no chance to clean up."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self, seconds: float = 60.0) -> int:
        """SIGTERM, and the exit code."""
        if self.process is None or self.process.poll() is not None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def check(self) -> None:
        assert self.process is not None
        code = self.process.poll()
        assert code is None, f"{self.name} ended with {code}:\n{self.tail()}"

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])


@dataclass
class Stack:
    """Control plane, simulated pclusters and syncers in one folder."""

    root: Path
    kubectl_path: str
    port: int = field(default_factory=free_port)
    programs: dict[str, Program] = field(default_factory=dict)

    @property
    def kubeconfig(self) -> Path:
        return self.root / "hub" / "admin.kubeconfig"

    def pcluster_kubeconfig(self, name: str) -> Path:
        return self.root / "pclusters" / f"{name}.kubeconfig"

    def run(self, name: str, *arguments: str, within: tuple[str, ...] = ()) -> Program:
        program = Program(name, list(arguments), self.root / f"{name}.log", within=within)
        self.programs[name] = program
        program.start()
        return program

    def start_hub(self, *arguments: str, within: tuple[str, ...] = ()) -> Program:
        hub = self.run(
            "hub", "start", "--root-directory", str(self.root / "hub"), "--secure-port", str(self.port), *arguments,
            within=within,
        )  # fmt: skip
        self.wait_ready(self.kubeconfig, hub)
        return hub

    def start_sim(self, *names: str) -> Program:
        flags = [part for name in names for part in ("--name", name)]
        folder, port = str(self.root / "pclusters"), str(free_ports(len(names)))
        sim = self.run("sim", "sim", "--root-directory", folder, "--first-port", port, *flags)
        for name in names:
            self.wait_ready(self.pcluster_kubeconfig(name), sim)
        return sim

    def wait_ready(self, kubeconfig: Path, program: Program) -> None:
        def ready() -> bool:
            program.check()
            if not kubeconfig.exists():
                return False
            done = self.command(
                self.kubectl_path, "--kubeconfig", str(kubeconfig), "get", "--raw", "/readyz", check=False
            )
            return done.returncode == 0

        wait_for(f"{program.name} is ready", ready)

    def command(self, *arguments: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.root)}
        env["PATH"] = f"{Path(HEADWATER).parent}:{env['PATH']}"
        done = subprocess.run(arguments, input=stdin, capture_output=True, text=True, env=env, timeout=150, check=False)
        assert not check or done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done

    def headwater(self, *arguments: str, workspace: str = "root", check: bool = True) -> str:
        flags = ("--kubeconfig", str(self.kubeconfig), "--workspace", workspace)
        done = self.command(HEADWATER, *arguments, *flags, check=check)
        return done.stdout + done.stderr

    def kubectl(self, *arguments: str, workspace: str = SHOP, stdin: str = "", check: bool = True) -> str:
        server = f"https://127.0.0.1:{self.port}/clusters/{workspace}"
        done = self.command(self.kubectl_path, "--server", server, *arguments, stdin=stdin, check=check)
        return done.stdout if check else done.stdout + done.stderr

    def json(self, *arguments: str, workspace: str = SHOP) -> dict[str, Any]:
        return dict(json.loads(self.kubectl(*arguments, "-o", "json", workspace=workspace)))

    def below(self, pcluster: str, *arguments: str, stdin: str = "", check: bool = True) -> str:
        """kubectl against a pcluster."""
        done = self.command(
            self.kubectl_path,
            "--kubeconfig",
            str(self.pcluster_kubeconfig(pcluster)),
            *arguments,
            stdin=stdin,
            check=check,
        )
        return done.stdout if check else done.stdout + done.stderr

    def below_json(self, pcluster: str, *arguments: str) -> dict[str, Any]:
        return dict(json.loads(self.below(pcluster, *arguments, "-o", "json")))

    def register(
        self, name: str, *flags: str, workspace: str = PLATFORM, pcluster: str = "", heartbeat_seconds: int = 2
    ) -> Program:
        """Register a pcluster as its owner would, apply the manifests there, and run the agent with their account.

        The pcluster has the SyncTarget's name unless another one is given: one may be registered several times.
        """
        pcluster = pcluster or name
        manifests, agent = self.root / f"{name}.yaml", self.root / f"{name}-agent.kubeconfig"
        self.headwater(
            "sync-target", "create", name, "-o", str(manifests), "--syncer-kubeconfig", str(agent), *flags,
            workspace=workspace,
        )  # fmt: skip
        documents = [each for each in yaml.safe_load_all(manifests.read_text()) if each["kind"] != "Deployment"]
        applied = self.root / f"{name}-applied.yaml"
        applied.write_text(yaml.safe_dump_all(documents))
        self.below(pcluster, "apply", "-f", str(applied))
        downstream = self._agent_kubeconfig(name, pcluster, documents)
        target = self.json("get", "synctarget", name, workspace=workspace)
        return self.run(
            f"syncer-{name}", "syncer", "--from-kubeconfig", str(agent), "--to-kubeconfig", str(downstream),
            "--from-cluster", target["metadata"]["annotations"]["kcp.io/cluster"],
            "--sync-target-name", name, "--sync-target-uid", target["metadata"]["uid"],
            "--heartbeat-interval", str(heartbeat_seconds), "--downstream-namespace-clean-delay", "1",
            *(flag for flag in flags if flag.startswith(("--dns-image=", "--isolate-tenants"))),
        )  # fmt: skip

    def credential_kubeconfig(self, name: str) -> Path:
        """A kubeconfig with what the syncer of a SyncTarget has got for its bootstrap token."""
        first = self.root / f"{name}-agent.kubeconfig"
        folder = first.with_name(f"{first.name}.credentials")

        def token() -> str:
            return next((json.loads(each.read_text())["token"] for each in folder.glob("*.json")), "")

        config = yaml.safe_load(first.read_text())
        config["users"][0]["user"]["token"] = wait_for("credential", token)
        path = self.root / f"{name}-credential.kubeconfig"
        path.write_text(yaml.safe_dump(config))
        return path

    def _agent_kubeconfig(self, name: str, pcluster: str, documents: Sequence[dict[str, Any]]) -> Path:
        secret = next(each for each in documents if each.get("type") == "kubernetes.io/service-account-token")
        where = ("-n", secret["metadata"]["namespace"], "get", "secret", secret["metadata"]["name"])
        token = wait_for("token", lambda: self.below_json(pcluster, *where).get("data", {}).get("token"))
        config = yaml.safe_load(self.pcluster_kubeconfig(pcluster).read_text())
        for context in config["contexts"]:
            context["context"]["namespace"] = secret["metadata"]["namespace"]
        config["users"] = [
            {"name": user["name"], "user": {"token": base64.b64decode(token).decode()}} for user in config["users"]
        ]
        path = self.root / f"{name}-agent-downstream.kubeconfig"
        path.write_text(yaml.safe_dump(config))
        return path

    def create_workspaces(self) -> None:
        for path in (PLATFORM, SHOP):
            self.headwater("workspace", "create", path.rpartition(":")[2], workspace="root")

    def downstream_namespace(self, pcluster: str, namespace: str) -> str | None:
        """Name of the downstream namespace of a namespace of the shop."""
        for each in self.below_json(pcluster, "get", "namespaces")["items"]:
            text = (each["metadata"].get("annotations") or {}).get("kcp.io/namespace-locator")
            if text and json.loads(text)["namespace"] == namespace:
                return str(each["metadata"]["name"])
        return None

    def ready_below(self, pcluster: str, namespace: str, deployment: str) -> int | None:
        """Ready replicas of a synced Deployment, None when it isn't there."""
        home = self.downstream_namespace(pcluster, namespace)
        if home is None:
            return None
        done = self.below(pcluster, "-n", home, "get", "deployment", deployment, "-o", "json", "--ignore-not-found")
        return int(json.loads(done).get("status", {}).get("readyReplicas", 0)) if done.strip() else None

    def close(self) -> None:
        for program in reversed(list(self.programs.values())):
            try:
                program.stop()
            except subprocess.TimeoutExpired:
                program.kill()


@contextmanager
def stack(root: Path, kubectl_path: str) -> Iterator[Stack]:
    """A stack that is killed at the end."""
    made = Stack(root, kubectl_path)
    try:
        yield made
    finally:
        made.close()
