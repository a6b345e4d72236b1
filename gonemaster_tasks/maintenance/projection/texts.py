"""Names, addresses and numbers from entries in canonical form; invalid values become None."""

from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

_MAX_ASN = 2**32 - 1
_MAX_NAME = 255
_MAX_TEXT = 1024  # the length of a name with every byte escaped
_CACHED = 65_536  # entries per kind; most runs use the same servers


def name_of(value: Any) -> str | None:
    """Return a server name in lower case and ASCII without a final dot. A name has at most 255 octets (RFC 1035)."""
    return _name(value) if _is_short(value) else None


def address_of(value: Any) -> str | None:
    """Return an IP address in its canonical form (RFC 5952)."""
    return _address(value) if _is_short(value) else None


def prefix_of(value: Any) -> str | None:
    """Return a prefix in its canonical form; the host bits are cleared."""
    return _prefix(value) if _is_short(value) else None


def asn_of(value: Any) -> int | None:
    """Return an AS number; 0 is reserved (RFC 7607) and becomes None."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 < value <= _MAX_ASN else None


def _is_short(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_TEXT


@lru_cache(maxsize=_CACHED)
def _address(value: str) -> str | None:
    try:
        address = ip_address(value)
    except ValueError:
        return None
    return None if getattr(address, "scope_id", None) else str(address)


@lru_cache(maxsize=_CACHED)
def _prefix(value: str) -> str | None:
    try:
        return str(ip_network(value, strict=False)) if "/" in value else None
    except ValueError:
        return None


@lru_cache(maxsize=_CACHED)
def _name(value: str) -> str | None:
    name = value.lower().removesuffix(".") or "."
    return name if len(name) <= _MAX_NAME and name.isascii() and name.isprintable() else None
