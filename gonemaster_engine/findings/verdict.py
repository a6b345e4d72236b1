"""The verdict on a run that cannot judge a zone: its name is not a zone, or nothing answered questions about it.

Such a run has no score and no grade. The verdict is one of its entries, so it exists for stored runs, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gonemaster_engine import names
from gonemaster_engine.findings.messages import DEFAULT_LOCALE, message
from gonemaster_engine.findings.messages import advice as advice_of

DOES_NOT_EXIST = "does_not_exist"
NOT_TESTABLE = "not_testable"
_NO_NETWORK = "NO_NETWORK"
_HARM_OF = {
    _NO_NETWORK: NOT_TESTABLE,
    "TLD_NOT_DELEGATED": DOES_NOT_EXIST,
    "NAME_DOES_NOT_EXIST": DOES_NOT_EXIST,
    "NAME_NOT_A_ZONE": DOES_NOT_EXIST,
    "B01_CHILD_UNDETERMINED": NOT_TESTABLE,
    "B01_NO_CHILD": DOES_NOT_EXIST,  # the only such entry in runs of older versions
    "DOMAIN_NAME_ZERO_LENGTH_LABEL": DOES_NOT_EXIST,
    "DOMAIN_NAME_LABEL_TOO_LONG": DOES_NOT_EXIST,
    "DOMAIN_NAME_TOO_LONG": DOES_NOT_EXIST,
}
"""Harm by tag; if a run has several of the tags, the first one gives the verdict."""


class JudgedEntry(Protocol):
    """The attributes of an entry that a verdict reads: an `Entry` of the engine, or a database row."""

    @property
    def module(self) -> str:
        """The module that reported it."""

    @property
    def tag(self) -> str:
        """The message tag."""

    @property
    def args(self) -> Mapping[str, Any]:
        """The arguments of the message."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a run: the harm, and the entry that explains it."""

    harm: str
    entry: JudgedEntry

    def sentence(self, *, locale: str = DEFAULT_LOCALE) -> str:
        """Return the explanation in one sentence."""
        return message(self.entry.tag, self.entry.module, self.entry.args, locale=locale)

    def advice(self, *, locale: str = DEFAULT_LOCALE) -> str:
        """Return what the user can do."""
        return advice_of(self.entry.tag, self.entry.module, locale=locale)

    @property
    def is_of_the_tester(self) -> bool:
        """Whether the network of the tester failed, so that the run says nothing about the name."""
        return self.entry.tag == _NO_NETWORK

    @property
    def is_unknown(self) -> bool:
        """Whether the run says nothing about the name: the tester or the zones above the name gave no answers."""
        return self.harm == NOT_TESTABLE

    @property
    def test_instead(self) -> str | None:
        """The zone that the name is in; None if it is the root zone or unknown."""
        if self.is_unknown:
            return None
        zone = self.entry.args.get("zone") or self.entry.args.get("domain_super")
        return None if zone == names.ROOT else zone

    def as_dict(self, *, locale: str = DEFAULT_LOCALE) -> dict[str, Any]:
        """Return the verdict as a document for JSON output."""
        return {"harm": self.harm, "sentence": self.sentence(locale=locale), "test_instead": self.test_instead}


def verdict_of(entries: Iterable[JudgedEntry]) -> Verdict | None:
    """Return the verdict on a run that cannot judge a zone; None for other runs."""
    found = {entry.tag: entry for entry in entries if entry.tag in _HARM_OF}
    return next((Verdict(harm, found[tag]) for tag, harm in _HARM_OF.items() if tag in found), None)


def is_judged(tags: Iterable[str]) -> bool:
    """Return whether a run with these tags judges a zone, so that it has a score."""
    return _HARM_OF.keys().isdisjoint(tags)
