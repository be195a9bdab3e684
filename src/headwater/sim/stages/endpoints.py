"""Endpoints and EndpointSlices: the pods behind each Service that has a selector."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from headwater.base.hashing import base36_sha224
from headwater.machinery.objects import Object, deletion_timestamp, labels, name, namespace, uid
from headwater.sim.changes import Change, Create, Delete, Patch, Plan
from headwater.sim.resources import ENDPOINT_SLICES, ENDPOINTS
from headwater.sim.stages.ownership import owner_reference
from headwater.sim.stages.pods import is_finished, is_ready

SERVICE_LABEL = "kubernetes.io/service-name"
MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
MAXIMUM_IN_SLICE = 100
_HEADLESS_LABEL = "service.kubernetes.io/headless"


def plan(service: Object, pods: Sequence[Object], endpoints: Object | None, slices: Sequence[Object]) -> Plan:
    """Changes for a Service, the pods of its namespace, and what exists for it already."""
    selector = (service.get("spec") or {}).get("selector")
    if not selector or deletion_timestamp(service) or (service.get("spec") or {}).get("type") == "ExternalName":
        return Plan()
    backends = sorted((pod for pod in pods if _is_behind(pod, selector)), key=name)
    changes = _endpoints_changes(service, backends, endpoints)
    changes += _slice_changes(service, backends, {name(one): one for one in slices})
    return Plan(changes)


def _is_behind(pod: Object, selector: dict[str, str]) -> bool:
    has_address = bool((pod.get("status") or {}).get("podIP"))
    return selector.items() <= labels(pod).items() and has_address and not is_finished(pod)


def _serves(service: Object, pod: Object) -> bool:
    published = bool((service.get("spec") or {}).get("publishNotReadyAddresses"))
    return published or (is_ready(pod) and not deletion_timestamp(pod))


def _endpoints_changes(service: Object, backends: Sequence[Object], existing: Object | None) -> list[Change]:
    addresses: dict[str, list[Object]] = {}
    for key, ready in (("addresses", True), ("notReadyAddresses", False)):
        found = [_address(pod) for pod in backends if _serves(service, pod) is ready and not deletion_timestamp(pod)]
        if found:
            addresses[key] = found
    # Pods whose named ports differ share the numbers of the first here; EndpointSlices are exact.
    ports = _ports(service, backends[0]) if backends else []
    subsets: list[Object] = [{**addresses, **({"ports": ports} if ports else {})}] if addresses else []
    if existing is not None:
        relabelled = _label_changes(existing, _labels(service))
        if (existing.get("subsets") or []) == subsets and not relabelled:
            return []
        return [Patch(ENDPOINTS, existing, {"subsets": subsets or None, **relabelled})]
    metadata: Object = {
        "name": name(service),
        "namespace": namespace(service),
        "labels": _labels(service),
        "ownerReferences": [owner_reference(service)],
    }
    body: Object = {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata}
    return [Create(ENDPOINTS, {**body, "subsets": subsets} if subsets else body)]


def _labels(service: Object) -> dict[str, str]:
    headless = {_HEADLESS_LABEL: ""} if (service.get("spec") or {}).get("clusterIP") == "None" else {}
    return {**labels(service), **headless}


def _label_changes(existing: Object, wanted: dict[str, str]) -> Object:
    """A patch that gives what exists the labels of its Service, and only these; empty when it has them."""
    before = labels(existing)
    changes = {label: value for label, value in wanted.items() if before.get(label) != value}
    gone = dict.fromkeys(before.keys() - wanted.keys())
    return {"metadata": {"labels": {**changes, **gone}}} if changes or gone else {}


def _address(pod: Object) -> Object:
    address: Object = {"ip": pod["status"]["podIP"], "targetRef": _reference(pod)}
    node = (pod.get("spec") or {}).get("nodeName")
    hostname = _hostname(pod)
    return {**({"hostname": hostname} if hostname else {}), **address, **({"nodeName": node} if node else {})}


def _hostname(pod: Object) -> str:
    """The name under which a headless service's DNS knows the pod."""
    spec = pod.get("spec") or {}
    return str(spec.get("hostname") or "") if spec.get("subdomain") else ""


