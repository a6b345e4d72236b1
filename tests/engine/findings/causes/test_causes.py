"""The causes of a run: their order, their document, their texts, and what they explain."""

from __future__ import annotations

from typing import Any

import pytest

from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.model import HARMS, Harm
from gonemaster_engine.findings.causes.registry import RULES, causes_of
from gonemaster_engine.findings.causes.sentences import NO_CAUSE, SENTENCES, sentence, worst_harm
from gonemaster_engine.findings.messages import placeholders
from gonemaster_engine.testcases.catalogue import modules
from tests.engine.findings.causes.test_rules import CUT, DOMAIN, NO_DS, ONE_SERVES, S1, S2, SERVED, SILENT_2, made

EXPIRED = [
    SERVED,
    made("RRSIG_EXPIRED", keytag=18032, types="SOA", expiration=1795737600),
    made("DS09_SOA_RRSIG_EXPIRED", keytag=18032, addresses=["192.0.2.1", "192.0.2.2"]),
]


def test_causes_come_worst_first_then_by_share_of_servers() -> None:
    entries = [
        SERVED,
        made("IS_A_RECURSOR", servers=[S2]),
        made("MULTIPLE_SOA_SERIALS", Level.WARNING, count=2),
        made("AXFR_AVAILABLE", Level.NOTICE, servers=[S1]),
        *EXPIRED[1:],
    ]
    assert [cause.id for cause in causes_of(DOMAIN, entries)] == [
        "signatures_expired",
        "servers_disagree",  # all name servers
        "open_recursor",  # one of two
        "zone_transfer_open",
    ]


def test_incomplete_run_is_said_first_and_is_not_the_verdict() -> None:
    causes = causes_of(DOMAIN, [*EXPIRED, CUT])
    assert [cause.id for cause in causes] == ["run_cut_off", "signatures_expired"]
    assert worst_harm(causes) is Harm.VALIDATING_RESOLVERS
    assert sentence(causes) == SENTENCES[Harm.VALIDATING_RESOLVERS]


@pytest.mark.parametrize(
    "strange", [{"address": ["192.0.2.9"]}, {"address": 5}, {"servers": 5}, {"servers": [{"ns": [], "address": {}}]}]
)
def test_arguments_of_other_types_name_no_server(strange: dict[str, Any]) -> None:
    """A stored run can be of another program or release."""
    entries = [SERVED, made("B02_NS_NO_RESPONSE", **strange), made("IS_A_RECURSOR", servers=[S2])]
    found = {cause.id: cause for cause in causes_of(DOMAIN, entries)}
    assert found["open_recursor"].server_count == 2


def test_values_of_other_types_are_ignored() -> None:
    found = [[8, 13], {"a": 1}, None, "RSASHA1", 5, "ECDSAP256SHA256", 5]
    evidence = Evidence(DOMAIN, [made("DS04_NO_ALGO", algo_mnemo=value) for value in found])
    assert evidence.values(range(len(found)), "algo_mnemo") == [5, "ECDSAP256SHA256", "RSASHA1"]


def test_run_without_findings_has_no_cause() -> None:
    assert causes_of(DOMAIN, [SERVED]) == []
    assert (worst_harm([]), sentence([])) == (None, NO_CAUSE)


def test_entry_is_explained_once() -> None:
    entries = [
        ONE_SERVES,
        SILENT_2,
        made("N16_NO_RESPONSE", servers=[S2]),
        made("IS_A_RECURSOR", servers=[S1, S2]),
        NO_DS,
    ]
    explained = [place for cause in causes_of(DOMAIN, entries) for place in cause.found.explains]
    assert sorted(explained) == [1, 2, 3, 4]


def test_silent_server_explains_its_missing_answers_but_not_those_of_others() -> None:
    entries = [ONE_SERVES, SILENT_2, made("N17_NO_RESPONSE", servers=[S2]), made("N16_NO_RESPONSE", servers=[S1, S2])]
    silent = next(cause for cause in causes_of(DOMAIN, entries) if cause.id == "server_silent")
    assert tuple(silent.found.explains) == (1, 2)


def test_document_of_a_cause() -> None:
    (cause,) = causes_of(DOMAIN, EXPIRED)
    document = cause.as_dict()
    texts = {key: document.pop(key) for key in ("title", "consequence", "remedy", "snippets")}
    assert document == {
        "cause": "signatures_expired",
        "level": "CRITICAL",
        "harm": "validating_resolvers",
        "responsible": "zone",
        "subject": {
            "servers": [S1, S2],
            "records": ["SOA"],
            "key_tags": [18032],
            "since": "2026-11-27T00:00:00Z",
        },
        "servers_affected": 2,
        "servers": 2,
        "explains": [1, 2],
    }
    assert texts["title"] == "The signatures of the zone have expired"
    assert [(each["kind"], each["text"]) for each in texts["snippets"]] == [
        ("command", "dig +dnssec SOA example.xa @192.0.2.1")
    ]


def test_texts_are_in_the_language_that_was_requested() -> None:
    (cause,) = causes_of(DOMAIN, EXPIRED)
    assert cause.as_dict(locale="sv")["title"] == "Zonens signaturer har gått ut"
    assert sentence([cause], locale="sv") == "Resolvrar som validerar DNSSEC kan inte nå domänen."


def test_each_harm_has_a_sentence() -> None:
    assert tuple(SENTENCES) == HARMS


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_list_of_causes_has_whole_texts_for_each_rule(rule) -> None:  # type: ignore[no-untyped-def]
    document = rule.as_dict()
    assert document["cause"] == rule.find.__module__.rpartition(".")[2] or rule.find.__name__ == "find"
    assert placeholders(document["title"]) == []
    assert all(document.values())


def test_rules_name_only_tags_that_exist() -> None:
    tags = {tag.name for module in modules().values() for case in module.cases for tag in case.tags}
    assert len(tags) > 400
    entries = [Entry(0.0, "MODULE", "", tag, Level.WARNING, {}) for tag in sorted(tags)]
    assert causes_of(DOMAIN, entries)  # entries of other versions may lack arguments; no rule may fail on such entries


@pytest.mark.parametrize("value", [[1, "a"], [[1]], {"a": 1}, None, "text", 5, 1e300, True], ids=repr)
def test_no_rule_fails_on_an_argument_of_another_type(value: object) -> None:
    """Each tag alone, as a run of another program could have it, with the value in all of its arguments."""
    tags = [tag for module in modules().values() for case in module.cases for tag in case.tags]
    for tag in tags:
        args: dict[str, Any] = dict.fromkeys((*tag.keys, *tag.optional), value)
        strange = made(tag.name, **args)
        causes_of(DOMAIN, [SERVED, strange, made(tag.name, keytag=5, servers=[S1])])
