"""What the runs of one process and event loop share: sockets, hot cache, root hints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import dns.exception
import dns.zone
from dns.rdtypes.ANY.DS import DS
from dns.rdtypes.ANY.NS import NS
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA

from gonemaster_engine import names
from gonemaster_engine.asn.cache import AsnCache
from gonemaster_engine.dnssec.anchors import ROOT_ANCHORS
from gonemaster_engine.dnssec.records import Ds, make_ds
from gonemaster_engine.errors import EngineError
from gonemaster_engine.net.cache import HotCache
from gonemaster_engine.net.pacing import Pacing
from gonemaster_engine.net.transport import Transport, host_has_ipv6
from gonemaster_engine.net.wire import from_dns_name

Hints = Mapping[str, tuple[str, ...]]
"""Names of root servers to their addresses."""


@dataclass(frozen=True, slots=True)
class Caches:
    """What runs have from one another. `RunContext` chooses whether a run gets those of the process or empty ones."""

    hot: HotCache
    origins: AsnCache

    @classmethod
    def of_one_run(cls) -> Caches:
        """Return caches in which a run finds nothing of others, and others nothing of it."""
        return cls(HotCache(ttl_s=0), AsnCache())


@dataclass(slots=True)
class Resources:
    """Made once in a running event loop, given to every run, closed there."""

    transport: Transport
    caches: Caches
    root_hints: Hints
    has_ipv6: bool
    root_anchors: tuple[Ds, ...] = ROOT_ANCHORS
    has_anchors: bool = True  # False for a private root of which no DS record is known

    @classmethod
    def open(
        cls,
        *,
        root_hints: Path | str | None = None,
        dns_port: int = 53,
        hot_cache_ttl_s: float = 60.0,
        ipv6: bool | None = None,
        pacing: Pacing | None = None,
    ) -> Resources:
        """Open the sockets' owner and load the root hints; `hot_cache_ttl_s` 0 keeps nothing between runs.

        DS records of the root among the hints replace the trust anchors of IANA: a private root has keys of its own.
        `ipv6` None finds out whether this host has IPv6. `pacing` holds back what would be too much for a server.

        Raises:
            EngineError: the root hints cannot be used.
        """
        own_anchors = load_anchors(Path(root_hints)) if root_hints else ()
        return cls(
            transport=Transport(port=dns_port, pacing=pacing),
            caches=Caches(HotCache(ttl_s=hot_cache_ttl_s), AsnCache()),
            root_hints=load_hints(Path(root_hints)) if root_hints else default_hints(),
            has_ipv6=host_has_ipv6() if ipv6 is None else ipv6,
            root_anchors=own_anchors or ROOT_ANCHORS,
            has_anchors=bool(own_anchors) or not root_hints,
        )

    async def close(self) -> None:
        """Close the sockets; runs still under way get no more answers."""
        await self.transport.close()


@cache
def default_hints() -> Hints:
    """Return the root hints of IANA that come with the engine."""
    return parse_hints(resources.files("gonemaster_engine").joinpath("data/named.root").read_text("ascii"))


def load_hints(path: Path) -> Hints:
    """Return the root hints in a file of zone-file format.

    Raises:
        EngineError: it cannot be read, or holds no root server with an address.
    """
    text = _read(path)
    try:
        return parse_hints(text)
    except EngineError as error:
        raise EngineError(f"the root hints file {path} cannot be used: {error}") from error


def load_anchors(path: Path) -> tuple[Ds, ...]:
    """Return the DS records of the root zone in a file of zone-file format; there may be none.

    Raises:
        EngineError: it cannot be read, or is not in that format.
    """
    found = (
        rdata for owner, _, rdata in _parse(_read(path)).iterate_rdatas("DS") if from_dns_name(owner) == names.ROOT
    )
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
    """Return the root hints in a text of zone-file format.

    Raises:
        EngineError: it is not in that format, or holds no root server with an address.
    """
    zone = _parse(text)
    records = zone.iterate_rdatas("NS")
    servers = {from_dns_name(rdata.target) for _, _, rdata in records if isinstance(rdata, NS)}
    hints: dict[str, tuple[str, ...]] = {}
    for address_type in (A, AAAA):
        for owner, _, rdata in zone.iterate_rdatas(address_type.__name__):
            name = from_dns_name(owner)
            if name in servers and isinstance(rdata, address_type):
                hints[name] = (*hints.get(name, ()), names.canonical_address(rdata.address))
    if not hints:
        raise EngineError("no root server has an address record")
    return dict(sorted(hints.items()))


def _parse(text: str) -> dns.zone.Zone:
    try:
        return dns.zone.from_text(text, origin=".", relativize=False, check_origin=False)
    except (dns.exception.DNSException, ValueError) as error:
        raise EngineError(f"invalid zone file: {error}") from error
