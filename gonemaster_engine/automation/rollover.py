"""Key rollovers of a zone, judged from a timeline of its states.

A state has the DS records of the parent and, for each server, the keys, which of them sign the keys, and which of them
sign the zone (the SOA record is the sample). Caches decide whether a step is safe: for the TTL of a record set,
resolvers may still use its former version together with new versions of the others.

Source: RFC 6781 section 4.1, RFC 7583 sections 3 and 4, RFC 4035 section 2.2, RFC 6840 section 5.11.
"""

from __future__ import annotations

import enum
import hashlib
import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from gonemaster_engine.automation.observation import Observation, ObservedServer, ds_of, presentation
from gonemaster_engine.dnssec.digests import ds_digest
from gonemaster_engine.dnssec.records import DNSKEY, DS, Dnskey, make_ds
from gonemaster_engine.net.wire.rrtypes import SOA

_DIGEST_TYPES = (1, 2, 4)
# A zone chooses what it shows, so what is kept and compared is limited; a real zone is far below these limits.
_MOST_KEYS, _MOST_DS, _MOST_SERVERS = 32, 32, 64
_MOST_ORPHANS = 8
_MOST_STEPS = 1000  # of a timeline; a rollover has about six
_MOST_CACHED = 50  # the newest different states that are compared with a state


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A key of a zone; `id` distinguishes keys with equal tags, `ds` has the DS records that identify it."""

    id: str
    tag: int
    algorithm: int
    is_sep: bool
    ds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServerState:
    """The answers of one server, with keys by their id."""

    ns: str
    address: str
    keys: tuple[str, ...]
    signing_keys: tuple[str, ...]  # sign the DNSKEY set
    signing_zone: tuple[str, ...]  # sign the SOA record
    key_ttl: int
    zone_ttl: int
    is_transferred: bool = False  # the whole zone was read
    orphans: tuple[str, ...] = ()  # key tag and algorithm of the keys that signed records alone, unpublished
    invalid: tuple[str, ...] = ()  # the same of published keys all of whose signatures of some records are invalid
    transfer: str = ""  # why the zone was not read, a `TransferOutcome`


@dataclass(frozen=True, slots=True)
class ZoneState:
    """The state of a zone as far as rollovers are concerned; servers without an answer are absent."""

    keys: tuple[KeyFacts, ...]
    ds: tuple[str, ...]  # of any server of the parent, in presentation format
    ds_algorithms: tuple[int, ...]
    ds_ttl: int
    servers: tuple[ServerState, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A time during which all samples showed the same state, POSIX seconds."""

    first_at: int
    last_at: int
    state: ZoneState


class StepKind(enum.StrEnum):
    """A step of a rollover. Values are stored and sent: append, never change."""

    KEY_PUBLISHED = "key_published"
    KEY_SIGNS = "key_signs"
    DS_ADDED = "ds_added"
    DS_REMOVED = "ds_removed"
    KEY_STOPPED = "key_stopped"
    KEY_REMOVED = "key_removed"


class FaultKind(enum.StrEnum):
    """A fault of a rollover. Values are stored and sent: append, never change."""

    CHAIN_BROKEN = "chain_broken"
    ZONE_UNSIGNED = "zone_unsigned"
    ALGORITHM_INCOMPLETE = "algorithm_incomplete"
    SIGNED_TOO_EARLY = "signed_too_early"
    DS_TOO_EARLY = "ds_too_early"
    KEY_REMOVED_TOO_EARLY = "key_removed_too_early"
    CHAIN_KEY_REMOVED_TOO_EARLY = "chain_key_removed_too_early"
    SIGNATURES_LEFT = "signatures_left"
    SIGNATURES_INVALID = "signatures_invalid"


