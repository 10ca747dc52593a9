"""Which addresses the public internet owns: a file is never fetched from our own networks."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""`resolve(host, port)`: the addresses of a name. Raises OSError."""

NAT64 = IPv6Network("64:ff9b::/96")
LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")


async def system_resolve(host: str, port: int) -> Sequence[str]:
    """Ask the machine's resolver."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def is_public(address: str) -> bool:
    """Whether this is a global unicast address, and no other address hides inside it."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        hidden = _hidden(found)
        if hidden is not None:
            found = hidden
        elif found.sixtofour or found.teredo or found.is_site_local or found in LOCAL_NAT64:
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def _hidden(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that is really reached."""
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped
