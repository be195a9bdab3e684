"""Marks on what goes down, by which that which is made of it there comes up again (pure)."""

from __future__ import annotations

from headwater.apis.workload.labels import STATE_UPSYNC, state_label
from headwater.apis.workload.upsync import asks_for_any
from headwater.machinery.objects import Object, nested
from headwater.machinery.objects import annotations as annotations_of
from headwater.syncer.mutate.pods import POD_SPEC_PATHS


def mark_what_is_derived(body: Object, key: str) -> None:
    """Label pod templates, and Services that ask for it: controllers copy labels to pods, Endpoints and EndpointSlices.

    So nothing has to be written to them, and a watch with the label as selector shows them and nothing else.
    """
    path = POD_SPEC_PATHS.get((body["apiVersion"], body["kind"]))
    template = nested(body, *path[:-1]) if path and len(path) > 1 else None
    if isinstance(template, dict):
        meta = template["metadata"] = {**(template.get("metadata") or {})}
        meta["labels"] = {**(meta.get("labels") or {}), state_label(key): STATE_UPSYNC}
    if (body["apiVersion"], body["kind"]) == ("v1", "Service") and asks_for_any(annotations_of(body)):
        body["metadata"]["labels"][state_label(key)] = STATE_UPSYNC
