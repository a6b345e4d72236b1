"""DNSSEC23: the records of one denial of existence must not contradict each other.

RFC 4034 sections 4.1.1 and 6.1, RFC 4035 section 3.1.3, RFC 4470, RFC 5155 sections 1.3, 3.1.7 and 7, RFC 8198,
RFC 9077, RFC 9824. A resolver that uses cached denials aggressively (RFC 8198) uses each record without the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations

from gonemaster_engine import names
from gonemaster_engine.dnssec.denial import Nsec, Nsec3, nsec3_records, nsec3param_records, nsec_records
from gonemaster_engine.dnssec.records import dnskeys
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.testcases.dnssec._shared import SERVERS, ServerTally, child_servers, is_usable
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

CONSISTENT = Tag("DS23_DENIAL_PROOF_CONSISTENT", Level.INFO, SERVERS)
MULTIPLE_NSEC3PARAM = Tag("DS23_MULTIPLE_NSEC3PARAM", Level.NOTICE, SERVERS)
NO_PROOF = Tag("DS23_NO_DENIAL_PROOF", Level.ERROR, SERVERS)
NOT_PUBLISHED = Tag("DS23_NSEC3_CHAIN_NOT_PUBLISHED", Level.ERROR, SERVERS)
DUPLICATE_NEXT = Tag("DS23_NSEC3_DUPLICATE_NEXT", Level.ERROR, ("owner", "covered", "next", "servers"))
MIXED_PARAMETERS = Tag("DS23_NSEC3_MIXED_PARAMETERS", Level.ERROR, SERVERS)
NSEC3_OVERLAP = Tag("DS23_NSEC3_RANGES_OVERLAP", Level.ERROR, ("owner", "next", "covered", "servers"))
NSEC_OVERLAP = Tag("DS23_NSEC_RANGES_OVERLAP", Level.ERROR, ("owner", "next", "covered", "servers"))

PROBE_LABEL = "xn--gonemaster-probe-9"  # not an A-label, so no zone has it; constant, so that it works with recordings
_MAX_RECORDS = 16  # compared records of one proof; a valid proof has at most three

_ERRORS = (NO_PROOF, NOT_PUBLISHED, DUPLICATE_NEXT, MIXED_PARAMETERS, NSEC3_OVERLAP, NSEC_OVERLAP)


@case("dnssec23", CONSISTENT, MULTIPLE_NSEC3PARAM, *_ERRORS, query_types=("A",))
async def dnssec23(zone: Zone, usable: ServerFilter) -> list[Finding]:
    """Check that the NSEC or NSEC3 records of a denial of existence do not contradict each other."""
    servers = usable(await child_servers(zone))
    probe = names.prepend(PROBE_LABEL, zone.name)
    if len(probe) > names.TEXT_MAX_CHARACTERS:
        return []
    pending = [
        (
            server,
            server.query(zone.name, "DNSKEY", dnssec=True),
            server.query(probe, "A", dnssec=True),
            server.query(zone.name, "NSEC3PARAM", dnssec=True),
        )
        for server in servers
    ]
    tally = ServerTally()
    for server, keys, denial, nsec3param in pending:
        keys_response, response = await keys, await denial
        if not is_usable(keys_response) or not dnskeys(keys_response, zone.name):
            continue
        if response is None or not response.aa or response.tc or response.rcode not in {"NOERROR", "NXDOMAIN"}:
            continue
        _judge(zone, tally, server, response, await nsec3param)
    last = () if tally.has(*_ERRORS) else (CONSISTENT,)
    return tally.findings(*sorted((MULTIPLE_NSEC3PARAM, *_ERRORS), key=lambda tag: tag.name), *last)


def _judge(zone: Zone, tally: ServerTally, server: Nameserver, response: Response, nsec3param: Response | None) -> None:
    nsec3 = [record for record in nsec3_records(response, "authority") if record.zone == zone.name][:_MAX_RECORDS]
    nsec = [record for record in nsec_records(response, "authority") if names.is_in_domain(record.owner, zone.name)][
        :_MAX_RECORDS
    ]
    found = [*_nsec3_faults(nsec3), *_nsec_overlaps(nsec)] if nsec3 or nsec else [(NO_PROOF, {})]
    published = nsec3param_records(nsec3param, zone.name) if is_usable(nsec3param) else None
    if nsec3 and published is not None:
        # Records of several chains are one fault; comparing each with NSEC3PARAM would report it twice.
        if (MIXED_PARAMETERS, {}) not in found and nsec3[0].parameters not in {param.parameters for param in published}:
            found.append((NOT_PUBLISHED, {}))
        if len(published) > 1:
            tally.add(MULTIPLE_NSEC3PARAM, server)
    for tag, args in found:
        tally.add(tag, server, **args)
    if not found:
        tally.add(CONSISTENT, server)


def _nsec3_faults(records: Sequence[Nsec3]) -> Iterator[tuple[Tag, dict[str, str]]]:
    # Hashes with different parameters have no common order, so overlaps between them mean nothing.
    if len({record.parameters for record in records}) > 1:
        yield MIXED_PARAMETERS, {}
        return
    reported: set[frozenset[str]] = set()
    ranges = sorted({(record.owner, record.next): record for record in records}.items())
    distinct = [record for _, record in ranges]
    for first, second in combinations(distinct, 2):
        if first.next == second.next:
            reported.add(frozenset({first.owner, second.owner}))
            yield DUPLICATE_NEXT, {"owner": first.owner, "covered": second.owner, "next": first.next}
    for one, other in permutations(distinct, 2):
        if frozenset({one.owner, other.owner}) not in reported and one.covers(other.label):
            yield NSEC3_OVERLAP, {"owner": one.owner, "covered": other.owner, "next": one.next}


def _nsec_overlaps(records: Sequence[Nsec]) -> Iterator[tuple[Tag, dict[str, str]]]:
    for record, other in permutations(records, 2):
        if record.owner != other.owner and record.covers(other.owner):
            yield NSEC_OVERLAP, {"owner": record.owner, "covered": other.owner, "next": record.next}
