"""The logs of simulated pods: a line for each thing that happened to a container, and what was written to its log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final

from headwater.apiserver.resources import SubresourceCall
from headwater.apiserver.web.types import Query, Response, StreamResponse
from headwater.base.clock import Clock
from headwater.machinery.errors import BadRequest, NotFound
from headwater.machinery.gvk import GroupVersionKind
from headwater.machinery.objects import Object, name, uid
from headwater.machinery.timestamps import parse_time
from headwater.sim.access.containers import Container, Containers

_TEXT: Final = "text/plain; charset=utf-8"
_FOLLOW_SECONDS: Final = 0.25
_UNREAD_SECONDS: Final = 3600.0

Line = tuple[str, str]
"""Time and text."""


class PodLog:
    """GET answers the log; with `follow` the answer goes on until the container has ended."""

    verbs = ("get",)
    kind = GroupVersionKind("", "v1", "Pod")

    def __init__(self, containers: Containers, clock: Clock) -> None:
        self._containers = containers
        self._clock = clock

    async def handle(self, call: SubresourceCall) -> Response | StreamResponse:
        query = call.request.query
        pod = await _pod_of(call)
        wanted = query.get("container") or _first_container(pod)
        if query.get("previous") == "true":
            raise BadRequest(f'previous terminated container "{wanted}" in pod "{name(pod)}" not found')
        began, ended = log_lines(pod, wanted)
        container = self._containers.of(pod, wanted)
        seen = container.written
        lines = chosen_lines([*began, *container.lines(), *ended], query, self._clock.now())
        timestamps = query.get("timestamps") == "true"
        if query.get("follow") != "true" or ended:
            limit = query.get("limitBytes")
            body = _text(lines, timestamps=timestamps)
            return Response(body=body[: int(limit)] if limit.isdigit() else body, content_type=_TEXT)
        chunks = self._follow(call, container, wanted, uid(pod), seen, _text(lines, timestamps=timestamps))
        return StreamResponse(200, _TEXT, chunks, unread_seconds=_UNREAD_SECONDS)

    async def _follow(
        self, call: SubresourceCall, container: Container, wanted: str, pod_uid: str, seen: int, first: bytes
    ) -> AsyncIterator[bytes]:
        timestamps = call.request.query.get("timestamps") == "true"
        yield first
        while True:
            await self._clock.sleep(_FOLLOW_SECONDS)
            try:
                pod = await _pod_of(call)
                ended = log_lines(pod, wanted)[1] if uid(pod) == pod_uid else []
            except (NotFound, BadRequest):
                return
            lines, seen = container.lines(seen), container.written
            yield _text([*lines, *ended], timestamps=timestamps)
            if ended or uid(pod) != pod_uid:
                return


async def _pod_of(call: SubresourceCall) -> Object:
    return (await call.store.get(call.info, call.cluster, call.namespace, call.name)).decoded


def _first_container(pod: Object) -> str:
    specs = (pod.get("spec") or {}).get("containers") or ()
    return str(specs[0].get("name")) if specs else ""


def _text(lines: list[Line], *, timestamps: bool) -> bytes:
    return "".join(f"{at} {text}\n" if timestamps else f"{text}\n" for at, text in lines).encode()


def chosen_lines(lines: list[Line], query: Query, now: datetime) -> list[Line]:
    """Those that `sinceSeconds`, `sinceTime` and `tailLines` leave. Raises BadRequest for a time that is none."""
    seconds, time, tail = (query.get(each) for each in ("sinceSeconds", "sinceTime", "tailLines"))
    try:
        since = now - timedelta(seconds=int(seconds)) if seconds.isdigit() else parse_time(time) if time else None
    except (ValueError, OverflowError):
        raise BadRequest("sinceSeconds or sinceTime is no time") from None
    if since is not None:
        lines = [line for line in lines if not line[0] or parse_time(line[0]) >= since.replace(microsecond=0)]
    return lines[max(len(lines) - int(tail), 0) :] if tail.isdigit() else lines


def log_lines(pod: Object, container: str) -> tuple[list[Line], list[Line]]:
    """What is said of the beginning of a container, and of its end, if it has ended.

    Raises BadRequest as a kubelet would, for unknown or waiting containers.
    """
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    if container not in [str(one.get("name")) for one in spec.get("containers") or ()]:
        raise BadRequest(f"container {container} is not valid for pod {name(pod)}")
    statuses = status.get("containerStatuses") or ()
    entry: Object = next((one for one in statuses if one.get("name") == container), {})
    state = entry.get("state") or {}
    if not state or "waiting" in state:
        ended = (entry.get("lastState") or {}).get("terminated")
        if not ended:
            reason = (state.get("waiting") or {}).get("reason", "ContainerCreating")
            raise BadRequest(f'container "{container}" in pod "{name(pod)}" is waiting to start: {reason}')
        state = {"terminated": ended}
    happened = state.get("running") or state.get("terminated") or {}
    image, started = entry.get("image", ""), str(happened.get("startedAt", ""))
    began = [(started, f"simulated container {container} started from {image} on {spec.get('nodeName', '')}")]
    if "terminated" not in state:
        return began, []
    code = state["terminated"].get("exitCode", 0)
    return began, [(str(happened.get("finishedAt", "")), f"simulated container {container} ended with code {code}")]
