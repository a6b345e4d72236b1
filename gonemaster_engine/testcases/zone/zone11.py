"""ZONE11: one valid SPF policy at the apex, the same on all name servers.

Specification: Zonemaster ZONE11. RFC 7208 sections 3, 4.5 and 12, RFC 3172.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.testcases.zone._addresses import AddressAnswer, all_servers, query_each_address
from gonemaster_engine.testcases.zone._spf import follows_grammar, forbids_all_senders, policies, unknown_modifiers
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

DIFFERENT = Tag("Z11_DIFFERENT_SPF_POLICIES_FOUND", Level.NOTICE, ("servers",))
INCONSISTENT = Tag("Z11_INCONSISTENT_SPF_POLICIES", Level.WARNING)
NO_SPF = Tag("Z11_NO_SPF_FOUND", Level.NOTICE, ("domain",))
NO_SPF_NO_MAIL = Tag("Z11_NO_SPF_NON_MAIL_DOMAIN", Level.INFO, ("domain",))
NON_NULL = Tag("Z11_NON_NULL_SPF_NON_MAIL_DOMAIN", Level.NOTICE, ("domain",))
NULL = Tag("Z11_NULL_SPF_NON_MAIL_DOMAIN", Level.INFO, ("domain",))
MULTIPLE = Tag("Z11_SPF_MULTIPLE_RECORDS", Level.WARNING, ("servers",))
SYNTAX_ERROR = Tag("Z11_SPF_SYNTAX_ERROR", Level.WARNING, ("servers", "domain"))
SYNTAX_OK = Tag("Z11_SPF_SYNTAX_OK", Level.INFO, ("domain",))
UNKNOWN_MODIFIER = Tag("Z11_SPF_UNKNOWN_MODIFIER", Level.NOTICE, ("domain", "spf_modifier"))
UNABLE = Tag("Z11_UNABLE_TO_CHECK_FOR_SPF", Level.WARNING)


@case(
    "zone11",
    DIFFERENT,
    INCONSISTENT,
    NO_SPF,
    NO_SPF_NO_MAIL,
    NON_NULL,
    NULL,
    MULTIPLE,
    SYNTAX_ERROR,
    SYNTAX_OK,
    UNKNOWN_MODIFIER,
    UNABLE,
    query_types=("TXT",),
)
async def zone11(zone: Zone, usable: ServerFilter) -> list[Finding]:
    """Check that the zone has one valid SPF policy, the same on all name servers."""
    answered = await query_each_address(zone, "TXT", usable(await zone.all_servers()))
    found: dict[tuple[str, ...], list[AddressAnswer]] = defaultdict(list)
    for answer in answered:
        await zone.wait_for_turn()
        if answer.is_usable and answer.response:
            found[tuple(policies(answer.response, zone.name))].append(answer)
    return list(_judge(zone, found))


def _judge(zone: Zone, found: dict[tuple[str, ...], list[AddressAnswer]]) -> Iterator[Finding]:
    is_without_mail = zone.is_tld or names.is_in_domain(zone.name, "arpa")
    if not found:
        yield UNABLE()
        return
    if len(found) > 1:
        yield INCONSISTENT()
        for _, having in sorted(found.items()):
            yield DIFFERENT(servers=all_servers(having))
        return
    texts, having = next(iter(found.items()))
    if not texts:
        yield (NO_SPF_NO_MAIL if is_without_mail else NO_SPF)(domain=zone.name)
    elif len(texts) > 1:
        yield MULTIPLE(servers=all_servers(having))
    elif not follows_grammar(texts[0]):
        yield SYNTAX_ERROR(servers=all_servers(having), domain=zone.name)
    else:
        yield from _judge_policy(zone.name, texts[0], is_without_mail=is_without_mail)


def _judge_policy(domain: str, policy: str, *, is_without_mail: bool) -> Iterator[Finding]:
    if is_without_mail:
        yield (NULL if forbids_all_senders(policy) else NON_NULL)(domain=domain)
    else:
        yield SYNTAX_OK(domain=domain)
    for modifier in unknown_modifiers(policy):
        yield UNKNOWN_MODIFIER(domain=domain, spf_modifier=modifier)
