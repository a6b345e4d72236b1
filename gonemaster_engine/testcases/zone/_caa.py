"""CAA records: their parts, and the grammar of their values (RFC 8659 section 4, RFC 8657, RFC 9495)."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.net.wire.rrtypes import IN, type_number

CRITICAL = 0x80
RESERVED = 0x7F
ISSUE_PROPERTIES = ("issue", "issuewild", "issuemail")
KNOWN_PROPERTIES = frozenset({*ISSUE_PROPERTIES, "iodef", "contactemail", "contactphone", "issuevmc"})

_VALUE_MAX_OCTETS = 4096  # a domain and parameters; RFC 8659 has no separate limit
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_BLANKS = r"[ \t]*+"  # possessive, because two of them may be adjacent
_PARAMETER = rf"{_LABEL}{_BLANKS}={_BLANKS}[\x21-\x3a\x3c-\x7e]*"
ISSUE = re.compile(
    rf"{_BLANKS}(?P<issuer>{_LABEL}(?:\.{_LABEL})*)?{_BLANKS}"
    rf"(?:;{_BLANKS}(?:{_PARAMETER}(?:{_BLANKS};{_BLANKS}{_PARAMETER})*)?{_BLANKS})?"
)
_ESCAPE = re.compile(r"\\(\d{3})")
_MAILBOX = re.compile(r"[^@\s]+@[^@\s]+")


class Caa(NamedTuple):
    """A CAA record."""

    flags: int
    tag: str  # characters other than ASCII letters and digits are unchanged
    value: str  # unprintable octets as \\DDD

    @property
    def name(self) -> str:
        """The property in lower case, because it is compared case-insensitively."""
        return self.tag.lower()

    @property
    def has_valid_tag(self) -> bool:
        """Whether the tag consists of ASCII letters and digits and is not empty."""
        return self.tag.isascii() and self.tag.isalnum()

    @property
    def is_critical(self) -> bool:
        """Whether an issuer that does not know the property must not issue."""
        return bool(self.flags & CRITICAL)

    @property
    def forbids(self) -> bool:
        """Whether an issue property forbids all issuance: it has no issuer, or its value is malformed."""
        match = self._issue
        return match is None or not match["issuer"]

    @property
    def has_valid_value(self) -> bool:
        """Whether the value is valid for the property; properties without a known grammar allow any value."""
        if self.name in ISSUE_PROPERTIES:
            return self._issue is not None
        return self.name != "iodef" or is_report_url(self._octets)

    @property
    def _issue(self) -> re.Match[str] | None:
        octets = self._octets
        return ISSUE.fullmatch(octets) if len(octets) <= _VALUE_MAX_OCTETS else None

    @property
    def _octets(self) -> str:
        """The original value, one character per octet: the grammar allows tabs, but no escapes."""
        return _ESCAPE.sub(lambda match: chr(int(match[1])), self.value)


def is_report_url(text: str) -> bool:
    """Return whether the value is a URL to which a report can be sent (RFC 8659 section 4.4)."""
    if len(text) > _VALUE_MAX_OCTETS or not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        return False
    try:
        url = urlsplit(text)
        url.port  # noqa: B018  # refuses what is no number
    except ValueError:
        return False
    if url.scheme == "mailto":
        return all(_MAILBOX.fullmatch(address) for address in url.path.split(","))
    return url.scheme in {"http", "https"} and bool(url.hostname)


def caa_records(response: Response, owner: str) -> list[Caa]:
    """Return the records of an answer, sorted; parsed here, because dnspython rejects unusual tags.

    Records that end within their tag are ignored.
    """
    number = type_number("CAA")
    return sorted(
        Caa(octets[0], _text(octets[2 : 2 + octets[1]]), _text(octets[2 + octets[1] :]))
        for octets in (
            record.octets
            for record in response.answer
            if record.type == number and record.owner == owner and record.rdclass == IN
        )
        if len(octets) >= 2 and len(octets) >= 2 + octets[1]
    )


def _text(octets: bytes) -> str:
    return "".join(chr(octet) if 0x20 <= octet < 0x7F and octet != 0x5C else f"\\{octet:03d}" for octet in octets)
