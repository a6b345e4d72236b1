"""The path from the root to a signal, as levels with servers and DS records, and the chain of trust along it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

import dns.name
import dns.rrset
import dns.zonefile
from dns.rdatatype import CDNSKEY, CDS, RdataType
from dns.rdatatype import DNSKEY as DNSKEY_TYPE
from dns.rdatatype import DS as DS_TYPE
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS
from dns.rdtypes.ANY.RRSIG import RRSIG

from tests.reference.messages import Reply, records
from tests.reference.network import do
from tests.reference.proofs import Section, Verdict, best, keys_in, secure_entry, set_of, signatures
from tests.reference.resolution import Servers, glue, targets
from tests.reference.subject import Server, Subject, text_of

Name = dns.name.Name
ASKED = 2


class Outcome(enum.Enum):
    """The states of a name other than a signal or a fault."""

    ABSENT = enum.auto()


@dataclass(frozen=True)
class Fault:
    """The reason why no verdict about a signal is possible, and the responsible zone."""

    kind: str
    zone: Name
    servers: tuple[Server, ...] = ()


@dataclass
class Signal:
    """The two RRsets at a signalling name, None if empty, their signatures, and their zone."""

    zone: Name
    sets: dict[RdataType, dns.rrset.RRset | None]
    signatures: dict[RdataType, list[RRSIG]]


@dataclass
class Level:
    """A zone on the path: its servers in query order, and the parent's data about it."""

    zone: Name
    parent: Name | None
    servers: list[Server]
    ds_set: list[DS] = field(default_factory=list)
    ds_signatures: list[RRSIG] = field(default_factory=list)
    is_broken: bool = False


