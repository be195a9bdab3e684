"""The built-in behaviour of Kubernetes kinds as workspaces have it: there pods are reported, not run."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from headwater.apiserver.builtin.kinds import builtin_resource
from headwater.apiserver.builtin.strategies.pods import PodStrategy
from headwater.apiserver.registry.strategy import WriteContext
from headwater.apiserver.resources import ResourceInfo
from headwater.machinery.fieldpath import FieldError
from headwater.machinery.gvk import GroupVersionKind
from headwater.machinery.objects import Object

_POD = GroupVersionKind("", "v1", "Pod")


class ReportedPodStrategy(PodStrategy):
    """Only syncers write pods, and what they write has happened on a pcluster already: a node, a resize, a debugger."""

    def validate_update(self, ctx: WriteContext, obj: Object, old: Object) -> Sequence[FieldError]:
        return ()


_REPORTED = ReportedPodStrategy()


def native_resource(gvk: GroupVersionKind) -> ResourceInfo | None:
    """A kind of Kubernetes with its own behaviour; None for kinds that we don't know by heart."""
    found = builtin_resource(gvk)
    if found is None or gvk != _POD:
        return found
    return dataclasses.replace(found, strategy=_REPORTED)
