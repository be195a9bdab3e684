"""`pods/<name>/exec`, `attach` and `portforward` of a simulated pcluster."""

from __future__ import annotations

from typing import Final

from headwater.apiserver.resources import Connectors, SubresourceCall
from headwater.apiserver.web.types import Request, UpgradeResponse
from headwater.base.clock import Clock
from headwater.machinery.errors import BadRequest
from headwater.machinery.gvk import GroupVersionKind
from headwater.machinery.objects import Object
from headwater.sim.access.commands import Process
from headwater.sim.access.containers import Container, Containers, environment, running_container
from headwater.sim.access.portforward import portforward_answer
from headwater.sim.access.remotecommand import command_answer
from headwater.sim.access.shell import run_program
from headwater.sim.access.streams import Streams

_POD: Final = GroupVersionKind("", "v1", "Pod")


def pod_connectors(containers: Containers, clock: Clock) -> Connectors:
    """What serves connections to pods."""
    return {
        ("", "pods", "exec"): PodExec(containers, clock),
        ("", "pods", "attach"): PodAttach(containers),
        ("", "pods", "portforward"): PodPortForward(),
    }


class PodExec:
    """Runs a command of the simulated shell."""

    verbs = ("create", "get")
    kind = _POD

    def __init__(self, containers: Containers, clock: Clock) -> None:
        self._containers = containers
        self._clock = clock

    async def handle(self, call: SubresourceCall) -> UpgradeResponse:
        pod, spec = await _running(call)
        container = self._containers.of(pod, str(spec["name"]))
        command = list(call.request.query.get_all("command"))
        if not command:
            raise BadRequest("you must specify at least 1 command")

        async def program(streams: Streams) -> int:
            process = Process(container, self._clock, environment(pod, spec))
            return await run_program(process, command, streams)

        return command_answer(call.request, program)


class PodAttach:
    """Joins what a simulated container does, which is to repeat what it is told, and to log it."""

    verbs = ("create", "get")
    kind = _POD

    def __init__(self, containers: Containers) -> None:
        self._containers = containers

    async def handle(self, call: SubresourceCall) -> UpgradeResponse:
        pod, spec = await _running(call)
        container = self._containers.of(pod, str(spec["name"]))
        return command_answer(call.request, lambda streams: _repeat(container, streams))


class PodPortForward:
    """Leads to a small web server in the pod."""

    verbs = ("create", "get")
    kind = _POD

    async def handle(self, call: SubresourceCall) -> UpgradeResponse:
        pod, _ = await _running(call, any_container=True)
        return portforward_answer(call.request, pod)


async def _repeat(container: Container, streams: Streams) -> int:
    while data := await streams.stdin.read():
        container.log(data)
        await streams.stdout.write(data)
    return 0


async def _running(call: SubresourceCall, *, any_container: bool = False) -> tuple[Object, Object]:
    """The pod and the container that the request means. Raises NotFound and BadRequest."""
    pod = (await call.store.get(call.info, call.cluster, call.namespace, call.name)).decoded
    return pod, running_container(pod, "" if any_container else _wanted(call.request))


def _wanted(request: Request) -> str:
    return request.query.get("container")
