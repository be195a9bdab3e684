"""What kubectl asks of running pods: logs, of which there is little to tell, and connections, which are refused."""

from __future__ import annotations

from headwater.apiserver.resources import SubresourceCall
from headwater.apiserver.web.types import AnyResponse, Handler, Request, Response
from headwater.machinery.errors import BadRequest
from headwater.machinery.gvk import GroupVersionKind
from headwater.machinery.objects import Object, name

_CONNECTIONS = ("exec", "attach", "portforward")
_TEXT = "text/plain; charset=utf-8"


class PodLog:
    """GET answers a line for each thing that happened to the container."""

    verbs = ("get",)
    kind = GroupVersionKind("", "v1", "Pod")

    async def handle(self, call: SubresourceCall) -> Response:
        pod = (await call.store.get(call.info, call.cluster, call.namespace, call.name)).decoded
        wanted = call.request.query.get("container")
        lines = log_lines(pod, wanted, timestamps=call.request.query.get("timestamps") == "true")
        tail = call.request.query.get("tailLines")
        if tail.isdigit():
            lines = lines[len(lines) - int(tail) :] if int(tail) < len(lines) else lines
        return Response(body="".join(f"{line}\n" for line in lines).encode(), content_type=_TEXT)


async def refuse_connections(request: Request, following: Handler) -> AnyResponse:
    """A filter that answers `kubectl exec`, `attach` and `port-forward`, and says why nothing comes of it."""
    info = request.info
    if info.resource == "pods" and info.subresource in _CONNECTIONS:
        raise BadRequest(f"pod {info.name} is simulated: it has no containers to connect to")
    return await following(request)


def log_lines(pod: Object, wanted: str, *, timestamps: bool) -> list[str]:
    """The log of one container. Raises BadRequest as a kubelet would, for unknown or waiting containers."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    names = [str(one.get("name")) for one in spec.get("containers") or ()]
    container = wanted or (names[0] if names else "")
    if container not in names:
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
    lines = [(started, f"simulated container {container} started from {image} on {spec.get('nodeName', '')}")]
    if "terminated" in state:
        code = state["terminated"].get("exitCode", 0)
        lines.append((str(happened.get("finishedAt", "")), f"simulated container {container} ended with code {code}"))
    return [f"{at} {text}" if timestamps else text for at, text in lines]
