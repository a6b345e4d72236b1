"""The analysis site with demonstration data: pages, exports, refusals and caching, without a browser."""

from __future__ import annotations

import csv
import io
import json
import re
import urllib.error
import urllib.request
from email.message import Message
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_engine.findings.messages import message
from tests.support.browser import Site
from tests.support.service import open_url

PATHS = [
    "/", "/domains", "/nameservers", "/addresses", "/networks", "/prefixes", "/findings", "/testcases", "/trends",
    "/diff", "/trends?category=grade&scale=count", "/trends?focus=WARNING", "/diff?kind=tags", "/diff?kind=level",
    "/diff?kind=grade", "/diff?kind=added", "/diff?kind=causes", "/trends?category=cause", "/domains?cause=no_dnssec",
    "/domains?grade=A&worst_level=WARNING&dnssec_posture=unsigned&search=e&sort=score_desc&limit=25",
]  # fmt: skip
_KEYS = re.compile(r"/(domains|nameservers|addresses|networks|findings)/[^?]*")


def get(site: Site, path: str, **headers: str) -> tuple[int, Message, str]:
    """Send a request as a browser does."""
    request = urllib.request.Request(f"{site.url}/analysis{path}", headers={"Accept": "text/html"} | headers)
    try:
        with open_url(request) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def api(site: Site, path: str) -> Any:
    with open_url(f"{site.url}/pub/api/v1/analysis{path}") as answer:
        return json.load(answer)


@pytest.mark.parametrize("path", PATHS)
def test_each_page_is_complete_and_indexed(site: Site, path: str) -> None:
    status, headers, page = get(site, path)
    assert status == 200
    assert page.count("<h1") == 1
    assert 'rel="canonical"' in page
    assert '<meta name="description"' in page
    assert "X-Robots-Tag" not in headers
    assert len(page) < 150_000
    again, _, empty = get(site, path, **{"If-None-Match": headers["ETag"]})
    assert (again, empty) == (304, "")


def test_each_link_of_the_pages_leads_somewhere(site: Site) -> None:
    """Follow one link of each kind: lists, details, filters, pages."""
    seen: dict[str, str] = {}
    for path in PATHS:
        for link in re.findall(r'href="(/analysis[^"#]*)"', get(site, path)[2]):
            link = link.replace("&amp;", "&")
            kind = re.sub(r"=[^&]*", "=", _KEYS.sub(r"/\1/x", link))
            seen.setdefault(kind, link)
    assert len(seen) > 40
    answers = {link: get(site, link.removeprefix("/analysis"))[0] for link in seen.values()}
    assert answers == dict.fromkeys(seen.values(), 200)


def test_details_show_what_the_api_says(site: Site) -> None:
    server = api(site, "/nameservers?limit=1")["items"][0]
    page = get(site, f"/nameservers/{server['nameserver']}")[2]
    assert server["nameserver"] in page
    assert page.count("/analysis/domains/") == min(50, server["domain_count"])
    domain = api(site, "/domains?limit=1&sort=worst_level_desc")["items"][0]
    page = get(site, f"/domains/{domain['domain']}")[2]
    shown = api(site, f"/domains/{domain['domain']}")
    assert all(tag["tag"] in page for tag in shown["tags"])
    first = shown["entries"][0]
    assert first["message"] in page
    swedish = message(first["tag"], first["module"], first["args"], locale="sv")
    assert swedish != first["message"]
    assert swedish in get(site, f"/domains/{domain['domain']}?lang=sv")[2]


def test_causes_lead_to_their_domains(site: Site) -> None:
    facts = {one["category"]: one["buckets"] for one in api(site, "/overview")["overview"]["fact_distributions"]}
    most = max(facts["cause"], key=lambda bucket: bucket["count"])
    overview = get(site, "/")[2]
    assert most["label"] in overview
    assert f"/analysis/domains?cause={most['key']}" in overview
    listed = api(site, f"/domains?cause={most['key']}&limit=500")
    assert listed["total"] == most["count"] == api(site, "/trends?category=cause")["points"][-1]["payload"][most["key"]]
    assert f'<option value="{most["key"]}" selected>' in get(site, f"/domains?cause={most['key']}")[2]
    assert most["label"] in get(site, f"/domains/{listed['items'][0]['domain']}")[2]
    assert f"{most['key']}," in get(site, "/trends?category=cause&format=csv")[2].splitlines()[0] + ","
    begin, end = (point["slug"] for point in api(site, "/trends?category=cause")["points"][-2:])
    diff = api(site, f"/diff?granularity=causes&from={begin}&to={end}&limit=50")
    changes = get(site, f"/diff?kind=causes&from={begin}&to={end}")[2]
    assert diff["causes"]
    assert all(one["title"] in changes for one in diff["causes"])
    assert all(f">{one['domain']}<" in changes for one in diff["domains"])


