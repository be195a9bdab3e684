"""Pod addresses of one pcluster, each given to one pod at a time."""

from __future__ import annotations

from headwater.machinery.objects import Object, uid

_FIRST = 256 + 2
_LAST = 65_534


class AddressPool:
    """Addresses 10.<network>.x.y; learns from pods which are in use, so it needs no state of its own on disk."""

    def __init__(self, network: int) -> None:
        self._network = network
        self._of_pod: dict[str, str] = {}
        self._used: set[str] = set()
        self._next = _FIRST

    def note(self, pod: Object) -> None:
        """Learn the address of a pod."""
        address = str((pod.get("status") or {}).get("podIP") or "")
        if address and uid(pod) not in self._of_pod:
            self._of_pod[uid(pod)] = address
            self._used.add(address)

    def release(self, pod: Object) -> None:
        """Take the address of a pod that is gone back."""
        address = self._of_pod.pop(uid(pod), "")
        self._used.discard(address)

    def take(self, pod: Object) -> str:
        """A free address for a pod; the same again for the same pod."""
        known = self._of_pod.get(uid(pod))
        if known:
            return known
        for _ in range(_LAST - _FIRST + 1):
            address = f"10.{self._network}.{self._next >> 8}.{self._next & 255}"
            self._next = _FIRST if self._next == _LAST else self._next + 1
            if address not in self._used and not address.endswith((".0", ".255")):
                self._of_pod[uid(pod)] = address
                self._used.add(address)
                return address
        raise RuntimeError("all pod addresses are in use")
