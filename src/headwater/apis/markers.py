"""Small builders for structural OpenAPI v3 schemas, so that a kind's module reads like its type definition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Object = dict[str, Any]

LABEL_KEY_PATTERN = r"^([a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?/)?[a-zA-Z0-9]([-_.a-zA-Z0-9]*[a-zA-Z0-9])?$"
LABEL_VALUE_PATTERN = r"^([a-zA-Z0-9]([-_.a-zA-Z0-9]*[a-zA-Z0-9])?)?$"
NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
PATH_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(:[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"


def _with(schema: Object, description: str, extra: Object) -> Object:
    if description:
        schema["description"] = description
    schema.update({key: value for key, value in extra.items() if value is not None})
    return schema


def string(
    description: str = "",
    *,
    enum: Sequence[str] = (),
    pattern: str | None = None,
    default: str | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    format: str | None = None,
    nullable: bool | None = None,
) -> Object:
    schema: Object = {"type": "string"}
    if enum:
        schema["enum"] = list(enum)
    extra = {
        "pattern": pattern,
        "default": default,
        "minLength": min_length,
        "maxLength": max_length,
        "format": format,
        "nullable": nullable,
    }
    return _with(schema, description, extra)


def integer(
    description: str = "",
    *,
    minimum: int | None = None,
    maximum: int | None = None,
    default: int | None = None,
    format: str | None = "int32",
) -> Object:
    extra = {"minimum": minimum, "maximum": maximum, "default": default, "format": format}
    return _with({"type": "integer"}, description, extra)


def boolean(description: str = "", *, default: bool | None = None) -> Object:
    return _with({"type": "boolean"}, description, {"default": default})


def date_time(description: str = "", *, nullable: bool | None = None) -> Object:
    return string(description, format="date-time", nullable=nullable)


def duration(description: str = "", *, default: str | None = None) -> Object:
    """A Go duration such as ``30s`` or ``1h5m``."""
    return string(description, pattern=r"^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$", default=default, max_length=64)


def obj(
    description: str = "",
    /,
    *,
    required: Sequence[str] = (),
    default: Any = None,
    nullable: bool | None = None,
    **props: Object,
) -> Object:
    """An object with the given properties. Names that Python can't spell go through ``properties()``."""
    return properties(description, props, required=required, default=default, nullable=nullable)


def properties(
    description: str,
    props: dict[str, Object],
    *,
    required: Sequence[str] = (),
    default: Any = None,
    nullable: bool | None = None,
) -> Object:
    schema: Object = {"type": "object"}
    if props:
        schema["properties"] = props
    if required:
        schema["required"] = list(required)
    return _with(schema, description, {"default": default, "nullable": nullable})


def array(
    items: Object,
    description: str = "",
    *,
    list_type: str | None = None,
    map_keys: Sequence[str] = (),
    min_items: int | None = None,
    max_items: int | None = None,
) -> Object:
    """A list; ``list_type`` is ``atomic``, ``set`` or ``map`` (then with ``map_keys``)."""
    schema: Object = {"type": "array", "items": items}
    if map_keys:
        schema["x-kubernetes-list-map-keys"] = list(map_keys)
        list_type = list_type or "map"
    return _with(
        schema, description, {"x-kubernetes-list-type": list_type, "minItems": min_items, "maxItems": max_items}
    )


def map_of(values: Object, description: str = "", *, max_properties: int | None = None) -> Object:
    """A string-keyed map."""
    return _with({"type": "object", "additionalProperties": values}, description, {"maxProperties": max_properties})


def any_object(description: str = "") -> Object:
    """An object whose fields nobody prunes."""
    return _with({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, description, {})


def int_or_string(description: str = "") -> Object:
    return _with(
        {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True}, description, {}
    )


def quantity(description: str = "") -> Object:
    """A Kubernetes resource quantity such as ``500m`` or ``2Gi``, as number or string."""
    schema = int_or_string(description)
    schema["pattern"] = (
        r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
    )
    return schema


def resource_list(description: str = "") -> Object:
    """Resource name to quantity, like a node's capacity."""
    return map_of(quantity(), description)


def label_selector(description: str = "", *, default: Any = None) -> Object:
    """A ``metav1.LabelSelector``."""
    expression = obj(
        "A requirement on one label.",
        required=["key", "operator"],
        key=string("The label key that the requirement applies to."),
        operator=string("How the key relates to the values: In, NotIn, Exists or DoesNotExist."),
        values=array(string(), "Values for In and NotIn; empty for Exists and DoesNotExist.", list_type="atomic"),
    )
    schema = obj(
        description or "Selects objects by their labels.",
        default=default,
        matchExpressions=array(expression, "Requirements; all must hold.", list_type="atomic"),
        matchLabels=map_of(string(), "Labels that the object must carry with exactly these values."),
    )
    schema["x-kubernetes-map-type"] = "atomic"
    return schema


def conditions(description: str = "Observations of the object's state, one per type.") -> Object:
    """kcp's conditions: like ``metav1.Condition`` with a severity, and reason and message optional."""
    condition = obj(
        "One observation of the object's state.",
        required=["lastTransitionTime", "status", "type"],
        lastTransitionTime=date_time("When the condition last changed."),
        message=string("A sentence for people about the last transition; may be empty."),
        reason=string("Why the condition has its status, in CamelCase; may be empty when the status is True."),
        severity=string("How much it matters that the status is False: Error, Warning or Info; empty otherwise."),
        status=string("True, False or Unknown."),
        type=string("What the condition is about, in CamelCase."),
    )
    return array(condition, description)


def with_rule(schema: Object, rule: str, message: str, *, reason: str = "", field_path: str = "") -> Object:
    """Add a CEL rule to a schema, and return the schema."""
    entry: Object = {"rule": rule, "message": message}
    if reason:
        entry["reason"] = reason
    if field_path:
        entry["fieldPath"] = field_path
    schema.setdefault("x-kubernetes-validations", []).append(entry)
    return schema


def immutable(schema: Object, message: str) -> Object:
    """A value that can be set once and not changed."""
    return with_rule(schema, "self == oldSelf", message)


def resource(
    description: str, *, spec: Object | None = None, status: Object | None = None, required: Sequence[str] = ()
) -> Object:
    """The whole object: apiVersion, kind, metadata, and the given spec and status."""
    props: dict[str, Object] = {
        "apiVersion": string("The versioned schema of this representation of an object."),
        "kind": string("The REST resource that this object represents, in CamelCase."),
        "metadata": {"type": "object"},
    }
    if spec is not None:
        props["spec"] = spec
    if status is not None:
        props["status"] = status
    return properties(description, props, required=required)
