"""Write docs/content/reference from commands, kinds and metrics in the code; with --check only say what differs."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from headwater.apis.kind import Kind
from headwater.base import jsonio

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "content" / "reference"
SOURCE = ROOT / "src" / "headwater"
NOTE = "<!-- Written by hack/docs_gen.py: `make gen`. -->\n"

Schema = dict[str, Any]


def documents() -> dict[Path, str]:
    """Path to content of every generated page."""
    from gen_crds import all_kinds

    pages = {REFERENCE / "cli.md": cli_page(), REFERENCE / "metrics.md": metrics_page(SOURCE)}
    groups: dict[str, list[Kind]] = {}
    for kind in all_kinds():
        groups.setdefault(kind.group, []).append(kind)
    for group, kinds in groups.items():
        pages[REFERENCE / "apis" / f"{group}.md"] = kinds_page(group, kinds)
    return pages


def main() -> int:
    wanted = documents()
    present = {REFERENCE / "cli.md", REFERENCE / "metrics.md", *(REFERENCE / "apis").glob("*.md")}
    stale = sorted(path for path in present - wanted.keys() if path.exists())
    changed = sorted(path for path, text in wanted.items() if not path.exists() or path.read_text() != text)
    if "--check" in sys.argv[1:]:
        for path in [*changed, *stale]:
            print(f"{path.relative_to(ROOT)} differs from the code: run `make gen`")
        return 1 if changed or stale else 0
    for path in stale:
        path.unlink()
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path])
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; empty when there are no rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    head = [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}"]
    return "\n".join([*head, *lines]) + "\n" if lines else ""


# Commands


def cli_page() -> str:
    """All commands of `headwater` and what kubectl calls of them."""
    from headwater.cli.main import cli

    intro = (
        f"# Commands\n\n{NOTE}\n"
        "Three programs come with the package: `headwater`, and two kubectl plugins that are parts of it.\n"
        "`kubectl ws` is `headwater workspace`; `kubectl workload` is `headwater sync-target`, with `placements`, "
        "`explain`, `plan` and `bind` beside.\n"
    )
    return intro + "".join(_command_sections(cli, "headwater"))


def _command_sections(command: click.Command, path: str) -> Iterator[str]:
    context = click.Context(command, info_name=path)
    text = f"\n## {path}\n\n{(command.help or '').strip()}\n"
    if isinstance(command, click.Group):
        commands: dict[click.Command, list[str]] = {}
        for name in command.list_commands(context):
            each = command.get_command(context, name)
            if each is not None:
                commands.setdefault(each, []).append(name)
        rows = [
            (_link(f"{path} {names[0]}"), " ".join([each.help or "", *(f"Also as `{name}`." for name in names[1:])]))
            for each, names in commands.items()
        ]
        yield text + "\n" + table(["Command", "What it does"], rows) + _own_usage(command, path, context)
        for each, names in commands.items():
            yield from _command_sections(each, f"{path} {names[0]}")
        return
    yield text + _usage(command, path, context)


def _own_usage(group: click.Group, path: str, context: click.Context) -> str:
    """How a group is called that is a command itself."""
    return _usage(group, path, context) if group.callback is not None else ""


def _usage(command: click.Command, path: str, context: click.Context) -> str:
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    return f"\n```text\n{usage}\n```\n\n" + table(["Option", "Meaning", "Default"], _option_rows(command, context))


def _link(path: str) -> str:
    return f"[`{path}`](#{path.replace(' ', '-')})"


def _option_rows(command: click.Command, context: click.Context) -> Iterator[tuple[str, str, str]]:
    for option in command.get_params(context):
        if not isinstance(option, click.Option) or "--help" in option.opts:
            continue
        names = [*option.opts, *option.secondary_opts]
        if not option.is_flag:
            names[-1] += f" {_value_name(option)}"
        meaning = [plain(option.help or "")]
        if isinstance(option.type, click.Choice):
            meaning.append(f"One of {', '.join(f'`{choice}`' for choice in option.type.choices)}.")
        shown = ", ".join(f"`{name}`" for name in names)
        yield shown, " ".join(meaning), "required" if option.required else _default_text(option)


def _value_name(option: click.Option) -> str:
    return "NAME" if isinstance(option.type, click.Choice) else option.type.name.split()[0].upper()


def plain(text: str) -> str:
    """Text in which Markdown sees no tags and no cell borders."""
    return text.replace("<", "&lt;").replace("|", "&#124;")


def _default_text(option: click.Option) -> str:
    value = option.default
    if option.is_flag:
        on, off = option.opts[0], (option.secondary_opts or ("",))[0]
        return f"`{on if value is True else off}`" if off else ""
    if isinstance(value, tuple | list):
        return ", ".join(f"`{each}`" for each in value)
    return f"`{value}`" if isinstance(value, str | int | float | Path) and str(value) else ""


# Kinds


def kinds_page(group: str, kinds: Sequence[Kind]) -> str:
    """All kinds of an API group."""
    return f"# {group}\n\n{NOTE}" + "".join(_kind_section(kind) for kind in kinds)


def _kind_section(kind: Kind) -> str:
    scope = "namespaced" if kind.namespaced else "cluster-scoped"
    short = f", short {' and '.join(f'`{name}`' for name in kind.short_names)}" if kind.short_names else ""
    subresources = [name for name, there in (("status", kind.status_subresource), ("scale", kind.scale)) if there]
    facts = f"`{kind.plural}`{short}; {scope}" + (f"; subresources: {', '.join(subresources)}" if subresources else "")
    stored = "" if kind.storage else "\nThis version is served, and another one is stored."
    fields = [row for name in ("spec", "status") for row in _field_rows(name, kind.schema["properties"].get(name))]
    columns = [
        (str(each["name"]), f"`{each['jsonPath']}`", "with `-o wide`" if each.get("priority") else "")
        for each in kind.columns
    ]
    return (
        f"\n## {kind.kind} {kind.version}\n\n{plain(kind.schema.get('description', ''))}\n\n{facts}.{stored}\n\n"
        + table(["Field", "Type", "Meaning"], fields)
        + ("\nColumns of `kubectl get`:\n\n" if columns else "")
        + table(["Column", "Value", ""], columns)
    )


def _field_rows(path: str, schema: Schema | None, *, required: bool = False) -> Iterator[tuple[str, str, str]]:
    """A row for a field, then for the fields in it."""
    if schema is None:
        return
    yield f"`{path}`", _field_type(schema), _field_meaning(schema, required=required)
    inner = schema
    while inner.get("type") == "array" and "items" in inner:
        inner, path = inner["items"], f"{path}[]"
    properties: dict[str, Schema] = inner.get("properties") or {}
    if "matchExpressions" in properties:
        properties = {name: each for name, each in properties.items() if not name.startswith("match")}
    for name, each in properties.items():
        yield from _field_rows(f"{path}.{name}", each, required=name in inner.get("required", ()))


def _field_type(schema: Schema) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        return "integer or string"
    if schema.get("type") == "array":
        return f"list of {_field_type(schema.get('items') or {})}"
    if "matchExpressions" in (schema.get("properties") or {}):
        return "label selector"
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        return f"map of {_field_type(values)}"
    return "time" if schema.get("format") == "date-time" else str(schema.get("type", "any"))


def _field_meaning(schema: Schema, *, required: bool) -> str:
    parts = [plain(str(schema.get("description", "")).strip())]
    if required:
        parts.append("Required.")
    if schema.get("enum"):
        parts.append(f"One of {', '.join(f'`{each}`' if each else 'empty' for each in schema['enum'])}.")
    if "default" in schema and schema["default"] not in ({}, []):
        parts.append(f"Default `{jsonio.dumps(schema['default']).decode()}`.")
    bounds = [
        f"{word} {schema[key]}"
        for key, word in (("minimum", "at least"), ("maximum", "at most"), ("maxItems", "at most"))
        if key in schema
    ]
    if bounds:
        parts.append(f"{' and '.join(bounds)}{' entries' if 'maxItems' in schema else ''}.".capitalize())
    parts += [f"Rule: {plain(rule['message'])}." for rule in schema.get("x-kubernetes-validations", ())]
    return " ".join(part for part in parts if part).replace("\n", " ")


# Metrics


def metrics_page(source: Path) -> str:
    """Every metric that is registered anywhere in the source, and those that the client library adds."""
    rows = sorted({row for path in source.rglob("*.py") for row in _metric_rows(ast.parse(path.read_text()))})
    return (
        f"# Metrics\n\n{NOTE}\n"
        "The control plane serves metrics under `/metrics` in Prometheus' text format.\n"
        "Whoever RBAC in `root` lets `get` that path may read them.\n"
        "A syncer serves its own with `--health-address`.\n"
        "Names and labels are those of Kubernetes where Kubernetes has such a metric.\n"
        "A metric keeps 500 series at most; what is beyond is counted under the label value `other`.\n"
        "`process_*` metrics for memory, processor time and open files come on top.\n\n"
    ) + table(["Metric", "Kind", "Labels", "Meaning"], rows)


def _metric_rows(tree: ast.Module) -> Iterator[tuple[str, str, str, str]]:
    names = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        texts = [each.value for each in node.args[:2] if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        if node.func.attr not in ("counter", "gauge", "histogram") or len(texts) != 2:
            continue
        labels: ast.expr | None = node.args[2] if len(node.args) > 2 else None
        if isinstance(labels, ast.Name):
            labels = names.get(labels.id)
        values = ast.literal_eval(labels) if labels is not None else ()
        yield f"`{texts[0]}`", node.func.attr, ", ".join(f"`{value}`" for value in values), texts[1]


if __name__ == "__main__":
    sys.exit(main())
