"""logs, exec, attach, cp and port-forward from a workspace to its pods, with a kubectl of each protocol."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.harness import PLATFORM, SHOP, Stack, kubectls, stack, wait_for
from tests.ports import free_port

pytestmark = pytest.mark.e2e
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: main
          image: nginx:1.27
          ports: [{containerPort: 80}]
          env: [{name: COLOR, value: green}]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Deployment of the shop on a pcluster, and its pod in the workspace."""
    with stack(tmp_path_factory.mktemp("access"), kubectls()[0]) as stack_of_module:
        audit = stack_of_module.root / "audit.log"
        stack_of_module.start_hub("--audit-log-path", str(audit))
        stack_of_module.start_sim("east")
        stack_of_module.create_workspaces()
        stack_of_module.register("east")
        stack_of_module.headwater("bind", "compute", PLATFORM, workspace=SHOP)
        stack_of_module.kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
        wait_for("web runs", lambda: stack_of_module.ready_below("east", "default", "web") == 1)
        show_pod(stack_of_module)
        yield stack_of_module


def show_pod(made: Stack) -> str:
    """Name of the Deployment's pod, once the workspace shows that it runs."""

    def shown() -> str:
        found = made.json("get", "pods", "-l", "app=web")["items"]
        return next((str(each["metadata"]["name"]) for each in found if each["status"].get("phase") == "Running"), "")

    return wait_for("the pod is shown", shown)


@pytest.fixture(params=kubectls(), ids=lambda path: "websocket" if path == kubectls()[0] else "spdy")
def kube(request: pytest.FixtureRequest, made: Stack) -> Kube:
    return Kube(made, request.param)


class Kube:
    """One kubectl in the shop's workspace."""

    def __init__(self, made: Stack, path: str) -> None:
        self.made = made
        self.path = path
        self.pod = str(made.json("get", "pods", "-l", "app=web")["items"][0]["metadata"]["name"])

    def arguments(self, *arguments: str) -> list[str]:
        server = f"https://127.0.0.1:{self.made.port}/clusters/{SHOP}"
        return [self.path, "--kubeconfig", str(self.made.kubeconfig), "--server", server, "-n", "default", *arguments]

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return self.made.command(*self.arguments(*arguments), stdin=stdin, check=False)

    def start(self, *arguments: str, stdin: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.arguments(*arguments), stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, "HOME": str(self.made.root)},
        )  # fmt: skip


def read_until(process: subprocess.Popen[bytes], wanted: bytes, seconds: float = 30.0) -> bytes:
    assert process.stdout is not None
    return read_from(process.stdout.fileno(), wanted, seconds)


def read_from(descriptor: int, wanted: bytes, seconds: float = 30.0) -> bytes:
    found, deadline = b"", time.monotonic() + seconds
    while wanted not in found:
        left = deadline - time.monotonic()
        assert left > 0, f"no {wanted!r} in {found!r}"
        if select.select([descriptor], [], [], left)[0]:
            more = os.read(descriptor, 65536)
            assert more, f"ended without {wanted!r}: {found!r}"
            found += more
    return found


def test_logs(kube: Kube) -> None:
    """Of a pod, and of a Deployment, whose pods kubectl looks up in the workspace."""
    for reference in (kube.pod, "deploy/web"):
        done = kube.run("logs", reference)
        assert "simulated container main started from nginx:1.27" in done.stdout, done.stderr
    wrong = kube.run("logs", kube.pod, "-c", "nothing")
    assert wrong.returncode == 1
    assert "nothing is not valid for pod" in wrong.stderr


def test_logs_are_followed(kube: Kube) -> None:
    following = kube.start("logs", "-f", kube.pod)
    try:
        read_until(following, b"started from")
        word = f"said by {Path(kube.path).parent.name}"
        said = kube.run("exec", kube.pod, "--", "sh", "-c", f"echo {word} > /proc/1/fd/1")
        assert said.returncode == 0, said.stderr
        assert word.encode() in read_until(following, word.encode())
    finally:
        following.terminate()
        following.communicate()


@pytest.mark.parametrize(
    ("command", "typed", "output", "code"),
    [
        (("echo", "hello"), "", "hello\n", 0),
        (("cat",), "one\ntwo\n", "one\ntwo\n", 0),
        (("sh", "-c", "echo $COLOR; exit 42"), "", "green\n", 42),
        (("sh",), "echo a | cat; false\n", "a\n", 1),
    ],
)
def test_exec(kube: Kube, command: tuple[str, ...], typed: str, output: str, code: int) -> None:
    done = kube.run("exec", "-i", kube.pod, "--", *command, stdin=typed)
    assert (done.stdout, done.returncode) == (output, code), done.stderr


def test_a_terminal(kube: Kube) -> None:
    """`kubectl exec -it`, as a person at a terminal sees it."""
    ours, theirs = pty.openpty()
    shell = subprocess.Popen(
        kube.arguments("exec", "-it", kube.pod, "--", "sh"), stdin=theirs, stdout=theirs, stderr=theirs,
        env={**os.environ, "HOME": str(kube.made.root)},
    )  # fmt: skip
    os.close(theirs)
    read_from(ours, b"# ")
    os.write(ours, b"echo so $COLOR\r")
    assert b"so green" in read_from(ours, b"so green\n")
    os.write(ours, b"exit 5\r")
    assert shell.wait(30) == 5
    os.close(ours)


