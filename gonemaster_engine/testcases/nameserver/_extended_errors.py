"""Extended DNS errors in a response (RFC 8914)."""

from __future__ import annotations

from typing import NamedTuple

from gonemaster_engine.net.wire.messages import Response

OPTION = 15
CODE_OCTETS = 2
MAX_TEXT_OCTETS = 256

# IANA registry "Extended DNS Error Codes"; the index is the code.
NAMES = (
    "Other Error",
    "Unsupported DNSKEY Algorithm",
    "Unsupported DS Digest Type",
    "Stale Answer",
    "Forged Answer",
    "DNSSEC Indeterminate",
    "DNSSEC Bogus",
    "Signature Expired",
    "Signature Not Yet Valid",
    "DNSKEY Missing",
    "RRSIGs Missing",
    "No Zone Key Bit Set",
    "NSEC Missing",
    "Cached Error",
    "Not Ready",
    "Blocked",
    "Censored",
    "Filtered",
    "Prohibited",
    "Stale NXDOMAIN Answer",
    "Not Authoritative",
    "Not Supported",
    "No Reachable Authority",
    "Network Error",
    "Invalid Data",
    "Signature Expired before Valid",
    "Too Early",
    "Unsupported NSEC3 Iterations Value",
    "Unable to conform to policy",
    "Synthesized",
    "Invalid Query Type",
    "Rate Limited",
    "Over Quota",
)


class ExtendedError(NamedTuple):
    """One error option."""

    code: int
    text: str

    @property
    def name(self) -> str:
        """The name of the code in IANA's registry."""
        return NAMES[self.code] if self.code < len(NAMES) else f"code {self.code}"


def extended_errors(response: Response) -> list[ExtendedError]:
    """Return the distinct errors in a response; options too short for a code are ignored."""
    options = response.edns.options if response.edns else ()
    return sorted(
        {
            ExtendedError(int.from_bytes(value[:CODE_OCTETS]), _text(value[CODE_OCTETS:]))
            for code, value in options
            if code == OPTION and len(value) >= CODE_OCTETS
        }
    )


def _text(octets: bytes) -> str:
    """Return the extra text without invalid UTF-8 and without a final NUL (RFC 8914 section 2)."""
    return octets[:MAX_TEXT_OCTETS].decode("utf-8", "ignore").rstrip("\0").strip()
