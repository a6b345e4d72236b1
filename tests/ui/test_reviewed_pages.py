"""What reviews of the pages have found, without a browser; each test names the expected behaviour."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient

from gonemaster_api.queries.causes import CATEGORY_BY_NAME
from gonemaster_api.state import NAME
from gonemaster_api.ui.shell.findings import Findings
from gonemaster_api.ui.shell.texts.languages import translations_of
from gonemaster_db.analysis.categories import CAUSE, DNSSEC_POSTURE
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.ids import new_public_id
from gonemaster_db.core.session import Store
from tests.api.conftest import MakeApp
from tests.support.browser import Site
from tests.support.rows import make_run, queue_job, record
from tests.support.tokens import CONFIGURED
from tests.ui.public_runs import entry, public_run
from tests.ui.test_analysis_pages import api, get
from tests.ui.test_every_page import fetch, pages

HTML = {"Accept": "text/html"}
A_TEST_CASE = re.compile(r">[^<]*\b(?:address|basic|connectivity|consistency|delegation|dnssec|nameserver|zone)\d\d\b")


def text_of(client: FlaskClient, path: str, status: int = 200) -> str:
    response = client.get(path, headers=HTML)
    assert response.status_code == status, response.text
    return response.text


def test_creating_is_no_red_button(client: FlaskClient, store: Store) -> None:
    make_run(store, "a.example", record())
    again = client.post("/recent/bulk", data={"do": "rerun", "all": "yes"}, headers=HTML).text
    button = again[again.index("data-safe") :].partition("</footer>")[0]
    assert 'class="button main"' in button
    assert "danger" not in button
    assert "#trash" not in button
    cancel = client.post("/recent/bulk", data={"do": "cancel", "all": "yes"}, headers=HTML).text
    assert 'class="button danger"' in cancel


def test_ipv6_that_was_not_tested_is_not_called_inapplicable(client: FlaskClient) -> None:
    source = (
        """{% from "components/charts.html" import criterion_item with context %}{{ criterion_item("X", none, off) }}"""
    )
    with client.application.test_request_context("/"):
        made = client.application.jinja_env.from_string(source)
        assert "X: not tested here" in made.render(off=True)
        assert "not tested here" not in made.render(off=False)


def test_good_rows_come_after_all_others_of_a_module() -> None:
    levels = ("INFO", "ERROR", "INFO", "WARNING", "CRITICAL", "NOTICE", "INFO")
    entries = [entry(f"TAG_{number}", "ZONE", f"zone0{number}", level) for number, level in enumerate(levels, 1)]
    (module,) = Findings(entries, locale="en").shown().modules
    assert [row.level for row in module.rows] == ["critical", "error", "warning", "notice"]
    assert len(module.checks) == module.passed == 3


def test_nsec_and_nsec3_have_different_labels() -> None:
    labels = [key.label for key in CATEGORY_BY_NAME[DNSSEC_POSTURE].keys.values()]
    assert {"Signed, NSEC", "Signed, NSEC3"} <= set(labels)
    assert len(set(labels)) == len(labels)


def test_labels_of_facts_are_translated() -> None:
    translated = translations_of("sv").gettext
    labels = {
        text
        for category in CATEGORY_BY_NAME.values()
        for text in (
            category.label,
            category.description,
            *(key.label for key in category.keys.values() if category.name != CAUSE),
        )
        if " " in text
    }
    assert len(labels) > 8
    assert [text for text in sorted(labels) if translated(text) == text] == []


def test_an_operator_is_listed_once(site: Site) -> None:
    page = get(site, "/")[2]
    networks = re.findall(r'href="/analysis/networks/\d+[^"]*">([^<]+)</a>', page)
    assert len(set(networks)) == len(networks)
    assert networks


def test_an_undelegated_result_says_what_was_given(client: FlaskClient, store: Store) -> None:
    given = {
        "nameservers": [{"ns": "ns1.given.example", "ip": "192.0.2.7"}],
        "ds": [{"keytag": 4711, "algorithm": 13, "digtype": 2, "digest": "AB" * 32}],
    }
    run = public_run(store, "given.example", config=given)
    page = text_of(client, f"/public/result/{run.public_id}")
    assert 'href="#given"' in page
    part = page[page.index('id="given"') :]
    assert "ns1.given.example 192.0.2.7" in part
    assert "4711 13 2" in part


def test_a_paused_queue_is_named_on_the_page_of_a_waiting_test(client: FlaskClient, store: Store) -> None:
    job = queue_job(store, "waits.example", public_id=new_public_id())
    sentence = "Tests are paused. Your test will start later."
    path = f"/public/result/{job.public_id}"
    main = text_of(client, path).partition("<footer")[0]
    assert sentence not in main
    client.post("/api/v1/queue/pause", json={})
    client.application.extensions[NAME].recent.forget()
    assert sentence in text_of(client, path).partition("<footer")[0]


def test_settings_are_in_sections_and_are_searched(client: FlaskClient) -> None:
    page = text_of(client, "/settings/system")
    head = r'<details class="panel"><summary class="pad"><h2>([^<]+)</h2><span class="quiet">\d+ settings'
    sections = re.findall(head, page)
    assert len(sections) > 5
    assert 'id="database"' in page
    found = text_of(client, "/settings/system?search=retention")
    keys = re.findall(r'<code id="s-[^"]+">([^<]+)</code>', found)
    assert "database.retention_days" in keys
    assert len(keys) < 10 < len(re.findall(r'<code id="s-', page))


def test_only_changed_settings_are_listed_on_request(client: FlaskClient) -> None:
    assert 'data-label="source">default</td>' in text_of(client, "/settings/system")
    client.put("/api/v1/settings", json={"show_history_public": True})
    page = text_of(client, "/settings/system?changed=yes")
    assert "show_history_public" in page
    rows = re.findall(r'<tr role="row".*?</tr>', page[page.index("<tbody") :], re.DOTALL)
    assert not [row for row in rows if re.search(r'data-label="source">default</td>', row)]


def test_test_cases_are_spelled_in_capitals(site: Site) -> None:
    run = api(site, "/domains?limit=1")["items"][0]
    paths = ["/analysis/findings", "/analysis/testcases", f"/analysis/domains/{run['domain']}", "/public/about"]
    domain = site.service.get("/domains?limit=1")["items"][0]
    paths += [f"/jobs/{domain['latest_run_id']}", f"/domains/{domain['name']}", "/analysis/diff?kind=tags"]
    for path in paths:
        text = fetch(f"{site.url}{path}")[2]
        assert A_TEST_CASE.search(text) is None, path


def test_audit_is_filtered_by_days_and_exported(client: FlaskClient) -> None:
    client.post("/api/v1/queue/pause", json={"reason": "exported"})
    today, tomorrow = (f"{utcnow() + timedelta(days=days):%Y-%m-%d}" for days in (0, 1))
    assert "exported" in text_of(client, f"/audit?after={today}&before={today}")
    assert "No matching actions" in text_of(client, f"/audit?after={tomorrow}")
    file = client.get(f"/audit?after={today}&format=csv")
    assert file.mimetype == "text/csv"
    (row,) = csv.DictReader(io.StringIO(file.text))
    assert (row["action"], "exported" in row["details"]) == ("queue.pause", True)


def test_audit_has_words_instead_of_code(client: FlaskClient) -> None:
    watch = {"domain": "a.example", "events": ["domain.regressed"], "url": "https://hook.example/x"}
    assert client.post("/api/v1/watches", json=watch).status_code == 201
    page = text_of(client, "/audit")
    details = re.findall(r'<td role="cell" class="lo wrap p2">(.*?)</td>', page)
    assert details
    assert not [text for text in details if re.search(r"True|False|\[|\]|&#39;", text)], details
    assert "*</option>" not in page


def test_test_cases_are_listed_in_order_with_their_findings(client: FlaskClient) -> None:
    page = text_of(client, "/public/about")
    names = re.findall(r'id="(DNSSEC\d+)"', page)
    assert names == sorted(names)
    assert len(names) > 20
    case = page[page.index('id="ZONE15"') :].partition("</details>")[0]
    assert "Error: A CAA property is unknown or invalid, but marked as critical." in case
    assert "rfc8659" in case


def test_an_error_is_a_sentence_with_folded_details(client: FlaskClient) -> None:
    page = text_of(client, "/no/such/page", 404)
    assert "There is nothing at this URL." in page
    assert page.index("<details ") < page.index("not_found")


def test_a_wrong_token_is_refused_in_a_sentence(make_app: MakeApp) -> None:
    client = make_app(admin_tokens=CONFIGURED).test_client()
    page = client.post("/login", data={"token": "wrong"}, headers=HTML | {"Accept-Language": "en"})
    assert page.status_code == 401
    assert "<span>The token or session is not valid.</span>" in page.text
    swedish = client.post("/login", data={"token": "wrong"}, headers=HTML | {"Accept-Language": "sv"}).text
    assert "The token" not in swedish


def test_a_domain_without_tests_offers_one(client: FlaskClient) -> None:
    page = text_of(client, "/domains/new.example", 404)
    assert "new.example has not been tested" in page
    assert 'href="/test?domain=new.example"' in page
    assert 'class="rail"' in page


def test_the_end_of_a_pause_is_typed_in_the_zone_of_the_page(client: FlaskClient) -> None:
    client.set_cookie("gm_zone", "Asia/Tokyo")
    assert "Time (Asia/Tokyo)" in text_of(client, "/queue/pause")
    until = f"{utcnow() + timedelta(days=2):%Y-%m-%d}T09:00"
    client.post("/queue/pause", data={"for": "until", "until": until})
    tiers = client.get("/api/v1/queue").get_json()["tiers"]
    assert {tier["until"] for tier in tiers} == {f"{until[:10]}T00:00:00Z"}


def test_the_first_token_is_for_administration(client: FlaskClient) -> None:
    page = text_of(client, "/settings/tokens")
    assert re.search(r'value="admin" checked', page)
    made = client.post("/settings/tokens", data={"label": "first", "scopes": "admin", "days": ""}, headers=HTML)
    assert made.status_code == 201
    assert 'data-copy="secret"' in made.text
    assert "From now on all pages need a token" in made.text


def test_a_batch_is_named_by_description_and_time(client: FlaskClient) -> None:
    made = client.post("/api/v1/jobs/batch", json={"domains": ["a.example"], "description": "weekly"}).get_json()
    page = text_of(client, f"/batches/{made['batch_id']}")
    assert re.search(r"<h1>weekly, \d+ \w{3} \d{4} \d\d:\d\d</h1>", page)
    assert f"{made['batch_id']}" in page
    job = text_of(client, f"/jobs/{made['job_ids'][0]}")
    assert ">weekly</a>" in job


def test_all_buttons_without_text_have_a_name(site: Site, routed_app: Flask) -> None:
    unnamed: list[tuple[str, str]] = []
    for path in sorted(set(pages(routed_app))):
        _, kind, text = fetch(f"{site.url}{path}")
        if kind == "text/html":
            buttons = re.findall(r'<(?:a|button|summary)\b[^>]*class="button icon[^>]*>', text)
            unnamed += [(path, tag) for tag in buttons if not re.search('title="|aria-label="', tag)]
    assert unnamed == []
