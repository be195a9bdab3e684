"""Make the checked-in protobuf layouts of the built-in Kubernetes kinds from a kubectl binary.

`python hack/kube_wire.py /usr/bin/kubectl` writes the data. Go programs carry descriptors of their protobuf messages as
gzip streams; field numbers and which fields are pointers are read from there. What is required and what is inlined
in JSON comes from the schemas in `headwater.apis.kube`.
"""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.message import DecodeError

from headwater.apis.kube.schemas import definitions, kube_kinds

OUT = Path(__file__).resolve().parent.parent / "src" / "headwater" / "apiserver" / "protobuf" / "data" / "layouts.gz"
GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00"
LARGEST = 1 << 20
NOT_NULLABLE = bytes.fromhex("c8de1f00")
KINDS = {1: "d", 3: "i", 5: "i", 8: "t", 9: "s", 11: "m", 12: "b"}
EXTRA_ROOTS = ("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions", "io.k8s.api.core.v1.Binding")
POINTER, REQUIRED, INLINE = 1, 2, 4


def descriptors(binary: bytes) -> Iterator[FileDescriptorProto]:
    """All file descriptors of Kubernetes packages in a Go binary."""
    at = binary.find(GZIP_HEAD)
    while at >= 0:
        try:
            raw = zlib.decompressobj(31).decompress(binary[at : at + LARGEST])
            found = FileDescriptorProto.FromString(raw)
        except (zlib.error, DecodeError):
            found = FileDescriptorProto()
        if found.package.startswith("k8s.io."):
            yield found
        at = binary.find(GZIP_HEAD, at + 8)


def definition_name(message: str) -> str:
    """`k8s.io.api.core.v1.Pod` as OpenAPI names it."""
    return "io.k8s." + message.removeprefix("k8s.io.")


def fields_of(message: DescriptorProto, name: str, schema: dict[str, Any] | None) -> Iterator[list[Any]]:
    """Rows of [number, JSON name, kind, type, repeated, flags]; a map has kind "M<kind of its values>"."""
    entries = {f".{name}.{nested.name}": nested for nested in message.nested_type if nested.options.map_entry}
    properties, required = (schema or {}).get("properties"), (schema or {}).get("required") or ()
    for field in message.field:
        kind, target = KINDS[field.type], field.type_name.lstrip(".")
        repeated = field.label == FieldDescriptorProto.LABEL_REPEATED
        entry = entries.get(field.type_name)
        if entry is not None:
            value = next(part for part in entry.field if part.name == "value")
            kind, target, repeated = "M" + KINDS[value.type], value.type_name.lstrip("."), False
        flags = 0 if field.options.SerializeToString().startswith(NOT_NULLABLE) else POINTER
        if field.name in required:
            flags |= REQUIRED
        if properties is not None and kind == "m" and not repeated and field.name not in properties:
            flags |= INLINE
        yield [field.number, field.name, kind, target, int(repeated), flags]


def main() -> None:
    binary = Path(sys.argv[1]).read_bytes()
    messages = {f"{file.package}.{m.name}": m for file in descriptors(binary) for m in file.message_type}
    schemas = definitions()
    roots = {kind.definition for kind in kube_kinds().values()} | set(EXTRA_ROOTS)
    waiting = sorted(name for name in messages if definition_name(name) in roots)
    layouts: dict[str, list[list[Any]]] = {}
    while waiting:
        name = waiting.pop()
        if name in layouts or name not in messages:
            continue
        schema = schemas.get(definition_name(name))
        layouts[name] = list(fields_of(messages[name], name, schema))
        waiting += [row[3] for row in layouts[name] if row[3]]
    text = json.dumps(dict(sorted(layouts.items())), separators=(",", ":"))
    OUT.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{len(layouts)} messages, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
