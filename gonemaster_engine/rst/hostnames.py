"""Labels of host names: LDH labels, and IDN labels that are valid under IDNA2008.

Source: RFC 5890 sections 2.3.1 and 2.3.2, RFC 5891, RFC 5892.
"""

from __future__ import annotations

import re

import idna

_LDH = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_RESERVED = re.compile(r"..--", re.DOTALL)
_ERRORS = (ValueError, ArithmeticError, LookupError)  # IDNAError is a ValueError; Punycode may raise the others


def invalid_labels(name: str) -> list[str]:
    """Return the labels of a canonical name that are neither non-reserved LDH labels nor A-labels under IDNA2008."""
    return [label for label in name.split(".") if label and not is_valid_label(label)]


def is_valid_label(label: str) -> bool:
    """Return whether a label is a non-reserved LDH label, or an A-label that is valid under IDNA2008."""
    if not _LDH.fullmatch(label):
        return False
    return not _RESERVED.match(label) or _is_a_label(label)


def is_host_name(name: str) -> bool:
    """Return whether a canonical name consists of at least two LDH labels."""
    labels = name.split(".")
    return len(labels) > 1 and all(map(_LDH.fullmatch, labels))


def _is_a_label(label: str) -> bool:
    """Return whether a label with hyphens in the third and fourth position is an A-label.

    RFC 5891 section 5.4: the U-label must be valid, and encode to the same A-label again.
    """
    if not label.lower().startswith("xn--"):
        return False
    try:
        u_label = idna.ulabel(label)
        return idna.alabel(u_label) == label.lower().encode("ascii")
    except _ERRORS:
        return False
