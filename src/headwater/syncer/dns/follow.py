"""Follows the ConfigMap that says which namespaces a workspace has on the pcluster."""

from __future__ import annotations

from typing import Final

from headwater.base.clock import Clock
from headwater.base.tasks import TaskGroup
from headwater.client.dynamic import Client
from headwater.client.informer import Informer
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object
from headwater.syncer.dns.names import NameMap
from headwater.telemetry.logging import get_logger

CONFIG_MAPS: Final = GroupVersionResource("", "v1", "configmaps")

log = get_logger("syncer.dns")


class NamespaceMap:
    """``current`` is None until the ConfigMap was looked for; without one the workspace has no namespaces here.

    While the API server can't be reached it stays as it was last.
    """

    def __init__(self, client: Client, *, namespace: str, config_map: str, domain: str, clock: Clock) -> None:
        self._domain = domain
        self._key = f"{namespace}/{config_map}"
        self.current: NameMap | None = None
        self.informer = Informer(
            client.resource(CONFIG_MAPS, namespace),
            name="dns",
            clustered=False,
            field_selector=f"metadata.name={config_map}",
            clock=clock,
        )
        self.informer.add_handler(lambda _, _old, new: self._changed(new))

    def problem(self) -> str | None:
        """Why no names can be resolved, if so."""
        return None if self.current is not None else self.informer.last_error or "the namespaces are not known yet"

    async def run(self) -> None:
        """Follow until cancelled."""
        async with TaskGroup("namespaces") as group:
            group.start(self.informer.run(), name="informer")
            group.start(self._settle(), name="first")

    async def _settle(self) -> None:
        """Once the list was complete, no ConfigMap means no namespaces."""
        await self.informer.wait_synced()
        if self.current is None:
            log.warning("there is no ConfigMap, so no namespaces", config_map=self._key)
            self._changed(None)

    def _changed(self, new: Object | None) -> None:
        data = (new or {}).get("data")
        self.current = NameMap.of(self._domain, data if isinstance(data, dict) else {})
        log.info("namespaces", config_map=self._key, count=len(self.current.down))
