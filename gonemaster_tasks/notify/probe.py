"""Checks whether DSYNC records for a domain are published, and whether their endpoints answer (RFC 9859).

Each address of an endpoint gets one NOTIFY message about the domain, over UDP and, without an answer, over TCP. The
message asks for no more than a scan, which a receiver limits.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from gonemaster_engine.automation.observation import open_zone
from gonemaster_engine.resources import Resources
from gonemaster_engine.zone.dsync import MAX_ENDPOINTS, Dsync, find_dsync
from gonemaster_engine.zone.notify import MAX_ADDRESSES, EndpointAnswer, notify, obstacle
from gonemaster_engine.zone.zone import Zone
from gonemaster_tasks.config.profiles import caller_limits
from gonemaster_tasks.config.settings import Settings

_DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True)
class DsyncReport:
    """What is published for a domain; `records` is None if the parent zone did not answer."""

    domain: str
    records: Sequence[Dsync] | None = None
    answers: Sequence[EndpointAnswer] = ()

    @property
    def is_good(self) -> bool:
        """Whether an endpoint for CDS records is published, and each address accepts or refuses messages."""
        return bool(self.answers) and not any(answer.problem for answer in self.answers)

    def lines(self) -> list[str]:
        """Return the report for people."""
        if self.records is None:
            return [f"{self.domain}: the parent zone is unknown or did not answer"]
        if not any(record.is_for_cds for record in self.records):
            return [f"{self.domain}: the parent zone publishes no DSYNC record for CDS"]
        return [
            f"{answer.record.target} port {answer.record.port}, {answer.address or 'no address'}: "
            f"{answer.rcode or answer.problem}"
            for answer in self.answers
        ]


async def probe(domain: str, settings: Settings) -> DsyncReport:
    """Look up the DSYNC records for a domain, and send a NOTIFY message to their endpoints.

    Raises:
        InvalidDomain: not a domain.
    """
    resources = Resources.open(root_hints=settings.root_hints_path, dns_port=settings.dns_port, hot_cache_ttl_s=0)
    try:
        async with open_zone(domain, caller_limits(settings), resources, limits=settings.run_limits) as zone:
            try:
                async with asyncio.timeout(_DEADLINE_S):
                    records = await find_dsync(zone)
                    chosen = [record for record in records or () if record.is_for_cds][:MAX_ENDPOINTS]
                    answers = [answer for record in chosen async for answer in _ask(zone, record)]
            except TimeoutError:
                return DsyncReport(zone.name)
            return DsyncReport(zone.name, records, answers)
    finally:
        await resources.close()


async def _ask(zone: Zone, record: Dsync) -> AsyncIterator[EndpointAnswer]:
    addresses = (await zone.recursor.addresses(record.target))[:MAX_ADDRESSES]
    if not addresses:
        yield EndpointAnswer(record, "", problem="the target has no address")
    for address in addresses:
        if problem := obstacle(zone, address):
            yield EndpointAnswer(record, address, problem=problem)
            continue
        yield await notify(zone, record, address)
