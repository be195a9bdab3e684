"""Version of this build, in one place: the package metadata, `/version` and user agents read it."""

from __future__ import annotations

VERSION = "0.1.0"
