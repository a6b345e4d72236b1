"""Zone cuts between a zone and the names in it, as one server shows them (dnssec22)."""

from __future__ import annotations

import enum
from typing import Any

import dns.name
from dns.rdatatype import DNSKEY as DNSKEY_TYPE
from dns.rdatatype import DS as DS_TYPE
from dns.rdatatype import NS, NSEC, SOA
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS

from tests.reference.cases.dnssec23 import covers
from tests.reference.messages import Reply, records
from tests.reference.network import do
from tests.reference.proofs import (
    Verdict,
    best,
    hashed,
    keys_in,
    next_hash,
    nsec3_records,
    secure_entry,
    set_of,
    signatures,
    types_in,
)
from tests.reference.subject import Subject

Name = dns.name.Name


class State(enum.Enum):
    """The state of a name in the chain of trust below a zone."""

    SECURE = enum.auto()
    INSECURE = enum.auto()
    BROKEN = enum.auto()
    NOT_A_CUT = enum.auto()
    UNDETERMINED = enum.auto()


class Cuts:
    """The cuts below a zone as one address shows them; each cut is judged once."""

    def __init__(self, subject: Subject, zone: Name, address: str, keys: list[DNSKEY]) -> None:
        self.subject, self.zone, self.address, self.keys = subject, zone, address, keys
        self._states: dict[tuple[Name, bool], State] = {}

    def state(self, name: Name) -> State:
        return self._remembered(name, with_keys=True)

    def referred_state(self, name: Name) -> State:
        """Judge a cut by the data of the parent side only."""
        return self._remembered(name, with_keys=False)

    def ds_set(self, name: Name) -> list[DS]:
        reply = self._ask(name)
        return [ds for ds in records(reply.answer, name, DS_TYPE) if isinstance(ds, DS)] if reply else []

    def keys_of(self, name: Name) -> list[DNSKEY]:
        return self.keys if name == self.zone else keys_in(self._ask_keys(name), name)

    def _ask(self, name: Name) -> Reply | None:
        return self.subject.ask(self.address, do(name, DS_TYPE))

    def _ask_keys(self, name: Name) -> Reply | None:
        return self.subject.ask(self.address, do(name, DNSKEY_TYPE))

    def _remembered(self, name: Name, *, with_keys: bool) -> State:
        key = (name, with_keys)
        if key not in self._states:
            self._states[key] = self._judge(name, with_keys=with_keys)
        return self._states[key]

    def _judge(self, name: Name, *, with_keys: bool) -> State:
        reply = self._ask(name)
        if reply is None or not reply.aa or not (reply.is_noerror or reply.is_nxdomain):
            return State.UNDETERMINED
        if reply.is_nxdomain:
            return State.NOT_A_CUT
        if not records(reply.answer, name, DS_TYPE):
            return self._denied(name, reply)
        state = self._signed(name, reply)
        return self._key_state(name, reply) if state is State.SECURE and with_keys else state

    def _signed(self, name: Name, reply: Reply) -> State:
        """Judge the signature over a DS RRset."""
        rrset, found = set_of(reply.answer, name, DS_TYPE), signatures(reply.answer, name, DS_TYPE)
        signer = found[0].signer.canonicalize() if found else None
        is_above = signer is not None and name != signer and name.is_subdomain(signer)
        if rrset is None or signer is None or not is_above or not signer.is_subdomain(self.zone):
            return State.BROKEN
        if signer != self.zone and (above := self.state(signer)) is not State.SECURE:
            return above if above in (State.BROKEN, State.INSECURE, State.UNDETERMINED) else State.BROKEN
        verdict = best(rrset, found, self.keys_of(signer))
        if verdict is Verdict.UNSUPPORTED:
            return State.UNDETERMINED
        return State.SECURE if verdict is Verdict.GOOD else State.BROKEN

    def _key_state(self, name: Name, reply: Reply) -> State:
        keys = self._ask_keys(name)
        if keys is None or not keys.usable:
            return State.UNDETERMINED
        verdict = secure_entry(keys, name, [ds for ds in records(reply.answer, name, DS_TYPE) if isinstance(ds, DS)])
        if verdict is Verdict.UNSUPPORTED:
            return State.UNDETERMINED
        return State.SECURE if verdict is Verdict.GOOD else State.BROKEN

    def _denied(self, name: Name, reply: Reply) -> State:
        """Read a server's proof about a name without DS records."""
        hashes = nsec3_records(reply.authority)
        matches = [types_in(rdata) for rdata in records(reply.authority, name, NSEC)]
        matches += [types_in(rdata) for label, rdata in hashes if label == hashed(name, rdata)]
        if matches:
            types = set[int]().union(*matches)
            if NS not in types:
                return State.NOT_A_CUT
            # An SOA record there is the child's, which proves nothing about its delegation (RFC 6840 section 4.4).
            return State.UNDETERMINED if {DS_TYPE, SOA} & types else State.INSECURE
        return State.INSECURE if self._opted_out(name, hashes) else State.NOT_A_CUT

    def _opted_out(self, name: Name, hashes: list[tuple[str, Any]]) -> bool:
        ancestors = [Name(name.labels[start:]) for start in range(1, len(name.labels) - len(self.zone.labels) + 1)]
        for depth, ancestor in enumerate(ancestors):
            if any(label == hashed(ancestor, rdata) for label, rdata in hashes):
                closer = Name(name.labels[depth:])
                return any(
                    rdata.flags & 1 and covers(label, next_hash(rdata), hashed(closer, rdata))
                    for label, rdata in hashes
                )
        return False
