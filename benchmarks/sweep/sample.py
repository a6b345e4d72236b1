"""Generated runs with findings as frequent as in a real sweep, and other names, addresses, numbers and times.

The distribution was taken from a sweep over a generated world of 1,000 zones, a third of them with defects
(`benchmarks.sweep.make`). Addresses are of the ranges for benchmarks and documentation (RFC 2544, RFC 3849).
"""

from __future__ import annotations

import json
import lzma
import random
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from ipaddress import ip_address, ip_network
from itertools import accumulate
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeAlias

from gonemaster_db.core.records import EntryRecord

FILE = Path(__file__).parent / "sweep.json.xz"
SLOT_BASE = 0xE000
"""Slots are characters of the private use area, which do not occur in arguments."""
TIMING_FIELDS = (
    "count", "avg_ms", "min_ms", "max_ms", "median_ms", "stddev_ms", "total_ms", "timeouts", "refusals", "status",
)  # fmt: skip
SERVER_FIELDS = ("nameserver", "address", *TIMING_FIELDS, "asns", "prefix")
PROVIDERS = 3000
OWN_OUTCOME_SHARE = 0.05
"""The share of runs with a unique sequence of findings; a world of 1,000 zones does not have the long tail."""
CHANGED_SHARE = 0.02
"""The share of runs whose findings differ from those of the domain's previous run."""
_PROVIDERS_V4, _PROVIDERS_V6 = ip_network("198.18.0.0/15"), ip_network("2001:db8::/32")
_FIRST_AS, _ASES = 4_200_000_000, 400  # of the range for private use (RFC 6996)
_SLOT = re.compile("([\ue000-\uf8ff])")
_SYLLABLES = [consonant + vowel for consonant in "bdfghklmnprstvwz" for vowel in "aeio"]
_NAMES = json.dumps(SERVER_FIELDS, separators=(",", ":"))
Kind: TypeAlias = tuple[str, str, str, str]
"""Module, test case, tag, level."""


def bucket(status: str, count: int) -> str:
    """Return the group of measured times for a server with this number of queries."""
    return status if status != "ok" else f"ok{next((least for least in (30, 10, 5, 3, 2) if count >= least), 1)}"


def word(number: int, syllables: int = 4) -> str:
    """Return a pronounceable word, a different one for each number below 64 ** syllables."""
    mixed = number * 0x9E3779B1 % 64**syllables  # an odd factor makes the mapping one-to-one
    return "".join(_SYLLABLES[mixed >> 6 * place & 63] for place in range(syllables))


@dataclass(frozen=True)
class Drawn:
    """The result of one run. Arguments are JSON texts, times are microseconds since the start.

    Timings of name servers are a JSON text, too: an array of names (`SERVER_FIELDS`), then an array for each server.
    """

    kinds: Sequence[int]
    args: Sequence[str]
    times_us: Sequence[int]
    timings: str
    score: int
    grade: str
    duration_ms: int

    def timing_records(self) -> list[dict[str, Any]]:
        """Return the times of name servers as a worker stores them."""
        names, *rows = json.loads(self.timings)
        return [dict(zip(names, row, strict=True)) for row in rows]


@dataclass(frozen=True)
class Template:
    """A run of the sweep, with slots."""

    weight: int
    kinds: Sequence[int]
    args: Sequence[str]
    times_us: Sequence[int]
    servers: Sequence[tuple[str, str]]
    slots: Sequence[Sequence[Any]]
    score: int
    grade: str
    duration_s: float

    @cached_property
    def parts(self) -> tuple[list[str], Callable[[Sequence[str]], Sequence[str]]]:
        """Return the pieces of the text, and a function that returns what replaces the pieces at odd positions."""
        pieces = _SLOT.split("\n".join([*self.args, *(server for server, _ in self.servers)]))
        return pieces, itemgetter(*(ord(piece) - SLOT_BASE for piece in pieces[1::2]))

    def text(self, values: Sequence[str]) -> list[str]:
        """Return its lines with these values: arguments of entries, then names and addresses of servers."""
        pieces, pick = self.parts
        filled = pieces.copy()
        filled[1::2] = pick(values)
        return "".join(filled).split("\n")


