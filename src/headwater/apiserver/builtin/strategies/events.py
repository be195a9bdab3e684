"""Events, which two API groups show in two forms over one storage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from headwater.apiserver.builtin.strategies.native import NativeStrategy
from headwater.apiserver.registry.strategy import WriteContext
from headwater.machinery.fieldpath import FieldError, invalid_value
from headwater.machinery.objects import Object, nested

_CORE_TO_NEW: Final[Mapping[str, str]] = {
    "involvedObject": "regarding",
    "message": "note",
    "reportingComponent": "reportingController",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
}
_REGARDING = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_CORE_LABELS = (*(f"involvedObject.{field}" for field in _REGARDING), "reason", "reportingComponent", "source", "type")
_NEW_LABELS = (*(f"regarding.{field}" for field in _REGARDING), "reason", "reportingController", "type")


class EventStrategy(NativeStrategy):
    """Events of the core group."""

    def __init__(self, field_labels: Sequence[str] = _CORE_LABELS) -> None:
        super().__init__(field_labels=field_labels)

    def validate(self, ctx: WriteContext, obj: Object) -> Sequence[FieldError]:
        regarding = obj.get("involvedObject") or obj.get("regarding") or {}
        stated = regarding.get("namespace") or ""
        # Events about cluster-scoped objects are kept in the namespace default.
        if stated != ctx.namespace and not (not stated and ctx.namespace in ("default", "kube-system")):
            field = "involvedObject.namespace" if "involvedObject" in obj else "regarding.namespace"
            return [invalid_value(field, stated, "does not match event.namespace")]
        return ()

    def field_value(self, obj: Object, label: str) -> str:
        head, _, rest = label.partition(".")
        if head == "regarding":
            return str(nested(obj, "involvedObject", rest, default=""))
        if label == "source":
            return str(nested(obj, "source", "component", default=""))
        if label == "reportingController":
            label = "reportingComponent"
        return super().field_value(obj, label)


class NewEventStrategy(EventStrategy):
    """Events of events.k8s.io; what a selector reads is the stored, core form."""

    def __init__(self) -> None:
        super().__init__(_NEW_LABELS)


class EventConversion:
    """Between events.k8s.io/v1 and the core form that is stored."""

    def to_storage(self, obj: Object) -> None:
        for core, new in _CORE_TO_NEW.items():
            if new in obj:
                obj[core] = obj.pop(new)

    def from_storage(self, obj: Object) -> None:
        for core, new in _CORE_TO_NEW.items():
            if core in obj:
                obj[new] = obj.pop(core)
