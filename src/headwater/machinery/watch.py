"""The types of watch events."""

from __future__ import annotations

from typing import Final

ADDED: Final = "ADDED"
MODIFIED: Final = "MODIFIED"
DELETED: Final = "DELETED"
BOOKMARK: Final = "BOOKMARK"
"""Nothing happened; the object carries only the resourceVersion that the watch has reached."""
ERROR: Final = "ERROR"
"""The object is a ``Status``; the watch ends after it."""
