"""The texts of the diagram in one language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gonemaster_engine.findings.messages import phrase
from gonemaster_engine.findings.messages.chain import FACTS, LABELS, REASONS, SUMMARIES
from gonemaster_engine.findings.messages.formatting import shown
from gonemaster_engine.trustchain.diagram.marks import Mark

_RRSETS = {"ds": "DS", "dnskey": "DNSKEY", "soa": "SOA", "denial": "NSEC, NSEC3"}
_SHORT_NAMES = {  # short names of algorithms, for boxes
    6: "DSA-NSEC3",
    7: "RSASHA1-NSEC3",
    13: "ECDSAP256",
    14: "ECDSAP384",
}


@dataclass(frozen=True, slots=True)
class DiagramTexts:
    """Provides texts in one language."""

    locale: str

    def label(self, key: str, **args: Any) -> str:
        """Return a short text for a box or band."""
        return phrase(LABELS[key], args, locale=self.locale)

    def fact(self, key: str, **args: Any) -> str:
        """Return a text for a fact."""
        return phrase(FACTS[key], args, locale=self.locale)

    def coded(self, kind: str, code: str, *, short: bool = False, **args: Any) -> str:
        """Return the text for a code of the document, such as a verdict; unknown codes are returned unchanged."""
        texts, key = LABELS if short else FACTS, f"{kind}_{code}"
        return phrase(texts[key], args, locale=self.locale) if key in texts else shown(code)

    def reason(self, code: str) -> str:
        """Return the sentence for a reason of the document; unknown reasons are returned unchanged."""
        if code in REASONS:
            return phrase(REASONS[code], {}, locale=self.locale)
        subject, _, fault = code.partition("_")
        if subject in _RRSETS and fault in REASONS:
            return phrase(REASONS[fault], {"rrset": _RRSETS[subject]}, locale=self.locale)
        return shown(code)

    def summary(self, status: str, zone: str) -> str:
        """Return a sentence about the whole chain."""
        of_root = SUMMARIES.get(f"{status}_root") if zone == "." else None
        text = of_root or SUMMARIES.get(status, SUMMARIES["indeterminate"])
        return phrase(text, {"zone": zone}, locale=self.locale)

    def mark(self, mark: Mark) -> str:
        """Return the word for a mark."""
        return self.label(mark.value)


def instant(moment: datetime | None) -> str:
    """Return a time in UTC, in the same format for all languages."""
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "?"


def short_algorithm(number: int, name: str) -> str:
    """Return a name of the algorithm that fits into a box."""
    return _SHORT_NAMES.get(number, name) or str(number)
