"""Rows of services, endpoints, ingresses and network policies."""

from __future__ import annotations

from headwater.apiserver.tables.interface import BuiltinPrinter, Cells, columns
from headwater.apiserver.tables.text import NONE, UNSET, age, joined, label_text, selector_text
from headwater.machinery.objects import Object

_MAX_ENDPOINTS = 3


def _load_balancer(obj: Object) -> str:
    ingress = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    return joined(sorted({entry.get("ip") or entry.get("hostname") or "" for entry in ingress} - {""}))


def _external_address(service: Object) -> str:
    spec = service.get("spec") or {}
    kind, external = spec.get("type", "ClusterIP"), joined(spec.get("externalIPs") or [])
    if kind == "LoadBalancer":
        balancer = _load_balancer(service)
        return joined(filter(None, (balancer, external)), empty="<pending>")
    if kind == "ExternalName":
        return spec.get("externalName") or NONE
    return external or NONE


def _service_port(port: Object) -> str:
    node_port = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port.get('port')}{node_port}/{port.get('protocol', 'TCP')}"


def _service(service: Object, now: float) -> Cells:
    spec = service.get("spec") or {}
    kind = spec.get("type", "ClusterIP")
    addresses = spec.get("clusterIPs") or []
    address = spec.get("clusterIP") or (addresses[0] if addresses else "") or NONE
    ports = joined((_service_port(port) for port in spec.get("ports") or []), empty=NONE)
    row = [service["metadata"]["name"], kind, address, _external_address(service), ports, age(service, now)]
    return [*row, label_text(spec.get("selector"))]


def _endpoints(endpoints: Object, now: float) -> Cells:
    shown, total = [], 0
    for subset in endpoints.get("subsets") or []:
        addresses, ports = subset.get("addresses") or [], subset.get("ports") or []
        for port in ports or [None]:
            for address in addresses:
                total += 1
                ip = address.get("ip", "")
                shown.append(ip if port is None else _host_port(ip, port.get("port")))
    text = joined(shown[:_MAX_ENDPOINTS], empty=NONE)
    if total > _MAX_ENDPOINTS:
        text += f" + {total - _MAX_ENDPOINTS} more..."
    return [endpoints["metadata"]["name"], text, age(endpoints, now)]


def _host_port(ip: str, port: object) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def _limited(values: list[str]) -> str:
    if not values:
        return UNSET
    text = joined(values[:_MAX_ENDPOINTS])
    return f"{text} + {len(values) - _MAX_ENDPOINTS} more..." if len(values) > _MAX_ENDPOINTS else text


def _endpoint_slice(endpoint_slice: Object, now: float) -> Cells:
    ports = [str(port["port"]) if port.get("port") is not None else "*" for port in endpoint_slice.get("ports") or []]
    addresses = [a for endpoint in endpoint_slice.get("endpoints") or [] for a in endpoint.get("addresses") or []]
    name, kind = endpoint_slice["metadata"]["name"], endpoint_slice.get("addressType", "")
    return [name, kind, _limited(ports), _limited(addresses), age(endpoint_slice, now)]


def _ingress(ingress: Object, now: float) -> Cells:
    spec = ingress.get("spec") or {}
    rules = [rule.get("host") or "*" for rule in spec.get("rules") or []]
    hosts = joined(rules[:_MAX_ENDPOINTS], empty="*")
    if len(rules) > _MAX_ENDPOINTS:
        hosts += f" + {len(rules) - _MAX_ENDPOINTS} more..."
    legacy = (ingress["metadata"].get("annotations") or {}).get("kubernetes.io/ingress.class")
    name = ingress["metadata"]["name"]
    ports = "80, 443" if spec.get("tls") else "80"
    return [
        name,
        spec.get("ingressClassName") or legacy or NONE,
        hosts,
        _load_balancer(ingress),
        ports,
        age(ingress, now),
    ]


def _ingress_class(ingress_class: Object, now: float) -> Cells:
    spec = ingress_class.get("spec") or {}
    parameters = spec.get("parameters")
    shown = NONE
    if parameters:
        group = f".{parameters['apiGroup']}" if parameters.get("apiGroup") else ""
        shown = f"{parameters.get('kind', '')}{group}/{parameters.get('name', '')}"
    return [ingress_class["metadata"]["name"], spec.get("controller", ""), shown, age(ingress_class, now)]


def _network_policy(policy: Object, now: float) -> Cells:
    selector = selector_text((policy.get("spec") or {}).get("podSelector") or {})
    return [policy["metadata"]["name"], selector, age(policy, now)]


PRINTERS = {
    ("", "services"): BuiltinPrinter(
        columns("Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "+Selector"), _service
    ),
    ("", "endpoints"): BuiltinPrinter(columns("Endpoints", "Age"), _endpoints),
    ("discovery.k8s.io", "endpointslices"): BuiltinPrinter(
        columns("AddressType", "Ports", "Endpoints", "Age"), _endpoint_slice
    ),
    ("networking.k8s.io", "ingresses"): BuiltinPrinter(columns("Class", "Hosts", "Address", "Ports", "Age"), _ingress),
    ("networking.k8s.io", "ingressclasses"): BuiltinPrinter(columns("Controller", "Parameters", "Age"), _ingress_class),
    ("networking.k8s.io", "networkpolicies"): BuiltinPrinter(columns("Pod-Selector", "Age"), _network_policy),
}
