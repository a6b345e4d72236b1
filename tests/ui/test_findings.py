"""The findings of a run on its pages: alike ones in one row, those of a root cause folded, all of them reachable."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_api.queries.runs.results import read_finished_run
from gonemaster_api.state import NAME
from gonemaster_api.ui.shell.causes import ShownCauses
from gonemaster_api.ui.shell.findings import Findings, level_filter
from gonemaster_db.core.session import Store
from gonemaster_db.models import Run
from tests.ui.public_runs import entry, public_run

HTML = {"Accept": "text/html"}
ADDRESSES = [f"192.0.2.{number}" for number in range(1, 10)]
SILENT = [
    entry("NO_RESPONSE", "NAMESERVER", "nameserver02", "WARNING", ns="ns1.example", address=address, domain="a.example")
    for address in ADDRESSES
]
EXPIRED = [
    *(
        entry("RRSIG_EXPIRED", "DNSSEC", "dnssec04", "ERROR", expiration=1, keytag=keytag, types=["SOA"])
        for keytag in (1, 2, 3)
    ),
    entry("DS02_NO_VALID_DNSKEY_FOR_ANY_DS", "DNSSEC", "dnssec02", "ERROR", servers=[]),
    entry("DS10_EXPECTED_NSEC_NSEC3_MISSING", "DNSSEC", "dnssec10", "WARNING", servers=[]),
    entry("RRSIG_EXPIRED", "DNSSEC", "dnssec04", "WARNING", expiration=1, keytag=1, types=["NS"]),
]
PASSED = [
    entry("B01_CHILD_FOUND", "BASIC", "basic01", "INFO", domain="a.example"),
    entry("GLOBAL_VERSION", "SYSTEM", "", "INFO", version="9.8.7"),
]
REFRESH = entry("REFRESH_MINIMUM_VALUE_LOWER", "ZONE", "zone02", "NOTICE", refresh=3600, required_refresh=14400)
ENTRIES = [*PASSED, REFRESH, *SILENT, *EXPIRED]


def findings(entries: Any, **options: Any) -> Findings:
    return Findings(entries, locale="en", **options)


def texts(part: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", part))


def part_of(page: str) -> str:
    return page[page.index('id="findings"') :].partition('id="share"')[0].partition('id="timings"')[0]


def test_findings_that_differ_in_an_argument_share_a_row() -> None:
    (module,) = findings(SILENT).shown().modules
    (row,) = module.rows
    (group,) = row.groups
    assert len(group.messages) == len(SILENT) == row.count
    assert group.testcases == ["NAMESERVER02"]


def test_modules_and_findings_begin_with_the_worst() -> None:
    modules = findings([*SILENT, REFRESH, *EXPIRED]).shown().modules
    assert [module.title for module in modules] == ["DNSSEC", "Name server", "Zone"]
    assert [row.level for row in modules[0].rows] == ["error", "error", "warning", "warning"]


def test_checks_with_findings_are_not_called_passed() -> None:
    entries = [SILENT[0], entry("EDNS0_SUPPORT", "NAMESERVER", "nameserver02", "INFO", servers=[]), *PASSED]
    shown = findings(entries).shown()
    passed = {module.title: (len(module.checks), module.passed) for module in shown.checked}
    assert passed == {"Basic": (1, 1), "Name server": (1, 0)}
    assert shown.passed == 1


def test_messages_about_the_run_are_no_findings() -> None:
    found = findings(ENTRIES)
    assert found.about_run == ["The engine has version 9.8.7."]
    assert "SYSTEM" not in [module.title for module in found.shown("info").checked]
    assert found.counts["info"] == 1
    assert "GLOBAL_VERSION" in [one.tag for one in found.entries], "downloads have them"


def test_the_worst_findings_are_kept_and_the_others_counted() -> None:
    shown = findings(ENTRIES).shown(maximum=3)
    assert [row.level for module in shown.modules for row in module.rows] == ["error"]
    assert shown.left_out == len(ENTRIES) - 1 - 3


@pytest.mark.parametrize(("given", "name"), [("error", "error"), ("ok", "info"), ("debug", ""), ("<b>", ""), ("", "")])
def test_filters_in_the_url_are_known_names(given: str, name: str) -> None:
    assert level_filter(given) == name


@pytest.fixture
def run(store: Store) -> Run:
    return public_run(store, entries=ENTRIES)


def test_findings_of_one_cause_are_folded_without_a_filter_only(client: FlaskClient, run: Run) -> None:
    finished = read_finished_run(client.application.extensions[NAME], run.id)
    causes = ShownCauses(finished, "en")
    found = findings(finished.entries, causes=causes)
    folded = [row for module in found.shown().modules for row in module.rows if len(row.groups) > 1]
    assert folded
    assert all(row.cause for row in folded)
    assert folded[0].level == "error", "the worst finding gives the row its level"
    single = [row for module in found.shown("error").modules for row in module.rows]
    assert all(len(row.groups) == 1 for row in single)
    assert sum(row.count for row in single) == found.counts["error"]


def test_both_pages_show_all_findings(client: FlaskClient, run: Run) -> None:
    messages = {one.text for one in findings(ENTRIES).entries if one.level != "INFO"}
    assert len(messages) == len(ENTRIES) - len(PASSED)
    for path in (f"/public/result/{run.public_id}", f"/jobs/{run.id}"):
        page = client.get(path, headers=HTML).text
        part = part_of(page)
        shown = texts(part)
        assert [text for text in messages if text not in shown] == [], path
        assert "and 8 similar findings" in shown
        assert re.search(r"\d findings explained by cause \d: ", shown)
        for level, count in (("error", 4), ("warning", 11), ("notice", 1)):
            filtered = part_of(client.get(f"{path}?level={level}", headers=HTML).text)
            wanted = {one.text for one in findings(ENTRIES).entries if one.level.lower() == level}
            assert len(wanted) == count
            assert [text for text in wanted if text not in texts(filtered)] == [], (path, level)


def test_a_cause_lists_the_findings_that_it_explains(client: FlaskClient, run: Run) -> None:
    page = client.get(f"/public/result/{run.public_id}", headers=HTML).text
    causes = page[page.index('id="causes"') : page.index('id="findings"')]
    assert causes.count('<details class="why">') == causes.count("<article")
    finished = read_finished_run(client.application.extensions[NAME], run.id)
    explained = [group for shown in ShownCauses(finished, "en").all for group in shown.findings]
    assert [text for group in explained for text in group.messages if text not in texts(causes)] == []
    assert max(len(group.messages) for group in explained) > 1, "alike ones are in one item that opens"


def test_operators_see_the_arguments(client: FlaskClient, run: Run) -> None:
    part = part_of(client.get(f"/jobs/{run.id}", headers=HTML).text)
    assert "NO_RESPONSE address=192.0.2.9; domain=a.example; ns=ns1.example" in part
    assert "address=192.0.2.9" not in client.get(f"/public/result/{run.public_id}", headers=HTML).text
