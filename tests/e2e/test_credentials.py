"""What an owner of pclusters does about credentials, with the real programs: give, watch, revoke, give again."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.e2e.harness import PLATFORM, Program, Stack, kubectls, stack, wait_for

pytestmark = pytest.mark.e2e


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Stack]:
    """A control plane, a simulated pcluster, and a workspace for it."""
    with stack(tmp_path, kubectls()[0]) as running:
        running.start_hub("--audit-log-path", str(tmp_path / "audit.log"), "--log-level", "debug")
        running.start_sim("east")
        running.create_workspaces()
        yield running


def heartbeat(made: Stack) -> str:
    target = made.json("get", "synctarget", "east", workspace=PLATFORM)
    return str(target.get("status", {}).get("lastSyncerHeartbeatTime", ""))


def beats(made: Stack, syncer: Program) -> None:
    """Wait until a heartbeat comes after now."""
    before = heartbeat(made)

    def another() -> bool:
        syncer.check()
        return heartbeat(made) != before

    wait_for("heartbeat", another)


def credential_of(made: Stack) -> Path:
    """The file that the syncer keeps its credential in."""
    return next((made.root / "east-agent.kubeconfig.credentials").glob("*.json"))


def reasons(made: Stack) -> set[str]:
    """Reasons of the Events on the SyncTarget."""
    found = made.json("-n", "default", "get", "events", workspace=PLATFORM)["items"]
    return {each["reason"] for each in found if each["involvedObject"]["kind"] == "SyncTarget"}


def test_a_credential_from_its_beginning_to_its_end(made: Stack) -> None:
    """The manifest's token is used up by the syncer, which then lives on its own credential until that is revoked."""
    syncer = made.register("east")
    beats(made, syncer)
    kept = credential_of(made)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE((made.root / "east.yaml").stat().st_mode) == 0o600
    first = json.loads(kept.read_text())
    agent = yaml.safe_load((made.root / "east-agent.kubeconfig").read_text())
    bootstrap = agent["users"][0]["user"]["token"]
    assert first["token"] != bootstrap
    again = made.headwater("sync-target", "manifest", "east", workspace=PLATFORM)
    assert "--credentials-secret=" in again, "written again, they keep the credential where it is"

    syncer.kill()
    syncer.start()
    beats(made, syncer)
    assert json.loads(kept.read_text()) == first, "a restart asks for nothing"

    kept.rename(kept.with_suffix(".away"))
    syncer.kill()
    syncer.start()
    wait_for("the second use is refused", lambda: "BootstrapTokenUsed" in reasons(made))
    syncer.kill()
    kept.with_suffix(".away").rename(kept)
    syncer.start()
    beats(made, syncer)

    assert "east revoked" in made.headwater("sync-target", "revoke", "east", workspace=PLATFORM)
    wait_for("the syncer says so", lambda: "headwater sync-target token" in syncer.tail(), seconds=150)
    silent = heartbeat(made)
    secret = made.root / "east-token.yaml"
    made.headwater(
        "sync-target", "token", "east", "-o", str(secret), "--syncer-kubeconfig",
        str(made.root / "east-agent.kubeconfig"), workspace=PLATFORM,
    )  # fmt: skip
    made.below("east", "apply", "-f", str(secret))
    wait_for("it is back", lambda: heartbeat(made) != silent, seconds=150)
    second = json.loads(kept.read_text())
    assert second["token"] != first["token"]

    audit = (made.root / "audit.log").read_text()
    assert '"username":"system:kcp:syncer-bootstrap:' in audit
    assert '"username":"system:kcp:syncer:' in audit
    written = audit + syncer.log.read_text() + made.programs["hub"].log.read_text()
    for each in (bootstrap, first["token"], second["token"], first["claimant"], second["claimant"]):
        assert each not in written
    assert {"CredentialIssued", "CredentialsRevoked", "BootstrapTokenUsed"} <= reasons(made)


def test_a_service_account_token_still_works_and_can_be_revoked(made: Stack) -> None:
    """For those who look after credentials themselves."""
    syncer = made.register("east", "--service-account")
    again = made.headwater("sync-target", "manifest", "east", workspace=PLATFORM)
    assert "--credentials-secret=" not in again, "it has none to keep"
    beats(made, syncer)
    assert not list(made.root.glob("*.credentials"))
    accounts = made.kubectl("-n", "default", "get", "serviceaccounts", "-o", "name", workspace=PLATFORM)
    assert "kcp-syncer-east" in accounts
    made.headwater("sync-target", "revoke", "east", workspace=PLATFORM)
    wait_for("the syncer is shut out", lambda: "heartbeat failed" in syncer.tail())
