"""Services: their type decides which fields mean something."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.apiserver.builtin.strategies.native import NativeStrategy
from headwater.apiserver.registry.metadata import immutable
from headwater.apiserver.registry.strategy import WriteContext
from headwater.machinery.fieldpath import FieldError, child, index, required
from headwater.machinery.names import dns1035_label_errors
from headwater.machinery.objects import Object, nested


class ServiceStrategy(NativeStrategy):
    """A service keeps the addresses and ports that it was given."""

    def __init__(self) -> None:
        super().__init__(field_labels=("spec.type", "spec.clusterIP"), name_errors=dns1035_label_errors)

    def default(self, ctx: WriteContext, obj: Object) -> None:
        spec = obj.get("spec")
        if not isinstance(spec, dict):
            return
        spec.setdefault("type", "ClusterIP")
        spec.setdefault("sessionAffinity", "None")
        for port in spec.get("ports") or []:
            if isinstance(port, dict) and isinstance(port.get("port"), int):
                port.setdefault("protocol", "TCP")
                if spec.get("clusterIP") != "None" or "targetPort" not in port:
                    port.setdefault("targetPort", port["port"])
        if spec["type"] in ("NodePort", "LoadBalancer"):
            spec.setdefault("externalTrafficPolicy", "Cluster")
        if spec["type"] == "LoadBalancer":
            spec.setdefault("allocateLoadBalancerNodePorts", True)
        if spec["type"] != "ExternalName":
            spec.setdefault("internalTrafficPolicy", "Cluster")

    def prepare_for_update(self, ctx: WriteContext, obj: Object, old: Object) -> None:
        spec, before = obj.get("spec") or {}, old.get("spec") or {}
        if spec.get("type") == "ExternalName":
            return
        for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            # A client that never saw them doesn't mean to take them away.
            if not spec.get(field) and before.get(field):
                spec[field] = before[field]

    def validate(self, ctx: WriteContext, obj: Object) -> Sequence[FieldError]:
        spec = obj.get("spec") or {}
        kind, ports = spec.get("type"), spec.get("ports") or []
        found: list[FieldError] = []
        if kind == "ExternalName":
            return found if spec.get("externalName") else [required("spec.externalName")]
        if not ports and spec.get("clusterIP") != "None":
            found.append(required("spec.ports"))
        if len(ports) > 1:
            found += [
                required(child(index("spec.ports", position), "name"))
                for position, port in enumerate(ports)
                if not port.get("name")
            ]
        return found

    def validate_update(self, ctx: WriteContext, obj: Object, old: Object) -> Sequence[FieldError]:
        if "ExternalName" in (nested(obj, "spec", "type"), nested(old, "spec", "type")):
            return ()
        before = nested(old, "spec", "clusterIP")
        return immutable("spec.clusterIPs[0]", nested(obj, "spec", "clusterIP"), before) if before else ()