FAULT_TEXTS = {
    FaultKind.CHAIN_BROKEN: "No key that the DS records identify signs the DNSKEY records of a server.",
    FaultKind.ZONE_UNSIGNED: "No published key signs the zone on a server.",
    FaultKind.ALGORITHM_INCOMPLETE: "An algorithm of the DS records does not sign the zone on a server.",
    FaultKind.SIGNED_TOO_EARLY: "Caches still have DNSKEY records without a key that signs the zone.",
    FaultKind.DS_TOO_EARLY: "Caches still have DNSKEY records without a key that the new DS records identify.",
    FaultKind.KEY_REMOVED_TOO_EARLY: "Caches still have signatures of the zone that no published key validates.",
    FaultKind.CHAIN_KEY_REMOVED_TOO_EARLY: "Caches still have DS records that identify no key that signs the keys.",
    FaultKind.SIGNATURES_LEFT: "Records of the zone on a server have only signatures of keys that are not published.",
    FaultKind.SIGNATURES_INVALID: "Records of the zone on a server have no valid signature of a published key.",
}


@dataclass(frozen=True, slots=True)
class Step:
    """A change between two states, seen at a time, POSIX seconds."""

    kind: StepKind
    key: KeyFacts
    at: int


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, seen at a time, POSIX seconds; `address` is that of the server."""

    kind: FaultKind
    address: str
    at: int


class CachedSet(enum.StrEnum):
    """The record set whose former version may be in caches. Values are sent: append, never change."""

    KEYS = "dnskey"
    SIGNATURES = "signatures"
    DS = "ds"


CACHED_TEXTS = {
    CachedSet.KEYS: "Caches may have the DNSKEY records without the new key: it should not be the only one that signs.",
    CachedSet.SIGNATURES: "Caches may have former signatures of the zone: their keys should stay published.",
    CachedSet.DS: "Caches may have the former DS records: their keys should continue to sign the keys.",
}
_CACHED_AFTER = {
    StepKind.KEY_PUBLISHED: CachedSet.KEYS,
    StepKind.KEY_SIGNS: CachedSet.SIGNATURES,
    StepKind.KEY_STOPPED: CachedSet.SIGNATURES,
    StepKind.DS_ADDED: CachedSet.DS,
    StepKind.DS_REMOVED: CachedSet.DS,
}


@dataclass(frozen=True, slots=True)
class CacheDeadline:
    """The time after a step until which caches may have the former record set, POSIX seconds."""

    cached: CachedSet
    since: int
    until: int


class RolloverVerdict(enum.StrEnum):
    """The outcome so far. Values are sent: append, never change."""

    UNCHANGED = "unchanged"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a timeline says. `completed_at` is when the last rollover ended; 0 if none or if one is in progress."""

    kind: str  # zsk, ksk, csk, algorithm; empty without a change of keys
    steps: tuple[Step, ...]
    faults: tuple[Fault, ...]
    completed_at: int = 0
    deadlines: tuple[CacheDeadline, ...] = ()

    @property
    def verdict(self) -> RolloverVerdict:
        """The outcome so far; a fault remains even if the rollover is completed."""
        if self.faults:
            return RolloverVerdict.BROKEN
        if self.completed_at:
            return RolloverVerdict.COMPLETED
        return RolloverVerdict.IN_PROGRESS if self.steps else RolloverVerdict.UNCHANGED


def state_of(found: Observation) -> ZoneState | None:
    """Return the state that an observation shows; None if it is incomplete or no server gave its keys."""
    views = [view for view in found.servers if view.sets.get(DNSKEY) is not None]
    ds_sets = [view for view in found.parents if view.ds is not None]
    if not found.is_complete or not views or not ds_sets:
        return None
    views = views[:_MOST_SERVERS]
    records = sorted({rdata for view in ds_sets for rdata in view.ds or ()})[:_MOST_DS]
    keys = _kept_keys(views)
    return ZoneState(
        tuple(sorted((_facts(found.domain, key) for key in keys.values()), key=lambda each: each.id)),
        tuple(sorted(presentation(DS, rdata) for rdata in records)),
        tuple(sorted({record.algorithm for record in ds_of(records)})),
        max((view.ttl for view in ds_sets), default=0),
        tuple(_server_state(view, keys) for view in views),
    )


