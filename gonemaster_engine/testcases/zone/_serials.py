"""Serial number arithmetic."""

from __future__ import annotations

from collections.abc import Iterable

_SERIALS = 1 << 32


def is_newer(serial: int, other: int) -> bool:
    """Return whether a serial is greater than another serial; False if they have no order (RFC 1982 section 3.2)."""
    return 0 < (serial - other) % _SERIALS < _SERIALS >> 1


def newest(serials: Iterable[int]) -> int:
    """Return the newest serial, as far as the serials have an order."""
    found: int | None = None
    for serial in serials:
        if found is None or is_newer(serial, found):
            found = serial
    if found is None:
        raise ValueError("there is no serial")
    return found
