"""Caches: the answers of one run, and the hot cache that the runs of a process share.

The run cache is the memory of a run: each query is sent once. The hot cache holds what many runs need and no
test is about: answers of zones above the tested one, and where zones are served. It is bounded in size and time.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from gonemaster_engine.net.wire import Edns, Response

_Value = TypeVar("_Value")


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
    """Values with an end of life, bounded in number: the one used longest ago goes first.

    Those that are over go, too, once all that were used before them have gone.
    """

    def __init__(self, *, max_entries: int, now: Callable[[], float] = time.monotonic) -> None:
        self._entries: OrderedDict[object, tuple[float, _Value]] = OrderedDict()
        self._max_entries = max_entries
        self._now = now
        self.hits = 0
        self.misses = 0

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

    def put(self, key: object, value: _Value, *, ttl_s: float) -> None:
        """Keep a value for so many seconds; nothing is kept for zero or less."""
        if ttl_s <= 0:
            return
        now = self._now()
        self._entries[key] = (now + ttl_s, value)
        self._entries.move_to_end(key)
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)
        while next(iter(self._entries.values()))[0] <= now:  # ends with the value just put, at the latest
            self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()


class ZoneCut(NamedTuple):
    """Where a zone is served: its name servers, each with the addresses that came as glue."""

    zone: str
    servers: tuple[tuple[str, tuple[str, ...]], ...]


class Lifetimes(NamedTuple):
    """For how long the profile of a run lets answers live between runs, in seconds."""

    positive_s: int = 0  # of answers with records and of referrals; 0: their own TTL
    negative_s: int = 30  # of answers without records; 0: they are not kept


class HotCache:
    """What the runs of a process share; `ttl_s` bounds the life of each entry, whatever TTL or profile say.

    Runs whose profiles give other lifetimes share nothing, so each finds only what its own profile would have kept.
    """

    def __init__(
        self, *, ttl_s: float = 60.0, max_entries: int = 50_000, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.ttl_s = ttl_s
        self._answers: ExpiringCache[Response] = ExpiringCache(max_entries=max_entries, now=now)
        self._cuts: ExpiringCache[ZoneCut] = ExpiringCache(max_entries=max_entries, now=now)

    def change_ttl(self, ttl_s: float) -> None:
        """Bound the life of entries anew, 0 to keep nothing; what was kept is forgotten."""
        self.ttl_s = ttl_s
        self._answers.clear()
        self._cuts.clear()

    def find_answer(self, address: str, key: QueryKey, lifetimes: Lifetimes) -> Response | None:
        """Return the answer that is kept."""
        return self._answers.get((address, key, lifetimes))

    def keep_answer(self, address: str, key: QueryKey, response: Response, lifetimes: Lifetimes) -> None:
        """Keep an answer for its time; failures of a server are not kept."""
        if response.rcode_number not in {0, 3} or response.tc:
            return
        ttl_s = min((record.ttl for record in (*response.answer, *response.authority)), default=lifetimes.negative_s)
        if response.answer or response.is_referral:
            life_s = lifetimes.positive_s or ttl_s
        else:
            life_s = min(lifetimes.negative_s, ttl_s)
        self._answers.put((address, key, lifetimes), response, ttl_s=min(self.ttl_s, life_s))

    def find_cut(self, zone: str, lifetimes: Lifetimes) -> ZoneCut | None:
        """Return where a zone is served, if that is kept."""
        return self._cuts.get((zone, lifetimes))

    def keep_cut(self, cut: ZoneCut, lifetimes: Lifetimes, *, ttl_s: int) -> None:
        """Keep where a zone is served; `ttl_s` is that of the records that said it."""
        self._cuts.put((cut.zone, lifetimes), cut, ttl_s=min(self.ttl_s, lifetimes.positive_s or ttl_s))
