"""What a session counts, under the same names at both ends."""

from __future__ import annotations

from headwater.telemetry.metrics import Registry


class SessionMetrics:
    """Sessions, streams and bytes of all tunnels of a process."""

    def __init__(self, registry: Registry) -> None:
        bytes_ = registry.counter("headwater_tunnel_bytes_total", "Payload of streams by direction.", ("direction",))
        self.sent = bytes_.labels("sent")
        self.received = bytes_.labels("received")
        self.opened = registry.counter("headwater_tunnel_streams_total", "Streams that were opened.")
        self.sessions = registry.gauge("headwater_tunnels", "Tunnels that are open.")
        self.streams = registry.gauge("headwater_tunnel_open_streams", "Streams that are open.")
