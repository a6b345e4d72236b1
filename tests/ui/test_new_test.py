"""The form of a new test: queued jobs, refusals, and fields that keep their input."""

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from gonemaster_db.core.session import Store
from gonemaster_db.models import Job
from tests.api.conftest import MakeApp
from tests.support.dnsworld import World

HTML = {"Accept": "text/html"}
SENT = {"form": "yes", "ipv4": "yes", "ipv6": "yes"}
DIGEST = "ab" * 32


def jobs(store: Store) -> list[Job]:
    with store.read_only() as session:
        return list(session.scalars(select(Job).order_by(Job.created_at)))


def refused(client: FlaskClient, **fields: Any) -> str:
    answer = client.post("/test", data={**SENT, **fields}, headers=HTML)
    assert answer.status_code == 400
    return answer.get_data(as_text=True)


def test_a_test_is_queued_with_all_its_options(client: FlaskClient, store: Store) -> None:
    profile = client.post("/api/v1/profiles", json={"name": "strict"}).get_json()["id"]
    sent = {
        "form": "yes", "domain": " Bücher.Example ", "tags": "one, two\nthree", "profile_id": str(profile),
        "policy": "registration", "ipv4": "yes",
        "tests": "dnssec", "min_level": "NOTICE", "ns": ["ns1.example", "", "ns2.example"],
        "ip": ["198.41.0.4", "", ""], "keytag": "4711", "algorithm": "13", "digtype": "2", "digest": DIGEST.upper(),
    }  # fmt: skip
    answer = client.post("/test", data=sent)
    (job,) = jobs(store)
    assert (answer.status_code, answer.location) == (303, f"/jobs/{job.id}?note=job-queued")
    assert (job.domain, job.profile_name) == ("xn--bcher-kva.example", "strict")
    assert job.config["nameservers"] == [{"ns": "ns1.example", "ip": "198.41.0.4"}, {"ns": "ns2.example"}]
    assert job.config["ds"] == [{"keytag": 4711, "algorithm": 13, "digtype": 2, "digest": DIGEST}]
    assert job.config["tests"] == ["dnssec"]
    assert job.config["policy"]["name"] == "registration"
    assert (job.config["tags"], job.config["ipv6_disabled"]) == (["one", "two", "three"], True)
    assert "ipv4_disabled" not in job.config
    assert [tag["name"] for tag in client.get("/api/v1/tags").get_json()] == ["one", "three", "two"]


def test_both_ip_versions_are_selected_by_default(client: FlaskClient, store: Store) -> None:
    text = client.get("/test?domain=example.com").get_data(as_text=True)
    assert 'value="example.com"' in text
    assert text.count(" checked") == 2
    client.post("/test", data={"domain": "example.com"} | SENT)
    (job,) = jobs(store)
    assert job.config == {"origin": "admin"} or "ipv6_disabled" not in job.config


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"domain": ""}, "Enter a domain name."),
        ({"domain": "a..b"}, "Invalid domain name"),
        ({"tests": "nonsense"}, "nonsense"),
        ({"tags": "a/b"}, "slash"),
        ({"profile_id": "7"}, "no such profile"),
        ({"profile_id": "x"}, "must be an integer"),
        ({"policy": "registratoin"}, "is registration meant?"),
        ({"policy": "x" * 65}, "must have a length from 1 to 64"),
        ({"min_level": "LOUD"}, "must be one of"),
        ({"ns": "a..b", "ip": ""}, "Invalid name server name."),
        ({"ns": "ns.example", "ip": "1.2.3"}, "Invalid IPv4 or IPv6 address."),
        ({"ns": "ns.example", "ip": "192.168.1.1"}, "Only globally reachable addresses are allowed."),
        ({"keytag": "70000", "algorithm": "13", "digtype": "2", "digest": DIGEST}, "from 0 to 65535"),
        ({"keytag": "1", "algorithm": "13", "digtype": "2", "digest": "xyz"}, "hexadecimal"),
        ({"ns": ["ns.example"] * 40, "ip": [""] * 40}, "At most 32 rows"),
    ],
)
def test_errors_are_shown_at_their_fields(
    client: FlaskClient, store: Store, fields: dict[str, Any], message: str
) -> None:
    values = {"domain": "typed.example", **fields}
    text = refused(client, **values)
    assert message in text
    assert 'class="bad"' in text or 'role="alert"' in text
    values.pop("min_level", None)  # The field is a list without this value.
    for value in values.values():
        for typed in [value] if isinstance(value, str) else value[:1]:
            assert not typed or typed in text
    assert jobs(store) == []


def test_tags_with_different_profiles_need_a_choice(client: FlaskClient) -> None:
    for tag in ("a", "b"):
        number = client.post("/api/v1/profiles", json={"name": tag}).get_json()["id"]
        client.post(f"/api/v1/tags/{tag}/domains", json={"domains": ["example.com"]})
        client.put(f"/api/v1/tags/{tag}/profile", json={"profile_id": number})
    assert "Choose a profile" in refused(client, domain="example.com")


def test_rows_are_added_and_removed_without_script(client: FlaskClient) -> None:
    rows = "domain=example.com&form=yes&ns=one.example&ip=&ns=two.example&ip="
    added = client.get(f"/test?{rows}&add=ns").get_data(as_text=True)
    assert [f"Name server {n}" in added for n in (1, 2, 3, 4)] == [True, True, True, False]
    removed = client.get(f"/test?{rows}&remove=ns-0").get_data(as_text=True)
    removed = removed.split("<main")[1].split('class="printed"')[0]
    assert "one.example" not in removed
    assert "two.example" in removed
    assert 'value="example.com"' in removed


def test_a_check_complains_of_nothing_that_is_still_empty(client: FlaskClient, store: Store) -> None:
    head = {"X-Partial": "form", **HTML}
    empty = client.post("/test/check", data=SENT, headers=head)
    assert (empty.status_code, "aria-invalid" in empty.get_data(as_text=True)) == (200, False)
    wrong = client.post("/test/check", data={**SENT, "domain": "a..b"}, headers=head).get_data(as_text=True)
    assert "aria-invalid" in wrong
    assert "<html" not in wrong
    assert jobs(store) == []


def test_rows_are_fetched_from_the_parent_zone(make_app: MakeApp, demo_world: World, tmp_path: Path) -> None:
    hints = demo_world.write_hints(tmp_path / "root.hints")
    app = make_app(root_hints_path=str(hints), dns_port=demo_world.port, allow_non_global=True)
    try:
        text = app.test_client().get("/test?form=yes&domain=good.xa&fetch=yes").get_data(as_text=True)
        assert 'value="ns1.good.xa"' in text
        assert 'name="keytag"' in text
        assert 'value="127.' in text
        none = app.test_client().get("/test?form=yes&domain=missing.xa&fetch=yes", headers=HTML)
        assert (none.status_code, "has no name servers for this domain" in none.get_data(as_text=True)) == (400, True)
        wrong = app.test_client().get("/test?form=yes&domain=a..b&fetch=yes", headers=HTML)
        assert wrong.status_code == 400
    finally:
        app.extensions["gonemaster"].lookups.close()


def test_typed_markup_stays_text(client: FlaskClient) -> None:
    text = refused(client, domain='"><script>alert(1)</script>', tags="<b>/", ns="<i>", ip="\u202e1")
    assert "<script>alert" not in text
    assert "<b>/" not in text
    assert "\u202e" not in text.split("</header>")[-1].replace('value="\u202e1"', "")
