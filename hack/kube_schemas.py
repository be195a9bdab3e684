"""Make the checked-in schemas of the built-in Kubernetes kinds from the package `kubernetes-validate`.

`python hack/kube_schemas.py` writes the data, `--verify` compares it with what would be written. The output depends
on nothing but the package, the table of kinds and `kube_completions.py`.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kube_completions import complete

from headwater.apis.kube.kinds import KUBERNETES_VERSION, META, META_DEFINITIONS, kube_kinds

Schema = dict[str, Any]

DATA = Path(__file__).resolve().parent.parent / "src" / "headwater" / "apis" / "kube" / "data"
SOURCE_REF = "#/$defs/"
REF = "#/definitions/"
INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
ANY_VALUE = ("JSON", "JSONSchemaPropsOrArray", "JSONSchemaPropsOrBool", "JSONSchemaPropsOrStringArray")
ANY_OBJECT = (f"{META}.FieldsV1", f"{META}.Patch", "io.k8s.apimachinery.pkg.runtime.RawExtension")


def source_definitions() -> dict[str, Schema]:
    """The definitions as the package has them, found without importing it."""
    spec = importlib.util.find_spec("kubernetes_validate")
    if spec is None or spec.origin is None:
        raise SystemExit("kube_schemas: install the package kubernetes-validate first")
    folder = Path(spec.origin).parent / "kubernetes-json-schema" / f"{KUBERNETES_VERSION}-local"
    document: dict[str, Any] = json.loads((folder / "_definitions.json").read_text())
    definitions: dict[str, Schema] = document["$defs"]
    return definitions


def kubernetes_form(schema: Schema) -> Schema:
    """One schema with the package's alterations undone: no null types, Kubernetes' own references."""
    out: Schema = {}
    for key, value in schema.items():
        match key:
            case "type" if isinstance(value, list):
                out[key] = next(name for name in value if name != "null")
            case "$ref":
                out[key] = value.replace(SOURCE_REF, REF)
            case "properties":
                out[key] = {name: kubernetes_form(child) for name, child in value.items()}
            case "items" | "additionalProperties" if isinstance(value, dict):
                out[key] = kubernetes_form(value)
            case "description":
                out[key] = value.rstrip()
            case _:
                out[key] = value
    return out


def definition_form(name: str, schema: Schema) -> Schema:
    """One whole definition: scalar unions and free-form types marked as Kubernetes' extensions mark them."""
    out = kubernetes_form(schema)
    if name in (INT_OR_STRING, QUANTITY):
        del out["oneOf"]
        out["format"] = "int-or-string" if name == INT_OR_STRING else "quantity"
        out["x-kubernetes-int-or-string"] = True
    elif name.rpartition(".")[2] in ANY_VALUE or name in ANY_OBJECT:
        out["x-kubernetes-preserve-unknown-fields"] = True
    for field in ("apiVersion", "kind"):
        if "x-kubernetes-group-version-kind" in out and field in out["properties"]:
            out["properties"][field].pop("enum", None)
    gvks = out.get("x-kubernetes-group-version-kind", [])
    if len(gvks) > 1:  # the options kinds exist in every group; only the groups that we know are worth the bytes
        known = {(kind.group, kind.version) for kind in kube_kinds().values()}
        out["x-kubernetes-group-version-kind"] = [gvk for gvk in gvks if (gvk["group"], gvk["version"]) in known]
    return out


def references(schema: Schema) -> Iterator[str]:
    """The names of the definitions that a schema refers to (a field may be called `$ref`, so only schemas count)."""
    if "$ref" in schema:
        yield schema["$ref"].removeprefix(REF)
    children = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
    for child in children:
        if isinstance(child, dict):
            yield from references(child)


def wanted_definitions() -> dict[str, Schema]:
    """The definitions of all known kinds and of their lists, and all that these refer to, completed."""
    source = source_definitions()
    queue = list(META_DEFINITIONS)
    for kind in kube_kinds().values():
        queue += [name for name in (kind.definition, f"{kind.definition}List") if name in source]
    wanted: dict[str, Schema] = {}
    while queue:
        name = queue.pop()
        if name not in wanted:
            wanted[name] = definition_form(name, source[name])
            queue += references(wanted[name])
    complete(wanted)
    return wanted


def take_descriptions(schema: Schema) -> dict[str, str]:
    """Remove the descriptions of a definition and its fields, and return them by field name ("" for its own)."""
    out = {"": schema.pop("description")} if "description" in schema else {}
    for name, child in schema.get("properties", {}).items():
        if "description" in child:
            out[name] = child.pop("description")
    return out


def data_files() -> dict[str, bytes]:
    """File name to uncompressed content. A line is a definition's name, a tab, and JSON without spaces."""
    structures: list[str] = []
    descriptions: list[str] = []
    for name, schema in sorted(wanted_definitions().items()):
        texts = take_descriptions(schema)
        descriptions.append(f"{name}\t{_json(texts)}\n")
        structures.append(f"{name}\t{_json(schema)}\n")
    return {
        "structures.gz": "".join(structures).encode(),
        "descriptions.gz": "".join(descriptions).encode(),
    }


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def write() -> None:
    DATA.mkdir(exist_ok=True)
    for name, content in data_files().items():
        (DATA / name).write_bytes(gzip.compress(content, 9, mtime=0))
        lines = content.count(b"\n")
        print(f"{name}: {lines} definitions, {len(content)} bytes, {(DATA / name).stat().st_size} compressed")


def verify() -> int:
    """Zero if the checked-in data is what would be written (the compressed bytes may differ between zlibs)."""
    stale = [name for name, content in data_files().items() if gzip.decompress((DATA / name).read_bytes()) != content]
    notice = (DATA / "NOTICE").read_text()
    if not re.search(rf"{re.escape(KUBERNETES_VERSION)}\b", notice):
        stale.append("NOTICE")
    for name in stale:
        print(f"kube_schemas: {name} is out of date, run: python hack/kube_schemas.py", file=sys.stderr)
    return 1 if stale else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verify", action="store_true", help="compare only; exit code 1 if the data is out of date")
    if parser.parse_args().verify:
        return verify()
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
