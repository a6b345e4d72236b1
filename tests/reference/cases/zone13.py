"""ZONE13: an SPF policy stays within the limit of DNS lookups. RFC 7208 sections 4.6.4, 5.1 and 6.1."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import dns.exception
import dns.name
import dns.rdata
from dns.rdatatype import TXT

from tests.reference.messages import records
from tests.reference.network import plain
from tests.reference.subject import Findings, Found, Subject

COUNTED = re.compile(r"[+?~-]?(a|mx|ptr|exists)(?:[:/].*)?", re.IGNORECASE)
ALL = re.compile(r"[+?~-]?all", re.IGNORECASE)
FOLLOWED = re.compile(r"(?:[+?~-]?include:|redirect=)(.*)", re.IGNORECASE)


def zone13(subject: Subject) -> Findings:
    policies = own_policies(subject)
    if policies is None:
        yield "Z13_UNABLE_TO_CHECK", {}
    elif not policies:
        yield "Z13_NO_SPF_FOUND", {"domain": subject.text}
    else:
        walk = Walk(subject)
        walk.policy(policies[0])
        yield from walk.found
        if walk.count > subject.options.spf_limit:
            arguments = {"count": walk.count, "limit": subject.options.spf_limit}
            yield "Z13_SPF_LOOKUP_COUNT_EXCEEDED", {"domain": subject.text, **arguments}
        else:
            yield "Z13_SPF_LOOKUP_COUNT_OK", {"domain": subject.text, "count": walk.count}


@dataclass
class Walk:
    """The terms of a policy and of the policies to which it refers."""

    subject: Subject
    count: int = 0
    found: list[Found] = field(default_factory=list)
    visited: set[dns.name.Name] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.visited.add(self.subject.zone)

    def policy(self, text: str) -> None:
        listed = text.split(" ")[1:]
        has_all = any(map(ALL.fullmatch, listed))
        for term in listed:
            if ALL.fullmatch(term):
                return
            if has_all and term.lower().startswith("redirect="):
                continue
            if match := FOLLOWED.fullmatch(term):
                self.count += 1
                self._follow(match[1])
            elif match := COUNTED.fullmatch(term):
                self.count += 1
                if match[1].lower() == "ptr":
                    self._tell("Z13_SPF_PTR_DEPRECATED")

    def _tell(self, tag: str, **arguments: str) -> None:
        made = (tag, {"domain": self.subject.text, **arguments})
        if made not in self.found:
            self.found.append(made)

    def _follow(self, target: str) -> None:
        shown = target.rstrip(".").lower() or "."
        if "%" in target:
            self._tell("Z13_SPF_MACRO_TARGET", target=target)
            return
        try:
            name = dns.name.from_text(target).canonicalize()
        except dns.exception.DNSException:
            self._tell("Z13_SPF_RECURSIVE_ERROR", target=shown)
            return
        if name in self.visited:
            self._tell("Z13_SPF_LOOKUP_LOOP", loop_domain=shown)
            return
        found = policies_in(self.subject.resolution.lookup(name, TXT) or [])
        if len(found) != 1:
            self._tell("Z13_SPF_RECURSIVE_ERROR", target=shown)
            return
        self.visited.add(name)
        self.policy(found[0])


def own_policies(subject: Subject) -> list[str] | None:
    """Return the policies of the zone from one of its servers; None without an authoritative response."""
    for address, _ in subject.both:
        reply = subject.ask(address, plain(subject.zone, TXT))
        if reply is not None and reply.usable:
            return policies_in(records(reply.answer, subject.zone, TXT))
    return None


def policies_in(found: list[dns.rdata.Rdata]) -> list[str]:
    texts = [b"".join(rdata.strings).decode("latin-1") for rdata in found]  # type: ignore[attr-defined]
    return [text for text in texts if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")]
