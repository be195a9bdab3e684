"""The reference pages say what commands, kinds and metrics say."""

from __future__ import annotations

from pathlib import Path

from hack import docs_gen

from headwater.apis.placement.v1alpha1.placement import PLACEMENT


def test_commands() -> None:
    """Every command has a section; options show their values, defaults and whether they are required."""
    page = docs_gen.cli_page()
    for command in ("start", "syncer", "sync-target create", "bind compute", "workspace use"):
        assert f"\n## headwater {command}\n" in page
    assert "\n## headwater sync-target sync\n" not in page
    assert "| `--secure-port INTEGER` | HTTPS port; 0 for any. | `6443` |" in page
    assert "| `-o`, `--output-file TEXT` |" in page
    assert "One of `json`, `text`. | `json` |" in page
    assert "`--no-run-controllers`" in page
    assert "--help" not in page


def test_kinds() -> None:
    """Fields are listed with type, bounds, defaults and rules, down to the items of lists."""
    page = docs_gen.kinds_page("placement.kcp.io", [PLACEMENT])
    assert "| `spec.targets.min` | integer |" in page
    assert "Default `1`. At least 1 and at most 64." in page
    assert "Rule: min must not be greater than max, which is 1 unless it is given." in page
    assert "| `spec.tolerations[].effect` | string |" in page
    assert "| `spec.namespaceSelector` | label selector |" in page
    assert "matchExpressions" not in page


def test_metrics(tmp_path: Path) -> None:
    """Registrations are found in the source, with labels that stand in the call or in a name before it."""
    (tmp_path / "a.py").write_text(
        'labels = ("name",)\nr.gauge("depth", "Depth.", labels)\nr.counter("c_total", "C.")\nr.counter(name, "No.")\n'
    )
    page = docs_gen.metrics_page(tmp_path)
    assert page.endswith("| `c_total` | counter |  | C. |\n| `depth` | gauge | `name` | Depth. |\n")


def test_markup_in_texts() -> None:
    """What Markdown would take for a tag or for the border of a cell is written so that it shows."""
    assert docs_gen.plain("<path>|a") == "&lt;path>&#124;a"
