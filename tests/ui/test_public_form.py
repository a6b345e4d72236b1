"""The public form: content, refusals, and the submitted job."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from gonemaster_api.ui.public.form.checking import check
from gonemaster_api.ui.public.form.typed_fields import MAX_ROWS, DsRow, NameserverRow, TypedFields, read_typed
from gonemaster_api.ui.public.form.views import parent_of_host
from gonemaster_db.core.session import Store
from gonemaster_db.models import Job
from gonemaster_db.queue.jobs import find_by_public_id
from tests.api.conftest import MakeApp
from tests.api.public.test_public_jobs import make_profile
from tests.api.web.test_rate_limits import from_elsewhere

HTML = {"Accept": "text/html"}
DIGEST = "ab" * 32


def send(client: FlaskClient, **fields: Any) -> TestResponse:
    return client.post("/public/", data={"domain": "a.example"} | fields, headers=HTML)


def job_of(store: Store, response: TestResponse) -> Job:
    assert response.status_code == 303, response.get_data(as_text=True)
    found = re.fullmatch(r"/public/result/([0-9A-Za-z]{12})", response.headers["Location"])
    assert found
    with store.read_only() as session:
        job = find_by_public_id(session, found[1])
    assert isinstance(job, Job)
    return job


def test_a_test_is_queued_and_its_page_opens(client: FlaskClient, store: Store) -> None:
    page = client.get("/public/", headers=HTML)
    assert page.status_code == 200
    assert page.mimetype == "text/html"
    job = job_of(store, send(client, domain="Ä.Example"))
    assert (job.domain, job.config["origin"]) == ("xn--4ca.example", "public")
    shown = client.get(f"/public/result/{job.public_id}", headers=HTML)
    assert shown.status_code == 200
    assert "ä.example" in shown.get_data(as_text=True)


def test_an_address_fills_the_form(client: FlaskClient) -> None:
    text = client.get("/public/?domain=example.com", headers=HTML).get_data(as_text=True)
    assert 'value="example.com"' in text
    assert '<details class="panel"><summary' in text, "the options stay closed"
    query = urlencode(
        [("domain", "a.example"), ("options", "1"), ("ipv6", "1"), ("ns", "ns1.example"), ("ip", "192.0.2.1")]
    )
    text = client.get(f"/public/?{query}", headers=HTML).get_data(as_text=True)
    assert '<details class="panel" open>' in text
    assert 'name="ipv4" value="1">' in text
    assert 'name="ipv6" value="1" checked>' in text
    assert 'value="ns1.example"' in text
    assert 'value="192.0.2.1"' in text


def test_rows_come_and_go_without_script(client: FlaskClient) -> None:
    def rows(query: str) -> int:
        return client.get(f"/public/?{query}", headers=HTML).get_data(as_text=True).count('<input name="ns"')

    assert rows("") == 1
    assert rows("ns=a&ip=&change=add-ns") == 2
    assert rows("ns=a&ip=&ns=b&ip=&ns=c&ip=&change=drop-ns-1") == 2
    kept = client.get("/public/?ns=a.a&ip=&ns=b.b&ip=&ns=c.c&ip=&change=drop-ns-1", headers=HTML).get_data(as_text=True)
    assert 'value="a.a"' in kept
    assert 'value="b.b"' not in kept
    assert rows("&".join(["ns=x"] * 40)) == MAX_ROWS + 1, "one too many is shown, and refused"
    for hostile in ("drop-ns-", "drop-ns--1", "drop-ns-99999999999999", "drop-ns-²", "drop-", "-", "add-", "x"):
        assert rows(urlencode({"ns": "a", "change": hostile})) == 1, hostile


def test_options_of_the_form_are_those_of_the_job(client: FlaskClient, store: Store) -> None:
    shared = make_profile(store, "strict", public=True)
    own = make_profile(store, "own", public=False)
    text = client.get("/public/", headers=HTML).get_data(as_text=True)
    assert f'<option value="{shared}">strict' in text
    assert f'<option value="{own}">' not in text
    fields = {
        "options": "1",
        "ipv6": "1",
        "profile": str(shared),
        "ns": ["ns1.A.example", "", "ns2.example"],
        "ip": ["198.41.0.4", "", ""],
        "keytag": ["4711", ""],
        "algorithm": ["13", "13"],
        "digtype": ["2", "2"],
        "digest": [f" {DIGEST.upper()[:32]} {DIGEST[:32]}", ""],
    }
    job = job_of(store, send(client, **fields))
    assert job.profile_id == shared
    assert job.config["ipv4_disabled"] is True
    assert "ipv6_disabled" not in job.config
    assert job.config["nameservers"] == [{"ns": "ns1.a.example", "ip": "198.41.0.4"}, {"ns": "ns2.example"}]
    assert job.config["ds"] == [{"keytag": 4711, "algorithm": 13, "digtype": 2, "digest": DIGEST}]


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"domain": ""}, "domain", "example.com"),
    ({"domain": "a..b"}, "domain", "empty label"),
    ({"domain": "a" * 64 + ".example"}, "domain", "63"),
    ({"options": "1"}, "families", "At least one"),
    ({"profile": "x"}, "profile", "profile_not_found"),
    ({"profile": "999999"}, "profile", "no such profile"),
    ({"ns": "a..b", "ip": ""}, "ns-0", "empty label"),
    ({"ns": "", "ip": "198.41.0.4"}, "ns-0", "empty"),
    ({"ns": "ns1.example", "ip": "1.2.3"}, "ip-0", "Enter an IP address"),
    ({"ns": "ns1.example", "ip": "10.0.0.1"}, "ip-0", "private_undelegated_ip"),
    ({"ns": "ns1.example", "ip": "fe80::1%eth0"}, "ip-0", "private_undelegated_ip"),
    ({"keytag": "65536", "digest": DIGEST}, "keytag-0", "0 to 65535"),
    ({"keytag": "1", "digest": "ab" * 7}, "digest-0", "64 hex digits; this one has 14"),
    ({"keytag": "1", "digtype": "9", "digest": "xy"}, "digest-0", "an even number of hex digits"),
    ({"keytag": "1", "algorithm": "256", "digest": DIGEST}, "algorithm-0", "0 to 255"),
    ({"ns": [f"ns{n}.example" for n in range(40)]}, "nameservers", "32"),
]


def test_errors_are_shown_at_their_fields(client: FlaskClient) -> None:
    for fields, place, message in WRONG:
        response = send(client, **fields)
        text = response.get_data(as_text=True)
        assert response.status_code == 400, fields
        (problem,) = re.findall(rf'<small class="bad" id="{place}-bad">(.*?)</small>', text)
        assert message in problem
        assert 'data-code="' in problem, "with the code of the API"
        for name in fields.keys() - {"profile"}:  # Browsers choose this value from a list.
            for typed in [fields[name]] if isinstance(fields[name], str) else fields[name][:32]:
                assert f'"{typed}"' in text, "what was typed stays"


def test_all_problems_are_reported_together() -> None:
    typed = TypedFields(
        domain="a..b",
        nameservers=(NameserverRow("x..y", "z"), NameserverRow("ok.example")),
        ds=(DsRow("-1", digest="0"),),
    )
    assert check(typed, guarded=True).problems.keys() == {"domain", "ns-0", "ip-0", "keytag-0", "digest-0"}


def test_private_addresses_need_both_settings(make_app: MakeApp, store: Store) -> None:
    row = {"ns": "ns1.example", "ip": "127.0.0.1"}
    assert send(make_app(public_api_allow_private_undelegated_ip=True).test_client(), **row).status_code == 400
    both = make_app(public_api_allow_private_undelegated_ip=True, allow_non_global=True).test_client()
    assert job_of(store, send(both, **row)).config["nameservers"] == [{"ns": "ns1.example", "ip": "127.0.0.1"}]


def test_a_name_with_www_is_a_host(client: FlaskClient) -> None:
    hosts = {"www.example.com": "example.com", "WWW.a.b.example.": "a.b.example"}
    others = ("www.com", "wwww.a.b", "", "example.com")
    for name, parent in (hosts | dict.fromkeys(others, "")).items():
        assert parent_of_host(name) == parent
        text = client.get(f"/public/?domain={name}", headers=HTML).get_data(as_text=True)
        (attributes,) = re.findall(r'id="host"([^>]*)>', text)
        assert ("hidden" in attributes) is not bool(parent)
        assert (f"Test {parent} instead" in text) is bool(parent) or not parent


def test_what_was_typed_is_read_back_as_it_was_sent() -> None:
    typed = TypedFields(
        domain="a.example",
        ipv4=False,
        profile="7",
        nameservers=(NameserverRow("ns1.example", "192.0.2.1"), NameserverRow("ns2.example")),
        ds=(DsRow("1", "8", "4", "00"), DsRow("2", digest="11")),
    )
    assert read_typed(MultiDict(typed.parameters())) == typed
    assert TypedFields(domain="a.example").parameters() == [("domain", "a.example")]
    assert read_typed(MultiDict([("domain", "a.example")])) == TypedFields(domain="a.example")


def test_markup_in_fields_is_text(client: FlaskClient) -> None:
    attack = '"><script>alert(1)</script>'
    names = ("domain", "profile", "ns", "ip", "keytag", "algorithm", "digtype", "digest")
    for response in (
        client.get("/public/?" + urlencode(dict.fromkeys(names, attack)), headers=HTML),
        send(client, **dict.fromkeys(names, attack)),
    ):
        assert "<script>alert" not in response.get_data(as_text=True)
    text = client.get("/public/?" + urlencode({"domain": "www.\u202egro.elpmaxe"}), headers=HTML).get_data(as_text=True)
    assert "\u202e" not in re.sub(r'value="[^"]*"', "", text), "shown, but in the field that is edited"


def test_submissions_are_limited_and_the_page_says_how_long(make_app: MakeApp) -> None:
    limited = from_elsewhere(make_app(public_api_rate_limit_max=2).test_client())
    assert [send(limited).status_code for _ in range(3)] == [303, 303, 429]
    refused = send(limited)
    assert int(refused.headers["Retry-After"]) > 0
    text = refused.get_data(as_text=True)
    assert "data-countdown" in text
    assert "rate_limited" in text
    api = limited.post("/pub/api/v1/jobs", json={"domain": "a.example"})
    assert api.status_code == 429, "page and API count together"


def test_requests_of_other_sites_are_refused(client: FlaskClient) -> None:
    response = client.post("/public/", data={"domain": "a.example"}, headers=HTML | {"Origin": "https://evil.example"})
    assert response.status_code == 403


def test_old_and_new_pages_lead_each_other(client: FlaskClient) -> None:
    text = client.get("/public/about", headers=HTML).get_data(as_text=True)
    assert "DNSSEC04" in text
    assert "Chain of trust" in text
    assert 'href="/public/"' in text
