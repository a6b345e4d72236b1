"""The evidence that rules read: the entries of a run, indexed, and facts that follow from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from typing import Any, Protocol

from gonemaster_engine.entries import Level
from gonemaster_engine.findings import verdict
from gonemaster_engine.findings.tags import SERVER_KEYS
from gonemaster_engine.replaced_tags import successors, with_successors

_ZONE_SERVERS = (
    "B02_AUTH_RESPONSE_SOA",
    "B02_NS_BROKEN",
    "B02_NS_NOT_AUTH",
    "B02_NS_NO_RESPONSE",
    "B02_UNEXPECTED_RCODE",
    "A01_ADDR_NOT_GLOBALLY_REACHABLE",
    "A01_DOCUMENTATION_ADDR",
    "A01_GLOBALLY_REACHABLE_ADDR",
    "A01_LOCAL_USE_ADDR",
    "CN01_NO_RESPONSE_UDP",
    "CN01_OK_UDP",
    "CN02_NO_RESPONSE_TCP",
    "CN02_OK_TCP",
)
"""Tags whose servers are those of the zone; the servers of other tags can be those of the parent zone."""

_CN01 = (
    "CN01_MISSING_NS_RECORD_UDP",
    "CN01_MISSING_SOA_RECORD_UDP",
    "CN01_NS_RECORD_NOT_AA_UDP",
    "CN01_SOA_RECORD_NOT_AA_UDP",
    "CN01_UNEXPECTED_RCODE_NS_QUERY_UDP",
    "CN01_UNEXPECTED_RCODE_SOA_QUERY_UDP",
    "CN01_WRONG_NS_RECORD_UDP",
    "CN01_WRONG_SOA_RECORD_UDP",
)
_ANSWERED = ("B02_AUTH_RESPONSE_SOA", "CN01_OK_UDP", "CN02_OK_TCP", "EDNS0_SUPPORT", *_CN01)
_NO_KEYS = ("DS07_UNEXP_RCODE_RESP_DNSKEY", "DS07_NO_RESPONSE_DNSKEY", "DS07_NON_AUTH_RESPONSE_DNSKEY")
_WITHOUT_DS = ("DS07_NO_DS_FOR_SIGNED_ZONE", "DS01_PARENT_ZONE_NO_DS")
_LIST_KEYS = ("servers", *sorted(SERVER_KEYS - {"servers"}))


class ReadEntry(verdict.JudgedEntry, Protocol):
    """The attributes of an entry that rules read: an `Entry` of the engine, or a database row."""

    @property
    def level(self) -> Level:
        """The severity."""


class ReadTiming(Protocol):
    """The response times of a name server, as far as the rules use them."""

    @property
    def address(self) -> str:
        """The address of the name server."""

    @property
    def count(self) -> int:
        """The number of answers."""

    @property
    def median_ms(self) -> float | None:
        """The median response time."""

    @property
    def timeouts(self) -> int:
        """The number of queries without an answer."""

    @property
    def lost(self) -> int:
        """The number of unanswered transmissions of queries that were answered after a repeat."""


@cache  # the rules are constants
def _divided(patterns: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the tags, with their successors, and the prefixes among patterns."""
    prefixes = tuple(pattern[:-1] for pattern in patterns if pattern.endswith("*"))
    return with_successors(frozenset(pattern for pattern in patterns if not pattern.endswith("*"))), prefixes


