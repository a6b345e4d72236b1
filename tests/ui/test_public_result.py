"""The page of a public test: progress, result, downloads, and hostile data."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gonemaster_api.state import NAME
from gonemaster_db.core.ids import new_public_id
from gonemaster_db.core.session import Store
from gonemaster_db.models import RunStatus
from gonemaster_db.queue.jobs import find_by_public_id
from gonemaster_tasks.broker.events import JobEvent
from gonemaster_tasks.control.parts import QueueParts
from tests.api.conftest import MakeApp
from tests.api.web.test_errors import error_of
from tests.api.web.test_rate_limits import from_elsewhere
from tests.support.rows import claim, finish_job, make_run, queue_job, record
from tests.support.tokens import CONFIGURED, READ, bearer
from tests.ui.public_runs import ENTRIES, TIMINGS, entry, public_run, timing

HTML = {"Accept": "text/html"}


def look(client: FlaskClient, path: str, **headers: str) -> TestResponse:
    return client.get(f"/public/result/{path}", headers=HTML | headers)


def text_of(client: FlaskClient, path: str) -> str:
    response = look(client, path)
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.get_data(as_text=True)


def test_a_test_is_followed_to_its_result(client: FlaskClient, store: Store, queue: QueueParts) -> None:
    job = queue_job(store, "a.example", public_id=new_public_id())
    waiting = look(client, str(job.public_id))
    text = waiting.get_data(as_text=True)
    assert waiting.headers["Cache-Control"] == "no-store"
    assert waiting.headers["X-Robots-Tag"] == "noindex"
    assert "<title>0 % · a.example</title>" in text
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in text
    assert "Waiting in the queue" in text
    part = look(client, str(job.public_id), **{"X-Partial": "progress"}).get_data(as_text=True)
    assert part.startswith('<div class="contents" data-partial="progress" data-refresh="2" data-ends')
    running = claim(store, job.id)
    queue.broker.events.publish(job.id, JobEvent("progress", {"progress": 42}))
    text = text_of(client, str(job.public_id))
    assert "<title>42 % · a.example</title>" in text
    assert 'value="42"' in text
    assert job.id not in text, "the id of the admin API is nobody's business"
    finish_job(store, running, record(entries=ENTRIES))
    assert look(client, str(job.public_id), **{"X-Partial": "progress"}).status_code == 404, "the script loads the page"
    done = look(client, str(job.public_id))
    assert "http-equiv" not in done.get_data(as_text=True)
    assert "2 causes explain" in done.get_data(as_text=True)


def test_a_result_says_what_was_found(client: FlaskClient, store: Store) -> None:
    run = public_run(store, "xn--4ca.example")
    text = text_of(client, str(run.public_id))
    assert '<h1 class="title">ä.example</h1>' in text
    assert "<span>xn--4ca.example</span>" in text, "the A-label too"
    assert "This domain works, but a failure, an expiry or a change can break it, or it can be misused." in text
    assert "2 causes explain 2 of 4 findings." in text
    assert "Fix this first" in text
    assert text.index("The signatures of the zone expire soon") < text.index(
        "Values of the SOA record should be corrected"
    )
    assert "dig +dnssec SOA xn--4ca.example @NAME_SERVER" in text
    assert re.search(r'aria-label="Grade [A-F], score \d+ of 100"', text)
    for part in (
        "Criteria for A+",
        "DNSSEC04",
        "REMAINING_SHORT",
        "and one similar finding",
        "AS64511",
        "Unreachable",
        "No address found",
        "14 ms",
        "Chain of trust",
        f"{run.public_id}.json",
        "validating resolvers cannot reach the domain",  # The advice of the finding.
    ):
        assert part in text, part
    assert run.id not in text
    assert '<meta name="robots" content="noindex">' in text
    described = re.findall(r'<meta (?:name|property)="(?:og:)?description" content="([^"]*)"', text)
    assert len(described) == 2
    assert described[0].startswith("ä.example: grade ")


def test_the_same_finding_of_several_test_cases_is_shown_once(client: FlaskClient, store: Store) -> None:
    cases = ("nameserver02", "nameserver12", "nameserver13")
    entries = [
        entry("NS_ERROR", "NAMESERVER", case, "WARNING", ns="ns1.example", address="192.0.2.53") for case in cases
    ]
    text = text_of(client, str(public_run(store, entries=entries).public_id))
    findings = text[text.index('id="findings"') :].partition('id="share"')[0]
    assert findings.count("ns1.example/192.0.2.53 gave an unexpected response to a query with EDNS.") == 1
    assert "NAMESERVER02, NAMESERVER12, NAMESERVER13" in findings


def test_name_that_does_not_exist_has_one_answer_and_no_grade(client: FlaskClient, store: Store) -> None:
    args = {"domain": "www.a.example", "zone": "a.example"}
    entries = [
        entry("NAME_NOT_A_ZONE", "SYSTEM", "", "NOTICE", **args),
        entry("CANNOT_CONTINUE", "SYSTEM", "", "CRITICAL", domain="www.a.example"),
    ]
    run = public_run(store, "www.a.example", entries=entries)
    text = text_of(client, str(run.public_id))
    assert '<h2 class="big">www.a.example is not a zone: it is a name in the zone a.example, which' in text
    assert "Test a.example instead" in text
    assert "Criteria for A+" not in text
    assert 'data-grade=""' in text
    assert 'class="tabs"' not in text
    assert "Grade" not in text


def test_test_without_a_network_says_so(client: FlaskClient, store: Store) -> None:
    run = public_run(store, entries=[entry("NO_NETWORK", "SYSTEM", "", "CRITICAL")])
    text = text_of(client, str(run.public_id))
    assert "This service had no network connection" in text
    assert "Criteria for A+" not in text


def test_link_to_the_name_servers_counts_those_of_the_zone(client: FlaskClient, store: Store) -> None:
    own = [*TIMINGS, timing("ns1.example", "2001:db8::9")]
    others = [timing("a.root-servers.example", "198.41.0.4"), timing("ns.in-addr.example", "192.0.2.9")]
    run = public_run(store, nameserver_timings=[*others, *own])
    text = text_of(client, str(run.public_id))
    shown = re.search(r'href="#servers">Name servers<span class="n">(\d+)</span>', text)
    assert shown
    assert shown[1] == "2", "ns2 and ns3, which entries about the zone's name servers mention"
    assert "a.root-servers.example" in text
    without = public_run(store, entries=[], nameserver_timings=others)
    assert 'href="#servers">Name servers</a>' in text_of(client, str(without.public_id))


def test_levels_are_filtered_by_the_address(client: FlaskClient, store: Store) -> None:
    run = public_run(store)
    notice = text_of(client, f"{run.public_id}?level=notice")
    assert "SOA REFRESH" in notice
    assert "REMAINING_SHORT" not in notice
    passed = text_of(client, f"{run.public_id}?level=ok")
    assert "B01" not in passed
    assert "BASIC01" in passed
    assert "REFRESH_MINIMUM_VALUE_LOWER" not in passed
    assert "No findings at this level" in text_of(client, f"{run.public_id}?level=critical")
    for unknown in ("x", "%3Cscript%3E", ""):
        assert "REMAINING_SHORT" in text_of(client, f"{run.public_id}?level={unknown}")


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        (["INFO"], "No problems found."),
        (["NOTICE"], "Works, with 1 notice."),
        (["WARNING", "NOTICE", "WARNING"], "Works, with 2 warnings."),
        (["CRITICAL", "ERROR"], "The domain does not work: 1 critical finding."),
    ],
)
def test_the_worst_level_is_said_in_words(client: FlaskClient, store: Store, levels: list[str], message: str) -> None:
    entries = [entry("B01_CHILD_FOUND", "BASIC", "basic01", level, domain="a.example") for level in levels]
    assert message in text_of(client, str(public_run(store, entries=entries).public_id))


def test_advice_alone_is_open_and_does_not_alarm(client: FlaskClient, store: Store) -> None:
    advice = entry("DS07_NOT_SIGNED", "DNSSEC", "dnssec07", "WARNING")
    text = text_of(client, str(public_run(store, entries=[advice]).public_id))
    assert "This domain works. It can still be improved." in text
    assert "Fix this first" not in text
    assert re.search(r'<details class="panel" id="advice"\s+open>', text)
    swedish = text_of(client, f"{public_run(store, entries=[advice]).public_id}?lang=sv")
    assert "Domänen fungerar. Den kan ändå förbättras." in swedish


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.CANCELED, RunStatus.EXPIRED])
def test_a_test_without_result_says_so(client: FlaskClient, store: Store, status: RunStatus) -> None:
    run = public_run(store, status=status, entries=[], nameserver_timings=None, error="worker 17 at 10.0.0.1 was lost")
    text = text_of(client, str(run.public_id))
    assert "The test " in text
    assert "10.0.0.1" not in text, "what went wrong inside is the operator's business"
    assert 'class="ring"' not in text
    assert "Test again" in text


def test_only_public_ids_are_found(client: FlaskClient, store: Store) -> None:
    others = [
        make_run(store, "c.example", record("INFO")).id,
        queue_job(store).id,
        new_public_id(),
        "AAAAAAAA",
        "a" * 300,
        "ü" * 12,
        "*",
    ]
    for other in others:
        for part in ("", "/networks", "/findings.csv", "/findings.txt"):
            response = look(client, other + part)
            assert response.status_code == 404, (other, part)
            assert "max-age" not in response.headers.get("Cache-Control", "")
    text = look(client, new_public_id()).get_data(as_text=True)
    assert "This result is no longer available" in text
    assert 'name="domain"' in text, "and can be asked for again"


def test_what_the_operator_hides_is_not_on_the_page(make_app: MakeApp, store: Store) -> None:
    run = public_run(store)
    hidden = make_app(
        show_score_public=False,
        show_nameserver_timings_public=False,
        show_asn_names_public=False,
        exclude="zone02,nameserver15",
        retention_days=30,
    ).test_client()
    text = text_of(hidden, str(run.public_id))
    for part in ("Criteria for A+", "Grade ", 'data-grade="A', 'id="servers"', "14 ms", 'id="networks"'):
        assert part not in text, part
    assert "NAMESERVER15, ZONE02" in text
    assert "25 Dec 2026" in text
    assert hidden.get(f"/public/result/{run.public_id}/networks").status_code == 404
    assert "Grade" not in hidden.get(f"/public/result/{run.public_id}/findings.txt").get_data(as_text=True)


def test_a_finished_result_is_kept_by_proxies(client: FlaskClient, store: Store) -> None:
    run = public_run(store)
    first = look(client, str(run.public_id))
    assert first.headers["Cache-Control"] == "public, max-age=300"
    assert {"Cookie", "Accept-Language", "X-Partial"} <= set(first.headers["Vary"].replace(" ", "").split(","))
    again = look(client, str(run.public_id), **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert look(client, str(run.public_id)).get_data() == first.get_data()
    packed = look(client, str(run.public_id), **{"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["ETag"] == first.headers["ETag"]
    assert gzip.decompress(packed.get_data()) == first.get_data()
    client.set_cookie("gm_theme", "dark")
    dark = look(client, str(run.public_id))
    assert dark.headers["ETag"] != first.headers["ETag"]
    assert 'data-theme="dark"' in dark.get_data(as_text=True)
    assert "Set-Cookie" not in first.headers
    filtered = look(client, f"{run.public_id}?level=notice", **{"If-None-Match": first.headers["ETag"]})
    assert filtered.status_code in (200, 304)


def test_downloads(client: FlaskClient, store: Store) -> None:
    run = public_run(store, entries=[*ENTRIES, entry("X", "=cmd|'/c calc'!A1", "zone01", "NOTICE", ns="@SUM(1)")])
    table = look(client, f"{run.public_id}/findings.csv")
    assert table.headers["Content-Disposition"] == f'attachment; filename="{run.public_id}.csv"'
    rows = list(csv.reader(io.StringIO(table.get_data(as_text=True))))
    assert rows[0] == ["level", "module", "testcase", "tag", "message"]
    assert len(rows) == 1 + len(ENTRIES) + 1
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    lines = look(client, f"{run.public_id}/findings.txt")
    assert lines.mimetype == "text/plain"
    assert "Test of a.example" in lines.get_data(as_text=True)
    assert f"http://localhost/public/result/{run.public_id}" in lines.get_data(as_text=True)
    linked = re.search(r'href="(/pub/api/v1/jobs/[^"]*)"', text_of(client, str(run.public_id)))
    assert linked
    assert json.loads(client.get(linked[1].replace("&amp;", "&")).get_data())["job_id"] == run.public_id


def test_the_same_is_tested_again(client: FlaskClient, store: Store) -> None:
    config = {
        "ipv6_disabled": True,
        "nameservers": [{"ns": "ns1.example", "ip": "198.41.0.4"}],
        "ds": [{"keytag": 1, "algorithm": 13, "digtype": 2, "digest": "ab" * 32}],
    }
    text = text_of(client, str(public_run(store, config=config).public_id))
    assert "undelegated" in text
    assert "IPv4 only" in text
    form = re.search(r'<form class="inline" method="post" action="/public/">(.*?)</form>', text)
    assert form
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form[1])
    response = client.post("/public/", data=_multi(fields), headers=HTML)
    assert response.status_code == 303, response.get_data(as_text=True)
    with store.read_only() as session:
        job = find_by_public_id(session, response.headers["Location"].rpartition("/")[2])
    assert {key: job.config[key] for key in config} == config


def _multi(fields: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in fields:
        found.setdefault(name, []).append(value)
    return found


class Tags(HTMLParser):
    """Collects elements, attributes and text, as a browser parses them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


