"""Marks the PersistentVolumes of claims that ask for them, since nothing copies a claim's labels to its volume."""

from __future__ import annotations

from typing import Final

from headwater.apis.workload.labels import CLUSTER_LABEL, LOCATOR_ANNOTATION, STATE_UPSYNC, state_label
from headwater.apis.workload.upsync import PERSISTENT_VOLUMES, asks_for
from headwater.base.clock import Clock
from headwater.client.dynamic import Client
from headwater.controller import Controller
from headwater.machinery.errors import Conflict, NotFound
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, labels, name, namespace, nested, resource_version, uid
from headwater.machinery.objects import annotations as annotations_of
from headwater.syncer.downstream import Downstream
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.namespaces.mapping import Namespaces
from headwater.syncer.upsync.marked import Marked
from headwater.telemetry.metrics import Registry

CLAIMS: Final = GroupResource("", "persistentvolumeclaims")


class VolumeMarker:
    """A controller over downstream claims; its keys are `namespace/name`."""

    def __init__(
        self,
        client: Client,
        *,
        identity: TargetIdentity,
        copies: Downstream,
        marked: Marked,
        namespaces: Namespaces,
        clock: Clock,
        registry: Registry,
    ) -> None:
        self._client = client
        self._identity = identity
        self._copies = copies
        self._marked = marked
        self._namespaces = namespaces
        self.controller = Controller(
            "syncer-volumes", reconcile=self.reconcile, workers=1, clock=clock, registry=registry
        )

    def claim_changed(self, claim: Object) -> None:
        """Hear of a change of one of our claims."""
        if nested(claim, "spec", "volumeName"):
            self.controller.enqueue(f"{namespace(claim)}/{name(claim)}")

    async def reconcile(self, key: str) -> None:
        """Mark the volume of one claim, or take the mark away. Raises StatusError and TransportError."""
        space, _, claim_name = key.partition("/")
        claim, locator = self._copies.get(CLAIMS, space, claim_name), self._namespaces.locator_of(space)
        gvr = self._marked.informers.version(PERSISTENT_VOLUMES)
        volume_name = str(nested(claim, "spec", "volumeName", default="")) if claim is not None else ""
        if claim is None or locator is None or gvr is None or not volume_name:
            return
        volumes = self._client.resource(gvr)
        text = self._identity.locator(locator.cluster, "").to_json()
        try:
            volume = await volumes.get(volume_name)
            patch = self._change(volume, claim, text)
            if patch:
                version = {"uid": uid(volume), "resourceVersion": resource_version(volume)}
                await volumes.patch(volume_name, {"metadata": {**patch, **version}})
        except NotFound:
            return
        except Conflict:
            self.controller.enqueue(key)

    def _change(self, volume: Object, claim: Object, locator: str) -> Object:
        """Metadata to patch. A volume that is bound to something else, or that we brought down, is none of ours."""
        mark = state_label(self._identity.key)
        found = annotations_of(volume).get(LOCATOR_ANNOTATION)
        bound = nested(volume, "spec", "claimRef", "uid") == uid(claim)
        if not bound or CLUSTER_LABEL in labels(volume) or found not in (None, locator):
            return {}
        marked = labels(volume).get(mark) == STATE_UPSYNC and found == locator
        if asks_for(annotations_of(claim), PERSISTENT_VOLUMES):
            return {} if marked else {"labels": {mark: STATE_UPSYNC}, "annotations": {LOCATOR_ANNOTATION: locator}}
        return {"labels": {mark: None}, "annotations": {LOCATOR_ANNOTATION: None}} if marked else {}
