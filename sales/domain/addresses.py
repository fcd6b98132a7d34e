"""From which address a request came, seen through the proxies that are trusted, and which addresses are counted as one.

Pure text in, pure text out; who is asked how often is `sales.answers.limiting` and the edges' business.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_LOCAL = IPv4Address("127.0.0.1")


def client_address(remote_addr: str, forwarded_for: str, trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """Return the address of whoever asked.

    That is the peer of the connection (REMOTE_ADDR), unless the peer is a trusted proxy: then X-Forwarded-For is read
    from the right, as far as trusted proxies wrote it, and the first address that is not one of them is the client's.
    What stands further left was written by the client and proves nothing. A peer without an address came through a unix
    socket, so it is on this machine and counts as 127.0.0.1.
    """
    seen = _parsed(remote_addr) or _LOCAL
    for written in reversed(forwarded_for.split(",")):
        if not _is_in(seen, trusted):
            break
        hop = _parsed(written)
        if hop is None:
            break  # what a trusted proxy passed on is no address; it is the last thing known
        seen = hop
    return str(seen)


@lru_cache(maxsize=4_096)
def counted(address: str) -> str:
    """Return what limits count `address` as: itself, or for IPv6 its /64, which one household or phone owns whole."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False))
    return str(parsed or _LOCAL)


def _is_in(address: IPv4Address | IPv6Address, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    return any(address in network for network in networks)


def _parsed(written: str) -> IPv4Address | IPv6Address | None:
    """Read an address, with a port or in brackets as some proxies write it; None where it is none."""
    text = written.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])  # a zone names an interface of the proxy, not the client
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
