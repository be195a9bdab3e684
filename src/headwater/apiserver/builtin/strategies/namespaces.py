"""Namespaces: a life of two phases, and a spec.finalizers list of their own."""

from __future__ import annotations

from headwater.apiserver.builtin.strategies.native import NativeStrategy
from headwater.apiserver.registry.strategy import WriteContext
from headwater.machinery.names import dns1123_label_errors
from headwater.machinery.objects import Object

FINALIZER = "kubernetes"
NAME_LABEL = "kubernetes.io/metadata.name"
ACTIVE = "Active"
TERMINATING = "Terminating"
FINALIZE = "finalize"


class NamespaceStrategy(NativeStrategy):
    """A namespace stays, Terminating, until its spec.finalizers are taken away through /finalize."""

    def __init__(self) -> None:
        super().__init__(field_labels=("status.phase",), name_errors=dns1123_label_errors)

    def default(self, ctx: WriteContext, obj: Object) -> None:
        meta = obj["metadata"]
        name = meta.get("name")
        if name:
            labels = meta.get("labels")
            if not isinstance(labels, dict):
                labels = meta["labels"] = {}
            labels[NAME_LABEL] = name

    def prepare_for_create(self, ctx: WriteContext, obj: Object) -> None:
        self.default(ctx, obj)
        finalizers = (obj.get("spec") or {}).get("finalizers") or []
        obj["spec"] = {"finalizers": [*finalizers, *([] if FINALIZER in finalizers else [FINALIZER])]}
        obj["status"] = {"phase": ACTIVE}

    def prepare_for_update(self, ctx: WriteContext, obj: Object, old: Object) -> None:
        if ctx.subresource == FINALIZE:
            obj["metadata"] = {**old["metadata"]}
            obj["status"] = old.get("status") or {}
            return
        obj["spec"] = old.get("spec") or {}

    def blocks_deletion(self, obj: Object) -> bool:
        return bool((obj.get("spec") or {}).get("finalizers"))

    def prepare_for_delete(self, ctx: WriteContext, obj: Object) -> None:
        obj.setdefault("status", {})["phase"] = TERMINATING