def test_invalid_queries_are_reported_with_the_code(site: Site) -> None:
    for path, code in {
        "/domains?sort=size": "invalid_sort",
        "/domains?limit=0": "invalid_limit",
        "/trends?category=weather": "invalid_category",
        "/diff?min_cluster=x": "invalid_min_cluster",
    }.items():
        status, headers, page = get(site, path)
        assert (status, code in page) == (400, True), path
        assert "size" not in headers.get("ETag", "")
    absent = ("/domains/absent.example", "/networks/1", "/testcase?module=A&testcase=b")
    for path in ("/?cohort=nope", "/?snapshot=nope", "/diff?from=nope", *absent):
        assert get(site, path)[0] == 404, path
    for path in ("/prefix", "/testcase", "/prefix?prefix=x", "/networks/x", "/addresses/x"):
        assert get(site, path)[0] == 400, path


def test_latencies_of_few_responses_are_left_out(site: Site) -> None:
    everything = get(site, "/nameservers")[2]
    assert '<select name="min_latency_samples"' in everything
    assert "min_latency_samples" not in get(site, "/prefixes")[2]
    chosen = get(site, "/nameservers?min_latency_samples=77")[2]
    assert '<option value="77" selected>77 or more responses' in chosen
    assert "No matches" in get(site, "/nameservers?min_latency_samples=1000000")[2]


def test_exports_have_the_rows_of_the_page(site: Site) -> None:
    _, headers, text = get(site, "/domains?format=csv&grade=A&limit=500")
    rows = list(csv.DictReader(io.StringIO(text)))
    listed = api(site, "/domains?grade=A&limit=500")["items"]
    assert [row["domain"] for row in rows] == [item["domain"] for item in listed]
    assert headers["Content-Type"].startswith("text/csv")
    trend = list(csv.DictReader(io.StringIO(get(site, "/trends?format=csv")[2])))
    assert [row["snapshot"] for row in trend] == [point["slug"] for point in api(site, "/trends")["points"]]
    link = re.search(r'href="(/pub/api/v1/analysis[^"]*)"', get(site, "/domains?grade=A&_external=1&_scheme=ftp")[2])
    assert link
    assert "ftp" not in link[1]
    assert "grade=A" in link[1]


def test_a_chosen_snapshot_stays_chosen(site: Site) -> None:
    slugs = [one["slug"] for one in api(site, "/cohorts/demo/snapshots")["snapshots"]]
    page = get(site, f"/?cohort=demo&snapshot={slugs[-1]}")[2]
    assert f"snapshot={slugs[-1]}" in page
    assert "first snapshot" in page
    assert get(site, f"/diff?from={slugs[0]}&to={slugs[0]}")[2].count("The same snapshot is selected twice") == 1


def test_without_a_public_cohort_the_site_says_so(client: FlaskClient) -> None:
    for path in ("/", "/domains", "/trends", "/diff"):
        page = client.get(f"/analysis{path}", headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert "No public cohorts" in page.text


def test_a_cohort_without_a_snapshot_says_so(client: FlaskClient) -> None:
    client.post("/api/v1/tags", json={"name": "empty"})
    cohort = {"source_tag": "empty", "label": "Empty <i>", "analysis_enabled": True, "public_enabled": True}
    made = client.post("/api/v1/analysis/cohorts", json=cohort)
    assert made.status_code == 202, made.text
    for path in ("/?cohort=empty", "/domains?cohort=empty", "/trends?cohort=empty", "/diff?cohort=empty"):
        page = client.get(f"/analysis{path}", headers={"Accept": "text/html"})
        assert page.status_code == 200, path
        assert "No snapshots yet" in page.text or "No comparison available yet" in page.text
        assert "<i>" not in page.text


def test_the_sitemap_lists_the_pages(site: Site) -> None:
    with open_url(f"{site.url}/sitemap.xml") as answer:
        listed = re.findall("<loc>(.*?)</loc>", answer.read().decode())
    assert f"{site.url}/public/" in listed
    assert {f"{site.url}/analysis{path}" for path in PATHS[:10]} <= set(listed)
