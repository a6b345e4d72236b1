"""A zone as a server transfers it, and whether its published keys signed all signed record sets.

Signatures of other keys are no fault together with those of published keys: a change of the algorithm begins and ends
with them (RFC 6781 section 4.1.4). The signatures of a name are expected one after the other, as all servers send them.

All signatures are matched with keys by key tag, algorithm and signer, and `signed_sets` verifies those that match, in a
large zone a sample. A server decides how much it sends, so octets, records and time are limited, and nothing is kept.

Source: RFC 5936 sections 2.2 and 4.1, RFC 4034 sections 3.1 and 5.3.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import time
from dataclasses import dataclass, field

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.RRSIG import RRSIG

from gonemaster_engine import names
from gonemaster_engine.automation.signed_sets import KeyName, SignedSets
from gonemaster_engine.errors import EngineError

_READ_OCTETS = 1 << 16
_MOST_KINDS, _MOST_COMBINATIONS = 64, 1000  # of signers; a zone chooses what it shows
Signer = tuple[int, int, str]
"""Key tag, algorithm and name of the signer."""


class TransferOutcome(enum.StrEnum):
    """How a transfer ended. Values are stored and sent: append, never change."""

    COMPLETE = "complete"
    REFUSED = "refused"
    TOO_SLOW = "too_slow"
    TOO_LARGE = "too_large"
    FAILED = "failed"


class TransferFault(EngineError):
    """A transfer that did not end as it should."""

    def __init__(self, text: str, outcome: TransferOutcome = TransferOutcome.FAILED) -> None:
        super().__init__(text)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class TransferLimits:
    """What a server may send at most."""

    octets: int = 256 << 20
    records: int = 2_000_000
    seconds: float = 25.0


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer, complete unless `problem` says why not. `orphans` signed record sets that no published key signed.

    `invalid` are published keys of record sets whose signatures of published keys are all expired or wrong, among the
    `verified` record sets.
    """

    records: int = 0
    signatures: int = 0
    orphans: tuple[KeyName, ...] = ()
    problem: str = ""
    outcome: TransferOutcome = TransferOutcome.COMPLETE
    verified: int = 0
    invalid: tuple[KeyName, ...] = ()


