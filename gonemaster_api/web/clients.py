"""The identity of a client: the only source for limits, logs and the audit.

`TrustedProxies` stores the address of the client behind trusted proxies in REMOTE_ADDR before Flask reads it.
"""

import ipaddress

from flask import request

_IPV6_SITE = 64  # the smallest prefix assigned to a host or home network


def client_address() -> str:
    """Return the IP address of the client, or an empty string if there is none (a local socket)."""
    return request.remote_addr or ""


def comes_through_unknown_proxy() -> bool:
    """Return whether the request has the headers of a proxy that is not trusted, so that its client is unknown."""
    return "gonemaster.untrusted_proxy" in request.environ


def is_local_client() -> bool:
    """Return whether the client is on this host: a loopback address, or none (a local socket).

    A request with the headers of a proxy that is not trusted can come from any host.
    """
    if comes_through_unknown_proxy():
        return False
    try:
        address = ipaddress.ip_address(client_address().partition("%")[0])
    except ValueError:
        return True
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def client_key(address: str | None = None) -> str:
    """Return the key for limits: an IPv4 address, the /64 of an IPv6 address, or `local` if there is no address.

    An IPv4-mapped IPv6 address counts as the IPv4 address.
    """
    text = client_address() if address is None else address
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return "local"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed), _IPV6_SITE), strict=False))
    return str(parsed)
