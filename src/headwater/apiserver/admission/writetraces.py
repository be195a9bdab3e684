"""Takes note of the trace of each write, before it is stored: its watchers hear of it before its writer does."""

from __future__ import annotations

from headwater.apiserver.admission.interface import CREATE, UPDATE, AdmissionAttributes, BasePlugin
from headwater.apiserver.loopback import LOOPBACK_USER
from headwater.machinery.objects import uid
from headwater.telemetry.tracing import current, is_sampled
from headwater.telemetry.writetraces import WriteTraces


class WriteTracing(BasePlugin):
    """Changes and refuses nothing. What this process writes by itself, and status, is no write that others follow."""

    name = "headwater.io/WriteTracing"

    def __init__(self, traces: WriteTraces) -> None:
        self._traces = traces

    def handles(self, attributes: AdmissionAttributes) -> bool:
        writes = attributes.operation in (CREATE, UPDATE) and not attributes.subresource and not attributes.dry_run
        return writes and attributes.user != LOOPBACK_USER and is_sampled(current())

    async def validate(self, attributes: AdmissionAttributes) -> None:
        if attributes.object is not None:
            self._traces.put(uid(attributes.object), current())