@dataclass(slots=True)
class _TransferReading:
    """The records of a transfer so far: only the keys and the signers are kept, and the records of a name."""

    origin: dns.name.Name
    limits: TransferLimits
    sets: SignedSets
    records: int = 0
    octets: int = 0
    signatures: int = 0
    is_complete: bool = False
    signers: dict[Signer, int] = field(default_factory=dict)  # with their numbers
    name: dns.name.Name | None = None  # the name whose signatures are read
    by_type: dict[int, int] = field(default_factory=dict)  # the signers of its record sets, as bits by their number
    combinations: set[int] = field(default_factory=set)  # of the signers of the record sets so far

    def take(self, wire: bytes) -> None:
        """Read one message of the transfer.

        Raises:
          TransferFault: refused, malformed or too large.
        """
        self.octets += len(wire)
        if self.octets > self.limits.octets:
            raise TransferFault(f"more than {self.limits.octets} octets", TransferOutcome.TOO_LARGE)
        try:
            message = dns.message.from_wire(wire, xfr=True, origin=None, one_rr_per_rrset=True)
        except Exception as error:  # a hostile message: dnspython may raise any exception
            raise TransferFault("a malformed message") from error
        if message.rcode() != dns.rcode.NOERROR:
            raise TransferFault(dns.rcode.to_text(message.rcode()), TransferOutcome.REFUSED)
        if not message.answer:
            raise TransferFault("a message without records")
        for rrset in message.answer:
            self._take_record(rrset)

    def _take_record(self, rrset: dns.rrset.RRset) -> None:
        is_soa = rrset.rdtype == dns.rdatatype.SOA and rrset.name == self.origin
        if self.is_complete or (not self.records and not is_soa):
            raise TransferFault("a transfer begins and ends with the SOA record of the zone")
        self.records += 1
        if self.records > self.limits.records:
            raise TransferFault(f"more than {self.limits.records} records", TransferOutcome.TOO_LARGE)
        if is_soa and self.records > 1:
            self.is_complete = True
            self.sets.end()
            return
        for rdata in rrset:
            self.sets.add(rrset.name, rdata)
            if isinstance(rdata, RRSIG):
                self._take_signature(rrset.name, rdata)
        if len(self.sets.keys) > _MOST_KINDS:
            raise TransferFault(f"more than {_MOST_KINDS} keys", TransferOutcome.TOO_LARGE)

    def _take_signature(self, name: dns.name.Name, rdata: RRSIG) -> None:
        self.signatures += 1
        if name != self.name:
            self._end_name()
            self.name = name
        signer = (rdata.key_tag, int(rdata.algorithm), rdata.signer.canonicalize().to_text())
        if signer not in self.signers and len(self.signers) >= _MOST_KINDS:
            raise TransferFault(f"more than {_MOST_KINDS} signers", TransferOutcome.TOO_LARGE)
        bit = 1 << self.signers.setdefault(signer, len(self.signers))
        covered = int(rdata.type_covered)
        self.by_type[covered] = self.by_type.get(covered, 0) | bit

    def _end_name(self) -> None:
        self.combinations.update(self.by_type.values())
        self.by_type = {}
        if len(self.combinations) > _MOST_COMBINATIONS:
            text = f"more than {_MOST_COMBINATIONS} combinations of signers"
            raise TransferFault(text, TransferOutcome.TOO_LARGE)

    def without_result(self, problem: str, outcome: TransferOutcome = TransferOutcome.FAILED) -> Transfer:
        """Return an incomplete transfer, which says nothing about signatures."""
        return Transfer(self.records, problem=problem, outcome=outcome)

    def result(self) -> Transfer:
        """Return what was found in a complete transfer."""
        own = self.origin.canonicalize().to_text()
        combinations = self.combinations.union(self.by_type.values())
        published = sum(
            1 << number
            for (tag, algorithm, signer), number in self.signers.items()
            if signer == own and (tag, algorithm) in self.sets.keys
        )
        unsigned = [signers for signers in combinations if not signers & published]
        orphans = {
            (tag, algorithm)
            for (tag, algorithm, _), number in self.signers.items()
            if any(signers >> number & 1 for signers in unsigned)
        }
        return Transfer(
            self.records,
            self.signatures,
            tuple(sorted(orphans)),
            verified=self.sets.verified,
            invalid=tuple(sorted(self.sets.invalid)),
        )


_DEFAULT_LIMITS = TransferLimits()


async def transfer(
    zone: str,
    address: str,
    port: int,
    *,
    source: str = "",
    limits: TransferLimits = _DEFAULT_LIMITS,
    now: int | None = None,
) -> Transfer:
    """Read a zone from a server by AXFR over TCP; a refusal, an error and a limit are results.

    `now` is the time of the signatures, POSIX seconds, by default the current one.
    """
    origin = dns.name.from_wire(names.to_wire(zone), 0)[0]
    reading = _TransferReading(origin, limits, SignedSets(origin, int(time.time()) if now is None else now))
    try:
        async with asyncio.timeout(limits.seconds):
            await _read(reading, address, port, source)
    except TimeoutError:
        return reading.without_result(f"not complete after {limits.seconds:g} seconds", TransferOutcome.TOO_SLOW)
    except TransferFault as fault:
        return reading.without_result(str(fault), fault.outcome)
    except EOFError:
        return reading.without_result("the connection was closed before the end")
    except OSError as error:
        return reading.without_result(str(error) or type(error).__name__)
    return reading.result()


async def _read(reading: _TransferReading, address: str, port: int, source: str) -> None:
    query = dns.message.make_query(reading.origin, dns.rdatatype.AXFR, flags=0)
    local = (source, 0) if source else None
    reader, writer = await asyncio.open_connection(address, port, local_addr=local, limit=_READ_OCTETS)
    try:
        wire = query.to_wire()
        writer.write(len(wire).to_bytes(2) + wire)
        await writer.drain()
        while not reading.is_complete:
            length = int.from_bytes(await reader.readexactly(2))
            octets = await reader.readexactly(length)
            if octets[:2] != wire[:2]:
                raise TransferFault("a message with another ID")
            await asyncio.to_thread(reading.take, octets)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