def test_attach(kube: Kube) -> None:
    done = kube.run("attach", "-i", kube.pod, stdin="attached\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("attached\n")
    assert "attached" in kube.run("logs", kube.pod).stdout


def test_copies_go_both_ways(kube: Kube, tmp_path: Path) -> None:
    """A file of some size, and a folder."""
    content = os.urandom(700_000)
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "large.bin").write_bytes(content)
    (folder / "inner" / "small.txt").write_text("small")
    for source, target in ((str(folder), f"{kube.pod}:/tmp"), (f"{kube.pod}:/tmp/folder", str(tmp_path / "back"))):
        done = kube.run("cp", source, target)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "back" / "large.bin").read_bytes() == content
    assert (tmp_path / "back" / "inner" / "small.txt").read_text() == "small"


def test_port_forward(kube: Kube) -> None:
    """Several requests over one; a port on which the pod does not listen is refused, and the others go on."""
    first, second = free_port(), free_port()
    forwarding = kube.start("port-forward", f"pod/{kube.pod}", f"{first}:80", f"{second}:81")
    try:
        read_until(forwarding, b"-> 81")
        for _ in range(3):
            with urllib.request.urlopen(f"http://127.0.0.1:{first}/", timeout=30) as answer:
                assert answer.read().decode() == f"simulated pod {kube.pod} answers on port 80\n"
        with pytest.raises(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{second}/", timeout=30)
    finally:
        forwarding.terminate()
        forwarding.communicate()


def test_rights_are_those_of_the_workspace(kube: Kube) -> None:
    """Who may look may not run commands; who may edit may. The audit log has both."""
    name = f"viewer-{'new' if kube.path == kubectls()[0] else 'old'}"
    made = kube.made
    made.kubectl("create", "serviceaccount", name)
    made.kubectl("create", "rolebinding", name, "--clusterrole=view", f"--serviceaccount=default:{name}")
    user = f"system:serviceaccount:default:{name}"
    enter = kube.run("--as", user, "get", "pods")
    refused = kube.run("--as", user, "exec", kube.pod, "--", "echo", "hi")
    assert refused.returncode == 1
    assert "forbidden" in refused.stderr.lower(), (enter, refused)

    def audited() -> bool:
        """The log is written beside the answers, and its last line may be half there."""
        events = [json.loads(line) for line in (made.root / "audit.log").read_text().split("\n")[:-1]]
        execs = [each for each in events if (each.get("objectRef") or {}).get("subresource") == "exec"]
        codes = {each["responseStatus"]["code"] for each in execs}
        asked = {(each.get("impersonatedUser") or {}).get("username") for each in execs}
        return {101, 403} <= codes and user in asked

    wait_for("the audit log has both", audited)


def test_a_killed_syncer_ends_commands_and_its_return_brings_access_back(kube: Kube) -> None:
    """With an error and not as if all had been well; nobody has to do anything."""
    made = kube.made
    running = kube.start("exec", "-i", kube.pod, "--", "cat")
    assert running.stdin is not None
    running.stdin.write(b"before\n")
    running.stdin.flush()
    read_until(running, b"before\n")
    made.programs["syncer-east"].kill()
    output, _ = running.communicate(timeout=60)
    assert running.returncode != 0, output
    assert b"rror" in output
    refused = kube.run("logs", kube.pod, "--request-timeout=2s")
    assert refused.returncode != 0
    made.programs["syncer-east"].start()
    wait_for("access is back", lambda: kube.run("exec", kube.pod, "--", "echo", "again").stdout == "again\n")


def test_a_restarted_control_plane_gets_its_tunnels_back(kube: Kube) -> None:
    made = kube.made
    made.programs["hub"].kill()
    made.programs["hub"].start()
    made.wait_ready(made.kubeconfig, made.programs["hub"])
    wait_for("access is back", lambda: kube.run("exec", kube.pod, "--", "echo", "again").stdout == "again\n")


def test_what_is_not_ours_below_is_not_reached(made: Stack) -> None:
    """Y7: no log of a pod without the target's label, nor where the namespace's locator names another target."""
    pod, home = show_pod(made), str(made.downstream_namespace("east", "default"))

    def logs() -> str:
        return made.kubectl("-n", "default", "logs", pod, check=False)

    def locate(locator: object) -> None:
        note = f"kcp.io/namespace-locator={json.dumps(locator)}"
        made.below("east", "annotate", "--overwrite", "namespace", home, note)

    missing = f'pods "{pod}" not found'
    wait_for("logs", lambda: missing not in logs())
    space = made.below_json("east", "get", "namespace", home)
    own = json.loads(space["metadata"]["annotations"]["kcp.io/namespace-locator"])
    locate({**own, "syncTarget": {**own["syncTarget"], "name": "west"}})
    assert missing in logs()
    locate(own)
    wait_for("logs again", lambda: missing not in logs() and show_pod(made) == pod)
    labels = made.below_json("east", "-n", home, "get", "pod", pod)["metadata"]["labels"]
    [(mark, value)] = [each for each in labels.items() if each[0].startswith("state.workload.kcp.io/")]
    made.below("east", "-n", home, "label", "pod", pod, f"{mark}-")
    assert missing in logs()
    made.below("east", "-n", home, "label", "pod", pod, f"{mark}={value}")
    wait_for("logs of the marked pod", lambda: missing not in logs() and show_pod(made) == pod)
