"""Resources that the runs of one process and event loop share: sockets, hot cache, root hints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from gonemaster_engine import names
from gonemaster_engine.asn.cache import AsnCache
from gonemaster_engine.dnssec.anchors import root_anchors
from gonemaster_engine.dnssec.records import Ds, make_ds
from gonemaster_engine.errors import EngineError
from gonemaster_engine.loop_time import LoopTime
from gonemaster_engine.net.cache import HotCache
from gonemaster_engine.net.pacing import Pacing
from gonemaster_engine.net.transport import Transport, host_has_ipv6
from gonemaster_engine.net.wire.messages import from_dns_name
from gonemaster_engine.normal_runs import NormalRuns

if TYPE_CHECKING:
    import dns.zone

DEFAULT_HINTS = Path(__file__).parent / "data" / "named.root"
# A line in the usual form of root hints: absolute name, TTL, optional class, type, one word.
_PLAIN_LINE = re.compile(
    r"(?P<owner>\.|(?:[A-Za-z0-9_-]{1,63}\.)+)\s+[0-9]{1,9}\s+(?:IN\s+)?"
    r"(?:(?P<NS>NS)\s+(?P<target>(?:[A-Za-z0-9_-]{1,63}\.)+)|(?P<type>A|AAAA)\s+(?P<address>[0-9A-Fa-f.:]+))\s*(?:;.*)?"
)

Hints = Mapping[str, tuple[str, ...]]
"""Names of root servers and their addresses."""


_Record: TypeAlias = tuple[str, str, str]  # owner, type, and name or address, all in canonical form


@dataclass(frozen=True, slots=True)
class RunCaches:
    """Caches shared between runs. `RunContext` decides whether a run gets the caches of the process or empty caches."""

    hot: HotCache
    origins: AsnCache

    @classmethod
    def for_one_run(cls) -> RunCaches:
        """Return caches that share nothing with other runs."""
        return cls(HotCache(ttl_s=0), AsnCache())


@dataclass(slots=True)
class Resources:
    """Shared resources, created once in a running event loop, passed to every run, and closed in that loop."""

    transport: Transport
    caches: RunCaches
    root_hints: Hints
    has_ipv6: bool
    root_anchors: tuple[Ds, ...] = field(default_factory=root_anchors)
    has_anchors: bool = True  # False for a private root without known DS records

    @classmethod
    def open(
        cls,
        *,
        root_hints: Path | str | None = None,
        dns_port: int = 53,
        hot_cache_ttl_s: float = 60.0,
        ipv6: bool | None = None,
        pacing: Pacing | None = None,
        normal_runs: NormalRuns | None = None,
    ) -> Resources:
        """Create the transport and load the root hints; a `hot_cache_ttl_s` of 0 disables caching between runs.

        DS records of the root among the hints replace IANA's trust anchors, because a private root has different keys.
        If `ipv6` is None, it is determined whether this host has IPv6. `pacing` limits the packets per server. For
        `normal_runs` batch runs rest; without it, for those of this process.

        Raises:
          EngineError: the root hints are invalid.
        """
        own_anchors = load_anchors(Path(root_hints)) if root_hints else ()
        return cls(
            transport=Transport(port=dns_port, pacing=pacing, turns=LoopTime(normal_runs)),
            caches=RunCaches(HotCache(ttl_s=hot_cache_ttl_s), AsnCache()),
            root_hints=load_hints(Path(root_hints)) if root_hints else default_hints(),
            has_ipv6=host_has_ipv6() if ipv6 is None else ipv6,
            root_anchors=own_anchors or root_anchors(),
            has_anchors=bool(own_anchors) or not root_hints,
        )

    async def close(self) -> None:
        """Close the sockets; runs in progress get no more answers."""
        await self.transport.close()
        self.transport.turns.normal_runs.close()


@cache
def default_hints() -> Hints:
    """Return IANA's root hints, which are part of the package."""
    return parse_hints(DEFAULT_HINTS.read_text("ascii"))


def load_hints(path: Path) -> Hints:
    """Return the root hints in a zone file.

    Raises:
      EngineError: the file cannot be read, or has no root server with an address.
    """
    text = _read(path)
    try:
        return parse_hints(text)
    except EngineError as error:
        raise EngineError(f"the root hints file {path} cannot be used: {error}") from error


def load_anchors(path: Path) -> tuple[Ds, ...]:
    """Return the DS records of the root zone in a zone file; there may be none.

    Raises:
      EngineError: the file cannot be read or parsed.
    """
    text = _read(path)
    if _plain_records(text):
        return ()
    from dns.rdtypes.ANY.DS import DS

    try:
        zone = _parse(text)
    except EngineError as error:
        raise EngineError(f"the root hints file {path} cannot be used: {error}") from error
    found = (rdata for owner, _, rdata in zone.iterate_rdatas("DS") if from_dns_name(owner) == names.ROOT)
    return tuple(
        make_ds(tag=rdata.key_tag, algorithm=rdata.algorithm, digest_type=rdata.digest_type, digest=rdata.digest)
        for rdata in found
        if isinstance(rdata, DS)
    )


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeError) as error:
        raise EngineError(f"the root hints file {path} cannot be read: {error}") from error


def parse_hints(text: str) -> Hints:
    """Return the root hints in the text of a zone file.

    Raises:
      EngineError: the file is not a zone file, or has no root server with an address.
    """
    records = list(dict.fromkeys(_plain_records(text) or _parsed_records(text)))
    servers = {value for _, rtype, value in records if rtype == "NS"}
    hints: dict[str, tuple[str, ...]] = {}
    for address_type in ("A", "AAAA"):
        for owner, rtype, value in records:
            if rtype == address_type and owner in servers:
                hints[owner] = (*hints.get(owner, ()), value)
    if not hints:
        raise EngineError("no root server has an address record")
    return dict(sorted(hints.items()))


def _plain_records(text: str) -> list[_Record]:
    """Return the records of a file that has only plain lines; none if a zone file parser is needed."""
    records = []
    for line in text.splitlines():
        if not line.strip() or line.startswith(";"):
            continue
        found = _PLAIN_LINE.fullmatch(line)
        if found is None or len(found["owner"]) > names.TEXT_MAX_CHARACTERS:
            return []
        owner = found["owner"].lower().rstrip(".") or names.ROOT
        if found["NS"]:
            records.append((owner, "NS", found["target"].lower().rstrip(".")))
            continue
        try:
            address = names.canonical_address(found["address"])
        except ValueError:
            return []
        if (":" in address) != (found["type"] == "AAAA"):
            return []
        records.append((owner, found["type"], address))
    return records


def _parsed_records(text: str) -> Iterator[_Record]:
    from dns.rdtypes.ANY.NS import NS
    from dns.rdtypes.IN.A import A
    from dns.rdtypes.IN.AAAA import AAAA

    zone = _parse(text)
    for rtype in ("NS", "A", "AAAA"):
        for owner, _, rdata in zone.iterate_rdatas(rtype):
            if isinstance(rdata, NS):
                yield from_dns_name(owner), rtype, from_dns_name(rdata.target)
            elif isinstance(rdata, A | AAAA):
                yield from_dns_name(owner), rtype, names.canonical_address(rdata.address)


def _parse(text: str) -> dns.zone.Zone:
    import dns.exception
    import dns.zone  # imported here: most hints are plain, and it is slow to load

    try:
        return dns.zone.from_text(text, origin=".", relativize=False, check_origin=False)
    except (dns.exception.DNSException, ValueError) as error:
        raise EngineError(f"invalid zone file: {error}") from error