HOSTILE = (
    "</p><script>alert(1)</script><img src=x onerror=alert(1)>'\"><svg onload=1>"
    "\x1b[31m\u202eevil\u2066\u200b\x00{{7*7}}{% raw %}"
)


def test_dns_data_cannot_inject_markup(client: FlaskClient, store: Store) -> None:
    entries = [
        *ENTRIES,
        entry(
            "Z11_SPF_SYNTAX_ERROR",
            "ZONE",
            "zone11",
            "ERROR",
            servers=[{"ns": HOSTILE, "address": HOSTILE}],
            domain=HOSTILE,
        ),
        entry(HOSTILE, HOSTILE, HOSTILE, "NOTICE", **{HOSTILE: HOSTILE}),
        entry(
            "N15_SOFTWARE_VERSION", "NAMESERVER", "nameserver15", "INFO", servers=[], string=HOSTILE, query_name=HOSTILE
        ),
    ]
    timings = [*TIMINGS, TIMINGS[0] | {"nameserver": HOSTILE, "address": HOSTILE, "status": HOSTILE}]
    run = public_run(store, entries=entries, nameserver_timings=timings, profile_name=HOSTILE.replace("\x00", ""))
    clean = Tags(text_of(client, str(public_run(store).public_id)))
    for path in ("", "?level=error", "?level=notice", "?level=ok"):
        text = text_of(client, f"{run.public_id}{path}")
        seen = Tags(text)
        assert seen.names <= clean.names | {"ul", "li"}, "no element of the attacker's"
        assert not [name for name, _ in seen.attributes if name.startswith("on") or name == "style"]
        assert not [value for name, value in seen.attributes if name == "class" and "alert" in value]
        assert not set("\x1b\u202e\u2066\u200b\x00") & set(text)
        assert "49" not in re.findall(r"\{\{.*?\}\}|49", seen.text)
    lines = look(client, f"{run.public_id}/findings.txt").get_data(as_text=True)
    assert not set("\x1b\u202e\x00") & set(lines)


