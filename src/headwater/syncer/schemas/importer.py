"""Compares what the pcluster's API server takes with what the exports allow, as often as either changes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from headwater.client.answers import UnexpectedAnswer
from headwater.client.dynamic import Client, ClusterClient
from headwater.client.interface import TransportError
from headwater.client.paths import WILDCARD
from headwater.machinery.errors import StatusError
from headwater.machinery.gvk import GroupVersion, GroupVersionResource
from headwater.syncer.schemas.documents import NotDescribed, document_name, read_document, read_index
from headwater.syncer.schemas.verdict import Verdict, judge_documents, unknown
from headwater.syncer.upstream import USER_AGENT, TransportFor
from headwater.telemetry.logging import get_logger

log = get_logger("syncer.schemas")

Kinds = Mapping[GroupVersionResource, str]
"""Resources to compare, each with its kind."""
_UPSTREAM: Final = "the control plane"
_DOWNSTREAM: Final = "the pcluster"
_FAILURES: Final = (StatusError, TransportError, UnexpectedAnswer, ValueError)


@dataclass(frozen=True, slots=True)
class _Judged:
    """A verdict, and the hashes of both documents that it rests on; "" where there was none to keep it by."""

    digests: str
    verdict: Verdict


class ApiImporter:
    """Judges resources by their schemas on both sides.

    The documents of a group version are read when the hash of one of them changed, compared on a thread, and let go.
    What can't be read for now keeps the verdict that it has; what was never judged is let through with a note.
    """

    def __init__(self, downstream: Client, *, transport_for: TransportFor) -> None:
        self._downstream = downstream
        self._transport_for = transport_for
        self._known: dict[GroupVersionResource, _Judged] = {}

    async def verdicts(self, kinds: Kinds, url: str) -> Mapping[GroupVersionResource, Verdict]:
        """The verdict on each of these resources; `url` is that of the syncer virtual workspace, "" for none."""
        self._known = {gvr: judged for gvr, judged in self._known.items() if gvr in kinds}
        by_version: dict[GroupVersion, dict[GroupVersionResource, str]] = {}
        for gvr, kind in kinds.items():
            by_version.setdefault(gvr.group_version, {})[gvr] = kind
        try:
            if not url:
                raise NotDescribed(f"{_UPSTREAM} serves no virtual workspace")
            upstream = self._workspace(url)
            before = await read_index(upstream, _UPSTREAM)
            after = await read_index(self._downstream, _DOWNSTREAM)
        except NotDescribed as error:
            self._known = {gvr: _Judged("", unknown(str(error))) for gvr in kinds}
        except _FAILURES as error:
            self._keep(kinds, str(error))
        else:
            for group_version, members in by_version.items():
                name = document_name(group_version)
                await self._update(upstream, name, members, before.get(name), after.get(name))
        return {gvr: judged.verdict for gvr, judged in self._known.items()}

    def _workspace(self, url: str) -> Client:
        parts = urlsplit(url)
        transport = self._transport_for(f"{parts.scheme}://{parts.netloc}")
        return ClusterClient(transport, user_agent=USER_AGENT, base_path=parts.path).cluster(WILDCARD)

    async def _update(self, upstream: Client, name: str, kinds: Kinds, before: str | None, after: str | None) -> None:
        """Judge the resources of one group version anew, if there is news of it."""
        digests = f"{before}/{after}" if before and after else ""
        kept = [self._known.get(gvr) for gvr in kinds]
        if digests and all(judged is not None and judged.digests == digests for judged in kept):
            return
        try:
            if before is None or after is None:
                side = _UPSTREAM if before is None else _DOWNSTREAM
                raise NotDescribed(f"{side} does not describe its group version")
            wanted = await read_document(upstream, name, _UPSTREAM)
            offered = await read_document(self._downstream, name, _DOWNSTREAM)
            verdicts = await asyncio.to_thread(judge_documents, wanted, offered, kinds)
        except NotDescribed as error:
            verdicts = {gvr: unknown(str(error)) for gvr in kinds}
        except _FAILURES as error:
            self._keep(kinds, str(error))
            return
        for gvr, verdict in verdicts.items():
            known = self._known.get(gvr)
            if verdict.refusal and (known is None or known.verdict != verdict):
                log.warning("incompatible", resource=str(gvr), reason=verdict.refusal)
            self._known[gvr] = _Judged(digests, verdict)

    def _keep(self, kinds: Kinds, why: str) -> None:
        log.warning("schemas can't be read", resources=[str(gvr) for gvr in kinds], error=why)
        for gvr in kinds:
            self._known.setdefault(gvr, _Judged("", unknown("it can't be read at the moment")))
