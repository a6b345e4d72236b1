"""DNSSEC24: signals for bootstrapping the chain of trust. RFC 9615, RFC 8078 sections 3 and 4."""

from __future__ import annotations

from typing import Final

import dns.name
from dns.rdatatype import CDNSKEY, CDS, RdataType
from dns.rdatatype import DS as DS_TYPE

from tests.reference.cases.signals import Fault, Levels, Outcome, Signal
from tests.reference.messages import records
from tests.reference.network import do
from tests.reference.proofs import Verdict, verify
from tests.reference.subject import Findings, Found, Server, Subject, by_address, listed, text_of

Name = dns.name.Name
MAX_NAME_OCTETS: Final = 255
Sets = dict[tuple[str, RdataType], frozenset[bytes]]
"""Data of the apex records, by address and type, of servers that answered."""


def dnssec24(subject: Subject) -> Findings:
    secure = ["-"] if subject.options.ds else []
    parents = by_address(subject.parent.servers) if subject.parent else []
    servers, tags = subject.open_servers(parents if not secure else [], "DS")
    yield from tags
    having = []
    for address, names in servers:
        reply = subject.ask(address, do(subject.zone, DS_TYPE))
        if reply is not None and reply.usable and records(reply.answer, subject.zone, DS_TYPE):
            having += names
    if secure or having:
        yield "DS24_DELEGATION_SECURE", {"servers": secure or listed(having)}
        return
    servers, tags = subject.open_servers(by_address(subject.delegated), "CDS", "CDNSKEY")
    yield from tags
    yield from Bootstrap(subject, servers).findings()


class Bootstrap:
    """The data that the zone publishes for its parent, and the signals of its operators."""

    def __init__(self, subject: Subject, servers: list[tuple[str, list[Server]]]) -> None:
        self.subject = subject
        self.apex: Sets = {}
        self.unavailable: list[Server] = []
        for address, names in servers:
            for kind in (CDS, CDNSKEY):
                reply = subject.ask(address, do(subject.zone, kind))
                if reply is None or not reply.usable:
                    self.unavailable += names
                    continue
                found = records(reply.answer, subject.zone, kind)
                self.apex[address, kind] = frozenset(rdata.to_wire() or b"" for rdata in found)

    def findings(self) -> Findings:
        """Check the apex, then the hosts outside of the zone."""
        everything = {(kind, data) for (_, kind), found in self.apex.items() for data in found}
        if not everything:
            yield "DS24_NO_CDS_CDNSKEY", {}
            return
        # The algorithm is the third octet of a CDS and the fourth of a CDNSKEY record.
        if all(data[2 if kind == CDS else 3 : 4][:1] == b"\0" for kind, data in everything):
            yield "DS24_DELETE_REQUESTED", {}
            return
        if self.unavailable:
            yield "DS24_APEX_UNAVAILABLE", {"servers": listed(self.unavailable)}
        hosts = sorted(self.subject.delegated)
        outside = [host for host in hosts if not host.is_subdomain(self.subject.zone)]
        if not outside:
            yield "DS24_ONLY_IN_DOMAIN_NS", {"servers": [{"ns": text} for text in sorted(map(text_of, hosts))]}
            return
        yield from self._hosts(outside)

    def _hosts(self, hosts: list[Name]) -> Findings:
        levels, absent, reported, has_signal = Levels(self.subject), list[Name](), list[Found](), False
        for host in hosts:
            name = signalling_name(self.subject.zone, host)
            if name is None:
                shown = f"_dsboot.{self.subject.text}._signal.{text_of(host)}"
                reported.append(("DS24_SIGNAL_NAME_TOO_LONG", {"ns": text_of(host), "query_name": shown}))
                continue
            outcome = levels.look_up(name)
            if outcome is Outcome.ABSENT:
                absent.append(host)
            elif isinstance(outcome, Fault):
                reported.append(self._fault(outcome, host, name))
            elif isinstance(outcome, Signal):
                has_signal = True
                reported += self._judge(levels, outcome, host, name)
        yield from reported
        yield from self._absent(absent, has_signal=has_signal)
        is_ready = len([tag for tag, _ in reported if tag == "DS24_SIGNAL_VALIDATED"]) == len(hosts)
        if is_ready and not self.unavailable:
            yield "DS24_BOOTSTRAP_READY", {}

    def _absent(self, hosts: list[Name], *, has_signal: bool) -> Findings:
        if has_signal:
            for host in hosts:
                name = signalling_name(self.subject.zone, host)
                yield "DS24_SIGNAL_MISSING", {"ns": text_of(host), "query_name": text_of(name or host)}
        elif hosts:
            yield "DS24_NO_SIGNAL", {"servers": [{"ns": text} for text in sorted(map(text_of, hosts))]}

    def _fault(self, fault: Fault, host: Name, name: Name) -> Found:
        arguments: dict[str, object] = {"ns": text_of(host)}
        if fault.kind == "AT_ZONE_CUT":
            return "DS24_SIGNAL_AT_ZONE_CUT", {**arguments, "query_name": text_of(name)}
        arguments["zone"] = text_of(fault.zone)
        if fault.kind == "ZONE_UNREACHABLE":
            arguments["servers"] = listed(fault.servers)
        return f"DS24_SIGNAL_{fault.kind}", arguments

    def _judge(self, levels: Levels, signal: Signal, host: Name, name: Name) -> list[Found]:
        chain = levels.verify(signal.zone)
        if isinstance(chain, Fault):
            return [self._fault(chain, host, name)]
        if chain is Verdict.UNSUPPORTED:
            return []
        names = {"ns": text_of(host), "query_name": text_of(name)}
        found: list[Found] = []
        has_verdict = True
        for kind, rrset in signal.sets.items():
            shown = {**names, "query_type": RdataType(kind).name}
            if rrset is not None:
                own = [one for one in signal.signatures[kind] if one.signer == signal.zone]
                verdicts = [verify(rrset, one, levels.keys(signal.zone)) for one in own]
                if Verdict.GOOD not in verdicts:
                    if Verdict.UNSUPPORTED in verdicts:
                        has_verdict = False
                    else:
                        found.append(("DS24_SIGNAL_UNSIGNED", {**shown, "zone": text_of(signal.zone)}))
                    continue
            data = frozenset(rdata.to_wire() or b"" for rdata in rrset or ())
            if any(known != data for (_, each), known in self.apex.items() if each == kind):
                found.append(("DS24_SIGNAL_MISMATCH", shown))
        if not found and has_verdict:
            found.append(("DS24_SIGNAL_VALIDATED", {**names, "zone": text_of(signal.zone)}))
        return found


def signalling_name(zone: Name, host: Name) -> Name | None:
    """Return the name of a signal; None if it is too long (RFC 1035 section 3.1)."""
    labels = (b"_dsboot", *zone.labels[:-1], b"_signal", *host.labels)
    return Name(labels) if sum(len(label) + 1 for label in labels) <= MAX_NAME_OCTETS else None
