"""Decisions about the DS records of a delegation that its zone requests with CDS and CDNSKEY records.

`judge` applies the rules to one observation; `settle` adds the time: a request counts only after it was the same for
the hold-down. Both are pure functions, so a decision can be repeated from its evidence.

Source: RFC 7344 sections 4.1 and 6, RFC 8078 sections 2 to 4, RFC 9615 section 4, RFC 9975 section 3.1, RFC 9905.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gonemaster_engine.automation.observation import Observation, ObservedServer, ds_of
from gonemaster_engine.dnssec.algorithms import SHA256_DIGEST, AlgorithmStatus, algorithm, digest_type
from gonemaster_engine.dnssec.digests import DsSet, ds_digest, is_known_digest
from gonemaster_engine.dnssec.records import CDNSKEY, CDS, DNSKEY, Dnskey, Ds, dnskey, make_ds
from gonemaster_engine.dnssec.verify import is_supported

_DIGEST_OCTETS = {1: 20, 2: 32, 4: 48}
_REQUESTS = (CDS, CDNSKEY)
_MOST_RECORDS = 64  # of a type; of a larger set, an observation may have a part that differs between servers


class CdsAction(enum.StrEnum):
    """What should happen to the DS records. Values are stored and sent: append, never change."""

    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"
    REFUSE = "refuse"
    KEEP = "keep"  # the delegation is as requested, or nothing is requested
    WAIT = "wait"  # no decision is possible from this observation


class Reason(enum.StrEnum):
    """The rule that decided. Values are stored and sent: append, never change."""

    ROLLOVER = "rollover"
    BOOTSTRAPPED = "bootstrapped"
    DELETE_REQUESTED = "delete_requested"
    NOTHING_REQUESTED = "nothing_requested"
    IN_SYNC = "in_sync"
    NO_DS = "no_ds"
    INCOMPLETE = "incomplete"
    PARENT_SILENT = "parent_silent"
    PARENT_DIFFERS = "parent_differs"
    SERVER_SILENT = "server_silent"
    SIGNAL_SILENT = "signal_silent"
    SERVERS_DIFFER = "servers_differ"
    CDS_CDNSKEY_DIFFER = "cds_cdnskey_differ"
    MALFORMED = "malformed"
    MIXED_DELETE = "mixed_delete"
    NO_DNSKEY = "no_dnskey"
    NOT_SIGNED = "not_signed"
    UNSUPPORTED = "unsupported"
    DOWNGRADE = "downgrade"
    BREAKS_CHAIN = "breaks_chain"
    NO_SIGNAL = "no_signal"


REASON_TEXTS = {
    Reason.ROLLOVER: "The zone requests other DS records, and signs the request with the current chain of trust.",
    Reason.BOOTSTRAPPED: "The zone has no DS records, and the signals of all its name servers confirm the request.",
    Reason.DELETE_REQUESTED: "The zone requests that its DS records are removed.",
    Reason.NOTHING_REQUESTED: "The zone has no CDS and CDNSKEY records.",
    Reason.IN_SYNC: "The DS records are as requested.",
    Reason.NO_DS: "The zone requests that its DS records are removed, and it has none.",
    Reason.INCOMPLETE: "The observation did not end in time.",
    Reason.PARENT_SILENT: "No server of the parent zone gave the DS records.",
    Reason.PARENT_DIFFERS: "The servers of the parent zone have different DS records.",
    Reason.SERVER_SILENT: "A name server of the zone did not answer.",
    Reason.SIGNAL_SILENT: "A zone with the signal of a name server did not answer.",
    Reason.SERVERS_DIFFER: "The name servers of the zone have different CDS or CDNSKEY records.",
    Reason.CDS_CDNSKEY_DIFFER: "The CDS and CDNSKEY records are about different keys.",
    Reason.MALFORMED: "A CDS or CDNSKEY record is malformed, or there are more than 64 records of a type.",
    Reason.MIXED_DELETE: "The zone requests the removal of its DS records together with other records.",
    Reason.NO_DNSKEY: "The zone has no DNSKEY records.",
    Reason.NOT_SIGNED: "The request is not signed by a key that the current DS records identify.",
    Reason.UNSUPPORTED: "The request contains no record with a supported algorithm and digest type.",
    Reason.DOWNGRADE: "The request would weaken the delegation: its algorithm or digest type is deprecated.",
    Reason.BREAKS_CHAIN: "With the requested DS records, the DNSKEY records of a name server would not be valid.",
    Reason.NO_SIGNAL: "The zone has no DS records, and the signals of its name servers do not confirm the request.",
}


@dataclass(frozen=True, slots=True)
class CdsVerdict:
    """What one observation says. `ds` is the complete set that the delegation should have."""

    action: CdsAction
    reason: Reason
    ds: tuple[Ds, ...] = ()

    @property
    def fingerprint(self) -> str:
        """A short text that is equal for equal verdicts."""
        parts = [self.action.value, self.reason.value, *sorted(record.rdata.hex() for record in self.ds)]
        return hashlib.blake2b("\n".join(parts).encode(), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class CdsHistory:
    """What earlier observations of a domain said."""

    candidate: str = ""  # fingerprint of the change that waits for the end of the hold-down
    since: int = 0  # when the candidate was first observed, POSIX seconds
    undecided_since: int = 0  # since when no decision was possible; 0 if the last observation had one
    reported: str = ""  # fingerprint of the last reported decision


@dataclass(frozen=True, slots=True)
class Settled:
    """The history after an observation, the decision to report, and when the candidate is due."""

    history: CdsHistory
    decision: CdsVerdict | None = None
    due_at: int | None = None  # POSIX seconds


def settle(verdict: CdsVerdict, history: CdsHistory, *, now: int, hold_down_s: int) -> Settled:
    """Return what follows from a verdict and its history.

    A change is reported once it has been the same for the hold-down, a refusal immediately, and each only once until
    the delegation is as requested again. Observations without a decision do not end the hold-down; if nothing else
    comes for its length, their reason is reported as a refusal.
    """
    mark = verdict.fingerprint
    match verdict.action:
        case CdsAction.KEEP:
            return Settled(CdsHistory())
        case CdsAction.WAIT:
            since = history.undecided_since or now
            refused = CdsVerdict(CdsAction.REFUSE, verdict.reason)
            is_new = refused.fingerprint != history.reported
            if now - since >= max(hold_down_s, 1) and is_new:
                return Settled(CdsHistory(undecided_since=since, reported=refused.fingerprint), refused)
            return Settled(CdsHistory(history.candidate, history.since, since, history.reported))
        case CdsAction.REFUSE:
            is_new = mark != history.reported
            return Settled(CdsHistory(reported=mark), verdict if is_new else None)
    since = history.since if history.candidate == mark else now
    if now - since < hold_down_s:
        return Settled(CdsHistory(mark, since, reported=history.reported), due_at=since + hold_down_s)
    is_new = mark != history.reported
    return Settled(CdsHistory(mark, since, reported=mark), verdict if is_new else None)


def judge(found: Observation) -> CdsVerdict:
    """Return what one observation says; the first rule that applies decides."""
    for rule in (_silent, _requested, _consistent, _deletion):
        if verdict := rule(found):
            return verdict
    return _change(found)


def _silent(found: Observation) -> CdsVerdict | None:
    if not found.is_complete:
        return CdsVerdict(CdsAction.WAIT, Reason.INCOMPLETE)
    if not found.servers or any(view.sets.get(rtype) is None for view in found.servers for rtype in _REQUESTS):
        return CdsVerdict(CdsAction.WAIT, Reason.SERVER_SILENT)
    return None


def _requested(found: Observation) -> CdsVerdict | None:
    if not any(view.records(rtype) for view in found.servers for rtype in _REQUESTS):
        return CdsVerdict(CdsAction.KEEP, Reason.NOTHING_REQUESTED)
    if any(view.sets.get(DNSKEY) is None for view in found.servers):
        return CdsVerdict(CdsAction.WAIT, Reason.SERVER_SILENT)
    answered = {view.ds for view in found.parents if view.ds is not None}
    if not answered:
        return CdsVerdict(CdsAction.WAIT, Reason.PARENT_SILENT)
    if len(answered) > 1:
        return CdsVerdict(CdsAction.WAIT, Reason.PARENT_DIFFERS)
    return None


def _consistent(found: Observation) -> CdsVerdict | None:
    """Apply RFC 9975 section 3.1: all servers request the same, and CDS and CDNSKEY records are about the same keys."""
    if any(_is_malformed(view) for view in found.servers):
        return CdsVerdict(CdsAction.REFUSE, Reason.MALFORMED)
    # Deprecated and unknown digest types do not count.
    if len({(frozenset(_comparable(view)), view.records(CDNSKEY)) for view in found.servers}) > 1:
        return CdsVerdict(CdsAction.REFUSE, Reason.SERVERS_DIFFER)
    request = _CdsRequest.of(found)
    if request.deletes and (len(request.cds) > 1 or len(request.keys) > 1 or not request.is_deletion):
        return CdsVerdict(CdsAction.REFUSE, Reason.MIXED_DELETE)
    if not any(view.keys for view in found.servers):
        return CdsVerdict(CdsAction.REFUSE, Reason.NO_DNSKEY)
    if not request.is_deletion and not request.agrees(found.domain):
        return CdsVerdict(CdsAction.REFUSE, Reason.CDS_CDNSKEY_DIFFER)
    return None


def _deletion(found: Observation) -> CdsVerdict | None:
    if not _CdsRequest.of(found).is_deletion:
        return None
    current = _current(found)
    if not current:
        return CdsVerdict(CdsAction.KEEP, Reason.NO_DS)
    if not _is_signed_by_chain(found, current):
        return CdsVerdict(CdsAction.REFUSE, Reason.NOT_SIGNED)
    return CdsVerdict(CdsAction.REMOVE, Reason.DELETE_REQUESTED)


def _change(found: Observation) -> CdsVerdict:
    request, current = _CdsRequest.of(found), _current(found)
    wanted = request.ds(found.domain)
    if _is_in_sync(found.domain, request, wanted, current):
        return CdsVerdict(CdsAction.KEEP, Reason.IN_SYNC)
    if current and not _is_signed_by_chain(found, current):
        return CdsVerdict(CdsAction.REFUSE, Reason.NOT_SIGNED)
    known = {record.algorithm for record in current}
    weakens = any(_is_weak(record.algorithm) and record.algorithm not in known for record in wanted)
    strong = [record for record in wanted if not _is_weak(record.algorithm) and is_supported(record.algorithm)]
    if weakens or (not strong and any(map(_is_eligible, current))):
        return CdsVerdict(CdsAction.REFUSE, Reason.DOWNGRADE)
    if not strong:
        return CdsVerdict(CdsAction.REFUSE, Reason.UNSUPPORTED)
    if not all(_chain_holds(found.domain, view, wanted) for view in found.servers):
        return CdsVerdict(CdsAction.REFUSE, Reason.BREAKS_CHAIN)
    if current:
        return CdsVerdict(CdsAction.REPLACE, Reason.ROLLOVER, wanted)
    if found.signals_are_ready:
        return CdsVerdict(CdsAction.ADD, Reason.BOOTSTRAPPED, wanted)
    if found.signals_are_silent:
        return CdsVerdict(CdsAction.WAIT, Reason.SIGNAL_SILENT)
    return CdsVerdict(CdsAction.REFUSE, Reason.NO_SIGNAL)


@dataclass(frozen=True, slots=True)
class _CdsRequest:
    """The CDS and CDNSKEY records that all servers agree on."""

    cds: tuple[Ds, ...]
    keys: tuple[Dnskey, ...]

    @classmethod
    def of(cls, found: Observation) -> _CdsRequest:
        view = found.servers[0]
        keys = [key for rdata in view.records(CDNSKEY) if (key := dnskey(rdata))]
        return cls(tuple(ds_of(view.records(CDS))), tuple(keys))

    @property
    def _records(self) -> list[Ds | Dnskey]:
        return [*self.cds, *self.keys]

    @property
    def deletes(self) -> bool:
        """Whether any record requests the removal."""
        return any(record.is_delete for record in self._records)

    @property
    def is_deletion(self) -> bool:
        """Whether all records request the removal."""
        return all(record.is_delete for record in self._records)

    def agrees(self, domain: str) -> bool:
        """Return whether CDS and CDNSKEY records are about the same keys; only one of both types may be present."""
        eligible = [record for record in self.cds if _has_good_digest(record)]
        if not eligible or not self.keys:
            return True
        return _are_about_same_keys(domain, eligible, self.keys)

    def ds(self, domain: str) -> tuple[Ds, ...]:
        """Return the DS records that are requested, without deprecated and unknown digest types.

        The CDS records decide; without CDS records, each CDNSKEY record becomes a DS record with a SHA-256 digest.
        """
        if self.cds:
            return tuple(record for record in self.cds if _has_good_digest(record))
        made = []
        for key in self.keys:
            digest = ds_digest(domain, SHA256_DIGEST, key.rdata) or b""
            made.append(make_ds(tag=key.tag, algorithm=key.algorithm, digest_type=SHA256_DIGEST, digest=digest))
        return tuple(made)


def _is_malformed(view: ObservedServer) -> bool:
    if any(len(view.records(rtype)) > _MOST_RECORDS for rtype in _REQUESTS):
        return True
    cds = ds_of(view.records(CDS))
    if len(cds) < len(view.records(CDS)) or any(dnskey(rdata) is None for rdata in view.records(CDNSKEY)):
        return True
    lengths = ((_DIGEST_OCTETS.get(record.digest_type), record) for record in cds if not record.is_delete)
    return any(octets is not None and octets != len(record.digest) for octets, record in lengths)


def _comparable(view: ObservedServer) -> Iterable[bytes]:
    return (record.rdata for record in ds_of(view.records(CDS)) if record.is_delete or _has_good_digest(record))


def _has_good_digest(record: Ds) -> bool:
    return is_known_digest(record.digest_type) and digest_type(record.digest_type).status is AlgorithmStatus.OK


def _is_weak(number: int) -> bool:
    return algorithm(number).status is AlgorithmStatus.DEPRECATED


def _is_eligible(record: Ds) -> bool:
    return _has_good_digest(record) and not _is_weak(record.algorithm)


def _current(found: Observation) -> list[Ds]:
    return ds_of(next((view.ds for view in found.parents if view.ds is not None), ()))


def _are_about_same_keys(domain: str, records: Sequence[Ds], keys: Sequence[Dnskey]) -> bool:
    known = DsSet(domain, records)
    matched = known.keys_by_digest(keys)
    return all(known.matches(key) for key in keys) and not known.unmatched(matched)


def _is_in_sync(domain: str, request: _CdsRequest, wanted: Sequence[Ds], current: Sequence[Ds]) -> bool:
    if not request.cds:
        return bool(current) and _are_about_same_keys(domain, current, request.keys)
    kept = {record.rdata for record in current if _has_good_digest(record)}
    return bool(wanted) and {record.rdata for record in wanted} == kept


def _is_signed_by_chain(found: Observation, current: Sequence[Ds]) -> bool:
    """Return whether each server signs its request with a key of the current DS set (RFC 7344 section 4.1).

    The key must be part of the chain: it also signs the DNSKEY set.
    """
    trusted = DsSet(found.domain, current)
    for view in found.servers:
        chain = {key.rdata for key in view.signers(DNSKEY) if trusted.matches(key)}
        for rtype in _REQUESTS:
            if view.records(rtype) and not chain & {key.rdata for key in view.signers(rtype)}:
                return False
    return True


def _chain_holds(domain: str, view: ObservedServer, wanted: Sequence[Ds]) -> bool:
    """Return whether the keys of a server would be valid with the requested DS records.

    For each of their algorithms, a key that they identify signs the DNSKEY set (RFC 4035 section 2.2).
    """
    signing = view.signers(DNSKEY)
    signed = {key.algorithm for key in signing if DsSet(domain, wanted).matches(key)}
    return {record.algorithm for record in wanted if is_supported(record.algorithm)} <= signed
