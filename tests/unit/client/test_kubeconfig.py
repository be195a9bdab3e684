"""Kubeconfigs: merge, settings, safe writing."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest

from headwater.base import yamlio
from headwater.client import kubeconfig
from headwater.client.connection import ConfigError, in_cluster_settings

CONFIG = """
apiVersion: v1
kind: Config
current-context: one
clusters:
- name: c
  cluster: {{server: "https://h:6443/clusters/root/", certificate-authority: ca.crt, tls-server-name: t}}
users:
- name: u
  user: {{token: secret-word, client-certificate-data: "{}", client-key-data: "{}"}}
contexts:
- name: one
  context: {{cluster: c, user: u, namespace: n}}
""".format(base64.b64encode(b"CERT").decode(), base64.b64encode(b"KEY").decode())


def test_settings_of_the_current_context(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(CONFIG)
    (tmp_path / "ca.crt").write_bytes(b"CA")
    settings = kubeconfig.load_file(tmp_path / "config").settings()
    assert settings.server == "https://h:6443/clusters/root"
    assert (settings.ca_data, settings.client_certificate_data, settings.client_key_data) == (b"CA", b"CERT", b"KEY")
    assert (settings.token, settings.namespace, settings.tls_server_name) == ("secret-word", "n", "t")
    assert "secret-word" not in repr(settings)
    assert "KEY" not in repr(settings)


def test_first_file_of_the_list_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """KUBECONFIG merges as kubectl does; files that don't exist are left out."""
    (tmp_path / "a").write_text("clusters:\n- name: c\n  cluster: {server: 'http://first'}\n")
    (tmp_path / "b").write_text(CONFIG.replace("certificate-authority: ca.crt,", ""))
    paths = [tmp_path / "a", tmp_path / "missing", tmp_path / "b"]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, paths)))
    merged = kubeconfig.load()
    assert merged.settings().server == "http://first"
    assert merged.current_context == "one"


def test_default_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kubeconfig.default_paths() == [tmp_path / ".kube" / "config"]
    assert kubeconfig.load().contexts == {}


def test_saved_file_is_private_and_reads_back(tmp_path: Path) -> None:
    config = kubeconfig.parse(CONFIG, tmp_path)
    config.set_context("two", cluster={"server": "https://two"}, user={"tokenFile": str(tmp_path / "t")}, namespace="x")
    path = tmp_path / "sub" / "config"
    config.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    again = kubeconfig.load_file(path)
    assert again == config
    assert again.settings("two").token_file == tmp_path / "t"
    assert yamlio.load_all(path.read_text())[0]["kind"] == "Config"


def test_unwritable_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="can't write"):
        kubeconfig.Kubeconfig().save(tmp_path / "file" / "config")


@pytest.mark.parametrize(
    ("text", "context", "message"),
    [
        pytest.param(CONFIG, "nope", "context 'nope' does not exist", id="unknown context"),
        pytest.param("{}", "", "no current context", id="no context"),
        pytest.param("contexts: [{name: a, context: {cluster: x}}]", "a", "which does not exist", id="no cluster"),
        pytest.param(
            CONFIG.replace("token: secret-word", "exec: {command: evil}"), "", "type 'exec'", id="exec credentials"
        ),
        pytest.param(CONFIG, "", "can't read certificate-authority", id="missing file"),
        pytest.param(
            CONFIG.replace("certificate-authority: ca.crt", "certificate-authority-data: '!'"),
            "",
            "is not base64",
            id="bad data",
        ),
    ],
)
def test_settings_that_lead_nowhere(text: str, context: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        kubeconfig.parse(text, tmp_path).settings(context)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [", "is not YAML"),
        (b"- 1", "not one YAML mapping"),
        (b"users: [3]", "entry without a name"),
        (b"\xff\xfe", "can't read"),
    ],
)
def test_files_that_are_no_kubeconfig(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        kubeconfig.load_file(tmp_path / "config")


def test_missing_and_empty_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        kubeconfig.load_file(tmp_path / "nope")
    (tmp_path / "empty").write_text("")
    assert kubeconfig.load_file(tmp_path / "empty").contexts == {}


def test_embedded_data_reads_back() -> None:
    config = kubeconfig.Kubeconfig()
    config.set_context(
        "x", cluster={"server": "https://a", "certificate-authority-data": kubeconfig.embed(b"pem")}, user={}
    )
    assert config.settings("x").ca_data == b"pem"


def test_in_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ConfigError, match="not running in a pod"):
        in_cluster_settings(tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    (tmp_path / "token").write_text("t")
    (tmp_path / "ca.crt").write_text("ca")
    (tmp_path / "namespace").write_text("kcp-syncer\n")
    settings = in_cluster_settings(tmp_path)
    assert (settings.server, settings.ca_data, settings.namespace) == ("https://[fd00::1]:443", b"ca", "kcp-syncer")
