"""Admission of Services: cluster addresses and node ports, each given to one Service at a time."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.apiserver.admission.interface import CREATE, UPDATE, AdmissionAttributes, BasePlugin
from headwater.base.clock import Clock
from headwater.client.informer import Informer
from headwater.machinery import errors
from headwater.machinery.fieldpath import invalid_value
from headwater.machinery.objects import Object, name, namespace

NODE_PORTS = range(30_000, 32_768)
_RESERVATION_SECONDS = 30.0
_HEADLESS = "None"

Identity = tuple[str, str]
"""Namespace and name of a Service."""


class ServiceAddresses(BasePlugin):
    """Fills in clusterIP, IP families and node ports, and refuses those that another Service has.

    What is in use is learnt from the Services themselves (`watch`); what was given to a Service that isn't known yet
    stays reserved for a while, since its creation may fail.
    """

    name = "SimulatedServiceAddresses"

    def __init__(self, network: int, *, clock: Clock) -> None:
        self._network = network
        self._clock = clock
        self._services: Informer | None = None
        self._reserved: dict[str | int, tuple[Identity, float]] = {}
        self._next = 10

    def watch(self, services: Informer) -> None:
        """Learn from this informer what is in use."""
        self._services = services

    def handles(self, attributes: AdmissionAttributes) -> bool:
        info = attributes.info
        return (
            (info.group, info.resource) == ("", "services")
            and attributes.operation in (CREATE, UPDATE)
            and not attributes.subresource
        )

    async def admit(self, attributes: AdmissionAttributes) -> None:
        obj = attributes.object
        spec = obj.get("spec") if obj is not None else None
        if obj is None or not isinstance(spec, dict):
            return
        before = (attributes.old_object or {}).get("spec") or {}
        if spec.get("type") == "ExternalName":
            for key in ("clusterIP", "clusterIPs"):
                spec.pop(key, None)
            return
        identity = (attributes.namespace, name(obj))
        self._cluster_ip(spec, before, identity, keep=not attributes.dry_run)
        if spec.get("type") in ("NodePort", "LoadBalancer"):
            self._node_ports(spec, before, identity, keep=not attributes.dry_run)

    def _cluster_ip(self, spec: Object, before: Object, identity: Identity, *, keep: bool) -> None:
        wanted = str(spec.get("clusterIP") or before.get("clusterIP") or "")
        if not wanted:
            wanted = self._free_address()
        elif wanted not in (_HEADLESS, before.get("clusterIP")) and wanted in self._addresses(identity):
            why = f"failed to allocate IP {wanted}: provided IP is already allocated"
            raise errors.invalid("Service", identity[1], [invalid_value("spec.clusterIPs", [wanted], why)])
        spec["clusterIP"] = wanted
        spec["clusterIPs"] = [wanted]
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
        if keep and wanted != _HEADLESS and wanted != before.get("clusterIP"):
            self._reserve(wanted, identity)

    def _node_ports(self, spec: Object, before: Object, identity: Identity, *, keep: bool) -> None:
        if spec.get("type") == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is False:
            return
        had = {
            (port.get("protocol", "TCP"), port.get("port")): port.get("nodePort") for port in before.get("ports") or ()
        }
        used = set(self._ports(identity))
        for port in spec.get("ports") or ():
            wanted = port.get("nodePort") or had.get((port.get("protocol", "TCP"), port.get("port")))
            if not wanted:
                wanted = next((number for number in NODE_PORTS if number not in used), None)
                if wanted is None:
                    raise errors.InternalError("failed to allocate a nodePort: range is full")
            elif wanted in used:
                why = "provided port is already allocated"
                raise errors.invalid("Service", identity[1], [invalid_value("spec.ports[0].nodePort", wanted, why)])
            port["nodePort"] = wanted
            used.add(wanted)
            if keep and wanted not in had.values():
                self._reserve(wanted, identity)

    def _free_address(self) -> str:
        used = set(self._addresses(None))
        for _ in range(65_000):
            address = f"10.{(self._network + 128) % 256}.{self._next >> 8}.{self._next & 255}"
            self._next = 10 if self._next >= 65_500 else self._next + 1
            if address not in used and not address.endswith((".0", ".255")):
                return address
        raise errors.InternalError("failed to allocate a serviceIP: range is full")

    def _others(self, identity: Identity | None) -> Iterable[Object]:
        for service in self._services.list() if self._services is not None else ():
            if (namespace(service), name(service)) != identity:
                yield service.get("spec") or {}

    def _addresses(self, identity: Identity | None) -> Iterable[str]:
        yield from (str(spec.get("clusterIP")) for spec in self._others(identity))
        yield from (each for each in self._reservations(identity) if isinstance(each, str))

    def _ports(self, identity: Identity) -> Iterable[int]:
        for spec in self._others(identity):
            yield from (int(port["nodePort"]) for port in spec.get("ports") or () if port.get("nodePort"))
        yield from (each for each in self._reservations(identity) if isinstance(each, int))

    def _reserve(self, value: str | int, identity: Identity) -> None:
        self._reserved[value] = (identity, self._clock.monotonic())

    def _reservations(self, identity: Identity | None) -> list[str | int]:
        """What was given to others so lately that their Service may not be known yet."""
        oldest = self._clock.monotonic() - _RESERVATION_SECONDS
        self._reserved = {value: (owner, at) for value, (owner, at) in self._reserved.items() if at > oldest}
        return [value for value, (owner, _) in self._reserved.items() if owner != identity]