class Sweep:
    """Draws runs; the same random numbers give the same runs.

    Name servers, addresses, keys and findings of a domain mostly stay the same in its next run, as in a weekly sweep;
    serials, expirations of signatures and times change.
    """

    def __init__(self, own_outcomes: float = OWN_OUTCOME_SHARE) -> None:
        self._own_outcomes = own_outcomes
        document = json.loads(lzma.decompress(FILE.read_bytes()))
        self.kinds: list[Kind] = [tuple(kind) for kind in document["kinds"]]
        self.templates = [Template(**one) for one in document["templates"]]
        self._weights = list(accumulate(one.weight for one in self.templates))
        self._timings = {name: [_fragment(row) for row in rows] for name, rows in document["timings"].items()}

    def draw(self, domain: str, rng: random.Random) -> Drawn:
        """Draw a run of a domain, sometimes with a unique outcome."""
        chosen = self._choose(rng if rng.random() < CHANGED_SHARE else _of_domain(domain))
        lines = chosen.text(_values(chosen, domain, rng))
        pace = rng.uniform(0.6, 1.6)
        times = [int(at * pace) for at in chosen.times_us]
        count = len(chosen.kinds)
        kinds, args = chosen.kinds, lines[:count]
        if rng.random() < self._own_outcomes:
            kinds, args, times = self._mutated(kinds, args, times, domain, rng)
        timings = self._filled_timings(chosen, lines[count:], rng)
        return Drawn(kinds, args, times, timings, chosen.score, chosen.grade, int(chosen.duration_s * pace * 1000))

    def records(self, drawn: Drawn, places: Iterable[int] | None = None) -> list[EntryRecord]:
        """Return its entries, or those at some positions, as a worker stores them."""
        return [
            EntryRecord(drawn.times_us[place] / 1e6, *self.kinds[drawn.kinds[place]], json.loads(drawn.args[place]))
            for place in (range(len(drawn.kinds)) if places is None else places)
        ]

    def levels(self, drawn: Drawn) -> Counter[str]:
        """Count its entries by level."""
        return Counter(self.kinds[kind][3] for kind in drawn.kinds)

    def _choose(self, rng: random.Random) -> Template:
        return rng.choices(self.templates, cum_weights=self._weights)[0]

    def _mutated(
        self, kinds: Sequence[int], args: Sequence[str], times: Sequence[int], domain: str, rng: random.Random
    ) -> tuple[list[int], list[str], list[int]]:
        """Omit some findings, and add some of another run next to those of the same module."""
        kept = sorted(rng.sample(range(1, len(kinds)), k=max(1, len(kinds) - 1 - rng.randrange(4))))
        rows = [(kinds[place], args[place], times[place]) for place in [0, *kept]]
        other = self._choose(rng)
        lines = other.text(_values(other, domain, rng))
        added = rng.sample(range(len(other.kinds)), k=min(len(other.kinds), rng.randrange(1, 5)))
        rows += [(other.kinds[place], lines[place], other.times_us[place]) for place in added]
        modules = list(dict.fromkeys(self.kinds[kind][0] for kind, _, _ in rows))
        rows.sort(key=lambda row: modules.index(self.kinds[row[0]][0]))
        return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]

    def _filled_timings(self, chosen: Template, servers: Sequence[str], rng: random.Random) -> str:
        rows, pace = [], rng.random()
        for server, (_, name) in zip(servers, chosen.servers, strict=True):
            pool = self._timings[name]
            times = pool[int((pace + 0.2 * rng.random()) / 1.2 * len(pool))]  # servers of one run are alike
            rows.append(f"{server[:-1]},{times},{_origin(server)}]")
        return f"[{','.join([_NAMES, *rows])}]"


@lru_cache(maxsize=1)
def sweep() -> Sweep:
    return Sweep()


def _fragment(row: Sequence[Any]) -> str:
    return json.dumps(row, separators=(",", ":"))[1:-1]


def _values(chosen: Template, domain: str, rng: random.Random) -> list[str]:
    """Choose the value of each slot; later values depend on earlier ones."""
    values: list[str] = []
    stable = _of_domain(domain)
    for kind, *needs in chosen.slots:
        values.append(_FILLERS[kind](domain, rng if kind in _CHANGING else stable, values, *needs))
    return values


def _of_domain(domain: str) -> random.Random:
    """Return random numbers that are the same for each run of the domain."""
    return random.Random(zlib.crc32(domain.encode()))


def _provider(_domain: str, rng: random.Random, _values: Sequence[str], tld: str) -> str:
    """Return a name server's zone: some serve many domains, most serve few."""
    return f"{word(int(PROVIDERS * rng.random() ** 3) + 1, 5)}.{tld}"


def _mixed_case(domain: str, rng: random.Random, *_: Any) -> str:
    bits = rng.getrandbits(64)
    return "".join(one.upper() if bits >> place & 1 else one for place, one in enumerate(f"www.{domain}"))


def _v4(_domain: str, _rng: random.Random, values: Sequence[str], owner: int, number: int) -> str:
    return _address(values[owner], number)[0]


def _v6(_domain: str, _rng: random.Random, values: Sequence[str], owner: int, number: int) -> str:
    return _address(values[owner], number)[1]


@lru_cache(maxsize=65536)
def _address(owner: str, number: int) -> tuple[str, str]:
    """Return the addresses of one of the servers of a zone."""
    found = zlib.crc32(f"{number}.{owner}".encode())
    v4 = f"198.{18 + (found & 1)}.{found >> 1 & 255}.{found >> 9 & 255}"
    return v4, f"2001:db8:{found >> 16:x}::53"


@lru_cache(maxsize=65536)
def _origin(server: str) -> str:
    """Return ASes and prefix of a server (JSON array of name and address) as JSON; null for servers of other zones."""
    address = ip_address(json.loads(server)[1] or "::")
    if address not in _PROVIDERS_V4 and address not in _PROVIDERS_V6:
        return "null,null"
    prefix = ip_network(f"{address}/{24 if address.version == 4 else 40}", strict=False)
    return f'[{_FIRST_AS + zlib.crc32(prefix.network_address.packed) % _ASES}],"{prefix}"'


def _date(_domain: str, rng: random.Random, *_: Any) -> str:
    second = rng.randrange(28 * 86400)
    clock = f"{second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}"
    return f"2026-{1 + rng.randrange(12):02}-{1 + second // 86400:02}T{clock}Z"


def _serial(_domain: str, rng: random.Random, _values: Sequence[str], text: str) -> str:
    digits = min(6, len(text) - 1)
    return text[:-digits] + f"{rng.randrange(10**digits):0{digits}}"


def _size(_domain: str, rng: random.Random, _values: Sequence[str], text: str) -> str:
    return str(int(text) + rng.randrange(-20, 21))


_CHANGING = frozenset(("mixed case", "date", "serial"))
_FILLERS: Mapping[str, Callable[..., str]] = {
    "domain": lambda domain, *_: domain,
    "tld": lambda domain, *_: domain.rpartition(".")[2],
    "mixed case": _mixed_case,
    "provider": _provider,
    "v4": _v4,
    "v6": _v6,
    "date": _date,
    "serial": _serial,
    "keytag": lambda _domain, rng, *_: str(rng.randrange(65536)),
    "size": _size,
}
