"""The trust anchors of the root zone: IANA's document, which is part of the package, with periods of validity.

Source: https://data.iana.org/root-anchors/root-anchors.xml, RFC 9718 section 2.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from gonemaster_engine.dnssec.records import Ds, make_ds

ANCHORS_FILE = Path(__file__).parents[1] / "data" / "root-anchors.xml"


@dataclass(frozen=True, slots=True)
class Anchor:
    """A trust anchor and its period of validity in POSIX seconds; `until` is None while the end is unknown."""

    ds: Ds
    since: float
    until: float | None

    def is_valid(self, now: float) -> bool:
        """Return whether the anchor may be used at a time."""
        return self.since <= now and (self.until is None or now < self.until)


def parse_anchors(text: str) -> tuple[Anchor, ...]:
    """Return the anchors in a document.

    Raises:
      ValueError: it is not a document of the root's trust anchors.
    """
    from xml.etree import ElementTree  # imported here, since it is slow to load

    try:
        document = ElementTree.fromstring(text)  # noqa: S314 - Expat itself limits the expansion of entities
    except ElementTree.ParseError as error:
        raise ValueError(f"invalid XML: {error}") from error
    if document.tag != "TrustAnchor" or document.findtext("Zone") != ".":
        raise ValueError("not a document of trust anchors of the root")

    def moment(text: str | None) -> float | None:
        return None if text is None else datetime.fromisoformat(text).timestamp()

    def number(name: str) -> int:
        return int(element.findtext(name) or "")

    found = []
    for element in document.iter("KeyDigest"):
        digest = bytes.fromhex(element.findtext("Digest") or "")
        ds = make_ds(
            tag=number("KeyTag"), algorithm=number("Algorithm"), digest_type=number("DigestType"), digest=digest
        )
        found.append(Anchor(ds, moment(element.get("validFrom")) or 0.0, moment(element.get("validUntil"))))
    return tuple(found)


@cache
def iana_anchors() -> tuple[Anchor, ...]:
    """Return all anchors of IANA's document, including former ones."""
    return parse_anchors(ANCHORS_FILE.read_text("utf-8"))


def root_anchors(now: float | None = None) -> tuple[Ds, ...]:
    """Return the DS records of the anchors that are valid at a time, by default now."""
    moment = time.time() if now is None else now
    return tuple(anchor.ds for anchor in iana_anchors() if anchor.is_valid(moment))
