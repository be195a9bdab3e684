"""`headwater sync-target` and `kubectl workload`, as the owner of pclusters uses them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.harness import HEADWATER, PLATFORM, Stack, kubectls, stack, wait_for

pytestmark = pytest.mark.e2e
NAMES = ("east", "west", "north")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A control plane with a workspace that can have SyncTargets."""
    with stack(tmp_path_factory.mktemp("cli"), kubectls()[0]) as made:
        made.start_hub()
        made.create_workspaces()
        yield made


@pytest.fixture(autouse=True)
def targets(hub: Stack) -> Iterator[None]:
    """Three SyncTargets without syncers, as new for every test."""
    for name in NAMES:
        manifest = {
            "apiVersion": "sync.kcp.io/v1alpha1",
            "kind": "SyncTarget",
            "metadata": {"name": name, "labels": {"zone": "n" if name == "north" else "s"}},
            "spec": {"cells": [name]},
        }
        hub.kubectl("create", "-f", "-", workspace=PLATFORM, stdin=json.dumps(manifest))
    yield
    hub.kubectl("delete", "synctargets", "--all", workspace=PLATFORM)


def run(hub: Stack, *arguments: str, check: bool = True) -> str:
    return hub.headwater("sync-target", *arguments, workspace=PLATFORM, check=check)


def field(hub: Stack, name: str, path: str) -> str:
    return hub.kubectl("get", "synctarget", name, "-o", f"jsonpath={{{path}}}", workspace=PLATFORM)


def edit(hub: Stack, tmp_path: Path, script: str, name: str = "east") -> subprocess.CompletedProcess[str]:
    """Edit with a shell script for an editor, which has the file as $1; temporary files go to a folder of their own."""
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\n{script}\n")
    editor.chmod(0o755)
    temporary = tmp_path / "tmp"
    temporary.mkdir(exist_ok=True)
    env = {**os.environ, "KUBE_EDITOR": str(editor), "EDITOR": "false", "TMPDIR": str(temporary)}
    command = [HEADWATER, "sync-target", "edit", name, "--kubeconfig", str(hub.kubeconfig), "--workspace", PLATFORM]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)


def test_taints(hub: Stack) -> None:
    """Added, replaced and removed as with nodes, on several at once, and refused in kubectl's words."""
    assert run(hub, "taint", "east", "west", "gpu=a100:NoSchedule") == "east tainted\nwest tainted\n"
    assert field(hub, "east", ".spec.taints[0].value") == "a100"
    refused = run(hub, "taint", "east", "gpu=h100:NoSchedule", check=False)
    assert "already has gpu taint(s) with same effect(s) and --overwrite is false" in refused
    assert "(dry run)" in run(hub, "taint", "east", "gpu=h100:NoSchedule", "--overwrite", "--dry-run")
    assert field(hub, "east", ".spec.taints[0].value") == "a100"
    run(hub, "taint", "east", "gpu=h100:NoSchedule", "--overwrite")
    assert field(hub, "east", ".spec.taints[0].value") == "h100"
    assert run(hub, "taint", "-l", "zone=s", "gpu:NoSchedule-") == "east untainted\nwest untainted\n"
    assert field(hub, "east", ".spec.taints") in ("", "[]")