def test_headers_allow_nothing_from_elsewhere(client: FlaskClient, store: Store) -> None:
    response = look(client, str(public_run(store).public_id))
    policy = response.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'self'" in policy
    text = response.get_data(as_text=True)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert " style=" not in text


def test_a_result_of_many_findings_stays_small(client: FlaskClient, store: Store) -> None:
    many = [
        entry("NO_RESPONSE", "NAMESERVER", "nameserver02", "WARNING", ns=f"ns{n}.example", address="192.0.2.1")
        for n in range(1500)
    ]
    run = public_run(store, entries=many)
    text = text_of(client, str(run.public_id))
    assert "500 more findings are not shown" in text
    assert len(text) < 150_000
    assert len(text_of(client, str(public_run(store).public_id))) < 60_000


def test_a_protected_page_is_not_cached(make_app: MakeApp, store: Store) -> None:
    run = public_run(store)
    client = make_app(admin_tokens=CONFIGURED, auth_protect_public=True).test_client()
    assert client.get(f"/public/result/{run.public_id}").status_code == 401
    shown = client.get(f"/public/result/{run.public_id}", headers={**HTML, **bearer(READ)})
    assert shown.status_code == 200
    assert "public" not in shown.headers["Cache-Control"]


def test_a_page_is_cached_once_for_all_unknown_parameters(client: FlaskClient, store: Store) -> None:
    run = public_run(store)
    path = f"/public/result/{run.public_id}"
    pages = [client.get(f"{path}?x={number}&level=none&evil=%3Cb%3E", headers=HTML) for number in range(3)]
    octets = client.application.extensions[NAME].responses.octets
    assert {page.text for page in pages} == {client.get(path, headers=HTML).text}
    assert client.application.extensions[NAME].responses.octets == octets
    assert "evil" not in pages[0].text
    filtered = client.get(f"{path}?level=error&x=1&lang=sv", headers=HTML).text
    assert '<html lang="sv"' in filtered
    assert "level=error&amp;lang=sv" in filtered


