"""Subresources that builtin kinds bring: namespaces/finalize, pods/binding, pods/eviction."""

from __future__ import annotations

from headwater.apiserver.builtin import disruption
from headwater.apiserver.builtin.strategies.namespaces import FINALIZE
from headwater.apiserver.builtin.strategies.pods import BINDING
from headwater.apiserver.registry.options import DeleteOptions
from headwater.apiserver.registry.writerequest import WriteRequest
from headwater.apiserver.resources import SubresourceCall
from headwater.apiserver.statuswriter import success_status
from headwater.machinery import errors
from headwater.machinery.fieldpath import required
from headwater.machinery.gvk import GroupVersionKind
from headwater.machinery.objects import Object, deep_copy, nested

BUDGETS_PREFIX = "/policy/poddisruptionbudgets/-/"


class NamespaceFinalize:
    """PUT takes finalizers off a namespace's spec; the last one lets it go."""

    verbs = ("update",)
    kind = GroupVersionKind("", "v1", "Namespace")

    async def handle(self, call: SubresourceCall) -> Object:
        body = call.body or {}
        wanted = list((body.get("spec") or {}).get("finalizers") or [])
        stated = str((body.get("metadata") or {}).get("resourceVersion") or "")

        def finalize(old: Object) -> Object:
            obj: Object = deep_copy(old)
            obj["metadata"]["resourceVersion"] = stated
            # Nothing can be added here: a namespace on its way out would never go.
            held = (old.get("spec") or {}).get("finalizers") or []
            obj["spec"] = {"finalizers": [name for name in wanted if name in held]} if wanted else {}
            return obj

        request = WriteRequest(
            info=call.info,
            cluster=call.cluster,
            namespace="",
            name=call.name,
            user=call.user,
            subresource=FINALIZE,
            dry_run=call.dry_run,
        )
        answer = await call.store.writer.update(request, finalize)
        return answer.decoded


class PodBinding:
    """POST puts a pod on a node, once."""

    verbs = ("create",)
    kind = GroupVersionKind("", "v1", "Binding")

    async def handle(self, call: SubresourceCall) -> Object:
        body = call.body or {}
        node = nested(body, "target", "name", default="")
        if not node:
            raise errors.invalid("Binding", call.name, [required("target.name")])
        meta = body.get("metadata") or {}

        def bind(old: Object) -> Object:
            if old["metadata"].get("deletionTimestamp"):
                raise errors.conflict(call.info.group_resource, call.name, f"pod {call.name} is being deleted")
            bound = nested(old, "spec", "nodeName", default="")
            if bound:
                why = f'pod {call.name} is already assigned to node "{bound}"'
                raise errors.conflict(call.info.group_resource, call.name, why)
            pod: Object = deep_copy(old)
            pod["metadata"]["resourceVersion"] = ""
            if meta.get("uid"):
                pod["metadata"]["uid"] = meta["uid"]
            pod["spec"]["nodeName"] = node
            for field in ("annotations", "labels"):
                if meta.get(field):
                    pod["metadata"][field] = {**(pod["metadata"].get(field) or {}), **meta[field]}
            conditions = pod.setdefault("status", {}).setdefault("conditions", [])
            conditions[:] = [c for c in conditions if c.get("type") != "PodScheduled"]
            now = call.store.writer.context(request).now
            conditions.append({"type": "PodScheduled", "status": "True", "lastTransitionTime": now})
            return pod

        request = WriteRequest(
            info=call.info,
            cluster=call.cluster,
            namespace=call.namespace,
            name=call.name,
            user=call.user,
            manager="scheduler",
            subresource=BINDING,
            dry_run=call.dry_run,
        )
        await call.store.writer.update(request, bind)
        return success_status(code=201)


class PodEviction:
    """POST deletes a pod, unless that would break its disruption budget: then 429."""

    verbs = ("create",)
    kind = GroupVersionKind("policy", "v1", "Eviction")

    async def handle(self, call: SubresourceCall) -> Object:
        body = call.body or {}
        await self._consult_budgets(call)
        options = body.get("deleteOptions") or {}
        preconditions = options.get("preconditions") or {}
        await call.store.delete(
            call.info,
            call.cluster,
            call.namespace,
            call.name,
            user=call.user,
            options=DeleteOptions(
                dry_run=call.dry_run or bool(options.get("dryRun")),
                grace_period_seconds=options.get("gracePeriodSeconds"),
                precondition_uid=preconditions.get("uid"),
                precondition_resource_version=preconditions.get("resourceVersion"),
            ),
        )
        return success_status(code=201)

    async def _consult_budgets(self, call: SubresourceCall) -> None:
        pod = (await call.store.get(call.info, call.cluster, call.namespace, call.name)).decoded
        namespace = f"{call.cluster}/{call.namespace}/"
        cache = await call.store.caches.cache(BUDGETS_PREFIX)
        budgets = disruption.budgets_of(pod, [item.decoded for item in cache.list(BUDGETS_PREFIX + namespace)])
        if len(budgets) > 1:
            raise errors.InternalError(
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
            )
        for budget in budgets:
            pods = await call.store.list(call.info, call.cluster, call.namespace)
            why = disruption.refusal(pod, budget, [item.decoded for item in pods.items])
            if why is not None:
                cause = {"reason": "DisruptionBudget", "message": why}
                raise errors.TooManyRequests(disruption.REFUSED, details={"causes": [cause]})
