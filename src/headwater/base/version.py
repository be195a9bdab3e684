"""Version of this build, in one place: the package metadata, `/version` and user agents read it."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

VERSION = "0.1.0"

KUBERNETES_VERSION = "1.32.0"
"""The Kubernetes release whose API behaviour we follow; kubectl compares its own version with this one."""


@cache
def git_commit() -> str:
    """The commit of the checkout that this package runs from, "" when it is installed from elsewhere."""
    git = Path(__file__).resolve().parents[3] / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        reference = head.removeprefix("ref: ")
        loose = git / reference
        if loose.is_file():
            return loose.read_text().strip()
        for line in (git / "packed-refs").read_text().splitlines():
            if line.endswith(f" {reference}"):
                return line.split(" ", 1)[0]
    except OSError:
        pass
    return ""


def __getattr__(name: str) -> str:
    if name == "GIT_COMMIT":
        return git_commit()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def build_info() -> dict[str, str]:
    """What `/version` answers, in the shape of Kubernetes' ``version.Info``."""
    major, minor, _ = KUBERNETES_VERSION.split(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"v{KUBERNETES_VERSION}+headwater-v{VERSION}",
        "gitCommit": git_commit(),
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": platform.python_implementation().lower(),
        "platform": f"{platform.system().lower()}/{_ARCHITECTURES.get(platform.machine(), platform.machine())}",
    }


_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
