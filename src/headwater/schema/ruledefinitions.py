"""Checks of the rules that a schema declares: that they say what they must, and that they compile."""

from __future__ import annotations

from typing import Any

from headwater.machinery.fieldpath import FieldError, child, index, invalid_value, not_supported, required
from headwater.schema.rules import KEYWORD

Object = dict[str, Any]

REASONS = ("FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired", "FieldValueDuplicate")
MAX_MESSAGE_LENGTH = 2048


def validate_rules(schema: Object, path: str) -> list[FieldError]:
    """What is wrong with the ``x-kubernetes-validations`` of one schema node at ``path``."""
    errors: list[FieldError] = []
    for position, rule in enumerate(schema.get(KEYWORD) or ()):
        errors += _rule_errors(rule, index(child(path, KEYWORD), position))
    return errors


def _rule_errors(rule: Object, place: str) -> list[FieldError]:
    text: str = rule.get("rule") or ""
    message: str = rule.get("message") or ""
    errors: list[FieldError] = []
    if not text.strip():
        return [required(child(place, "rule"), "rule is not specified")]
    if "\n" in text.strip() and not message and not rule.get("messageExpression"):
        errors.append(required(child(place, "message"), "message must be specified if rule contains line breaks"))
    if message and (not message.strip() or "\n" in message or len(message) > MAX_MESSAGE_LENGTH):
        errors.append(invalid_value(child(place, "message"), message, "message must be one non-empty line"))
    if rule.get("reason") and rule["reason"] not in REASONS:
        errors.append(not_supported(child(place, "reason"), rule["reason"], REASONS))
    for field in ("rule", "messageExpression"):
        if rule.get(field):
            errors += _compilation_errors(rule[field], rule, child(place, field))
    return errors


def _compilation_errors(text: str, rule: Object, place: str) -> list[FieldError]:
    from headwater.schema.cel import CelError, Expression  # nothing heavy until there is a rule

    try:
        Expression(text, optional_old_self=bool(rule.get("optionalOldSelf")))
    except CelError as error:
        return [invalid_value(place, text, f"compilation failed: {error}")]
    return []