def _kept_keys(views: Sequence[ObservedServer]) -> dict[bytes, Dnskey]:
    """Return the keys by their rdata, those that sign first, as many as are kept."""
    signing = {key.rdata: key for view in views for rtype in (DNSKEY, SOA) for key in view.signers(rtype)}
    keys = signing | {key.rdata: key for view in views for key in view.keys}
    return dict(itertools.islice(keys.items(), _MOST_KEYS))


def _facts(domain: str, key: Dnskey) -> KeyFacts:
    digests = {number: ds_digest(domain, number, key.rdata) for number in _DIGEST_TYPES}
    named = (make_ds(tag=key.tag, algorithm=key.algorithm, digest_type=n, digest=d) for n, d in digests.items() if d)
    texts = tuple(presentation(DS, record.rdata) for record in named)
    return KeyFacts(_id(key), key.tag, key.algorithm, key.is_sep, texts)


def _id(key: Dnskey) -> str:
    return f"{key.tag}-{hashlib.blake2b(key.rdata, digest_size=3).hexdigest()}"


def _server_state(view: ObservedServer, kept: Mapping[bytes, Dnskey]) -> ServerState:
    keys, zone = view.sets.get(DNSKEY), view.sets.get(SOA)

    def ids(found: Iterable[Dnskey]) -> tuple[str, ...]:
        return tuple(sorted(_id(key) for key in found if key.rdata in kept))

    return ServerState(
        view.ns,
        view.address,
        ids(view.keys),
        ids(view.signers(DNSKEY)),
        ids(view.signers(SOA)),
        keys.ttl if keys else 0,
        zone.ttl if zone else 0,
        *_transferred(view),
    )


def _transferred(view: ObservedServer) -> tuple[bool, tuple[str, ...], tuple[str, ...], str]:
    """Return whether the zone was read, the keys of its wrong signatures, or else why it was not read."""
    found = view.transfer
    if found is None:
        return False, (), (), ""
    if found.problem:
        return False, (), (), found.outcome.value
    orphans, invalid = (
        tuple(f"{tag}/{algorithm}" for tag, algorithm in keys[:_MOST_ORPHANS])
        for keys in (found.orphans, found.invalid)
    )
    return True, orphans, invalid, ""


def judge_timeline(spans: Sequence[Span]) -> Judgement:
    """Return the steps and faults of a timeline, in the order of time, and whether its rollover is complete."""
    timeline = _Timeline(spans)
    every = sorted(timeline.steps(), key=lambda step: (step.at, step.key.id, step.kind))
    steps = tuple(every[:_MOST_STEPS])
    faults = tuple(sorted(timeline.faults(), key=lambda fault: (fault.at, fault.kind, fault.address)))
    return Judgement(timeline.kind(steps), steps, faults, timeline.completed_at(steps), timeline.deadlines())


Holds: TypeAlias = Callable[[ZoneState, KeyFacts], bool]
"""Return whether something is true of a key in a state."""


def _on_all(part: str) -> Holds:
    return lambda state, key: bool(state.servers) and all(key.id in getattr(each, part) for each in state.servers)


def _on_any(part: str) -> Holds:
    return lambda state, key: any(key.id in getattr(each, part) for each in state.servers)


_IS_PUBLISHED, _IS_ANYWHERE = _on_all("keys"), _on_any("keys")
_SIGNS_ZONE, _SIGNS_KEYS = _on_any("signing_zone"), _on_any("signing_keys")


def _has_ds(state: ZoneState, key: KeyFacts) -> bool:
    return not set(key.ds).isdisjoint(state.ds)


