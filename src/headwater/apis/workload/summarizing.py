"""Which fields of an object a sync target reports, and whether an only target's value becomes the object's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from headwater.apis.workload.labels import SUMMARIZING_ANNOTATION
from headwater.base import jsonio
from headwater.machinery.objects import Object
from headwater.machinery.objects import annotations as annotations_of

_MAX_RULES: Final = 32


class SummarizingError(ValueError):
    """A summarizing or diff annotation can't be read."""


@dataclass(frozen=True, slots=True)
class SummaryRule:
    """One reported field, e.g. `status`, and whether a single target's value is promoted to the object."""

    field_path: str
    promote: bool

    @property
    def is_status(self) -> bool:
        """Only the whole status goes through the status subresource."""
        return self.field_path == "status"


DEFAULT_RULES: Final = (SummaryRule("status", promote=True),)


def summary_rules(obj: Object) -> tuple[SummaryRule, ...]:
    """Rules of an object: its annotation replaces the default. Raises SummarizingError for malformed text.

    Member names are matched without regard to case, as the original's decoder does.
    """
    text = annotations_of(obj).get(SUMMARIZING_ANNOTATION)
    if text is None:
        return DEFAULT_RULES
    try:
        entries = jsonio.loads(text)
    except ValueError as error:
        raise SummarizingError(f"annotation {SUMMARIZING_ANNOTATION} is not JSON: {error}") from error
    if not isinstance(entries, list) or len(entries) > _MAX_RULES:
        raise SummarizingError(f"annotation {SUMMARIZING_ANNOTATION} must be a list of at most {_MAX_RULES} rules")
    rules = []
    for entry in entries:
        members = {str(name).lower(): value for name, value in entry.items()} if isinstance(entry, dict) else {}
        path = members.get("fieldpath")
        if not isinstance(path, str) or not path or path.split(".")[0] in {"metadata", "apiVersion", "kind"}:
            raise SummarizingError(f"annotation {SUMMARIZING_ANNOTATION}: fieldPath {path!r} can't be summarized")
        rules.append(SummaryRule(path, promote=members.get("promotetoupstream") is True))
    return tuple(rules)


def promotes_status(obj: Object) -> bool:
    """Whether an only target's status becomes the object's; not where the rules can't be read."""
    try:
        return any(rule.is_status and rule.promote for rule in summary_rules(obj))
    except SummarizingError:
        return False
