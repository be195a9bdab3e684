"""What volumes refer to, by its downstream name (pure)."""

from __future__ import annotations

from collections.abc import Callable

from headwater.machinery.objects import Object, nested


def with_claim_below(body: Object, namespace_of: Callable[[str], str]) -> None:
    """Have a PersistentVolume that is kept for a claim name the claim's copy.

    Otherwise it would be for a claim of whoever has a namespace of that name on the pcluster. uid and resourceVersion
    differ there, so they are left out.
    """
    if (body["apiVersion"], body["kind"]) != ("v1", "PersistentVolume"):
        return
    claim = nested(body, "spec", "claimRef")
    if not isinstance(claim, dict) or not claim.get("namespace"):
        return
    kept = {field: value for field, value in claim.items() if field not in ("uid", "resourceVersion")}
    body["spec"]["claimRef"] = {**kept, "namespace": namespace_of(str(claim["namespace"]))}
