"""The 409 of server-side apply: which fields others own, in Kubernetes' words."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.machinery.errors import Conflict
from headwater.patch.fieldset import Node, iterate, path_text
from headwater.patch.managers import Manager


def apply_conflict(conflicts: Sequence[tuple[Manager, Node]]) -> Conflict:
    """The error for fields that an apply would change and managers own; the sets overlap with it, none is empty."""
    ordered = sorted(conflicts, key=lambda conflict: conflict[0].key)
    found = [(manager.describe(), path_text(path)) for manager, fields in ordered for path in iterate(fields)]
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {owner}", "field": path} for owner, path in found
    ]
    if len(found) == 1:
        owner, path = found[0]
        return Conflict(f"Apply failed with 1 conflict: conflict with {owner}: {path}", details={"causes": causes})
    lines = []
    last = ""
    for owner, path in found:
        if owner != last:
            lines.append(f"conflicts with {owner}:")
            last = owner
        lines.append(f"- {path}")
    message = f"Apply failed with {len(found)} conflicts: " + "\n".join(lines)
    return Conflict(message, details={"causes": causes})
