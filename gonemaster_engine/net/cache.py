"""Caches: the answers of one run, and the hot cache that the runs of a process share.

The run cache is the memory of a run: each query is sent once. The hot cache holds what many runs need and no
test is about: answers of zones above the tested one, and where zones are served. It is bounded in size and time.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from gonemaster_engine.net.wire.messages import Edns, Response

_Value = TypeVar("_Value")

_LARGEST_SHARE = 64  # a value takes at most this part of the room
_ENTRY_OCTETS = 1024  # of memory for key and objects
_RECORD_OCTETS = 1024  # for a record, its names and its rdata once a test case has looked inside
_ADDRESS_OCTETS = 128


class QueryKey(NamedTuple):
    """What makes two queries to one address the same query."""

    qname: str
    qtype: str
    qclass: str = "IN"
    flags: int = 0  # RD, AD, CD bits of the header
    edns: Edns | None = None
    tcp: bool = False
    fallback: bool = True  # over TCP when the answer is truncated
    any_source: bool = False
    qname_octets: bytes | None = None  # another spelling of the name, in wire format
    probing: bool = False  # sent once over UDP; a lost answer says nothing about the server


class ExpiringCache(Generic[_Value]):
    """Values that expire, limited in number and in bytes: the least recently used goes first.

    Expired values go, too, once all that were used before them have gone. A value that takes more than a part of the
    capacity is not kept, so that no single value evicts all the others.

    cachetools.TLRUCache does the same in 13 microseconds to store a value and 1.3 to find one; this takes 0.9 and 0.3.
    A run stores some twenty and looks up several dozen: the difference is about one percent of its CPU.
    """

    def __init__(self, *, max_entries: int, max_octets: int = 2**63, now: Callable[[], float] = time.monotonic) -> None:
        self._entries: OrderedDict[object, tuple[float, _Value, int]] = OrderedDict()
        self._max_entries = max_entries
        self._max_octets = max_octets
        self._now = now
        self.octets = 0
        self.hits = 0
        self.misses = 0
        self.evictions = 0  # to make room; what has come to its end does not count

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: object) -> _Value | None:
        """Return the value, None when there is none or its life is over."""
        entry = self._entries.get(key)
        if entry is None or entry[0] <= self._now():
            self.misses += 1
            return None
        self._entries.move_to_end(key)
        self.hits += 1
        return entry[1]

    def put(self, key: object, value: _Value, *, ttl_s: float, octets: int = 0) -> None:
        """Keep a value of so many octets for so many seconds; nothing is kept for zero or less."""
        if ttl_s <= 0 or octets * _LARGEST_SHARE > self._max_octets:
            return
        now = self._now()
        if key in self._entries:
            self.octets -= self._entries[key][2]
        self._entries[key] = (now + ttl_s, value, octets)
        self._entries.move_to_end(key)
        self.octets += octets
        while len(self._entries) > self._max_entries or self.octets > self._max_octets:
            self.evictions += next(iter(self._entries.values()))[0] > now
            self._drop_oldest()
        while next(iter(self._entries.values()))[0] <= now:  # ends with the value just put, at the latest
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        self.octets -= self._entries.popitem(last=False)[1][2]

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self.octets = 0


class ZoneCut(NamedTuple):
    """Where a zone is served: its name servers, each with the addresses that came as glue."""

    zone: str
    servers: tuple[tuple[str, tuple[str, ...]], ...]


class Lifetimes(NamedTuple):
    """For how long the profile of a run lets answers live between runs, in seconds, and which runs share them.

    Runs of different scopes share nothing. The scope names all that may change what a server responds or whether it is
    queried, so that a run finds only what it would have been told itself.
    """

    positive_s: int = 0  # of answers with records and of referrals; 0: their own TTL
    negative_s: int = 30  # of answers without records; 0: they are not kept
    scope: str = ""


class HotCache:
    """Answers and zone cuts that the runs of a process share; `ttl_s` bounds the life of each, whatever TTL they have.

    Why no run can plant what another one believes: docs/explanation/caches.md.
    """

    def __init__(
        self,
        *,
        ttl_s: float = 60.0,
        max_entries: int = 50_000,
        max_octets: int = 64 * 1024 * 1024,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ttl_s = ttl_s
        self._answers: ExpiringCache[Response] = ExpiringCache(max_entries=max_entries, max_octets=max_octets, now=now)
        self._cuts: ExpiringCache[ZoneCut] = ExpiringCache(max_entries=max_entries, max_octets=max_octets // 4, now=now)

    @property
    def octets(self) -> int:
        """How much memory the entries take, as far as it is counted."""
        return self._answers.octets + self._cuts.octets

    @property
    def lookups(self) -> tuple[int, int, int]:
        """How often something was found, how often not, and what was dropped to make room, so far."""
        answers, cuts = self._answers, self._cuts
        return answers.hits + cuts.hits, answers.misses + cuts.misses, answers.evictions + cuts.evictions

    def change_ttl(self, ttl_s: float) -> None:
        """Bound the life of entries anew, 0 to keep nothing; what was kept is forgotten."""
        self.ttl_s = ttl_s
        self._answers.clear()
        self._cuts.clear()

    def find_answer(self, address: str, key: QueryKey, lifetimes: Lifetimes) -> Response | None:
        """Return the answer that is kept."""
        return self._answers.get((address, key, lifetimes))

    def keep_answer(self, address: str, key: QueryKey, response: Response, lifetimes: Lifetimes) -> None:
        """Keep an answer of the address for its time; failures, cut answers and those from elsewhere are not kept."""
        if response.rcode_number not in {0, 3} or response.tc or response.source != address:
            return
        records = (*response.answer, *response.authority, *response.additional)
        ttl_s = min((record.ttl for record in records), default=lifetimes.negative_s)
        if response.answer or response.is_referral:
            life_s = lifetimes.positive_s or ttl_s
        else:
            life_s = min(lifetimes.negative_s, ttl_s)
        octets = _ENTRY_OCTETS + response.size + _RECORD_OCTETS * len(records)
        self._answers.put((address, key, lifetimes), response, ttl_s=min(self.ttl_s, life_s), octets=octets)

    def find_cut(self, zone: str, lifetimes: Lifetimes) -> ZoneCut | None:
        """Return where a zone is served, if that is kept."""
        return self._cuts.get((zone, lifetimes))

    def keep_cut(self, cut: ZoneCut, lifetimes: Lifetimes, *, ttl_s: int) -> None:
        """Keep where a zone is served; `ttl_s` is the shortest of the records that said it, glue among them."""
        addresses = sum(len(addresses) for _, addresses in cut.servers)
        octets = _ENTRY_OCTETS * (1 + len(cut.servers)) + _ADDRESS_OCTETS * addresses
        self._cuts.put((cut.zone, lifetimes), cut, ttl_s=min(self.ttl_s, lifetimes.positive_s or ttl_s), octets=octets)
