"""Findings about a zone file, which belong to no test case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gonemaster_engine.entries import Entry, Level

MODULE = "ZONEFILE"
LEVELS: Mapping[str, Level] = {
    "ZF_SYNTAX": Level.CRITICAL,
    "ZF_NO_SOA": Level.CRITICAL,
    "ZF_NO_NS": Level.CRITICAL,
    "ZF_NS_TOO_LARGE": Level.CRITICAL,
    "ZF_RRSET_TOO_LARGE": Level.ERROR,
    "ZF_OUT_OF_ZONE": Level.WARNING,
    "ZF_NO_SIGNATURE": Level.ERROR,
    "ZF_SIGNATURE_INVALID": Level.ERROR,
    "ZF_DENIAL_BROKEN": Level.ERROR,
    "ZF_SIGNATURES_NOT_CHECKED": Level.NOTICE,
    "ZF_NOT_DELEGATED": Level.NOTICE,
    "ZF_NS_ADDED": Level.NOTICE,
    "ZF_NS_REMOVED": Level.NOTICE,
    "ZF_NS_NO_ADDRESS": Level.ERROR,
    "ZF_NS_NO_RESPONSE": Level.ERROR,
    "ZF_NS_NOT_SERVING": Level.ERROR,
    "ZF_GLUE_MISSING": Level.ERROR,
    "ZF_GLUE_DIFFERS": Level.ERROR,
    "ZF_DS_WITHOUT_KEY": Level.WARNING,
    "ZF_DS_NO_LONGER_VALIDATES": Level.CRITICAL,
    "ZF_NO_DS_YET": Level.NOTICE,
    "ZF_SERIAL_NOT_HIGHER": Level.WARNING,
}
"""The tags about the file and about its differences from the published delegation, with their levels."""


def make_entry(tag: str, args: dict[str, Any]) -> Entry:
    """Return a finding as an entry of a run."""
    return Entry(0.0, MODULE, "", tag, LEVELS[tag], args)
