"""ZONE15: CAA at the apex: served, valid and the same on all name servers, and what it allows.

RFC 8659 sections 3, 4.1 to 4.4 and 6.2, RFC 8657, RFC 9495 sections 3 and 4.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.testcases.zone._addresses import AddressAnswer, all_servers, query_each_address
from gonemaster_engine.testcases.zone._caa import ISSUE_PROPERTIES, KNOWN_PROPERTIES, RESERVED, Caa, caa_records
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

FOUND = Tag("Z15_CAA_FOUND", Level.INFO, ("servers", "caa_flags", "caa_property", "caa_value"))
INCONSISTENT = Tag("Z15_INCONSISTENT_CAA", Level.WARNING)
INVALID_IODEF = Tag("Z15_INVALID_IODEF_VALUE", Level.WARNING, ("caa_value",))
INVALID_ISSUE = Tag("Z15_INVALID_ISSUE_VALUE", Level.WARNING, ("caa_property", "caa_value"))
INVALID_TAG = Tag("Z15_INVALID_PROPERTY_TAG", Level.WARNING, ("caa_property", "caa_value"))
FORBIDDEN = Tag("Z15_ISSUANCE_FORBIDDEN", Level.INFO)
CONTRADICTION = Tag("Z15_ISSUE_CONTRADICTION", Level.NOTICE, ("caa_property",))
MIXED = Tag("Z15_MIXED_PRESENCE", Level.WARNING)
NONE = Tag("Z15_NO_CAA", Level.INFO, ("servers",))
NONE_TLD = Tag("Z15_NO_CAA_TLD", Level.INFO, ("servers",))
NO_RESPONSE = Tag("Z15_NO_RESPONSE_CAA_QUERY", Level.WARNING, ("addresses",))
RESERVED_FLAGS = Tag("Z15_RESERVED_FLAGS", Level.NOTICE, ("caa_flags", "caa_property", "caa_value"))
UNEXPECTED_RCODE = Tag("Z15_UNEXPECTED_RCODE_CAA", Level.WARNING, ("rcode", "addresses"))
UNKNOWN = Tag("Z15_UNKNOWN_PROPERTY", Level.NOTICE, ("caa_property",))
UNKNOWN_CRITICAL = Tag("Z15_UNKNOWN_PROPERTY_CRITICAL", Level.ERROR, ("caa_property", "caa_flags"))


@case(
    "zone15",
    FOUND,
    INCONSISTENT,
    INVALID_IODEF,
    INVALID_ISSUE,
    INVALID_TAG,
    FORBIDDEN,
    CONTRADICTION,
    MIXED,
    NONE,
    NONE_TLD,
    NO_RESPONSE,
    RESERVED_FLAGS,
    UNEXPECTED_RCODE,
    UNKNOWN,
    UNKNOWN_CRITICAL,
    query_types=("CAA",),
)
async def zone15(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:  # noqa: C901 - reads like its specification
    """Check that the CAA records are valid and the same on all name servers, and what they allow."""
    answered = await query_each_address(zone, "CAA", usable(await zone.all_servers()))
    for finding in _faults(answered):
        yield finding
    answers = {}
    having: dict[Caa, list[AddressAnswer]] = defaultdict(list)
    for answer in answered:
        await zone.wait_for_turn()
        if not answer.is_usable or answer.response is None:
            continue
        records = answers[answer] = caa_records(answer.response, zone.name)
        for record in set(records):
            having[record].append(answer)
    for record, holders in sorted(having.items()):
        await zone.wait_for_turn()
        servers = all_servers(holders)
        yield FOUND(servers=servers, caa_flags=record.flags, caa_property=record.tag, caa_value=record.value)
    without = [answer for answer, records in answers.items() if not records]
    if without:
        yield (NONE_TLD if zone.is_tld else NONE)(servers=all_servers(without))
    if without and having:
        yield MIXED()
    consistent = len({tuple(records) for records in answers.values() if records}) <= 1
    if not consistent:
        yield INCONSISTENT()
    for record in sorted(having):
        await zone.wait_for_turn()
        for finding in _judge(record):
            yield finding
    if consistent and not zone.is_root:
        for finding in _policy(having):
            yield finding


def _faults(answered: Iterable[AddressAnswer]) -> Iterator[Finding]:
    unresponsive = []
    errors: dict[str, list[str]] = defaultdict(list)
    for answer in answered:
        if answer.response is None:
            unresponsive.append(answer.server.address)
        elif answer.response.rcode != "NOERROR":
            errors[answer.response.rcode].append(answer.server.address)
    if unresponsive:
        yield NO_RESPONSE(addresses=sorted(unresponsive))
    for rcode, addresses in sorted(errors.items()):
        yield UNEXPECTED_RCODE(rcode=rcode, addresses=sorted(addresses))


def _judge(record: Caa) -> Iterator[Finding]:
    """Yield the faults of one record."""
    if record.flags & RESERVED:
        yield RESERVED_FLAGS(caa_flags=record.flags, caa_property=record.tag, caa_value=record.value)
    if not record.has_valid_tag:
        yield INVALID_TAG(caa_property=record.tag, caa_value=record.value)
    if not record.has_valid_tag or record.name not in KNOWN_PROPERTIES:
        if record.is_critical:
            yield UNKNOWN_CRITICAL(caa_property=record.tag, caa_flags=record.flags)
        elif record.has_valid_tag:
            yield UNKNOWN(caa_property=record.tag)
    elif not record.has_valid_value:
        if record.name == "iodef":
            yield INVALID_IODEF(caa_value=record.value)
        else:
            yield INVALID_ISSUE(caa_property=record.tag, caa_value=record.value)


def _policy(records: Iterable[Caa]) -> Iterator[Finding]:
    """Yield what the records forbid, and their contradictions."""
    forbids: dict[str, set[bool]] = defaultdict(set)
    for record in records:
        if record.name in ISSUE_PROPERTIES:
            forbids[record.name].add(record.forbids)
    if forbids["issue"] == {True} and forbids["issuewild"] <= {True}:
        yield FORBIDDEN()
    for name in ISSUE_PROPERTIES:
        if len(forbids[name]) > 1:
            yield CONTRADICTION(caa_property=name)