def _reference(pod: Object) -> Object:
    return {"kind": "Pod", "name": name(pod), "namespace": namespace(pod), "uid": uid(pod)}


def _ports(service: Object, pod: Object) -> list[Object]:
    """The service's ports with the numbers that this pod has for them; a named port that it lacks is left out."""
    found = []
    for port in (service.get("spec") or {}).get("ports") or ():
        number = _target(port, pod)
        if number is None:
            continue
        entry: Object = {"port": number, "protocol": port.get("protocol", "TCP")}
        for key in ("name", "appProtocol"):
            if port.get(key):
                entry[key] = port[key]
        found.append(entry)
    return found


def _target(port: Object, pod: Object) -> int | None:
    target = port.get("targetPort") or port.get("port")
    if isinstance(target, int):
        return target
    for container in (pod.get("spec") or {}).get("containers") or ():
        for candidate in container.get("ports") or ():
            if candidate.get("name") == target and candidate.get("protocol", "TCP") == port.get("protocol", "TCP"):
                return int(candidate["containerPort"])
    return None


def _slice_changes(service: Object, backends: Sequence[Object], existing: dict[str, Object]) -> list[Change]:
    changes: list[Change] = []
    wanted = {}
    for number, part in enumerate(_parts(service, backends)):
        digest = base36_sha224(f"{uid(service)}/{number}")[:5]
        wanted[f"{name(service)}-{digest}"] = part
    for slice_name, (ports, pods) in wanted.items():
        entries = [_endpoint(service, pod) for pod in pods]
        known = existing.get(slice_name)
        if known is None:
            changes.append(Create(ENDPOINT_SLICES, _slice(service, slice_name, ports, entries)))
            continue
        relabelled = _label_changes(known, _slice_labels(service))
        if (known.get("endpoints") or []) != entries or (known.get("ports") or []) != ports or relabelled:
            changes.append(Patch(ENDPOINT_SLICES, known, {"endpoints": entries, "ports": ports, **relabelled}))
    changes += [Delete(ENDPOINT_SLICES, one) for key, one in existing.items() if key not in wanted]
    return changes


def _parts(service: Object, backends: Sequence[Object]) -> Iterable[tuple[list[Object], Sequence[Object]]]:
    """Backends in portions for one slice each: same port numbers, at most a hundred; an empty one if there are none."""
    by_ports: dict[str, tuple[list[Object], list[Object]]] = {}
    for pod in backends:
        ports = _ports(service, pod)
        by_ports.setdefault(repr(ports), (ports, []))[1].append(pod)
    if not by_ports:
        yield [], ()
    for ports, pods in by_ports.values():
        for start in range(0, len(pods), MAXIMUM_IN_SLICE):
            yield ports, pods[start : start + MAXIMUM_IN_SLICE]


def _endpoint(service: Object, pod: Object) -> Object:
    terminating = bool(deletion_timestamp(pod))
    conditions = {"ready": _serves(service, pod), "serving": is_ready(pod), "terminating": terminating}
    entry: Object = {"addresses": [pod["status"]["podIP"]], "conditions": conditions, "targetRef": _reference(pod)}
    node, hostname = (pod.get("spec") or {}).get("nodeName"), _hostname(pod)
    return {**entry, **({"hostname": hostname} if hostname else {}), **({"nodeName": node} if node else {})}


def _slice_labels(service: Object) -> dict[str, str]:
    return {**_labels(service), SERVICE_LABEL: name(service), MANAGED_BY_LABEL: MANAGER}


def _slice(service: Object, slice_name: str, ports: list[Object], endpoints: list[Object]) -> Object:
    metadata: Object = {
        "name": slice_name,
        "namespace": namespace(service),
        "labels": _slice_labels(service),
        "ownerReferences": [owner_reference(service)],
    }
    body = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata}
    return {**body, "addressType": "IPv4", "endpoints": endpoints, "ports": ports}
