"""Test a zone file: its lines, then the zone as if it were delegated.

What needs the Internet is left out and named.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dns.dnssec
import dns.rdatatype
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.dnskeybase import Flag

from gonemaster_engine import names
from gonemaster_engine.context import DSInfo
from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.errors import EngineError
from gonemaster_engine.net.wire.messages import from_dns_name
from gonemaster_engine.profile.profile import Profile
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import RunResult, run_test
from gonemaster_engine.testcases.catalogue import select
from gonemaster_engine.zonefile.contents import ZoneContents
from gonemaster_engine.zonefile.findings import make_entry
from gonemaster_engine.zonefile.message_sizes import MAX_MESSAGE_OCTETS, oversized_rrsets
from gonemaster_engine.zonefile.reading import FileLimits, LineProblem, ZoneFile, read_zone_file
from gonemaster_engine.zonefile.signatures import signature_problems
from gonemaster_engine.zonefile.world import domain_name, nameserver_addresses, open_world

_NEEDS = {
    "servers": (
        "connectivity01 connectivity02 connectivity05 consistency01 consistency02 consistency03 consistency04"
        " consistency05 consistency06 delegation04 delegation06 nameserver01 nameserver02 nameserver03 nameserver04"
        " nameserver05 nameserver07 nameserver08 nameserver09 nameserver10 nameserver11 nameserver12 nameserver13"
        " nameserver15 nameserver16 nameserver17 nameserver18 zone01"
    ),
    "networks": "address02 address03 connectivity03 connectivity04",
    "parent": "basic03 delegation07 delegation08 dnssec21",
    "other_zones": "dnssec24 zone13",
    "ds": "dnssec01 dnssec18",
}
"""The test cases that cannot be judged, by what they need; `ds` only if no DS records are given."""


@dataclass(frozen=True, slots=True)
class ZoneCheck:
    """The result of a zone file; `left_out` has test cases by what they need.

    `contents` is None if no test case was run, because name servers cannot load the file or it cannot be delegated.
    """

    result: RunResult
    left_out: Mapping[str, Sequence[str]]
    contents: ZoneContents | None


async def check_zone_file(
    text: str,
    domain: str,
    profile: Profile,
    *,
    limits: FileLimits,
    file: str = "",
    ds: Sequence[DSInfo] = (),
    nameservers: Sequence[tuple[str, str | None]] = (),
    tests: Sequence[str] = (),
    exclude: Sequence[str] = (),
    deadline_s: float = 60.0,
    on_progress: Callable[[int], None] | None = None,
    clock: Callable[[], float] = time.time,
) -> ZoneCheck:
    """Test a zone file. `nameservers` are addresses of name servers outside of the zone; others get placeholders.

    Without `ds`, the DS records are derived from the keys of the file.

    Raises:
      EngineError: the domain is the root, or the zone exceeds a limit.
      UnknownTestCase: `tests` or `exclude` contain an unknown name.
    """
    if domain == names.ROOT:
        raise EngineError("the root zone cannot be tested from a file")
    started, started_at = time.monotonic(), datetime.fromtimestamp(clock(), UTC)
    read = read_zone_file(text, domain_name(domain), limits, file=file)
    problems = [*_entries(read, int(clock()))]
    left_out = _left_out(profile, tests, exclude, has_ds=bool(ds))
    unjudged = {case_id for of_need in left_out.values() for case_id in of_need}
    judged = [case_id for case_id in _selected(profile, tests, exclude) if case_id not in unjudged]
    can_be_loaded = all(entry.level is not Level.CRITICAL for entry in problems)
    if not judged or not can_be_loaded:
        result = _unserved(domain, profile, problems, started_at, judged_at=int(clock()))
    else:
        world = _world(read.contents, ds, nameservers)
        try:
            result = await run_test(
                domain,
                _offline(profile),
                resources=world,
                tests=judged,
                deadline_s=deadline_s,
                on_progress=on_progress,
                clock=clock,
            )
        finally:
            await world.close()
        result.entries[:0] = problems
    result.duration_s = time.monotonic() - started
    return ZoneCheck(result, left_out, read.contents) if can_be_loaded else ZoneCheck(result, {}, None)


def _entries(read: ZoneFile, now: int) -> Iterator[Entry]:
    """Yield what is wrong with the file; if name servers cannot load it, only that."""
    contents = read.contents
    domain = from_dns_name(contents.origin)
    for problem in read.problems:
        yield make_entry(problem.tag, _place(problem))
    if any(problem.tag == "ZF_SYNTAX" for problem in read.problems):
        return
    if not contents.apex(dns.rdatatype.SOA):
        yield make_entry("ZF_NO_SOA", {"domain": domain})
    elif not contents.apex(dns.rdatatype.NS):
        yield make_entry("ZF_NO_NS", {"domain": domain})
    else:
        yield from _oversized(contents)
        for found in signature_problems(contents, now):
            yield make_entry(found.tag, found.args)


def _oversized(contents: ZoneContents) -> Iterator[Entry]:
    for name, rdataset in oversized_rrsets(contents):
        facts = {"count": len(rdataset), "limit": MAX_MESSAGE_OCTETS}
        if name == contents.origin and rdataset.rdtype == dns.rdatatype.NS:
            yield make_entry("ZF_NS_TOO_LARGE", {"domain": from_dns_name(name), **facts})
        else:
            about = {"query_name": from_dns_name(name), "query_type": dns.rdatatype.to_text(rdataset.rdtype)}
            yield make_entry("ZF_RRSET_TOO_LARGE", about | facts)


def _place(problem: LineProblem) -> dict[str, Any]:
    numbers = [str(number) for number in (problem.line, problem.column) if number is not None]
    place = ":".join([*([problem.file] if problem.file else []), *numbers])
    about = "query_name" if problem.tag == "ZF_OUT_OF_ZONE" else "reason"
    return {"place": place, "line": problem.line, "column": problem.column, about: problem.reason}


def _unserved(
    domain: str, profile: Profile, entries: list[Entry], started_at: datetime, *, judged_at: int
) -> RunResult:
    """Return the result of a file that no name server can load."""
    return RunResult(
        domain=domain,
        entries=entries,
        started_at=started_at,
        duration_s=0.0,
        queries=0,
        timings=[],
        profile=profile,
        judged_at=judged_at,
    )


def _offline(profile: Profile) -> Profile:
    """Return the profile for queries that stay in this process: all addresses of the zone can be queried."""
    return profile.merge({"net": {"ipv4": True, "ipv6": True, "allow_non_global_targets": True}})


def _world(contents: ZoneContents, ds: Sequence[DSInfo], nameservers: Sequence[tuple[str, str | None]]) -> Resources:
    supplied: dict[str, list[str]] = {}
    for name, address in nameservers:
        supplied.setdefault(names.normalize_domain(name), []).extend([address] if address else [])
    servers = nameserver_addresses(contents, supplied)
    return open_world(contents, servers, ds or derived_ds(contents))


def derived_ds(contents: ZoneContents) -> list[DSInfo]:
    """Return the DS records that the keys of a zone call for: of keys with the flag SEP, otherwise of all keys."""
    keys = [key for key in contents.apex(dns.rdatatype.DNSKEY) or () if isinstance(key, DNSKEY)]
    usable = [key for key in keys if not key.flags & Flag.REVOKE]
    made = [
        dns.dnssec.make_ds(contents.origin, key, "SHA256")
        for key in [key for key in usable if key.flags & Flag.SEP] or usable
    ]
    return [DSInfo(each.key_tag, each.algorithm, each.digest_type, each.digest.hex()) for each in made]


def _selected(profile: Profile, tests: Sequence[str], exclude: Sequence[str]) -> list[str]:
    chosen = [case.id for case in select(tests, exclude)]
    return chosen if tests else [case_id for case_id in chosen if case_id in set(profile.test_cases)]


def _left_out(profile: Profile, tests: Sequence[str], exclude: Sequence[str], *, has_ds: bool) -> dict[str, list[str]]:
    selected = _selected(profile, tests, exclude)
    found = {need: [case_id for case_id in selected if case_id in ids.split()] for need, ids in _NEEDS.items()}
    return {need: ids for need, ids in found.items() if ids and not (need == "ds" and has_ds)}
