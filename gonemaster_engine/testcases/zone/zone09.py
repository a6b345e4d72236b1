"""ZONE09: MX records should exist if and only if mail is expected, and be the same on all servers.

Specification: Zonemaster ZONE09. RFC 2142 section 6, RFC 2181 section 5, RFC 3172, RFC 5321 section 5.1, RFC 7505.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.profile.tag_sets import OLDEST
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.testcases.zone._addresses import AddressAnswer, all_servers, query_each_address
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

_DATA = ("servers", "mx_rdata", "mail_targets")
ARPA = Tag("Z09_ARPA_EMAIL_DOMAIN", Level.NOTICE, ("mail_targets",))
INCONSISTENT = Tag("Z09_INCONSISTENT_MX", Level.WARNING)
INCONSISTENT_DATA = Tag("Z09_INCONSISTENT_MX_DATA", Level.WARNING, _DATA)
MISSING = Tag("Z09_MISSING_MAIL_EXCHANGE", Level.NOTICE)
MISSING_2025_2 = Tag("Z09_MISSING_MAIL_TARGET", Level.NOTICE)
MX_DATA = Tag("Z09_MX_DATA", Level.INFO, _DATA)
MX_FOUND = Tag("Z09_MX_FOUND", Level.INFO, ("servers",))
NON_AUTH = Tag("Z09_NON_AUTH_MX_RESPONSE", Level.WARNING, ("addresses",))
NO_MX_FOUND = Tag("Z09_NO_MX_FOUND", Level.INFO, ("servers",))
NONE_EXPECTED = Tag("Z09_NO_MX_FOUND_OR_EXPECTED", Level.INFO)
NO_RESPONSE = Tag("Z09_NO_RESPONSE_MX_QUERY", Level.WARNING, ("addresses",))
NO_SERVERS = Tag("Z09_NO_SERVERS_MX_RESPONSE", Level.WARNING)
NULL_PREFERENCE = Tag("Z09_NULL_MX_NON_ZERO_PREF", Level.NOTICE)
NULL_WITH_OTHER = Tag("Z09_NULL_MX_WITH_OTHER_MX", Level.WARNING)
ROOT = Tag("Z09_ROOT_EMAIL_DOMAIN", Level.NOTICE, ("mail_targets",))
TLD = Tag("Z09_TLD_EMAIL_DOMAIN", Level.NOTICE, ("mail_targets",))
UNEXPECTED_RCODE = Tag("Z09_UNEXPECTED_RCODE_MX", Level.WARNING, ("rcode", "addresses"))
VALID_NULL = Tag("Z09_VALID_NULL_MX", Level.INFO)

_MxSet = tuple[tuple[int, str], ...]  # preference and host, sorted, without duplicates


@dataclass
class _Answers:
    """The addresses, grouped by their answers."""

    unresponsive: list[str] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # by RCODE
    not_authoritative: list[str] = field(default_factory=list)
    without: list[AddressAnswer] = field(default_factory=list)
    sets: dict[_MxSet, list[AddressAnswer]] = field(default_factory=lambda: defaultdict(list))


@case(
    "zone09",
    ARPA,
    INCONSISTENT,
    INCONSISTENT_DATA,
    MISSING,
    MISSING_2025_2,
    MX_DATA,
    MX_FOUND,
    NON_AUTH,
    NO_MX_FOUND,
    NONE_EXPECTED,
    NO_RESPONSE,
    NO_SERVERS,
    NULL_PREFERENCE,
    NULL_WITH_OTHER,
    ROOT,
    TLD,
    UNEXPECTED_RCODE,
    VALID_NULL,
    query_types=("MX",),
)
async def zone09(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that the zone has MX records where mail is expected, the same on all name servers."""
    answered = await query_each_address(zone, "MX", usable(await zone.all_servers()))
    answers = await _sort(zone, answered)
    for finding in _faults(answers):
        yield finding
    if answers.without and answers.sets:
        yield INCONSISTENT()
        yield NO_MX_FOUND(servers=all_servers(answers.without))
        yield MX_FOUND(servers=all_servers(answer for having in answers.sets.values() for answer in having))
    for finding in _verdict(zone, answers):
        yield finding


async def _sort(zone: Zone, answered: list[AddressAnswer]) -> _Answers:
    answers = _Answers()
    for answer in answered:
        await zone.wait_for_turn()
        address, response = answer.server.address, answer.response
        if response is None or (response.tc and not response.over_tcp):
            answers.unresponsive.append(address)
        elif response.rcode != "NOERROR":
            answers.errors[response.rcode].append(address)
        elif not response.aa:
            answers.not_authoritative.append(address)
        elif records := response.records("MX", zone.name):
            answers.sets[tuple(sorted({(record.preference, record.target) for record in records}))].append(answer)
        else:
            answers.without.append(answer)
    return answers


def _faults(answers: _Answers) -> Iterator[Finding]:
    if answers.unresponsive:
        yield NO_RESPONSE(addresses=sorted(answers.unresponsive))
    for rcode, addresses in sorted(answers.errors.items()):
        yield UNEXPECTED_RCODE(rcode=rcode, addresses=sorted(addresses))
    if answers.not_authoritative:
        yield NON_AUTH(addresses=sorted(answers.not_authoritative))


def _verdict(zone: Zone, answers: _Answers) -> Iterator[Finding]:
    is_arpa = names.is_in_domain(zone.name, "arpa")
    if len(answers.sets) > 1:
        for tag in (INCONSISTENT_DATA, MX_DATA):
            for mx_set, having in sorted(answers.sets.items()):
                yield tag(servers=all_servers(having), mx_rdata=_rdata(mx_set), mail_targets=_targets(mx_set))
    elif answers.sets:
        yield from _judge_set(zone, *next(iter(answers.sets.items())), is_arpa=is_arpa)
    elif not answers.without:
        yield NO_SERVERS()
    else:
        missing = MISSING_2025_2 if zone.context.profile.zonemaster_tags == OLDEST else MISSING
        yield NONE_EXPECTED() if zone.is_tld or is_arpa else missing()


def _judge_set(zone: Zone, mx_set: _MxSet, having: list[AddressAnswer], *, is_arpa: bool) -> Iterator[Finding]:
    null = [preference for preference, host in mx_set if host == names.ROOT]
    if null:
        if len(mx_set) > 1:
            yield NULL_WITH_OTHER()
        if any(null):
            yield NULL_PREFERENCE()
        if len(mx_set) == 1 and not any(null):
            yield VALID_NULL()
    elif zone.is_root:
        yield ROOT(mail_targets=_targets(mx_set))
    elif zone.is_tld:
        yield TLD(mail_targets=_targets(mx_set))
    elif is_arpa:
        yield ARPA(mail_targets=_targets(mx_set))
    else:
        yield MX_DATA(servers=all_servers(having), mx_rdata=_rdata(mx_set), mail_targets=_targets(mx_set))


def _rdata(mx_set: _MxSet) -> list[str]:
    return [f"{preference} {host}" for preference, host in mx_set]


def _targets(mx_set: _MxSet) -> list[str]:
    return sorted({host for _, host in mx_set})
