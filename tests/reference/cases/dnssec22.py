"""DNSSEC22: do the addresses of in-domain name servers validate? RFC 4035 section 5, RFC 5155 section 8, RFC 6840."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import dns.name
from dns.rdatatype import AAAA, CNAME, NSEC, NSEC3, A
from dns.rdatatype import DNSKEY as DNSKEY_TYPE
from dns.rdatatype import DS as DS_TYPE
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS
from dns.rdtypes.ANY.RRSIG import RRSIG

from tests.reference.cases.cuts import Cuts, State
from tests.reference.messages import Reply, records
from tests.reference.network import do
from tests.reference.proofs import Verdict, keys_in, secure_entry, set_of, signatures, verify
from tests.reference.resolution import Servers, glue, targets
from tests.reference.subject import Findings, Notes, Server, Subject, by_address, listed, text_of

Name = dns.name.Name
Signed = list[tuple[RRSIG, Any]]
"""Signatures, each with the RRset that it covers."""


def dnssec22(subject: Subject) -> Findings:
    names = sorted(name for name in {*subject.delegated, *subject.apex} if name.is_subdomain(subject.zone))
    if not names or subject.zone == dns.name.root:
        yield "DS22_NO_IN_DOMAIN_NS", {}
    elif not is_secure(subject):
        yield "DS22_ZONE_NOT_SECURE", {}
    else:
        servers, tags = subject.open_servers(subject.both, "A")
        yield from tags
        run = Run(subject)
        any_keys = next(keys for keys in apex_keys(subject).values() if keys)
        for address, known in servers:
            View(run, subject.zone, address, known, apex_keys(subject)[address] or any_keys).judge(names)
        yield from run.follow()
        yield from run.notes
        if run.validated and not any(tag in ERRORS for tag in run.notes.tags()):
            yield "DS22_NS_ADDRESS_VALIDATES", {"servers": listed(run.validated)}


ERRORS = {
    "DS22_NS_ADDRESS_CHAIN_BROKEN",
    "DS22_NS_ADDRESS_ORPHAN_ZONE",
    "DS22_NS_ADDRESS_RRSIG_EXPIRED",
    "DS22_NS_ADDRESS_RRSIG_NOT_VALID_BY_DNSKEY",
    "DS22_NS_ADDRESS_UNSIGNED",
}


def apex_keys(subject: Subject) -> dict[str, list[DNSKEY]]:
    """Return the keys that each server of the zone publishes."""
    zone = subject.zone
    return {address: keys_in(subject.ask(address, do(zone, DNSKEY_TYPE)), zone) for address, _ in subject.both}


def is_secure(subject: Subject) -> bool:
    """Return whether some server has keys of the zone and some parent server a DS record."""
    parents = by_address(subject.parent.servers) if subject.parent else []
    replies = [subject.ask(address, do(subject.zone, DS_TYPE)) for address, _ in parents]
    has_ds = any(reply and reply.usable and records(reply.answer, subject.zone, DS_TYPE) for reply in replies)
    return any(apex_keys(subject).values()) and (has_ds or subject.options.ds)


@dataclass
class Referral:
    """A cut with deferred names: the server that referred, the target, and the DS records."""

    servers: Servers = field(default_factory=dict)
    names: dict[Name, set[Server]] = field(default_factory=dict)
    ds_set: list[DS] = field(default_factory=list)


@dataclass
class Run:
    """The state that all views of a run share."""

    subject: Subject
    notes: Notes = field(default_factory=Notes)
    validated: list[Server] = field(default_factory=list)
    decided: set[Name] = field(default_factory=set)
    put_off: dict[Name, Referral] = field(default_factory=dict)

    def find(self, tag: str, name: Name, servers: Iterable[Server], **more: Any) -> None:
        self.decided.add(name)
        self.notes.add(f"DS22_NS_ADDRESS_{tag}", servers, ns=text_of(name), **more)

    def follow(self) -> Findings:
        """Query the servers of the cuts for the deferred names."""
        for cut, referral in sorted(self.put_off.items()):
            servers, tags = self.subject.open_servers(by_address(referral.servers), "A")
            known_tags = self.subject.open_servers(self.subject.both, "A")[1]
            yield from (tag for tag in tags if tag not in known_tags)
            for address, known in servers:
                self._follow(cut, referral, address, known)
            for name, referrers in referral.names.items():
                if name not in self.decided:
                    self.notes.add("DS22_NS_ADDRESS_REFERRED", referrers, ns=text_of(name), zone=text_of(cut))

    def _follow(self, cut: Name, referral: Referral, address: str, known: list[Server]) -> None:
        reply = self.subject.ask(address, do(cut, DNSKEY_TYPE))
        if reply is None or not reply.usable:
            return
        verdict = secure_entry(reply, cut, referral.ds_set)
        if verdict is Verdict.GOOD:
            view = View(self, cut, address, known, keys_in(reply, cut), follows=False)
            view.judge(sorted(referral.names))
        elif verdict is not Verdict.UNSUPPORTED:
            for name in referral.names:
                self.find("CHAIN_BROKEN", name, known, signer=text_of(cut))


class View:
    """The names as one server publishes them, below a zone whose keys are known."""

    def __init__(
        self, run: Run, zone: Name, address: str, servers: list[Server], keys: list[DNSKEY], *, follows: bool = True
    ) -> None:
        self.run, self.zone, self.address, self.servers, self.follows = run, zone, address, servers, follows
        self.cuts = Cuts(run.subject, zone, address, keys)
        self.referred: dict[Name, Reply] = {}

    def judge(self, names: Iterable[Name]) -> None:
        for name in names:
            above = [cut for cut in self.referred if name.is_subdomain(cut)]
            if above:
                self._refer(name, max(above, key=len))
            else:
                self._ask(name)

    def _ask(self, name: Name) -> None:
        reply = self.run.subject.ask(self.address, do(name, A))
        if reply is None or not (reply.is_noerror or reply.is_nxdomain):
            return
        if reply.is_referral and reply.cut is not None:
            cut = reply.cut.canonicalize()
            if cut != self.zone and cut.is_subdomain(self.zone) and name.is_subdomain(cut):
                self.referred[cut] = reply
                self._refer(name, cut)
        elif reply.usable and not any(rrset.rdtype == CNAME for rrset in reply.answer):
            self._conclude(name, self._signed(name, reply))

    def _signed(self, name: Name, reply: Reply) -> Signed:
        """Return the proof of a name's address, or of its absence."""
        if found := set_of(reply.answer, name, A):
            return [(one, found) for one in signatures(reply.answer, name, A)]
        other = self.run.subject.ask(self.address, do(name, AAAA))
        found = set_of(other.answer, name, AAAA) if other is not None and other.usable else None
        if found and other is not None:
            return [(one, found) for one in signatures(other.answer, name, AAAA)]
        return [
            (one, rrset)
            for rrset in reply.authority
            if rrset.rdtype in (NSEC, NSEC3)
            for one in signatures(reply.authority, rrset.name, rrset.rdtype)
        ]

    def _refer(self, name: Name, cut: Name) -> None:
        state = self.cuts.referred_state(cut)
        if state is State.INSECURE:
            self.run.find("INSECURE", name, self.servers)
        elif state is State.BROKEN:
            self.run.find("CHAIN_BROKEN", name, self.servers, signer=text_of(cut))
        elif state is State.SECURE and self.follows:
            referral = self.run.put_off.setdefault(cut, Referral())
            referral.names.setdefault(name, set()).update(self.servers)
            referral.ds_set += [ds for ds in self.cuts.ds_set(cut) if ds not in referral.ds_set]
            reply = self.referred[cut]
            for target in targets(reply.authority, cut):
                referral.servers.setdefault(target, set()).update(glue(reply, target))

    def _expected(self, name: Name, signer: Name | None) -> Name:
        if signer == self.zone:
            return self.zone
        walk = [Name(name.labels[start:]) for start in range(len(name.labels) - len(self.zone.labels))]
        start = walk.index(signer) if signer in walk else 0
        decided = (State.SECURE, State.INSECURE, State.BROKEN)
        return next((each for each in walk[start:] if self.cuts.state(each) in decided), self.zone)

    def _conclude(self, name: Name, signed: Signed) -> None:
        signer = signed[0][0].signer.canonicalize() if signed else None
        expected = self._expected(name, signer)
        state = State.SECURE if expected == self.zone else self.cuts.state(expected)
        if state is State.INSECURE:
            self.run.find("INSECURE", name, self.servers)
        elif state is State.BROKEN:
            self.run.find("CHAIN_BROKEN", name, self.servers, signer=text_of(expected))
        elif signer is None:
            self.run.find("UNSIGNED", name, self.servers)
        elif signer == expected:
            self._verify(name, signed, expected)
        else:
            self._foreign(name, signer, expected, signed[0][0].key_tag)

    def _foreign(self, name: Name, signer: Name, expected: Name, keytag: int) -> None:
        """Judge a signer that is not an ancestor of the name."""
        if signer != expected and signer.is_subdomain(expected) and name.is_subdomain(signer):
            state = self.cuts.state(signer)
            if state is State.NOT_A_CUT:
                self.run.find("ORPHAN_ZONE", name, self.servers, signer=text_of(signer))
                return
            if state is State.UNDETERMINED:
                return
        self.run.find("RRSIG_NOT_VALID_BY_DNSKEY", name, self.servers, signer=text_of(signer), keytag=keytag)

    def _verify(self, name: Name, signed: Signed, expected: Name) -> None:
        keys = self.cuts.keys_of(expected)
        verdicts = [(verify(rrset, one, keys), one.key_tag) for one, rrset in signed if one.signer == expected]
        found = {verdict for verdict, _ in verdicts}
        if Verdict.GOOD in found:
            self.run.decided.add(name)
            self.run.validated += self.servers
            return
        if Verdict.UNSUPPORTED in found:
            return
        for verdict, keytag in verdicts:
            if verdict is Verdict.EXPIRED:
                self.run.find("RRSIG_EXPIRED", name, self.servers, keytag=keytag)
            else:
                more = {"signer": text_of(expected), "keytag": keytag}
                self.run.find("RRSIG_NOT_VALID_BY_DNSKEY", name, self.servers, **more)
