"""Wires ClusterRoles to the aggregation of all aggregated roles of their cluster."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from headwater.client.informer.indexes import BY_CLUSTER, by_cluster
from headwater.controller import Controller, Terminal
from headwater.controller.triggers import enqueue_mapped, spec_or_metadata_changed
from headwater.machinery.objects import Object, cluster_name, deletion_timestamp, name, resource_version, split_key
from headwater.reconcilers.interface import ControllerContext
from headwater.reconcilers.kube.clusterrole.step_aggregate import aggregated_rules, is_aggregated
from headwater.reconcilers.kube.kinds import CLUSTER_ROLES

CONTROLLER_NAME: Final = "kube-clusterrole-aggregation"


def new_controller(context: ControllerContext) -> Controller:
    """Controller over ClusterRoles with an aggregationRule; a change of any role enqueues those of its cluster."""
    roles = context.informers.informer(CLUSTER_ROLES)
    roles.add_index(BY_CLUSTER, by_cluster)

    async def reconcile(key: str) -> None:
        role = roles.get(key)
        if role is None or not is_aggregated(role) or deletion_timestamp(role):
            return
        try:
            rules = aggregated_rules(role, roles.by_index(BY_CLUSTER, cluster_name(role)))
        except ValueError as error:
            raise Terminal(f"aggregationRule can't be read: {error}") from error
        if rules == (role.get("rules") or []):
            return
        cluster, _, _ = split_key(key)
        patch = {"metadata": {"resourceVersion": resource_version(role)}, "rules": rules}
        await context.client(cluster).resource(CLUSTER_ROLES).patch(name(role), patch)

    def aggregated_in_cluster(obj: Object) -> Iterable[str]:
        for role in roles.by_index(BY_CLUSTER, cluster_name(obj)):
            if is_aggregated(role):
                yield roles.key_of(role)

    controller = Controller(CONTROLLER_NAME, reconcile=reconcile, clock=context.clock, registry=context.registry)
    enqueue_mapped(roles, controller, aggregated_in_cluster, when=spec_or_metadata_changed)
    return controller
