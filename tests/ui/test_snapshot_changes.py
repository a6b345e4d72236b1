"""What changed in a snapshot: sentences, shares and trends of findings, and filtered changes."""

from __future__ import annotations

import csv
import io
import re

from flask import Flask

from gonemaster_api.ui.shell.texts.sentences import tag_sentence
from tests.support.browser import Site
from tests.ui.test_analysis_pages import api, get


def test_overview_says_what_changed_and_what_matters_most(site: Site) -> None:
    page = get(site, "/")[2]
    opening = page[page.index('id="news"') : page.index('<dl class="stats">')]
    assert "domains have improved and" in opening
    assert "The most severe root cause, “" in opening
    first = get(site, f"/?snapshot={api(site, '/snapshots')['snapshots'][-1]['slug']}")[2]
    assert "This is the first snapshot; it has 24 domains." in first


def test_findings_have_sentence_share_and_trend(site: Site) -> None:
    tag = api(site, "/tags?limit=1&sort=domain_count_desc")["items"][0]
    sentence = "The zone is not signed with DNSSEC."
    page = get(site, "/findings")[2]
    assert sentence in page
    assert f"{round(100 * tag['domain_count'] / 24)}\u00a0%" in page
    detail = get(site, "/findings/DS07_NOT_SIGNED")[2]
    assert f"<h1>{sentence.removesuffix('.')}</h1>" in detail
    assert "DS07_NOT_SIGNED, DNSSEC" in detail
    assert re.search("(more|fewer) than last time|unchanged", detail[detail.index('id="meaning"') :])


def test_changes_are_filtered_and_exported(site: Site) -> None:
    text = get(site, "/diff?kind=moved&format=csv")[2]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows
    name = rows[0]["domain"]
    found = list(csv.DictReader(io.StringIO(get(site, f"/diff?kind=moved&format=csv&search={name[:6]}")[2])))
    assert {row["domain"] for row in found} == {row["domain"] for row in rows if name[:6] in row["domain"]}
    real = list(csv.DictReader(io.StringIO(get(site, "/diff?kind=moved&format=csv&real=yes")[2])))
    assert {row["category"] for row in real} <= {"real", "mixed"}
    tags = get(site, "/diff?kind=tags&change=cleared")[2]
    assert 'value="cleared" selected' in tags
    everything = get(site, "/diff?kind=tags&format=csv")[2]
    cleared = list(csv.DictReader(io.StringIO(get(site, "/diff?kind=tags&format=csv&change=cleared")[2])))
    assert all(row["change"] == "cleared" for row in cleared)
    assert len(cleared) < len(everything.splitlines())
    assert get(site, "/diff?kind=moved&operator=no-such-operator")[2].count("No changes of this type") == 1
    assert get(site, "/diff?level=nothing")[0] == 400


def test_domains_with_other_causes_are_filtered_and_exported(site: Site) -> None:
    def rows(query: str = "") -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(get(site, f"/diff?kind=causes&format=csv{query}")[2])))

    everything = rows()
    changed = next(row for row in everything if row["appeared"] or row["cleared"])
    side = "appeared" if changed["appeared"] else "cleared"
    cause = changed[side].split(", ")[0]
    expected = [row["domain"] for row in everything if cause in row[side].split(", ")]
    assert [row["domain"] for row in rows(f"&cause={cause}&change={side}")] == expected
    assert [row["domain"] for row in rows(f"&search={changed['domain']}")] == [changed["domain"]]
    page = get(site, f"/diff?kind=causes&cause={cause}")[2]
    assert f'value="{cause}" selected' in page
    assert rows("&cause=no_such_cause") == []


def test_sentences_of_tags_are_in_the_language_of_the_page() -> None:
    with Flask(__name__).test_request_context("/?lang=sv"):
        assert tag_sentence("REFRESH_MINIMUM_VALUE_LOWER", "ZONE") == (
            "SOA-värdet REFRESH är mindre än det rekommenderade minimivärdet."
        )
        assert tag_sentence("NO_SUCH_TAG", "ZONE") == ""
