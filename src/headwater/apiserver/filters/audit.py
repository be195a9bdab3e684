"""The audit log: who asked for what, when, and how it was answered, one JSON line each, as audit.k8s.io/v1 events.

Bodies are never recorded (level Metadata), so no secret can get into the log.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.web.types import AnyResponse, Handler, Request, StreamResponse
from headwater.base import jsonio
from headwater.base.clock import Clock
from headwater.machinery.objects import Object
from headwater.machinery.timestamps import format_micro_time
from headwater.telemetry.logging import get_logger

_log = get_logger("apiserver.audit")
_MAX_WAITING: Final = 10_000
_UNRECORDED: Final = frozenset({"/livez", "/readyz", "/healthz", "/version", "/metrics"})
_HIDDEN_QUERY: Final = ("token=", "access_token=")

AuditRule = Callable[[Request], bool]


class AuditSink(Protocol):
    """Takes finished events."""

    def records(self, request: Request) -> bool:
        """Whether the policy wants this request in the log."""
        ...

    def write(self, event: Object) -> None:
        """Takes one event; must not block."""
        ...


class AuditFilter:
    """Writes one event per request when it is complete; a watch has one at its beginning too."""

    def __init__(self, sink: AuditSink, *, clock: Clock) -> None:
        self._sink = sink
        self._clock = clock

    async def __call__(self, request: Request, following: Handler) -> AnyResponse:
        if not self._sink.records(request):
            return await following(request)
        received = format_micro_time(self._clock.now())
        response = await following(request)
        if isinstance(response, StreamResponse):
            status = response.status
            self._sink.write(self._event(request, "ResponseStarted", status, received))
            response.on_finish.append(
                lambda: self._sink.write(self._event(request, "ResponseComplete", status, received))
            )
        else:
            self._sink.write(self._event(request, "ResponseComplete", response.status, received))
        return response

    def _event(self, request: Request, stage: str, code: int, received: str) -> Object:
        info = request.info
        requestor = request.extras.get("requestor")
        event: Object = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": "Metadata",
            "auditID": request.audit_id,
            "stage": stage,
            "requestURI": _without_secrets(request.target),
            "verb": info.verb,
            "user": _user(requestor if requestor is not None else request.user),
            "sourceIPs": [request.peer.remote],
            "userAgent": request.headers.get("user-agent", ""),
            "responseStatus": {"metadata": {}, "code": code},
            "requestReceivedTimestamp": received,
            "stageTimestamp": format_micro_time(self._clock.now()),
            "annotations": _annotations(request),
        }
        if requestor is not None:
            event["impersonatedUser"] = _user(request.user)
        if info.is_resource:
            reference = {
                "resource": info.resource, "namespace": info.namespace, "name": info.name, "apiGroup": info.group,
                "apiVersion": info.version, "subresource": info.subresource,
            }  # fmt: skip
            event["objectRef"] = {key: value for key, value in reference.items() if value}
        return event


def _annotations(request: Request) -> dict[str, str]:
    annotations: dict[str, str] = {}
    decision = request.extras.get("authorization")
    if decision is not None:
        annotations["authorization.k8s.io/decision"], annotations["authorization.k8s.io/reason"] = decision
    annotations.update(request.extras.get("audit", {}))
    return annotations


def _user(user: UserInfo) -> Object:
    described: Object = {"username": user.name, "groups": list(user.groups)}
    if user.uid:
        described["uid"] = user.uid
    if user.extra:
        described["extra"] = {key: list(values) for key, values in user.extra.items()}
    return described


def _without_secrets(target: str) -> str:
    path, separator, query = target.partition("?")
    if not any(hidden in query for hidden in _HIDDEN_QUERY):
        return target
    kept = [field for field in query.split("&") if not field.startswith(_HIDDEN_QUERY)]
    return path + separator + "&".join(kept)


def record_all_but_probes(request: Request) -> bool:
    """The default rule: everything, except what monitoring asks for all day."""
    return not request.path.startswith("/") or "/" + request.path.split("/", 2)[1] not in _UNRECORDED


class AuditFile:
    """Appends events to a file that only its owner can read; writing happens off the loop, in batches.

    At most 10,000 events wait; beyond that the oldest are dropped, and the log says how many.
    """

    def __init__(self, path: Path, *, rule: AuditRule = record_all_but_probes) -> None:
        self._path = path
        self._rule = rule
        self._waiting: deque[bytes] = deque(maxlen=_MAX_WAITING)
        self._dropped = 0
        self._writing: asyncio.Future[None] | None = None

    def records(self, request: Request) -> bool:
        return self._rule(request)

    def prepare(self) -> None:
        """Make the file, so that a path that can't be written is known at the start. Raises OSError."""
        self._append(b"")

    def write(self, event: Object) -> None:
        if len(self._waiting) == _MAX_WAITING:
            self._dropped += 1
        self._waiting.append(jsonio.dumps_lenient(event) + b"\n")
        if self._writing is None:
            self._start()

    async def close(self) -> None:
        """Returns when everything that was written is in the file."""
        while self._writing is not None:
            await asyncio.wait([self._writing])

    def _start(self) -> None:
        batch = b"".join(self._waiting)
        self._waiting.clear()
        if self._dropped:
            _log.warning("audit events were dropped, the disk is too slow", events=self._dropped)
            self._dropped = 0
        self._writing = asyncio.get_running_loop().run_in_executor(None, self._append, batch)
        self._writing.add_done_callback(self._written)

    def _append(self, batch: bytes) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(batch)

    def _written(self, done: asyncio.Future[None]) -> None:
        self._writing = None
        error = done.exception()
        if error is not None:
            _log.error("cannot write the audit log", path=str(self._path), cause=str(error))
        if self._waiting:
            self._start()
