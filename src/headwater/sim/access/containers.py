"""What simulated containers keep while the process runs: their files, and what was written to their logs."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final

from headwater.base.clock import Clock
from headwater.machinery.errors import BadRequest
from headwater.machinery.objects import Object, name, uid
from headwater.machinery.timestamps import format_time
from headwater.sim.access.files import Files

MAX_CONTAINERS: Final = 1024
MAX_LOG_LINES: Final = 2000
_MAX_LINE_BYTES: Final = 16 * 1024
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Container:
    """One container. `written` counts all lines ever logged, so that a follower knows which ones it has not seen."""

    def __init__(self, pod: str, clock: Clock) -> None:
        self.pod = pod
        self.files = Files({"/etc/hostname": f"{pod}\n".encode()})
        self.written = 0
        self._clock = clock
        self._lines: deque[tuple[str, str]] = deque(maxlen=MAX_LOG_LINES)
        self._rest = b""

    def log(self, data: bytes) -> None:
        """Add to the log, as the program in the container would by writing to its standard output."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _MAX_LINE_BYTES:
            lines.append(self._rest)
            self._rest = b""
        at = format_time(self._clock.now())
        for line in lines:
            self._lines.append((at, line.decode(errors="replace")))
            self.written += 1

    def lines(self, since: int = 0) -> list[tuple[str, str]]:
        """Time and text of the lines after the first `since` ever written, as far as they are kept."""
        missing = min(self.written - since, len(self._lines))
        return list(self._lines)[len(self._lines) - missing :] if missing > 0 else []


class Containers:
    """By pod and container; the least recently used ones are forgotten beyond `MAX_CONTAINERS`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], Container] = OrderedDict()

    def of(self, pod: Object, container: str) -> Container:
        """A container of a pod."""
        key = (uid(pod), container)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Container(name(pod), self._clock)
            if len(self._known) > MAX_CONTAINERS:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return found


def running_container(pod: Object, wanted: str) -> Object:
    """The spec of a container that can be connected to. Raises BadRequest, in a kubelet's words."""
    phase = (pod.get("status") or {}).get("phase", "Pending")
    if phase in ("Succeeded", "Failed"):
        raise BadRequest(f"cannot exec into a container in a completed pod; current phase is {phase}")
    specs = (pod.get("spec") or {}).get("containers") or ()
    found: Object | None = next((one for one in specs if not wanted or one.get("name") == wanted), None)
    if found is None:
        raise BadRequest(f"container {wanted} is not valid for pod {name(pod)}")
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    state = next((one.get("state") or {} for one in statuses if one.get("name") == found["name"]), {})
    if "running" not in state:
        raise BadRequest(f'unable to upgrade connection: container not found ("{found["name"]}")')
    return found


def environment(pod: Object, container: Object) -> dict[str, str]:
    """The variables that a program in the container sees; those that come from elsewhere are left out."""
    entries = container.get("env") or ()
    own = {str(entry["name"]): str(entry["value"]) for entry in entries if "value" in entry}
    return {"PATH": _PATH, "HOSTNAME": name(pod), "HOME": "/root", **own}