def test_one_that_fails_does_not_keep_the_others_from_their_turn(hub: Stack) -> None:
    done = hub.command(
        HEADWATER, "sync-target", "cordon", "nowhere", "west", "--workspace", PLATFORM, check=False
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == "west cordoned\n"
    assert "failed to get SyncTarget nowhere" in done.stderr


def test_cordon_by_label_and_dry_run(hub: Stack) -> None:
    assert "server dry run" in run(hub, "cordon", "--all", "--dry-run=server")
    assert field(hub, "east", ".spec.unschedulable") in ("", "false")
    assert run(hub, "cordon", "-l", "zone=n") == "north cordoned\n"
    assert run(hub, "uncordon", "north") == "north uncordoned\n"
    assert "No resources found" in run(hub, "cordon", "-l", "zone=moon")


def test_drain_waits_until_nothing_is_left(hub: Stack) -> None:
    assert run(hub, "drain", "east", "north", "--wait", "--timeout", "60s").splitlines() == [
        "east draining", "north draining", "east drained", "north drained",
    ]  # fmt: skip
    assert "Draining" in run(hub, "list", "east")


def test_list(hub: Stack) -> None:
    run(hub, "taint", "east", "gpu=a100:NoSchedule")
    titles, *rows = run(hub, "list").splitlines()
    assert titles.split() == [
        "NAME", "READY", "UNSCHEDULABLE", "TAINTS", "CELLS", "CPU-REQ/ALLOC", "MEMORY-REQ/ALLOC", "RESOURCES",
        "HEARTBEAT", "AGE",
    ]  # fmt: skip
    assert [row.split()[0] for row in rows] == sorted(NAMES)
    assert "gpu=a100:NoSchedule" in rows[0]
    label = r".metadata.labels['internal\.workload\.kcp\.io/key']"
    key = wait_for("its key is known", lambda: field(hub, "east", label))
    assert key in run(hub, "list", "-o", "wide", "-l", "zone=s")
    assert run(hub, "list", "north", "-o", "name") == "synctargets.sync.kcp.io/north\n"


def test_edit_saves_what_the_editor_left(hub: Stack, tmp_path: Path) -> None:
    done = edit(hub, tmp_path, "sed -i 's/unschedulable: false/unschedulable: true/' $1")
    assert (done.stdout, done.stderr) == ("east edited\n", "")
    assert field(hub, "east", ".spec.unschedulable") == "true"
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.parametrize(("script", "said"), [("true", "no changes made"), (": > $1", "saved file was empty")])
def test_edit_cancelled(hub: Stack, tmp_path: Path, script: str, said: str) -> None:
    done = edit(hub, tmp_path, script)
    assert done.returncode == 0
    assert done.stdout == f"Edit cancelled, {said}.\n"
    assert not list((tmp_path / "tmp").iterdir())


def test_edit_shows_what_was_refused_and_goes_on(hub: Stack, tmp_path: Path) -> None:
    """The second time the file says what was wrong, and then the edit succeeds."""
    script = (
        'if grep -q "was not valid" $1; then cp $1 $0.seen; sed -i "s/unschedulable: 7/unschedulable: true/" $1\n'
        'else sed -i "s/unschedulable: false/unschedulable: 7/" $1; fi'
    )
    done = edit(hub, tmp_path, script)
    assert done.stdout == "east edited\n"
    assert "# * spec.unschedulable: Invalid value" in (tmp_path / "editor.seen").read_text()
    assert not list((tmp_path / "tmp").iterdir())


def test_edit_given_up_keeps_a_copy(hub: Stack, tmp_path: Path) -> None:
    done = edit(hub, tmp_path, 'grep -q "was not valid" $1 || sed -i "s/unschedulable: false/unschedulable: 7/" $1')
    assert done.returncode == 1
    (kept,) = (tmp_path / "tmp").iterdir()
    assert f"A copy of your changes is in {kept}" in done.stderr
    assert "unschedulable: 7" in kept.read_text()


def test_edit_merges_with_what_others_changed(hub: Stack, tmp_path: Path) -> None:
    """Another field is no conflict; the same one is, and is shown before it is overwritten."""
    kubectl = (
        f"{hub.kubectl_path} --kubeconfig {hub.kubeconfig} --server https://127.0.0.1:{hub.port}/clusters/{PLATFORM}"
    )
    done = edit(
        hub, tmp_path,
        f"{kubectl} label synctarget east color=red >/dev/null\nsed -i 's/- east/- edge/' $1",
    )  # fmt: skip
    assert done.stdout == "east edited\n", done.stderr
    assert field(hub, "east", ".metadata.labels.color") == "red"
    assert field(hub, "east", ".spec.cells[0]") == "edge"
    patch = '{"spec":{"cells":["theirs"]}}'
    script = (
        f'if grep -q "somebody else changed spec.cells" $1; then cp $1 $0.seen; sed -i "/^#/d" $1\n'
        f"else {kubectl} patch synctarget east --type merge -p '{patch}' >/dev/null; sed -i 's/- edge/- mine/' $1; fi"
    )
    done = edit(hub, tmp_path, script)
    assert done.stdout == "east edited\n", done.stderr
    assert "#   - theirs" in (tmp_path / "editor.seen").read_text()
    assert field(hub, "east", ".spec.cells[0]") == "mine"


def test_kubectl_workload_has_the_same_and_completes(hub: Stack) -> None:
    where = ("--kubeconfig", str(hub.kubeconfig), "--workspace", PLATFORM)
    listed = hub.command(hub.kubectl_path, "workload", "list", *where)
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["NAME", *sorted(NAMES)]
    done = hub.command("kubectl_complete-workload", "cordon", "--workspace", PLATFORM, "e")
    assert done.stdout == "east\n:4\n"
