"""DNSSEC03: the NSEC3 parameters on each server and across servers.

Specification: Zonemaster DNSSEC03. RFC 5155 section 3, RFC 9276 section 3.1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from gonemaster_engine.dnssec.denial import Nsec3, nsec3_records
from gonemaster_engine.dnssec.records import dnskeys
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.testcases.dnssec._shared import SERVERS, ServerTally, is_usable, query_each_type
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

NO_DNSSEC = Tag("DS03_NO_DNSSEC_SUPPORT", Level.NOTICE, SERVERS)
SERVER_NO_DNSSEC = Tag("DS03_SERVER_NO_DNSSEC_SUPPORT", Level.ERROR, SERVERS)
NO_NSEC3 = Tag("DS03_NO_NSEC3", Level.INFO, SERVERS)
SERVER_NO_NSEC3 = Tag("DS03_SERVER_NO_NSEC3", Level.ERROR, SERVERS)
MULTIPLE_NSEC3 = Tag("DS03_ERR_MULT_NSEC3", Level.ERROR, SERVERS)
INCONSISTENT_HASH = Tag("DS03_INCONSISTENT_HASH_ALGO", Level.ERROR)
LEGAL_HASH = Tag("DS03_LEGAL_HASH_ALGO", Level.INFO, SERVERS)
ILLEGAL_HASH = Tag("DS03_ILLEGAL_HASH_ALGO", Level.ERROR, ("servers", "algo_num"))
INCONSISTENT_FLAGS = Tag("DS03_INCONSISTENT_NSEC3_FLAGS", Level.ERROR)
UNASSIGNED_FLAG = Tag("DS03_UNASSIGNED_FLAG_USED", Level.ERROR, ("servers", "int"))
OPT_OUT_TLD = Tag("DS03_NSEC3_OPT_OUT_ENABLED_TLD", Level.INFO, SERVERS)
OPT_OUT_NON_TLD = Tag("DS03_NSEC3_OPT_OUT_ENABLED_NON_TLD", Level.NOTICE, SERVERS)
NO_OPT_OUT = Tag("DS03_NSEC3_OPT_OUT_DISABLED", Level.INFO, SERVERS)
INCONSISTENT_ITERATIONS = Tag("DS03_INCONSISTENT_ITERATION", Level.ERROR)
LEGAL_ITERATIONS = Tag("DS03_LEGAL_ITERATION_VALUE", Level.INFO, SERVERS)
ILLEGAL_ITERATIONS = Tag("DS03_ILLEGAL_ITERATION_VALUE", Level.WARNING, ("servers", "int"))
INCONSISTENT_SALT = Tag("DS03_INCONSISTENT_SALT_LENGTH", Level.ERROR)
NO_SALT = Tag("DS03_LEGAL_EMPTY_SALT", Level.INFO, SERVERS)
SALT = Tag("DS03_ILLEGAL_SALT_LENGTH", Level.WARNING, ("servers", "int"))
NO_RESPONSE = Tag("DS03_NO_RESPONSE_NSEC_QUERY", Level.ERROR, SERVERS)
ERROR_RESPONSE = Tag("DS03_ERROR_RESPONSE_NSEC_QUERY", Level.ERROR, SERVERS)

_LEGAL_HASH_ALGORITHM = 1  # SHA-1, RFC 5155 section 11
_UNASSIGNED_FLAGS = range(7)  # bit numbers; bit 0 is the most significant, bit 7 is opt-out


@case(
    "dnssec03",
    NO_DNSSEC,
    SERVER_NO_DNSSEC,
    NO_NSEC3,
    SERVER_NO_NSEC3,
    MULTIPLE_NSEC3,
    INCONSISTENT_HASH,
    LEGAL_HASH,
    ILLEGAL_HASH,
    INCONSISTENT_FLAGS,
    UNASSIGNED_FLAG,
    OPT_OUT_TLD,
    OPT_OUT_NON_TLD,
    NO_OPT_OUT,
    INCONSISTENT_ITERATIONS,
    LEGAL_ITERATIONS,
    ILLEGAL_ITERATIONS,
    INCONSISTENT_SALT,
    NO_SALT,
    SALT,
    NO_RESPONSE,
    ERROR_RESPONSE,
    query_types=("DNSKEY", "NSEC"),
)
async def dnssec03(zone: Zone, usable: ServerFilter) -> list[Finding]:
    """Check the hash algorithm, flags, iterations and salt of the NSEC3 records."""
    servers = usable(await zone.all_servers())
    tally = ServerTally()
    with_keys = False
    found: list[tuple[Nameserver, Nsec3]] = []
    for server, (keys, denial) in await query_each_type(servers, zone.name, "DNSKEY", "NSEC"):
        await zone.wait_for_turn()
        if not is_usable(keys):
            continue
        if not dnskeys(keys, zone.name):
            tally.add(NO_DNSSEC, server)
            continue
        with_keys = True
        if denial is None:
            tally.add(NO_RESPONSE, server)
        elif not is_usable(denial):
            tally.add(ERROR_RESPONSE, server)
        elif records := nsec3_records(denial, "authority"):
            found += [(server, record) for record in records]
            if len(records) > 1:
                tally.add(MULTIPLE_NSEC3, server)
        else:
            tally.add(NO_NSEC3, server)
    return [
        *_presence(tally, with_keys=with_keys, with_nsec3=bool(found)),
        *_parameters(found, is_tld=zone.is_tld),
        *tally.findings(NO_RESPONSE, ERROR_RESPONSE),
    ]


def _presence(tally: ServerTally, *, with_keys: bool, with_nsec3: bool) -> Iterator[Finding]:
    if tally.has(NO_DNSSEC):
        yield (SERVER_NO_DNSSEC if with_keys else NO_DNSSEC)(servers=tally.servers(NO_DNSSEC))
    if tally.has(NO_NSEC3):
        yield (SERVER_NO_NSEC3 if with_nsec3 else NO_NSEC3)(servers=tally.servers(NO_NSEC3))
    yield from tally.findings(MULTIPLE_NSEC3)


def _grouped(
    found: Iterable[tuple[Nameserver, Nsec3]], value: Callable[[Nsec3], int]
) -> list[tuple[int, set[Nameserver]]]:
    groups: dict[int, set[Nameserver]] = defaultdict(set)
    for server, record in found:
        groups[value(record)].add(server)
    return sorted(groups.items())


def _parameters(found: list[tuple[Nameserver, Nsec3]], *, is_tld: bool) -> Iterator[Finding]:
    algorithms = _grouped(found, lambda record: record.algorithm)
    if len(algorithms) > 1:
        yield INCONSISTENT_HASH()
    for number, servers in algorithms:
        if number == _LEGAL_HASH_ALGORITHM:
            yield LEGAL_HASH(servers=servers)
        else:
            yield ILLEGAL_HASH(servers=servers, algo_num=number)
    yield from _flags(_grouped(found, lambda record: record.flags), OPT_OUT_TLD if is_tld else OPT_OUT_NON_TLD)
    iterations = _grouped(found, lambda record: record.iterations)
    yield from _counts(iterations, INCONSISTENT_ITERATIONS, LEGAL_ITERATIONS, ILLEGAL_ITERATIONS)
    yield from _counts(_grouped(found, lambda record: len(record.salt)), INCONSISTENT_SALT, NO_SALT, SALT)


def _flags(groups: list[tuple[int, set[Nameserver]]], opt_out: Tag) -> Iterator[Finding]:
    if len(groups) > 1:
        yield INCONSISTENT_FLAGS()
    tally = ServerTally()
    for flags, servers in groups:
        for server in servers:
            for bit in _UNASSIGNED_FLAGS:
                if flags << bit & 0x80:
                    tally.add(UNASSIGNED_FLAG, server, int=bit)
            tally.add(opt_out if flags & 1 else NO_OPT_OUT, server)
    yield from tally.findings(UNASSIGNED_FLAG, opt_out, NO_OPT_OUT)


def _counts(
    groups: list[tuple[int, set[Nameserver]]], inconsistent: Tag, legal: Tag, illegal: Tag
) -> Iterator[Finding]:
    """Check a parameter that should be zero."""
    if len(groups) > 1:
        yield inconsistent()
    for number, servers in groups:
        yield illegal(servers=servers, int=number) if number else legal(servers=servers)
