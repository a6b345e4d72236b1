"""Mailboxes in SOA records: the RNAME as text, and the mail address that it stands for."""

from __future__ import annotations

import re

import dns.name

LOCAL_PART_MAX_OCTETS = 64  # RFC 5321 section 4.5.3.1.1
DOMAIN_MAX_OCTETS = 255

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?P<local>{_ATOM}(?:\.{_ATOM})*)@(?P<domain>{_LABEL}(?:\.{_LABEL})*)", re.ASCII)


def mailbox_text(rname: dns.name.Name) -> str:
    """Return an RNAME in presentation format, without the final dot; only dots in a label are escaped."""
    return ".".join(_shown(label).replace(".", "\\.") for label in rname.labels if label) or "."


def mail_address(rname: dns.name.Name) -> str:
    """Return the mail address that an RNAME stands for: its first label is the local part (RFC 1035 section 8)."""
    labels = [_shown(label) for label in rname.labels if label]
    return "@".join((labels[0], ".".join(labels[1:]))) if len(labels) > 1 else "".join(labels)


def _shown(label: bytes) -> str:
    return "".join(chr(octet) if 0x20 < octet < 0x7F and octet != 0x5C else f"\\{octet:03d}" for octet in label)


def is_mail_address(address: str) -> bool:
    """Say whether an address can be used without quotes (RFC 5321 section 4.1.2, RFC 5322 section 3.4.1)."""
    match = _ADDRESS.fullmatch(address)
    return (
        match is not None and len(match["local"]) <= LOCAL_PART_MAX_OCTETS and len(match["domain"]) <= DOMAIN_MAX_OCTETS
    )
