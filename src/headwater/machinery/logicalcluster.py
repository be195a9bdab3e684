"""Names and paths of logical clusters: ``2x8k3…`` is a name, ``root:org:team`` a path, ``*`` means all."""

from __future__ import annotations

import re

CLUSTER_ANNOTATION = "kcp.io/cluster"
"""Annotation with the logical cluster's name on every object that the server returns."""
PATH_ANNOTATION = "kcp.io/path"
"""Annotation with the canonical path of the workspace, on objects that others refer to by path."""
WILDCARD = "*"
"""In place of a name: all logical clusters."""
SEPARATOR = ":"
ROOT = "root"
SYSTEM_PREFIX = "system:"
"""Logical clusters of the control plane itself have names such as ``system:admin``."""

_SEGMENT = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(_SEGMENT)
_PATH = re.compile(rf"{_SEGMENT}(?::{_SEGMENT})*")


def is_valid_name(text: str) -> bool:
    """Whether the text can name a logical cluster: one segment, or two of which the first is ``system``."""
    return _NAME.fullmatch(text.removeprefix(SYSTEM_PREFIX)) is not None


def is_valid_path(text: str) -> bool:
    """Whether the text is one or more segments joined by ``:``; the wildcard is not a path."""
    return _PATH.fullmatch(text) is not None


def parent(path: str) -> str:
    """The path without its last segment; "" for a path of one."""
    return path.rpartition(SEPARATOR)[0]


def base(path: str) -> str:
    """The last segment of a path."""
    return path.rpartition(SEPARATOR)[2]


def join(path: str, name: str) -> str:
    """A path one segment longer; either part may be empty."""
    return f"{path}{SEPARATOR}{name}" if path and name else path or name


def split(path: str) -> tuple[str, str]:
    """Parent and last segment."""
    head, _, tail = path.rpartition(SEPARATOR)
    return head, tail


def has_prefix(path: str, prefix: str) -> bool:
    """Whether the path is the prefix or lies below it, by whole segments; everything lies below ""."""
    return not prefix or path == prefix or path.startswith(f"{prefix}{SEPARATOR}")
