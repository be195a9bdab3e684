"""What a workload needs beside it to run: the objects it names, and those that select it (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from headwater.apis.workload.access import DEFAULT_ACCOUNT
from headwater.machinery.labels import Selector, selector_from_label_selector
from headwater.machinery.objects import Object, labels, name, nested

Reference = tuple[str, str, str]
"""(group, resource, name) of an object in the workload's namespace."""

_CONFIG_MAPS: Final = ("", "configmaps")
_SECRETS: Final = ("", "secrets")
_SERVICES: Final = ("", "services")
_CONTAINERS: Final = ("initContainers", "containers", "ephemeralContainers")
_SELECTING: Final = {
    ("policy", "poddisruptionbudgets"): "selector",
    ("networking.k8s.io", "networkpolicies"): "podSelector",
}
"""(group, resource) to the field of the spec that selects pods."""


def references(workload: Object) -> frozenset[Reference]:
    """All objects that the pods of a workload name: configuration, secrets, claims, account; and its Service."""
    pod = nested(workload, "spec", "template", "spec", default=None)
    found = {(*kind, named) for kind, named in _named(pod) if named} if pod else set()
    service = nested(workload, "spec", "serviceName", default="")
    if service:
        found.add((*_SERVICES, service))
    return frozenset(found)


def needed_by(obj: Object, group: str, resource: str, workloads: Iterable[Object]) -> Iterator[Object]:
    """Those of the workloads of its namespace that need an object."""
    here = (group, resource, name(obj))
    spec = obj.get("spec") or {}
    if (group, resource) == _SERVICES:
        selector = spec.get("selector") or {}
        for each in workloads:
            if here in references(each) or (selector and selector.items() <= _pod_labels(each).items()):
                yield each
    elif (group, resource) in _SELECTING:
        chosen = _selector(spec.get(_SELECTING[group, resource]))
        if chosen is not None:
            yield from (each for each in workloads if chosen.matches(_pod_labels(each)))
    elif (group, resource) == ("autoscaling", "horizontalpodautoscalers"):
        aim = spec.get("scaleTargetRef") or {}
        yield from (each for each in workloads if (each.get("kind"), name(each)) == (aim.get("kind"), aim.get("name")))
    else:
        yield from (each for each in workloads if here in references(each))


def backends(ingress: Object) -> frozenset[str]:
    """Names of the Services that an Ingress leads to."""
    spec = ingress.get("spec") or {}
    paths = [path for rule in spec.get("rules") or () for path in nested(rule, "http", "paths", default=None) or ()]
    found = [nested(path, "backend", "service", "name", default="") for path in paths]
    found.append(nested(spec, "defaultBackend", "service", "name", default=""))
    return frozenset(filter(None, found))


def _pod_labels(workload: Object) -> Mapping[str, str]:
    return labels(nested(workload, "spec", "template", default=None) or {})


def _selector(selector: Any) -> Selector | None:
    """A pod selector; one that can't be read selects nothing."""
    try:
        return selector_from_label_selector(selector) if selector is not None else None
    except ValueError:
        return None


def _named(pod: Object) -> Iterator[tuple[tuple[str, str], str]]:
    yield ("", "serviceaccounts"), pod.get("serviceAccountName") or DEFAULT_ACCOUNT
    for pull in pod.get("imagePullSecrets") or ():
        yield _SECRETS, pull.get("name") or ""
    for volume in pod.get("volumes") or ():
        yield from _of_volume(volume)
    for container in (each for field in _CONTAINERS for each in pod.get(field) or ()):
        for source in container.get("envFrom") or ():
            yield _CONFIG_MAPS, nested(source, "configMapRef", "name", default="")
            yield _SECRETS, nested(source, "secretRef", "name", default="")
        for variable in container.get("env") or ():
            yield _CONFIG_MAPS, nested(variable, "valueFrom", "configMapKeyRef", "name", default="")
            yield _SECRETS, nested(variable, "valueFrom", "secretKeyRef", "name", default="")


def _of_volume(volume: Object) -> Iterator[tuple[tuple[str, str], str]]:
    yield _CONFIG_MAPS, nested(volume, "configMap", "name", default="")
    yield _SECRETS, nested(volume, "secret", "secretName", default="")
    yield ("", "persistentvolumeclaims"), nested(volume, "persistentVolumeClaim", "claimName", default="")
    for source in nested(volume, "projected", "sources", default=None) or ():
        yield _CONFIG_MAPS, nested(source, "configMap", "name", default="")
        yield _SECRETS, nested(source, "secret", "name", default="")
    for driver in volume.values():
        if isinstance(driver, dict):
            yield _SECRETS, nested(driver, "secretRef", "name", default="")
            yield _SECRETS, nested(driver, "nodePublishSecretRef", "name", default="")
