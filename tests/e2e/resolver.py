"""The DNS of a pcluster whose containers don't run: a resolver for its Services, and a stub that asks as pods do."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rrset
from tests.ports import free_port

HOST = "127.0.0.1"
Look = Callable[[str, str], str | None]
"""Address of a Service by namespace and name."""


def _answer(look: Look, data: bytes, *, datagram: bool) -> bytes:
    asked = dns.message.from_wire(data)
    found = dns.message.make_response(asked, recursion_available=True)
    parts = asked.question[0].name.to_text(omit_final_dot=True).lower().split(".")
    if parts[-3:] != ["svc", "cluster", "local"] or len(parts) != 5:
        found.set_rcode(dns.rcode.NXDOMAIN)
        return found.to_wire()
    address = look(parts[1], parts[0])
    if address is None:
        found.set_rcode(dns.rcode.NXDOMAIN)
    elif datagram and parts[0].startswith("large"):
        found.flags |= dns.flags.TC
    else:
        found.answer.append(dns.rrset.from_text(asked.question[0].name, 5, "IN", "A", address))
    return found.to_wire()


@contextmanager
def pcluster_dns(look: Look) -> Iterator[int]:
    """Serve by UDP and TCP on one port, which is given."""

    class Datagram(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, socket = self.request
            socket.sendto(_answer(look, data, datagram=True), self.client_address)

    class Connection(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            data = self.rfile.read(int.from_bytes(self.rfile.read(2), "big"))
            found = _answer(look, data, datagram=False)
            self.wfile.write(len(found).to_bytes(2, "big") + found)

    port = free_port()
    with (
        socketserver.ThreadingUDPServer((HOST, port), Datagram) as udp,
        socketserver.ThreadingTCPServer((HOST, port), Connection) as tcp,
    ):
        for each in (udp, tcp):
            threading.Thread(target=each.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield port
        finally:
            udp.shutdown()
            tcp.shutdown()


def look_up(port: int, name: str, searches: Sequence[str] = (), *, tcp: bool = False) -> list[str]:
    """Addresses of a name as a pod's libc would find them: with the search list first. Empty for NXDOMAIN."""
    ask = dns.query.tcp if tcp else dns.query.udp
    for each in [*(f"{name}.{search}" for search in searches), name]:
        answer = ask(dns.message.make_query(each, "A"), HOST, port=port, timeout=20)
        if answer.flags & dns.flags.TC:
            answer = dns.query.tcp(dns.message.make_query(each, "A"), HOST, port=port, timeout=20)
        assert answer.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN), answer
        if answer.answer:
            return [record.address for record in answer.answer[-1]]
    return []
