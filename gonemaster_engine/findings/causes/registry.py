"""All rules in their order, and the causes of a run."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.causes.evidence import Evidence, ReadEntry, ReadTiming
from gonemaster_engine.findings.causes.model import Cause, Found, Rule, least_level
from gonemaster_engine.findings.causes.rules import (
    addresses_not_public,
    algorithm_incomplete,
    algorithm_unknown,
    answers_broken,
    caa_wrong,
    cds_wrong,
    csync_zonemd_wrong,
    delegation_differs,
    denial_broken,
    ds_without_key,
    ds_without_signed_zone,
    edns_broken,
    glue_wrong,
    key_rollover_unfinished,
    large_answers_lost,
    mail_broken,
    mail_undeclared,
    name_does_not_exist,
    name_unusual,
    network_unknown,
    no_dnssec,
    no_ipv4,
    no_ipv6,
    no_network,
    no_server_answers,
    no_tcp,
    nsec3_parameters,
    one_operator,
    open_recursor,
    optional_features,
    parent_broken,
    reverse_missing,
    run_cut_off,
    server_lame,
    server_loses_packets,
    server_name_broken,
    server_silent,
    server_slow,
    servers_disagree,
    signatures_end_soon,
    signatures_expired,
    signatures_last_long,
    signatures_not_yet_valid,
    signatures_wrong,
    signed_on_some_servers,
    signed_without_ds,
    single_point_of_failure,
    soa_values,
    version_revealed,
    weak_cryptography,
    zone_transfer_open,
)

log = logging.getLogger(__name__)

RULES: tuple[Rule, ...] = (
    run_cut_off.RULE,
    no_network.RULE,
    name_does_not_exist.RULE,
    parent_broken.RULE,
    no_server_answers.RULE,
    server_silent.RULE,
    server_lame.RULE,
    delegation_differs.RULE,
    glue_wrong.RULE,
    server_name_broken.RULE,
    addresses_not_public.RULE,
    ds_without_key.RULE,
    ds_without_signed_zone.RULE,
    signed_without_ds.RULE,
    signatures_expired.RULE,
    signatures_not_yet_valid.RULE,
    signatures_end_soon.RULE,
    signatures_wrong.RULE,
    signed_on_some_servers.RULE,
    algorithm_incomplete.RULE,
    denial_broken.RULE,
    weak_cryptography.RULE,
    cds_wrong.RULE,
    key_rollover_unfinished.RULE,
    servers_disagree.RULE,
    no_tcp.RULE,
    large_answers_lost.RULE,
    edns_broken.RULE,
    answers_broken.RULE,
    optional_features.RULE,
    server_loses_packets.RULE,
    server_slow.RULE,
    open_recursor.RULE,
    zone_transfer_open.RULE,
    single_point_of_failure.RULE,
    one_operator.RULE,
    no_ipv4.RULE,
    mail_broken.RULE,
    mail_undeclared.RULE,
    soa_values.RULE,
    caa_wrong.RULE,
    csync_zonemd_wrong.RULE,
    name_unusual.RULE,
    signatures_last_long.RULE,
    nsec3_parameters.RULE,
    algorithm_unknown.RULE,
    no_dnssec.RULE,
    no_ipv6.RULE,
    reverse_missing.RULE,
    network_unknown.RULE,
    version_revealed.RULE,
)
"""The first rule that claims an entry explains it, so a rule comes before the rules about effects of its cause."""

RULE_BY_ID: Mapping[str, Rule] = {rule.id: rule for rule in RULES}
_POSITIONS = {rule.id: position for position, rule in enumerate(RULES)}


def causes_without_run(identifiers: Iterable[str]) -> list[Cause]:
    """Return causes by identifier without the data of a run, worst first; unknown identifiers are skipped.

    Harm and responsible party are the usual ones of the cause.
    """
    rules = [RULE_BY_ID[each] for each in identifiers if each in RULE_BY_ID]
    rules.sort(key=lambda rule: (not rule.comes_first, rule.harm.rank, _POSITIONS[rule.id]))
    return [Cause(rule, rule.harm, least_level(rule.harm), Found(()), servers=(), server_count=0) for rule in rules]


def causes_of(domain: str, entries: Sequence[ReadEntry], timings: Iterable[ReadTiming] = ()) -> list[Cause]:
    """Return the root causes of a run on `domain` (canonical name): worst first, then by share of name servers."""
    run = Evidence(domain, entries, timings)
    causes = []
    for rule in RULES:
        try:
            found = rule.find(run)
        except (AttributeError, TypeError, ValueError) as error:
            # A stored run can have arguments of another version; the other rules still apply.
            log.warning("rule not applied", extra={"cause": rule.id, "domain": domain, "error": str(error)})
            continue
        if found:
            run.claim(found.explains)
            causes.append(_cause(rule, found, run))
    return sorted(causes, key=_order)


def _cause(rule: Rule, found: Found, run: Evidence) -> Cause:
    harm = found.harm or rule.harm
    levels = [Level.NOTICE, *(run.entries[place].level for place in found.explains)]
    affected = sorted((run.servers.get(address, ""), address) for address in found.addresses if address in run.servers)
    return Cause(rule, harm, max(*levels, least_level(harm)), found, tuple(affected), len(run.servers))


def _order(cause: Cause) -> tuple[bool, int, float, int]:
    return not cause.rule.comes_first, cause.harm.rank, -cause.share, _POSITIONS[cause.id]
