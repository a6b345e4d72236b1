"""Verification of the signatures of a transferred zone.

Record sets are verified as they arrive, when their name ends; servers send the records of a name one after the other.
A zone may have millions of signatures, and its keys may be expensive, so a large zone is sampled, with half the rate
after each thousand record sets, and verification ends with its budget of processor time. The record sets at the apex
are always verified.

Source: RFC 4035 section 5.3.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import dns.dnssec
import dns.exception
import dns.name
import dns.node
import dns.rdata
import dns.rdataset
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.RRSIG import RRSIG

KeyName = tuple[int, int]
"""Key tag and algorithm."""

_HALVED_AFTER = 1000  # verified record sets, for each halving of the rate
_BUDGET_S = 1.0  # of processor time for a zone
_MOST_RECORDS = 4096  # of a name; a larger one is not verified
_MOST_SIGNATURES = 8  # of a record set
_MOST_EQUAL_KEYS = 4  # with the same tag and algorithm


@dataclass(slots=True)
class _SignedName:
    """The records of a name by type, and the signatures by the type that they cover."""

    name: dns.name.Name
    count: int = 0
    records: dict[int, list[dns.rdata.Rdata]] = field(default_factory=dict)
    signatures: dict[int, list[RRSIG]] = field(default_factory=dict)

    def add(self, rdata: dns.rdata.Rdata) -> None:
        self.count += 1
        if self.count > _MOST_RECORDS:
            return
        if isinstance(rdata, RRSIG):
            self.signatures.setdefault(int(rdata.type_covered), []).append(rdata)
        else:
            self.records.setdefault(int(rdata.rdtype), []).append(rdata)


@dataclass(slots=True)
class SignedSets:
    """Verifies the record sets of a zone. `invalid` has the published keys whose signatures are all that a set has."""

    origin: dns.name.Name
    now: int  # POSIX seconds
    keys: dict[KeyName, list[DNSKEY]] = field(default_factory=dict)
    invalid: set[KeyName] = field(default_factory=set)
    verified: int = 0
    _apex: _SignedName = field(init=False)
    _current: _SignedName = field(init=False)
    _seen: int = 0
    _spent_s: float = 0.0

    def __post_init__(self) -> None:
        self._apex = self._current = _SignedName(self.origin)

    def add(self, name: dns.name.Name, rdata: dns.rdata.Rdata) -> None:
        """Add the next record of the zone, without the SOA record at its end."""
        if name != self._current.name:
            if self._current is not self._apex:
                self._verify(self._current)
            self._current = self._apex if name == self.origin else _SignedName(name)
        self._current.add(rdata)
        if isinstance(rdata, DNSKEY) and name == self.origin:
            equal = self.keys.setdefault((dns.dnssec.key_id(rdata), int(rdata.algorithm)), [])
            equal += [rdata][: _MOST_EQUAL_KEYS + 1 - len(equal)]

    def end(self) -> None:
        """Verify what is left: the last name, and the apex."""
        if self._current is not self._apex:
            self._verify(self._current)
        self._verify(self._apex, is_sample=False)

    def _verify(self, found: _SignedName, *, is_sample: bool = True) -> None:
        if found.count > _MOST_RECORDS:
            return
        for rtype, signatures in found.signatures.items():
            records = found.records.get(rtype)
            if records and (not is_sample or self._is_chosen()):
                self._verify_set(dns.rrset.from_rdata_list(found.name, signatures[0].original_ttl, records), signatures)

    def _is_chosen(self) -> bool:
        self._seen += 1
        return self._spent_s < _BUDGET_S and self._seen % (1 << self.verified // _HALVED_AFTER) == 0

    def _verify_set(self, records: dns.rrset.RRset, signatures: list[RRSIG]) -> None:
        """Note the published keys of a set without a valid signature. Signatures of other keys do not matter here."""
        begin = time.thread_time()
        own = [each for each in signatures if each.signer == self.origin and _name_of(each) in self.keys]
        verdicts = set[bool | None]()
        for signature in own[:_MOST_SIGNATURES]:
            verdicts.add(self._is_valid(records, signature))
            if True in verdicts:
                break
        self.verified += bool(own)
        self._spent_s += time.thread_time() - begin
        if verdicts == {False} and len(own) <= _MOST_SIGNATURES:
            self.invalid.update(map(_name_of, own))

    def _is_valid(self, records: dns.rrset.RRset, signature: RRSIG) -> bool | None:
        """Return None if the signature cannot be verified here, for example because of its algorithm."""
        equal = self.keys[_name_of(signature)]
        if len(equal) > _MOST_EQUAL_KEYS:
            return None
        keys: dict[dns.name.Name, dns.node.Node | dns.rdataset.Rdataset] = {
            self.origin: dns.rdataset.from_rdata_list(0, equal)
        }
        try:
            dns.dnssec.validate_rrsig(records, signature, keys, now=self.now, policy=dns.dnssec.allow_all_policy)
        except dns.exception.ValidationFailure:
            return False
        except Exception:  # noqa: BLE001 - a hostile key or signature: libraries may raise any exception
            return None
        return True


def _name_of(signature: RRSIG) -> KeyName:
    return signature.key_tag, int(signature.algorithm)
