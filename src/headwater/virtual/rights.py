"""What a caller may do in a logical cluster, asked of the logical cluster itself."""

from __future__ import annotations

from typing import Final

from headwater.apis.core.v1alpha1.logicalcluster import LOGICAL_CLUSTER
from headwater.apiserver.authn.interface import UserInfo
from headwater.client.dynamic import ClusterClient
from headwater.machinery import errors
from headwater.machinery.errors import Forbidden, NotFound
from headwater.machinery.gvk import GroupResource, GroupVersionResource
from headwater.machinery.objects import cluster_name

_REVIEWS: Final = GroupVersionResource("authorization.k8s.io", "v1", "subjectaccessreviews")


class Rights:
    """Asks with the server's own rights about a user; access to the workspace is part of every answer."""

    def __init__(self, cluster_client: ClusterClient) -> None:
        self._cluster_client = cluster_client

    async def resolve(self, workspace: str) -> str | None:
        """Logical cluster name of a workspace by name or path; None when there is none."""
        client = self._cluster_client.cluster(workspace).resource(LOGICAL_CLUSTER.gvr)
        try:
            return cluster_name(await client.get("cluster"))
        except (NotFound, Forbidden):
            return None

    async def may(
        self,
        user: UserInfo,
        cluster: str,
        verb: str,
        gvr: GroupVersionResource,
        name: str = "",
        *,
        subresource: str = "",
    ) -> bool:
        """Whether the user has the verb on a cluster-scoped resource, on one object of it or on all."""
        attributes = {"verb": verb, "group": gvr.group, "version": gvr.version, "resource": gvr.resource, "name": name}
        if subresource:
            attributes["subresource"] = subresource
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": user.name,
                "uid": user.uid,
                "groups": list(user.groups),
                "extra": {key: list(values) for key, values in user.extra.items()},
                "resourceAttributes": attributes,
            },
        }
        try:
            answer = await self._cluster_client.cluster(cluster).resource(_REVIEWS).create(review)
        except NotFound:
            return False
        return bool((answer.get("status") or {}).get("allowed"))


def refusal(user: UserInfo, verb: str, gvr: GroupVersionResource, name: str = "") -> Forbidden:
    """The same words whether the workspace, or the object, exists or not."""
    why = f'User "{user.name}" cannot {verb} resource "{gvr.resource}" in API group "{gvr.group}": access denied'
    return errors.forbidden(GroupResource(gvr.group, gvr.resource), name, why)
