"""Kubernetes' CEL functions for URLs, IP addresses and address ranges.

The library converts arguments by value, so each of these values is a map that holds its text.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

Declare = Callable[..., Any]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_TEXT = "kubernetes.io/text"


def network_declarations(types: Any, declare: Declare) -> list[Any]:
    """Declarations of all functions; ``declare`` is given by `celfunctions`."""
    text, flag, number = types.STRING, types.BOOL, types.INT
    held = types.Map(text, text)

    def getter(name: str, returns: Any, read: Callable[[SplitResult], Any]) -> Any:
        return declare(name, ([held], returns, lambda url: read(_url(_text(url)))))

    def test(name: str, read: Callable[[Address], Any], returns: Any = flag) -> Any:
        return declare(name, ([held], returns, lambda address: read(_ip(_text(address)))))

    return [
        declare("url", ([text], held, lambda value: _held(value, _url)), member=False),
        declare("isURL", ([text], flag, lambda value: _is(value, _url)), member=False),
        getter("getScheme", text, lambda url: url.scheme),
        getter("getHost", text, lambda url: url.netloc.rpartition("@")[2]),
        getter("getHostname", text, lambda url: url.hostname or ""),
        getter("getPort", text, lambda url: "" if url.port is None else str(url.port)),
        getter("getEscapedPath", text, lambda url: url.path),
        getter("getQuery", types.Map(text, types.List(text)), lambda url: parse_qs(url.query, keep_blank_values=True)),
        declare("isIP", ([text], flag, lambda value: _is(value, _ip)), member=False),
        declare("ip", ([text], held, lambda value: _held(value, _ip)), member=False),
        test("family", lambda address: address.version, number),
        test("isLoopback", lambda address: address.is_loopback),
        test("isUnspecified", lambda address: address.is_unspecified),
        test("isLinkLocalUnicast", lambda address: address.is_link_local),
        test("isLinkLocalMulticast", lambda address: address.is_multicast and _link_local(address)),
        test("isGlobalUnicast", _is_global_unicast),
        declare("isCIDR", ([text], flag, lambda value: _is(value, _cidr)), member=False),
        declare("cidr", ([text], held, lambda value: _held(value, _cidr)), member=False),
        declare("prefixLength", ([held], number, lambda value: _cidr(_text(value)).prefixlen)),
        declare("masked", ([held], held, lambda value: {_TEXT: str(_cidr(_text(value)))})),
        declare("containsIP", ([held, held], flag, _contains_ip), ([held, text], flag, _contains_ip)),
        declare("containsCIDR", ([held, held], flag, _contains_cidr), ([held, text], flag, _contains_cidr)),
    ]


def _text(value: Any) -> str:
    """The text of a value that is one of ours or plain text."""
    if isinstance(value, str):
        return value
    held = value[_TEXT]
    return str(held.plain_value() if hasattr(held, "plain_value") else held)


def _held(value: str, parse: Callable[[str], Any]) -> dict[str, str]:
    parse(value)
    return {_TEXT: value}


def _is(value: str, parse: Callable[[str], Any]) -> bool:
    try:
        parse(value)
    except ValueError:
        return False
    return True


def _url(value: str) -> SplitResult:
    url = urlsplit(value)
    if not (url.scheme or value.startswith("/")) or any(char.isspace() for char in value):
        raise ValueError(f"parse {value}: invalid URI for request")
    _ = url.port  # raises ValueError if it is no number
    return url


def _ip(value: str) -> Address:
    if "%" in value:
        raise ValueError(f"IP address with zone: {value}")
    return ipaddress.ip_address(value)


def _cidr(value: str) -> Network:
    if "/" not in value or "%" in value:
        raise ValueError(f"no address range: {value}")
    return ipaddress.ip_network(value, strict=False)


def _link_local(address: Address) -> bool:
    local = ipaddress.ip_network("224.0.0.0/24" if address.version == 4 else "ff02::/16")
    return address in local


def _is_global_unicast(address: Address) -> bool:
    """As Go has it: private addresses count too."""
    others = address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local
    return not others and str(address) != "255.255.255.255"


def _contains_ip(network: Any, address: Any) -> bool:
    outer, inner = _cidr(_text(network)), _ip(_text(address))
    return outer.version == inner.version and inner in outer


def _contains_cidr(network: Any, other: Any) -> bool:
    outer, inner = _cidr(_text(network)), _cidr(_text(other))
    if isinstance(outer, ipaddress.IPv4Network):
        return isinstance(inner, ipaddress.IPv4Network) and inner.subnet_of(outer)
    return isinstance(inner, ipaddress.IPv6Network) and inner.subnet_of(outer)
