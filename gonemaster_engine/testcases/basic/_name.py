"""Findings of BASIC about a name that exceeds the limits of RFC 1035 section 2.3.4, so that it cannot be queried.

Specification: Zonemaster BASIC00 (older versions of its test plan).
"""

from __future__ import annotations

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag

LABEL_TOO_LONG = Tag("DOMAIN_NAME_LABEL_TOO_LONG", Level.CRITICAL, ("domain", "label", "dlength", "max"))
NAME_TOO_LONG = Tag("DOMAIN_NAME_TOO_LONG", Level.CRITICAL, ("fqdnlength", "max"))
EMPTY_LABEL = Tag("DOMAIN_NAME_ZERO_LENGTH_LABEL", Level.CRITICAL, ("domain",))

FQDN_MAX_CHARACTERS = names.TEXT_MAX_CHARACTERS + 1  # length including the final dot


def name_findings(text: str) -> list[Finding]:
    """Return findings about the limits that a user's input exceeds; none if it exceeds no limit or has no label.

    It also returns none for very long input, because each entry would repeat it.
    """
    if len(text) > names.TYPED_MAX_CHARACTERS:
        return []
    labels = names.typed_labels(text)
    found = []
    if "" in labels:
        found.append(EMPTY_LABEL(domain=".".join(labels)))
    for label in labels:
        length = names.a_label_length(label)
        if length > names.LABEL_MAX_OCTETS:
            domain = ".".join(labels)
            found.append(LABEL_TOO_LONG(domain=domain, label=label, dlength=length, max=names.LABEL_MAX_OCTETS))
    length = sum(names.a_label_length(label) + 1 for label in labels)
    if length > FQDN_MAX_CHARACTERS:
        found.append(NAME_TOO_LONG(fqdnlength=length, max=FQDN_MAX_CHARACTERS))
    return found
