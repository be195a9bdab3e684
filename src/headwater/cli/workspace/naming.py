"""What a workspace argument means, given where one is (pure). The rules are those of kcp's plugin."""

from __future__ import annotations

HOME = "~"
ROOT = "root"


def resolve(target: str, current: str) -> str:
    """Absolute path for an argument; HOME stays HOME.

    A leading colon, or `root` as the first part, makes an argument absolute; otherwise it is relative to `current`,
    `.` and `..` being what they are in a file system. Raises ValueError when that leads above the top.
    """
    target = target.replace("/", ":")
    if target in (HOME, ""):
        return HOME
    if target == ":":
        return current.split(":")[0]
    absolute = target.startswith(":") or target.split(":")[0] == ROOT
    parts = [] if absolute else current.split(":")
    for part in target.lstrip(":").split(":"):
        if part in ("", "."):
            continue
        if part != "..":
            parts.append(part)
        elif len(parts) > 1:
            parts.pop()
        else:
            raise ValueError("current workspace has no parent")
    if not parts:
        raise ValueError(f"{target!r} is no workspace")
    return ":".join(parts)


def split(path: str) -> tuple[str, str]:
    """(parent path, name); the parent of a top level path is empty."""
    parent, _, name = path.rpartition(":")
    return parent, name
