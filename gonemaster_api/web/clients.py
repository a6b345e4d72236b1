"""Who a client is: the one place that limits, logs and the audit ask.

`TrustedProxies` has put the address of the client, behind trusted proxies, into REMOTE_ADDR before Flask reads it.
"""

import ipaddress

from flask import request

_IPV6_SITE = 64  # a host or home network has at least that many bits to itself


def client_address() -> str:
    """Return the IP address of the client, empty if there is none (a local socket)."""
    return request.remote_addr or ""


def client_key(address: str | None = None) -> str:
    """Return what limits count by: an IPv4 address, the /64 of an IPv6 address, or `local` where there is none.

    An IPv4 address in IPv6 form counts as the former.
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
