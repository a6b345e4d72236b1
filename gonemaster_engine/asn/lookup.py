"""Lookup of the AS and prefix that announce an address: over DNS in the format of Team Cymru, or over RIS whois.

Sources: Team Cymru "IP to ASN mapping" over DNS; RIPE RIS whois.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from gonemaster_engine.addresses import is_allowed_target
from gonemaster_engine.asn import riswhois
from gonemaster_engine.asn.cache import FAILED, AsnCache, Code, Origin, _Key
from gonemaster_engine.budget import Budget
from gonemaster_engine.limits import TCP_PACKETS
from gonemaster_engine.names import is_in_domain
from gonemaster_engine.net.wire.messages import Record, Response
from gonemaster_engine.net.wire.txt import joined_strings
from gonemaster_engine.profile.profile import Profile

_WHOIS_CONNECTIONS = 4  # concurrent: a silent server is noticed before all addresses were tried
BLOCK_BITS = {4: 24, 6: 48}  # longer prefixes are not announced globally

_NUMBER = re.compile(r"\b[0-9]{1,10}\b")  # 32 bits (RFC 6793)


@dataclass(frozen=True, slots=True)
class _Announcement:
    """One parsed line of a database."""

    asns: frozenset[int]
    network: ipaddress.IPv4Network | ipaddress.IPv6Network
    raw: str


class _SourceFailed(Exception):
    """A database did not answer, or gave an invalid answer."""


class Resolved(Protocol):
    """The result of a resolver."""

    @property
    def response(self) -> Response | None:
        """The last response."""

    @property
    def problem(self) -> object | None:
        """The problem with the aliases of the name, if any."""

    def records(self, rtype: str) -> Sequence[Record]:
        """Return the records of the given type at the end of the alias chain."""


class Resolver(Protocol):
    """The part of a resolver that lookups use; a protocol, because the resolver package is a layer above this one."""

    async def resolve(self, qname: str, qtype: str) -> Resolved:
        """Resolve a name."""

    async def addresses(self, name: str) -> Iterable[str]:
        """Return the addresses of a name."""


class AsnLookup:
    """AS lookups of one run."""

    def __init__(
        self,
        resolver: Resolver,
        profile: Profile,
        cache: AsnCache,
        *,
        budget: Budget,
        whois_port: int = riswhois.PORT,
        restored: Mapping[str, Origin] | None = None,
    ) -> None:
        self._resolver = resolver
        self._profile = profile
        self._cache = cache
        self._budget = budget
        self._whois_port = whois_port
        self.found: dict[str, Origin] = dict(restored or {})  # by address: results, or restored results
        self._sources = _in_order(profile)
        self._pending: dict[_Key, asyncio.Future[None]] = {}
        self._down: set[str] = set()  # whois servers that did not answer
        self._whois_slots = asyncio.Semaphore(_WHOIS_CONNECTIONS)
        # Two runs share results only if they would send the same queries.
        self._scope: object = (profile.network_settings, whois_port)

    def sources(self) -> list[str]:
        """Return the databases from which the results come, in the order in which they are queried.

        A database before the one that answered has failed, so it is included, too.
        """
        names = [source for _, source in self._sources]
        reached = [
            len(names) if origin.code is Code.ERROR_ASN_DATABASE else names.index(origin.source) + 1
            for origin in self.found.values()
            if origin.code is Code.ERROR_ASN_DATABASE or origin.source in names
        ]
        return names[: max(reached, default=0)]

    async def lookup(self, address: str) -> Origin:
        """Return the origin of an address; lookups for addresses of one block wait for each other.

        Raises:
          ValueError: the text is not an address.
        """
        origin = self.found.get(address)
        if origin is None:
            origin = self.found[address] = await self._find(address)
        return origin

    async def _find(self, address: str) -> Origin:
        exact, block = (self._scope, address), (self._scope, _block(address))
        while True:
            known = self._cache.find(exact) or self._cache.find(block)
            if known is not None:
                return known
            pending = self._pending.get(block)
            if pending is None:
                return await self._look_up_and_store(address, exact, block)
            await asyncio.shield(pending)

    async def lookup_all(self, addresses: Iterable[str]) -> dict[str, Origin]:
        """Look up several addresses concurrently; the result is in their order.

        Raises:
          ValueError: a text is not an address.
        """
        unique_addresses = list(dict.fromkeys(addresses))
        return dict(zip(unique_addresses, await asyncio.gather(*map(self.lookup, unique_addresses)), strict=True))

    async def _look_up_and_store(self, address: str, exact: _Key, block: _Key) -> Origin:
        done = self._pending[block] = asyncio.get_running_loop().create_future()
        try:
            origin = await self._query(address)
            # Only results of the first source are shared: other sources are used if this run did not reach the first.
            if self._sources and origin.source == self._sources[0][1]:
                self._cache.store(block if _covers_block(origin) else exact, origin)
            return origin
        finally:
            del self._pending[block]
            done.set_result(None)

    async def _query(self, address: str) -> Origin:
        for style, source in self._sources:
            query = self._query_cymru if style == "cymru" else self._query_whois
            try:
                return await query(source, address)
            except _SourceFailed:
                continue
        return FAILED

    async def _query_cymru(self, source: str, address: str) -> Origin:
        resolution = await self._resolver.resolve(_cymru_name(source, address), "TXT")
        response = resolution.response
        if response is None or resolution.problem is not None:
            raise _SourceFailed(source)
        if response.rcode == "NXDOMAIN" and response.aa and _is_denied_by(response, source):
            return Origin(Code.EMPTY_ASN_SET, source=source)
        if response.rcode != "NOERROR":
            raise _SourceFailed(source)
        if not response.answer and response.aa:
            return Origin(Code.EMPTY_ASN_SET, source=source)
        texts = [joined_strings(record.octets).decode("utf-8", "replace") for record in resolution.records("TXT")]
        if not texts:
            raise _SourceFailed(source)
        return _judge(source, address, [read for text in texts if (read := _read_cymru(text))])

    async def _query_whois(self, source: str, address: str) -> Origin:
        for server in await self._whois_addresses(source):
            try:
                async with self._whois_slots:
                    if source in self._down:
                        raise _SourceFailed(source)
                    text = await self._converse(server, address)
            except OSError:
                continue
            lines = [line.strip() for line in text.splitlines()]
            if any(lines):
                content = [line for line in lines if line and not line.startswith("%")]
                return _judge_whois(source, address, content)
        self._down.add(source)
        raise _SourceFailed(source)

    async def _converse(self, server: str, address: str) -> str:
        """Query a whois server; it costs the same as a connection to a name server.

        Raises:
          OSError: the server gave no answer.
          _SourceFailed: the budget allows no more packets to it.
        """
        profile, budget = self._profile, self._budget
        account = budget.account(server)
        budget.note_independent(account)
        if not budget.charge(account, TCP_PACKETS):
            raise _SourceFailed(server)
        text = await riswhois.query(
            server,
            address,
            port=self._whois_port,
            timeout_s=profile.timeout_s,
            source=profile.source6 if ":" in server else profile.source4,
            on_end=partial(budget.settle, account, TCP_PACKETS),
        )
        budget.record_answer(account)
        return text

    async def _whois_addresses(self, source: str) -> list[str]:
        profile = self._profile
        if profile.no_network:
            return []
        return [
            address
            for address in await self._resolver.addresses(source)
            if (profile.ipv6 if ":" in address else profile.ipv4)
            and is_allowed_target(address, guarded=not profile.allow_non_global_targets)
        ]


def _in_order(profile: Profile) -> tuple[tuple[str, str], ...]:
    """Return (style, source) pairs, the preferred style first."""
    database = profile.asn_db
    styles = sorted(database.sources, key=lambda style: (style != database.style, style))
    return tuple((style, source) for style in styles for source in database.sources[style])


def _block(address: str) -> str:
    version = 6 if ":" in address else 4
    return str(ipaddress.ip_network(f"{address}/{BLOCK_BITS[version]}", strict=False))


def _covers_block(origin: Origin) -> bool:
    """Return whether the result is valid for the whole block of the address."""
    if not origin.prefix:
        return False
    network = ipaddress.ip_network(origin.prefix)
    return network.prefixlen <= BLOCK_BITS[network.version]


def _cymru_name(source: str, address: str) -> str:
    reverse, _, tree = ipaddress.ip_address(address).reverse_pointer.rpartition(".arpa")[0].rpartition(".")
    return f"{reverse}.{'origin6' if tree == 'ip6' else 'origin'}.{source}"


def _is_denied_by(response: Response, source: str) -> bool:
    """Return whether the database itself denies the name, not a zone above it (then there is no database)."""
    return any(is_in_domain(record.owner, source) for record in response.records("SOA", section="authority"))


def _read_cymru(text: str) -> _Announcement | None:
    """Parse "13335 | 192.0.2.0/24 | ..."; the AS numbers in the first field are separated by spaces."""
    asns, _, rest = text.partition("|")
    return _announcement(asns, rest.partition("|")[0], text)


def _read_whois(line: str) -> _Announcement | None:
    """Parse "13335 192.0.2.0/24 300"; the AS numbers in the first field are separated by slashes."""
    fields = line.split()
    return _announcement(fields[0], fields[1], line) if len(fields) > 1 else None


def _announcement(asns: str, prefix: str, raw: str) -> _Announcement | None:
    try:
        network = ipaddress.ip_network(prefix.strip(), strict=False)
    except ValueError:
        return None
    numbers = frozenset(int(number) for number in _NUMBER.findall(asns))
    return _Announcement(numbers, network, raw) if numbers and network.prefixlen else None


def _judge_whois(source: str, address: str, lines: list[str]) -> Origin:
    read = [announcement for line in lines if (announcement := _read_whois(line))]
    if lines and not read:
        raise _SourceFailed(source)
    return _judge(source, address, read)


def _judge(source: str, address: str, announcements: list[_Announcement]) -> Origin:
    """Choose the most specific prefix, with all ASes that announce it.

    Raises:
      _SourceFailed: a prefix does not contain the address.
    """
    if not announcements:
        return Origin(Code.EMPTY_ASN_SET, source=source)
    parsed = ipaddress.ip_address(address)
    if any(parsed not in announcement.network for announcement in announcements):
        raise _SourceFailed(source)
    longest = max(announcements, key=lambda announcement: announcement.network.prefixlen)
    most_specific = [announcement for announcement in announcements if announcement.network == longest.network]
    asns = tuple(sorted(frozenset[int]().union(*(announcement.asns for announcement in most_specific))))
    raw = "\n".join(sorted({announcement.raw for announcement in most_specific}))
    return Origin(Code.AS_FOUND, asns, str(longest.network), raw, source)
