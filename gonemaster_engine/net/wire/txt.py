"""The text of a TXT record."""

from __future__ import annotations


def joined_strings(rdata: bytes) -> bytes:
    """Return the character strings of TXT rdata, concatenated (RFC 7208 section 3.3)."""
    joined = bytearray()
    position = 0
    while position < len(rdata):
        end = position + 1 + rdata[position]
        joined += rdata[position + 1 : end]
        position = end
    return bytes(joined)
