"""Which downstream pod a request through the tunnel means, if it may mean one at all.

The control plane has asked whether the caller may. Here is asked whether the pcluster's side agrees: that the namespace
is the one that this SyncTarget made for that workspace, and that the pod was put there for it. So a control plane that
is wrong, or lies, reaches no other pod of the pcluster.
"""

from __future__ import annotations

from typing import Final

from headwater.apis.workload.labels import LOCATOR_ANNOTATION, STATE_UPSYNC, state_label
from headwater.client.dynamic import Client
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import annotations as annotations_of
from headwater.machinery.objects import deletion_timestamp, labels
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.namespaces.mapping import NAMESPACES_GVR, NamespaceCollision, Namespaces
from headwater.tunnel.messages import StreamRequest

PODS: Final = GroupVersionResource("", "v1", "pods")


class Gate:
    """Answers the downstream namespace of a request, after asking the pcluster itself: what informers know is older."""

    def __init__(self, *, identity: TargetIdentity, namespaces: Namespaces, downstream: Client) -> None:
        self._identity = identity
        self._namespaces = namespaces
        self._downstream = downstream

    async def enter(self, request: StreamRequest) -> str:
        """The downstream namespace. Raises NotFound, which says nothing about what is there, and what clients raise."""
        refusal = NotFound(f'pods "{request.pod}" not found')
        try:
            space = self._namespaces.known(request.cluster, request.namespace)
            found = await self._downstream.resource(NAMESPACES_GVR).get(space)
            wanted = self._identity.locator(request.cluster, request.namespace)
            if self._identity.own_locator(annotations_of(found).get(LOCATOR_ANNOTATION)) != wanted:
                raise refusal
            pod = await self._downstream.resource(PODS, space).get(request.pod)
        except (NotFound, NamespaceCollision):
            raise refusal from None
        if labels(pod).get(state_label(self._identity.key)) != STATE_UPSYNC or deletion_timestamp(found):
            raise refusal
        return space