class Evidence:
    """The entries of a run on a domain. Rules find entries that no earlier rule has claimed."""

    def __init__(self, domain: str, entries: Sequence[ReadEntry], timings: Iterable[ReadTiming] = ()) -> None:
        self.domain = domain
        self.entries = entries
        self.timings = tuple(timings)
        self._by_tag: dict[str, list[int]] = defaultdict(list)
        self._notable: dict[str, list[int]] = defaultdict(list)
        self._addresses: dict[int, frozenset[str]] = {}
        self._claimed: set[int] = set()
        by_tag, notable, least = self._by_tag, self._notable, Level.NOTICE  # looked up once, not for each entry
        for position, entry in enumerate(entries):
            tag = entry.tag
            by_tag[tag].append(position)
            if entry.level >= least:
                notable[tag].append(position)

    def claim(self, positions: Iterable[int]) -> None:
        """Note that entries are explained."""
        self._claimed.update(positions)

    def has(self, *tags: str) -> bool:
        """Return whether the run has an entry with one of these tags, at any level."""
        return not self._by_tag.keys().isdisjoint(with_successors(frozenset(tags)))

    def all(self, *tags: str) -> Iterator[ReadEntry]:
        """Return the entries with these tags, at any level, claimed or not."""
        return (self.entries[place] for place in self.positions(*tags))

    def positions(self, *tags: str) -> list[int]:
        """Return the positions of the entries with these tags, at any level, claimed or not."""
        return [place for tag in tags for each in (tag, *successors(tag)) for place in self._by_tag.get(each, ())]

    def find(self, *patterns: str) -> list[int]:
        """Return the positions of unexplained entries of NOTICE or above; a pattern is a tag or a prefix and "*"."""
        exact, prefixes = _divided(patterns)
        tags = exact.intersection(self._notable)
        if prefixes:
            tags = tags.union([tag for tag in self._notable if tag.startswith(prefixes)])
        if not tags:
            return []
        return sorted([place for tag in tags for place in self._notable[tag] if place not in self._claimed])

    def find_with_keys(self, *patterns: str) -> list[int]:
        """Return what `find` returns, without entries about servers that do not answer queries for the keys."""
        return [
            place
            for place in self.find(*patterns)
            if not (own := self.addresses_of(place)) or not own <= self.withholding_keys
        ]

    def within(
        self, addresses: Collection[str], wanted: Callable[[ReadEntry], bool], *, but: Collection[int] = ()
    ) -> list[int]:
        """Return the positions of unexplained entries whose servers are all in `addresses`."""
        within = frozenset(addresses)
        if not within:
            return []
        return [
            place
            for places in self._notable.values()
            for place in places
            if place not in self._claimed
            and place not in but
            and (own := self.addresses_of(place))
            and own <= within
            and wanted(self.entries[place])
        ]

    def addresses_of(self, position: int) -> frozenset[str]:
        """Return the addresses of name servers in the arguments of an entry."""
        found = self._addresses.get(position)
        if found is None:
            found = self._addresses[position] = frozenset(
                address for _, address in _servers(self.entries[position].args) if address
            )
        return found

    def addresses(self, positions: Iterable[int]) -> frozenset[str]:
        """Return the addresses of name servers in the arguments of entries."""
        return frozenset().union(*map(self.addresses_of, positions))

    def addresses_with(self, *tags: str) -> frozenset[str]:
        """Return the addresses in the arguments of all entries with these tags."""
        return self.addresses(self.positions(*tags))

    def values(self, positions: Iterable[int], key: str) -> list[Any]:
        """Return the texts and numbers of an argument in entries, numbers first, sorted and without duplicates."""
        # A stored run can be of another program or release: values of other types are ignored.
        found = [self.entries[place].args.get(key) for place in positions]
        return sorted(
            {value for value in found if isinstance(value, (int, str))},
            key=lambda value: (isinstance(value, str), value),
        )

    @cached_property
    def servers(self) -> Mapping[str, str]:
        """The names of the name servers of the zone by address."""
        found = (pair for entry in self.all(*_ZONE_SERVERS) for pair in _servers(entry.args))
        return {address: name for name, address in found if address}

    @cached_property
    def answering(self) -> frozenset[str]:
        """The addresses that gave a response."""
        return self.addresses_with(*_ANSWERED)

    @cached_property
    def silent(self) -> frozenset[str]:
        """The addresses that were queried over UDP and gave no response."""
        odd = self.addresses_with(
            "DIFFERENT_SOURCE_IP", "NON_GLOBAL_QUERY_BLOCKED"
        )  # answered from elsewhere; not queried
        return self.addresses_with("CN01_NO_RESPONSE_UDP", "B02_NS_NO_RESPONSE") - odd

    @cached_property
    def serving(self) -> frozenset[str]:
        """The addresses that serve the zone; those of all name servers if the run does not know."""
        return self.addresses_with("B02_AUTH_RESPONSE_SOA", "CN01_OK_UDP") or frozenset(self.servers) - self.silent

    @cached_property
    def without_edns(self) -> frozenset[str]:
        """The addresses that do not support EDNS, so that they cannot serve signatures."""
        return self.addresses_with("NO_EDNS_SUPPORT", "EDNS_RESPONSE_WITHOUT_EDNS", "BREAKS_ON_EDNS")

    @cached_property
    def without_keys(self) -> frozenset[str]:
        """The addresses that give resolvers no keys of the zone, so that none of their answers validates."""
        return self.withholding_keys | self.addresses_with("DS07_NOT_SIGNED_ON_SERVER", "DS11_NS_WITH_UNSIGNED_ZONE")

    @cached_property
    def withholding_keys(self) -> frozenset[str]:
        """The addresses that do not answer queries for the keys."""
        return self.addresses_with(*_NO_KEYS)

    @property
    def is_without_keys(self) -> bool:
        """Whether the parent zone has DS records, but no name server gives resolvers the keys to validate with."""
        return bool(self.serving) and self.has("DS11_UNDETERMINED_SIGNED_ZONE") and self.serving <= self.without_keys

    @property
    def is_secure(self) -> bool:
        """Whether the parent zone has DS records, so that resolvers validate: True unless the run shows otherwise."""
        return not self.has(*_WITHOUT_DS)

    @property
    def is_cut_off(self) -> bool:
        """Whether the run left out test cases or servers."""
        return self.has("RUN_DEADLINE_REACHED", "RUN_LIMIT_REACHED")

    @cached_property
    def worst_domain_server(self) -> str:
        """A name server to query, for commands; a placeholder if the run knows none."""
        return min(self.serving or self.servers, default="NAME_SERVER")

    def dig(self, *words: str, at: str = "") -> str:
        """Return a command that repeats a query."""
        return " ".join(("dig", *words, f"@{at or self.worst_domain_server}"))


def _servers(args: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return name and address of the name servers in the arguments of an entry."""
    # A stored run can be of another program or release: values of other types name no server.
    pairs = [(args.get("ns"), args.get("address"))]
    pairs += [("", address) for address in _items(args.get("addresses"))]
    if not SERVER_KEYS.isdisjoint(args):
        items = [item for key in _LIST_KEYS for item in _items(args.get(key)) if isinstance(item, dict)]
        pairs += [(item.get("ns"), item.get("address")) for item in items]
    return [
        (name if isinstance(name, str) else "", address)
        for name, address in pairs
        if address and isinstance(address, str)
    ]


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else ()