class Levels:
    """The zones known so far. The root's DS records are the trust anchors of the hints."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        anchors = [
            rdata
            for rrset in dns.zonefile.read_rrsets(subject.hints_text, rdclass=None)
            if rrset.rdtype == DS_TYPE
            for rdata in rrset
            if isinstance(rdata, DS)
        ]
        root = Level(dns.name.root, None, _ordered(subject.resolution.hints), anchors)
        self._levels = {dns.name.root: root}
        self._unreachable: dict[Name, Fault] = {}
        self._verified: dict[Name, Fault | Verdict] = {}

    def look_up(self, name: Name) -> Outcome | Fault | Signal:
        """Descend to a signalling name."""
        level = self._deepest(name)
        for _ in name.labels:
            found = self._step(level, name)
            if not isinstance(found, Level):
                return self._placed(found, level, name) if isinstance(found, Signal) else found
            level = found
        return self._lost(level)

    def _deepest(self, name: Name) -> Level:
        return max((level for zone, level in self._levels.items() if _above(zone, name)), key=lambda one: len(one.zone))

    def _lost(self, level: Level) -> Fault:
        fault = Fault("ZONE_UNREACHABLE", level.zone, tuple(level.servers[:ASKED]))
        return self._unreachable.setdefault(level.zone, fault)

    def _step(self, level: Level, name: Name) -> Level | Outcome | Fault | Signal:
        if level.zone in self._unreachable:
            return self._unreachable[level.zone]
        for server in level.servers[:ASKED]:
            found = self._at(level, server, name)
            if found is not None:
                return found
        return self._lost(level)

    def _at(self, level: Level, server: Server, name: Name) -> Level | Outcome | Fault | Signal | None:
        """Return the response of one server; None without a response."""
        reply = self.subject.ask(server.address, do(name, CDS))
        if reply is None:
            return None
        if reply.is_referral:
            return self._referred(level, reply, name)
        if not reply.aa:
            return None
        if reply.is_nxdomain:
            return Outcome.ABSENT
        if not reply.is_noerror:
            return None
        other = self.subject.ask(server.address, do(name, CDNSKEY))
        if other is None or not other.aa or not (other.is_noerror or other.is_nxdomain):
            return None
        answers = {CDS: reply.answer, CDNSKEY: [] if other.is_nxdomain else other.answer}
        sets = {kind: set_of(answer, name, kind) for kind, answer in answers.items()}
        if not any(sets.values()):
            return Outcome.ABSENT
        return Signal(level.zone, sets, {kind: signatures(answer, name, kind) for kind, answer in answers.items()})

    def _referred(self, level: Level, reply: Reply, name: Name) -> Level | Fault | None:
        cut = reply.cut.canonicalize() if reply.cut is not None else level.zone
        if cut == name:
            return Fault("AT_ZONE_CUT", level.zone)
        if cut == level.zone or not _above(cut, name) or not cut.is_subdomain(level.zone):
            return None
        return self._made(level, reply, cut)

    def _made(self, level: Level, reply: Reply, cut: Name) -> Level:
        servers: Servers = {}
        for target in targets(reply.authority, cut):
            known = glue(reply, target) if target.is_subdomain(level.zone) else set()
            servers[target] = known or self.subject.resolution.addresses(target)
        made = Level(cut, level.zone, _ordered(servers))
        _add_ds(made, reply.authority)
        self._levels[cut] = made
        return made

    def _placed(self, signal: Signal, level: Level, name: Name) -> Signal | Fault:
        """Find the zone of a signal: the zone of its signer, if that zone is above the name and at or below the cut."""
        over = [one for kind in (CDS, CDNSKEY) if signal.sets[kind] for one in signal.signatures[kind]]
        signer = over[0].signer.canonicalize() if over else level.zone
        if signer == name:
            return Fault("AT_ZONE_CUT", level.zone)
        if not (_above(signer, name) and signer.is_subdomain(level.zone)):
            return signal
        for _ in signer.labels:
            if signer in self._levels:
                signal.zone = signer
                return signal
            fault = self._towards(level, signer)
            if fault is not None:
                return fault
            level = self._deepest(name)
        return self._lost(level)

    def _towards(self, level: Level, zone: Name) -> Fault | None:
        """Create the levels between this one and a zone, as the servers of this level show them."""
        for server in level.servers[:ASKED]:
            reply = self.subject.ask(server.address, do(zone, DS_TYPE))
            if reply is None:
                continue
            if reply.is_referral and reply.cut is not None:
                cut = reply.cut.canonicalize()
                if cut != level.zone and cut.is_subdomain(level.zone) and zone.is_subdomain(cut):
                    self._made(level, reply, cut)
                    return None
            elif reply.aa and (reply.is_noerror or reply.is_nxdomain):
                self._same_servers(level, reply, zone)
                return None
        return self._lost(level)

    def _same_servers(self, level: Level, reply: Reply, zone: Name) -> None:
        signers = [one.signer.canonicalize() for one in signatures(reply.answer, zone, DS_TYPE)]
        between = signers[0] if signers else level.zone
        is_between = between != level.zone and between.is_subdomain(level.zone) and _above(between, zone)
        if is_between and between not in self._levels:
            self._towards(level, between)
        parent = between if is_between else level.zone
        made = Level(zone, parent, level.servers, is_broken=reply.is_nxdomain)
        _add_ds(made, reply.answer)
        self._levels[zone] = made

    def keys(self, zone: Name) -> list[DNSKEY]:
        reply = self._keys_reply(self._levels[zone])
        return keys_in(reply, zone)

    def _keys_reply(self, level: Level) -> Reply | None:
        for server in level.servers[:ASKED]:
            reply = self.subject.ask(server.address, do(level.zone, DNSKEY_TYPE))
            if keys_in(reply, level.zone):
                return reply
        return None

    def verify(self, zone: Name) -> Fault | Verdict:
        """Judge the chain from the root to a zone; the first fault counts."""
        if zone not in self._verified:
            level = self._levels[zone]
            above = Verdict.GOOD if level.parent is None else self.verify(level.parent)
            self._verified[zone] = self._verify(level) if above is Verdict.GOOD else above
        return self._verified[zone]

    def _verify(self, level: Level) -> Fault | Verdict:
        if level.is_broken:
            return Fault("CHAIN_BROKEN", level.zone)
        if not level.ds_set:
            return Fault("ZONE_INSECURE", level.zone)
        if level.parent is not None:
            rrset = dns.rrset.from_rdata_list(level.zone, 0, level.ds_set)
            own = [one for one in level.ds_signatures if one.signer == level.parent]
            verdict = best(rrset, own, self.keys(level.parent))
            if verdict is not Verdict.GOOD:
                return verdict if verdict is Verdict.UNSUPPORTED else Fault("CHAIN_BROKEN", level.zone)
        reply = self._keys_reply(level)
        if reply is None:
            return Fault("ZONE_UNREACHABLE", level.zone, tuple(level.servers[:ASKED]))
        verdict = secure_entry(reply, level.zone, level.ds_set)
        return Fault("CHAIN_BROKEN", level.zone) if verdict is Verdict.BAD else verdict


def _above(zone: Name, name: Name) -> bool:
    return zone != name and name.is_subdomain(zone)


def _add_ds(level: Level, section: Section) -> None:
    level.ds_set = [ds for ds in records(section, level.zone, DS_TYPE) if isinstance(ds, DS)]
    level.ds_signatures = signatures(section, level.zone, DS_TYPE)


def _ordered(servers: Servers) -> list[Server]:
    """Return the first address of each name, in the order of the names, then the second ones."""
    by_name = {name: sorted(found) for name, found in sorted(servers.items()) if found}
    rounds = max((len(found) for found in by_name.values()), default=0)
    return [
        Server(text_of(name), found[turn])
        for turn in range(rounds)
        for name, found in by_name.items()
        if turn < len(found)
    ]