def test_reads_are_limited(make_app: MakeApp, store: Store) -> None:
    run = public_run(store)
    client = from_elsewhere(make_app(public_api_rate_limit_get_max=2).test_client())
    found = [look(client, str(run.public_id)) for _ in range(3)]
    assert [response.status_code for response in found] == [200, 200, 429]
    assert "data-countdown" in found[-1].get_data(as_text=True)
    api = client.get(f"/pub/api/v1/jobs/{run.public_id}")
    assert error_of(api)["code"] == "rate_limited"


def test_earlier_tests_are_listed_where_the_operator_allows_it(
    make_app: MakeApp, client: FlaskClient, store: Store
) -> None:
    first, second = public_run(store), public_run(store)
    make_run(store, "a.example", record("ERROR"))
    other = public_run(store, "b.example")
    assert "/history" not in text_of(client, str(first.public_id))
    assert client.get(f"/public/result/{first.public_id}/history").status_code == 404
    allowed = make_app(show_history_public=True).test_client()
    assert f"/public/result/{first.public_id}/history" in text_of(allowed, str(first.public_id))
    text = text_of(allowed, f"{first.public_id}/history")
    assert str(second.public_id) in text
    assert str(other.public_id) not in text
    assert text.count("<tr role") == 3, "neither the tests of operators nor of other domains"


