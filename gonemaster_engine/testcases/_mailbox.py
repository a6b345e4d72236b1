"""Mailboxes in SOA records: the RNAME as text, and its mail address."""

from __future__ import annotations

import re

import dns.name

_ATOM = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL_PART = re.compile(rb"%b(?:\.%b)*" % (_ATOM, _ATOM) + rb"|" + rb'"(?:[\t !#-\[\]-~]|\\[\t -~])*"')
_LABEL = rb"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rb"%b(?:\.%b)*" % (_LABEL, _LABEL))


def mailbox_text(rname: dns.name.Name) -> str:
    """Return an RNAME in presentation format, without the final dot; only dots in a label are escaped."""
    return ".".join(_shown(label).replace(".", "\\.") for label in rname.labels if label) or "."


def mail_address(rname: dns.name.Name) -> str:
    """Return the mail address of an RNAME, whose first label is the local part (RFC 1035 section 8)."""
    labels = [_shown(label) for label in rname.labels if label]
    return "@".join((labels[0], ".".join(labels[1:]))) if len(labels) > 1 else "".join(labels)


def _shown(label: bytes) -> str:
    return "".join(chr(octet) if 0x20 < octet < 0x7F and octet != 0x5C else f"\\{octet:03d}" for octet in label)


def is_mailbox(rname: dns.name.Name) -> bool:
    """Return whether an RNAME is a mail address: a local part, possibly quoted, and a domain of host labels.

    Source: RFC 5322 section 3.4.1, RFC 5321 section 4.1.2. Labels and names never exceed the lengths allowed there.
    """
    local, *domain = [label for label in rname.labels if label] or [b""]
    return _LOCAL_PART.fullmatch(local) is not None and _DOMAIN.fullmatch(b".".join(domain)) is not None