class _Timeline:
    """A timeline, and what changes in it."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans
        self._keys = {key.id: key for span in spans for key in span.state.keys}
        self._by_ds: dict[str, set[str]] = defaultdict(set)
        for key in self._keys.values():
            for text in key.ds:
                self._by_ds[text].add(key.id)

    def steps(self) -> Iterable[Step]:
        """Yield the changes between neighbouring states."""
        for before, after in zip(self._spans, self._spans[1:], strict=False):
            yield from self._steps_between(before, after)

    def deadlines(self) -> tuple[CacheDeadline, ...]:
        """Return how long caches may have what each step replaced: the TTL of the former set, after the step.

        The TTL of a DS set that was empty is unknown, so the first DS record of a zone has no deadline.
        """
        found: dict[tuple[CachedSet, int], CacheDeadline] = {}
        for before, after in zip(self._spans, self._spans[1:], strict=False):
            ttls = {
                CachedSet.KEYS: max((server.key_ttl for server in before.state.servers), default=0),
                CachedSet.SIGNATURES: max((server.zone_ttl for server in before.state.servers), default=0),
                CachedSet.DS: before.state.ds_ttl,
            }
            for step in self._steps_between(before, after):
                cached = _CACHED_AFTER.get(step.kind)
                if cached is not None and ttls[cached]:
                    found[cached, step.at] = CacheDeadline(cached, step.at, step.at + ttls[cached])
        return tuple(sorted(found.values(), key=lambda each: (each.since, each.cached)))

    def _steps_between(self, before: Span, after: Span) -> Iterable[Step]:
        rules: list[tuple[Holds, StepKind | None, StepKind | None]] = [
            (_IS_PUBLISHED, StepKind.KEY_PUBLISHED, None),
            (_IS_ANYWHERE, None, StepKind.KEY_REMOVED),
            (_SIGNS_ZONE, StepKind.KEY_SIGNS, StepKind.KEY_STOPPED),
            (_has_ds, StepKind.DS_ADDED, StepKind.DS_REMOVED),
        ]
        ids = {key.id for state in (before.state, after.state) for key in state.keys}
        ids |= self._identified(before.state) | self._identified(after.state)
        for key in (self._keys[each] for each in sorted(ids)):
            for holds, gained, lost in rules:
                was, now = holds(before.state, key), holds(after.state, key)
                kind = gained if now and not was else lost if was and not now else None
                if kind:
                    yield Step(kind, key, after.first_at)

    def faults(self) -> Iterable[Fault]:
        """Yield each fault once per server, at the first time; without DS records there is no chain to break."""
        seen: set[tuple[FaultKind, str]] = set()
        former: dict[ZoneState, int] = {}  # when each state was last seen, the newest at the end
        for span in filter(lambda each: each.state.ds, self._spans):
            cached = list(itertools.islice(reversed(former.items()), _MOST_CACHED))
            for fault in (*self._present_faults(span), *self._cache_faults(span, cached)):
                if (fault.kind, fault.address) not in seen:
                    seen.add((fault.kind, fault.address))
                    yield fault
            former.pop(span.state, None)
            former[span.state] = span.last_at

    def _present_faults(self, span: Span) -> Iterable[Fault]:
        """Yield the faults of a state without regard to caches."""
        chain = self._identified(span.state)
        for server in span.state.servers:
            signing = {self._keys[key].algorithm for key in server.signing_zone}
            if chain.isdisjoint(server.signing_keys):
                yield Fault(FaultKind.CHAIN_BROKEN, server.address, span.first_at)
            if not signing:
                yield Fault(FaultKind.ZONE_UNSIGNED, server.address, span.first_at)
            elif not signing.issuperset(span.state.ds_algorithms):
                yield Fault(FaultKind.ALGORITHM_INCOMPLETE, server.address, span.first_at)
            if server.orphans:
                yield Fault(FaultKind.SIGNATURES_LEFT, server.address, span.first_at)
            if server.invalid:
                yield Fault(FaultKind.SIGNATURES_INVALID, server.address, span.first_at)

    def _cache_faults(self, span: Span, former: Iterable[tuple[ZoneState, int]]) -> Iterable[Fault]:
        """Yield the faults of resolvers that have a record set of an earlier state in their caches."""
        chain = self._identified(span.state)
        for before, last_at in former:
            age = span.first_at - last_at  # the youngest set of the earlier state that was seen
            was_chain = self._identified(before)
            for server in span.state.servers:
                if age < before.ds_ttl and was_chain.isdisjoint(server.signing_keys):
                    yield Fault(FaultKind.CHAIN_KEY_REMOVED_TOO_EARLY, server.address, span.first_at)
                for cached in before.servers:
                    has_keys, has_signatures = age < cached.key_ttl, age < cached.zone_ttl
                    if has_keys and chain.isdisjoint(cached.signing_keys):
                        yield Fault(FaultKind.DS_TOO_EARLY, server.address, span.first_at)
                    if has_keys and set(cached.keys).isdisjoint(server.signing_zone):
                        yield Fault(FaultKind.SIGNED_TOO_EARLY, server.address, span.first_at)
                    if has_signatures and set(cached.signing_zone).isdisjoint(server.keys):
                        yield Fault(FaultKind.KEY_REMOVED_TOO_EARLY, server.address, span.first_at)

    def _identified(self, state: ZoneState) -> set[str]:
        """Return the keys that the DS records of a state identify, published or not."""
        return {key for text in state.ds for key in self._by_ds.get(text, ())}

    def kind(self, steps: Sequence[Step]) -> str:
        """Return which kind of key changes: `zsk`, `ksk`, `csk` or `algorithm`; empty without a change."""
        changed = {step.key.id for step in steps}
        if not changed:
            return ""
        first = {key.algorithm for key in self._spans[0].state.keys}
        if {self._keys[key].algorithm for key in changed} - first:
            return "algorithm"
        of_chain = {key for key in changed if self._keys[key].is_sep}
        of_zone: set[str] = set()
        for span in self._spans:
            of_chain |= changed & self._identified(span.state)
            for server in span.state.servers:
                of_zone |= changed.intersection(server.signing_zone)
        if of_chain & of_zone:
            return "csk"
        return "ksk" if of_chain else "zsk"

    def completed_at(self, steps: Sequence[Step]) -> int:
        """Return when the rollover ended, 0 if none has.

        A key was added and another one removed, all servers have the same keys, each DS record has a key, there are no
        more keys without a use than at the start, and published keys signed all records of transferred zones validly.
        """
        kinds = {step.kind for step in steps}
        if not {StepKind.KEY_PUBLISHED, StepKind.KEY_REMOVED} <= kinds:
            return 0
        first, last = self._spans[0].state, self._spans[-1].state
        is_stable = len({server.keys for server in last.servers}) == 1 and {
            text for key in last.keys for text in key.ds
        }.issuperset(last.ds)
        if any(server.orphans or server.invalid for server in last.servers):
            return 0
        if not is_stable or len(_unused(last)) > len(_unused(first)) or len(last.keys) > len(first.keys):
            return 0
        return steps[-1].at


def _unused(state: ZoneState) -> list[str]:
    return [key.id for key in state.keys if not (_SIGNS_ZONE(state, key) or _SIGNS_KEYS(state, key))]


def state_document(state: ZoneState) -> dict[str, Any]:
    """Return a state as a JSON document."""
    document: dict[str, Any] = json.loads(json.dumps(asdict(state)))
    return document


def read_state(document: Mapping[str, Any]) -> ZoneState:
    """Return the state of a document."""
    keys = tuple(KeyFacts(**{name: _tupled(value) for name, value in key.items()}) for key in document["keys"])
    servers = tuple(
        ServerState(**{name: _tupled(value) for name, value in each.items()}) for each in document["servers"]
    )
    return ZoneState(keys, tuple(document["ds"]), tuple(document["ds_algorithms"]), document["ds_ttl"], servers)


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