def test_the_chain_of_trust_is_drawn_with_its_facts(make_app: MakeApp, client: FlaskClient, store: Store) -> None:
    chain = {"version": 3, "zone": HOSTILE, "status": "broken", "parent": {"zone": "example", "keys": [HOSTILE]}}
    run = public_run(store, dnssec_chain=chain)
    text = text_of(client, str(run.public_id))
    seen = Tags(text)
    assert 'id="dnssec"' in text
    targets = {value[1:] for name, value in seen.attributes if name == "href" and value.startswith("#chain-")}
    assert targets <= {value for name, value in seen.attributes if name == "id"}, "each box leads to its facts"
    assert not {"iframe", "object", "foreignobject"} & seen.names
    assert [name for name, _ in seen.attributes if name.startswith("on")] == []
    assert text.count("<img") == 1, "that of the badge"
    assert 'value="&lt;a href=&#34;http://localhost/public/badge/' in text, "the badge as HTML to copy"
    assert "<script>alert" not in text
    picture = look(client, f"{run.public_id}/chain.svg")
    assert picture.mimetype == "image/svg+xml"
    assert picture.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert b"<script" not in picture.get_data()
    hidden = make_app(show_dnssec_chain_public=False).test_client()
    assert 'id="dnssec"' not in text_of(hidden, str(run.public_id))
    assert hidden.get(f"/public/result/{run.public_id}/chain.svg").status_code == 404
