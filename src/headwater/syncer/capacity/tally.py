"""Adds up what a pcluster has and what of it is left, change by change (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from headwater.machinery.objects import Object, name, namespace

_MAX_RESOURCES: Final = 64
_COMMON: Final = ("cpu", "memory", "pods", "ephemeral-storage")


@dataclass(frozen=True, slots=True)
class Capacity:
    """What all nodes have, and what those that take pods have left for us."""

    total: Mapping[str, int] = field(default_factory=dict)
    allocatable: Mapping[str, int] = field(default_factory=dict)


class _Pod(NamedTuple):
    """What a pod takes up. Pods are many, so this is all that is kept of one."""

    space: str
    node: str
    requests: tuple[tuple[str, int], ...]


class Tally:
    """Takes nodes and pods as outlines. ``is_ours`` says whether a namespace's pods are of workloads placed here.

    Those pods are left out: the control plane counts what it places itself.
    """

    def __init__(self, is_ours: Callable[[str], bool]) -> None:
        self._is_ours = is_ours
        self._nodes: dict[str, Object] = {}
        self._pods: dict[str, _Pod] = {}
        self._pods_of: dict[str, dict[str, None]] = {}
        self._foreign_spaces: set[str] = set()
        self._used: dict[str, Counter[str]] = {}

    def put_node(self, node: Object) -> None:
        """Take in the newest state of a node."""
        self._nodes[name(node)] = node

    def drop_node(self, node: str) -> None:
        """A node is gone."""
        self._nodes.pop(node, None)

    def put_pod(self, key: str, pod: Object) -> None:
        """Take in the newest state of a pod."""
        self.drop_pod(key)
        known = _Pod(namespace(pod), pod["node"], tuple(pod["requests"].items()))
        if known.space not in self._pods_of:
            self._pods_of[known.space] = {}
            if not self._is_ours(known.space):
                self._foreign_spaces.add(known.space)
        self._pods[key] = known
        self._pods_of[known.space][key] = None
        if known.space in self._foreign_spaces:
            self._take(known)

    def drop_pod(self, key: str) -> None:
        """A pod is gone."""
        pod = self._pods.pop(key, None)
        if pod is None:
            return
        if pod.space in self._foreign_spaces:
            self._give_back(pod)
        siblings = self._pods_of[pod.space]
        del siblings[key]
        if not siblings:
            del self._pods_of[pod.space]
            self._foreign_spaces.discard(pod.space)

    def revisit(self, space: str) -> None:
        """A namespace may have become ours, or another's."""
        foreign = not self._is_ours(space)
        if space not in self._pods_of or foreign == (space in self._foreign_spaces):
            return
        change = self._take if foreign else self._give_back
        for key in self._pods_of[space]:
            change(self._pods[key])
        if foreign:
            self._foreign_spaces.add(space)
        else:
            self._foreign_spaces.remove(space)

    def capacity(self) -> Capacity:
        """The sums now.

        A resource that some node has is always named in both, at zero when nothing of it can be used; what is missing
        would count as unlimited. One node's excess takes nothing from another.
        """
        total: Counter[str] = Counter()
        usable: Counter[str] = Counter()
        for node in self._nodes.values():
            total.update(node["capacity"])
            if node["usable"]:
                used = self._used.get(name(node), Counter())
                usable.update({key: max(has - used.get(key, 0), 0) for key, has in node["allocatable"].items()})
        names = _bounded({*total, *usable})
        return Capacity({each: total[each] for each in names}, {each: usable[each] for each in names})

    def _take(self, pod: _Pod) -> None:
        used = self._used.setdefault(pod.node, Counter())
        for resource, amount in pod.requests:
            used[resource] += amount

    def _give_back(self, pod: _Pod) -> None:
        used = self._used[pod.node]
        for resource, amount in pod.requests:
            used[resource] -= amount
        if not used["pods"]:
            del self._used[pod.node]


def _bounded(names: Iterable[str]) -> list[str]:
    """Not more resources than a status should carry, the common ones first."""
    return sorted(names, key=lambda each: (each not in _COMMON, each))[:_MAX_RESOURCES]
