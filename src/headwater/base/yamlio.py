"""The one door to YAML, read and written the way Kubernetes' tools do.

Scalars follow go-yaml: dates stay strings, ``10:30`` is no base-60 number, ``1e3`` is a number. Keys become strings, as
JSON needs. What we write is quoted wherever another reader could take a string for something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import yaml

YAMLError = yaml.YAMLError
"""Raised for text that is not YAML, for duplicate keys and for alias bombs."""

_MAX_EXPANDED_NODES = 1_000_000
"""More nodes than this after aliases are expanded is an attack, not a manifest."""
_MAX_DEPTH = 1000
_SHALLOW_LENGTH = 10_000
"""A text of fewer characters has fewer levels than the C stack has room for."""

_BOOL = re.compile(r"^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$")
_INT = re.compile(r"^(?:[-+]?0b[0-1_]+|[-+]?0o?[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+)$")
_FLOAT = re.compile(
    r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_MERGE = "tag:yaml.org,2002:merge"
_AMBIGUOUS_STRING = re.compile(r"^(?:y|Y|n|N)$")

_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SafeDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Loader(_SafeLoader):  # type: ignore[misc]  # the C class exists only where libyaml does
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own shape


class _Dumper(_SafeDumper):  # type: ignore[misc]
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _resolvers(target: Any) -> None:
    target.add_implicit_resolver("tag:yaml.org,2002:bool", _BOOL, list("yYnNtTfFoO"))
    target.add_implicit_resolver("tag:yaml.org,2002:int", _INT, list("-+0123456789"))
    target.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))


_resolvers(_Loader)
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver(_MERGE, re.compile(r"^(?:<<)$"), ["<"])
_resolvers(_Dumper)
_Dumper.add_implicit_resolver("tag:yaml.org,2002:bool", _AMBIGUOUS_STRING, list("yYnN"))


def _construct_mapping(loader: Any, node: yaml.MappingNode) -> dict[str, Any]:
    seen: set[str] = set()
    for key_node, _ in node.value:
        if key_node.tag == _MERGE:
            continue
        key = _string_key(loader.construct_object(key_node, deep=True), key_node)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f'key "{key}" already set in map', key_node.start_mark)
        seen.add(key)
    loader.flatten_mapping(node)
    return {
        _string_key(loader.construct_object(key_node, deep=True), key_node): loader.construct_object(value, deep=True)
        for key_node, value in node.value
    }


def _string_key(key: Any, node: yaml.Node) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int | float) or key is None:
        return "null" if key is None else str(key)
    raise yaml.constructor.ConstructorError(None, None, "a map key must be a scalar", node.start_mark)


def _construct_int(loader: Any, node: yaml.ScalarNode) -> int:
    text = loader.construct_scalar(node).replace("_", "")
    digits = text.lstrip("+-")
    if digits[:2] in ("0b", "0o", "0x"):
        number = int(digits, 0)
    else:
        number = int(digits, 8 if len(digits) > 1 and digits[0] == "0" else 10)
    return -number if text[0] == "-" else number


def _represent_str(dumper: Any, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)  # type: ignore[no-any-return]


_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)
_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)
_Dumper.add_representer(str, _represent_str)


def load_all(text: str | bytes) -> list[Any]:
    """All documents of a stream, without the empty ones. JSON is YAML too. Raises `YAMLError`."""
    if len(text) > _SHALLOW_LENGTH:
        _check_depth(text)
    loader = _Loader(text)
    documents = []
    try:
        while loader.check_node():
            node = loader.get_node()
            _check_size(node, {})
            document = loader.construct_document(node)
            if document is not None:
                documents.append(document)
    except (ValueError, RecursionError) as error:
        raise YAMLError(str(error)) from error
    finally:
        loader.dispose()
    return documents


def dump(obj: Any) -> str:
    """One document in block style, keys in their order."""
    return str(
        yaml.dump(obj, Dumper=_Dumper, default_flow_style=False, sort_keys=False, allow_unicode=True, width=4096)
    )


def dump_all(objects: Iterable[Any]) -> str:
    """Several documents, with ``---`` between them."""
    return "---\n".join(dump(obj) for obj in objects)


def _check_depth(text: str | bytes) -> None:
    """Count levels before nodes are made, which libyaml's binding does by recursion: too many end the process."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                raise YAMLError("document is nested too deeply")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check_size(node: Any, sizes: dict[int, int]) -> int:
    """Count the nodes below one node, aliases expanded, each distinct node visited once."""
    known = sizes.get(id(node))
    if known is not None:
        return known
    sizes[id(node)] = total = 1
    if isinstance(node, yaml.MappingNode):
        total += sum(_check_size(key, sizes) + _check_size(value, sizes) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        total += sum(_check_size(item, sizes) for item in node.value)
    if total > _MAX_EXPANDED_NODES:
        raise YAMLError("document contains excessive aliasing")
    sizes[id(node)] = total
    return total
