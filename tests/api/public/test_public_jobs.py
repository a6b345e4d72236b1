"""The public API: anonymous clients submit jobs, and only clients with the id can read them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gonemaster_api.app import create_app
from gonemaster_api.queries.jobs.public_jobs import asns_of
from gonemaster_api.state import NAME
from gonemaster_db.core.ids import new_public_id
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.domains.domains import ensure_domains
from gonemaster_db.domains.profiles import create_profile
from gonemaster_db.domains.tags import set_default_profile, tag_domains
from gonemaster_db.models import Job, Run
from gonemaster_db.queue.jobs import find_by_public_id
from gonemaster_engine.version import __version__, engine_kind
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.control.parts import QueueParts, open_queue
from gonemaster_tasks.queues import NORMAL
from tests.api.conftest import MakeApp
from tests.api.v1.test_batches import submit
from tests.api.web.test_errors import error_of
from tests.api.web.test_rate_limits import from_elsewhere
from tests.support.rows import NOON, claim, finish_job, make_run, queue_job, record
from tests.support.stores import MakeSettings
from tests.support.tokens import CONFIGURED, OPERATE, READ, bearer

PUBLIC = "/pub/api/v1"


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """One database kind is enough: these paths have no separate statements."""
    return make_store_settings("sqlite")


ENTRIES = [EntryRecord(0.25, "BASIC", "basic01", "B01_CHILD_FOUND", "INFO", {"domain": "a.example"})]
TIMINGS = [{"nameserver": "ns1.example", "address": "192.0.2.1", "avg_ms": 1.5}]
CHAIN = {"version": 3, "zone": "a.example"}
FOUND: dict[str, Any] = {"entries": ENTRIES, "nameserver_timings": TIMINGS, "dnssec_chain": CHAIN}


def post(client: FlaskClient, body: Any = None, **headers: str) -> TestResponse:
    return client.post(f"{PUBLIC}/jobs", json={"domain": "a.example"} | (body or {}), headers=headers)


def refusal(client: FlaskClient, **body: Any) -> tuple[int, str]:
    response = post(client, body)
    return response.status_code, error_of(response)["code"]


def stored(store: Store, public_id: str) -> Job | Run:
    with store.read_only() as session:
        return find_by_public_id(session, public_id)


def make_profile(store: Store, name: str, *, public: bool) -> int:
    with store.transaction() as session:
        made = create_profile(
            session, name, description="", config={}, public=public, schema_version=__version__, now=NOON
        )
        return made.id


def test_job_is_queued_as_one_of_the_public(client: FlaskClient, store: Store, queue: QueueParts) -> None:
    response = post(client, {"domain": "Ä.Example", "min_level": "notice", "tests": ["basic"]})
    document = response.get_json()
    assert response.status_code == 201
    assert document == {
        "public_id": document["public_id"], "domain": "xn--4ca.example", "status": "queued", "progress": 0
    }  # fmt: skip
    assert len(document["public_id"]) == 12
    job = stored(store, document["public_id"])
    assert isinstance(job, Job)
    assert (job.priority, job.batch_id) == (0, None)
    request_id = response.headers["X-Request-Id"]
    expected = {"tests": ["basic"], "min_level": "NOTICE", "origin": "public"}
    assert job.config == expected | {"request_id": request_id}
    assert queue.broker.lists.depth(NORMAL) == 1
    assert client.get(f"{PUBLIC}/jobs/{document['public_id']}").get_json() == document
    assert client.get(f"/api/v1/jobs/{job.id}").get_json()["public_id"] == document["public_id"]


def test_life_of_a_job(client: FlaskClient, store: Store) -> None:
    public_id = post(client).get_json()["public_id"]
    address = f"{PUBLIC}/jobs/{public_id}"
    for part in ("result", "asn-names"):
        response = client.get(f"{address}/{part}")
        assert (response.status_code, error_of(response)["code"]) == (404, "not_found")
    running = claim(store, stored(store, public_id).id)
    assert client.get(address).get_json()["status"] == "running"
    finish_job(store, running, record(**FOUND))
    shown = client.get(address)
    assert shown.get_json() == {
        "public_id": public_id, "domain": "a.example", "status": "succeeded", "progress": 100,
        "finished_at": "2026-11-25T12:00:00Z",
    }  # fmt: skip
    assert shown.headers["Cache-Control"] == "no-cache"
    result = client.get(f"{address}/result").get_json()
    assert result["job_id"] == public_id
    assert result.keys() == {
        "job_id", "status", "summary", "raw", "testcase_descriptions", "score", "nameserver_timings",
        "has_dnssec_chain", "root_causes", "verdict", "kept",
    }  # fmt: skip
    assert running.id not in repr(result), "the id of the admin API is nobody's business"
    assert client.get(f"{address}/dnssec-chain").get_json()["zone"] == "a.example"


@pytest.mark.parametrize("part", ["", "/result", "/dnssec-chain", "/asn-names"])
def test_only_public_ids_are_found(client: FlaskClient, store: Store, part: str) -> None:
    mine = client.post("/api/v1/jobs", json={"domain": "a.example"}).get_json()["id"]
    (of_batch,) = submit(client, "b.example")["job_ids"]
    run = make_run(store, "c.example", record(**FOUND))
    for other in (mine, of_batch, run.id, new_public_id(), "AAAAAAAA", "None", "null", "%00", "a" * 12, "ü" * 12, "*"):
        response = client.get(f"{PUBLIC}/jobs/{other}{part}")
        assert response.status_code == (400 if other == "%00" else 404), (other, response.get_data(as_text=True))
        assert response.headers.get("Cache-Control", "no-store") == "no-store"


def test_old_ids_of_eight_characters_resolve(client: FlaskClient, store: Store) -> None:
    make_run(store, "a.example", record(**FOUND), public_id="aB3dE6gH")
    assert client.get(f"{PUBLIC}/jobs/aB3dE6gH").get_json()["domain"] == "a.example"
    assert client.get(f"{PUBLIC}/jobs/ab3de6gh").status_code == 404


def test_there_is_no_list(client: FlaskClient) -> None:
    post(client)
    response = client.get(f"{PUBLIC}/jobs")
    assert (response.status_code, error_of(response)["code"]) == (405, "method_not_allowed")
    for path in ("", "/runs", "/queue", "/domains", "/settings"):
        assert client.get(f"{PUBLIC}{path}").status_code == 404


def test_rules_for_the_public(client: FlaskClient, store: Store, queue: QueueParts) -> None:
    own = make_profile(store, "own", public=False)
    refused = {
        "domain": ("a..b", "invalid_domain"),
        "profile_overrides": ({"net": {"ipv6": False}}, "profile_overrides_not_allowed"),
        "profile_id": (own, "profile_not_found"),
        "tests": (["basic01"] * 257, "too_many_tests"),
        "min_level": ("DEBUG", "invalid_min_level"),
        "nameservers": ([{"ns": "ns1.example", "ip": "10.0.0.1"}], "private_undelegated_ip"),
        "ds_info": ([{"keytag": 70000, "algorithm": 8, "digtype": 2, "digest": "00"}], "invalid_undelegated"),
        "tags": (["cohort"], "unknown_field"),  # a domain in a tag is in the population of a cohort
    }
    for field, (value, code) in refused.items():
        assert refusal(client, **{field: value}) == (400, code), field
    assert refusal(client, profile_overrides="x") == (400, "profile_overrides_not_allowed")
    assert refusal(client, profile_id=own + 1000) == (400, "profile_not_found")
    assert error_of(post(client, {"profile_id": own}))["message"] == f"no such profile: {own}"
    assert queue.broker.lists.depth(NORMAL) == 0
    harmless = {"profile_overrides": {}, "tests": ["basic01"] * 256, "min_level": "INFO", "profile": "x"}
    assert post(client, harmless).status_code == 201


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "169.254.1.1", "192.168.0.1", "100.64.0.1", "::1", "fe80::1", "fd00::1"]
)
def test_private_targets_need_both_settings(make_app: MakeApp, address: str) -> None:
    body = {"nameservers": [{"ns": "ns1.example", "ip": address}]}
    for flags, status in (
        ({"public_api_allow_private_undelegated_ip": True}, 400),
        ({"allow_non_global": True}, 400),
        ({"public_api_allow_private_undelegated_ip": True, "allow_non_global": True}, 201),
    ):
        assert post(make_app(**flags).test_client(), body).status_code == status, flags
    both = make_app(public_api_allow_private_undelegated_ip=True, allow_non_global=True).test_client()
    assert refusal(both, nameservers=[{"ns": "ns1.example", "ip": "255.255.255.255"}]) == (
        400,
        "private_undelegated_ip",
    )


def test_profiles_that_the_public_uses(client: FlaskClient, store: Store) -> None:
    own, shared = make_profile(store, "own", public=False), make_profile(store, "shared", public=True)
    assert client.get(f"{PUBLIC}/profiles").get_json() == [{"id": shared, "name": "shared", "description": ""}]
    chosen: dict[str, int | None] = {}
    with store.transaction() as session:
        for tag, profile in (("one", own), ("two", shared)):
            (domain,) = ensure_domains(session, [f"{tag}.example"], now=NOON).values()
            tag_domains(session, [tag], [domain], now=NOON)
            set_default_profile(session, tag, profile)
        both = ensure_domains(session, ["both.example"], now=NOON).values()
        tag_domains(session, ["one", "two"], both, now=NOON)
    for name in ("one.example", "two.example", "both.example"):
        chosen[name] = stored(store, post(client, {"domain": name}).get_json()["public_id"]).profile_id
    assert chosen == {"one.example": None, "two.example": shared, "both.example": None}
    assert stored(store, post(client, {"profile_id": shared}).get_json()["public_id"]).profile_id == shared


@pytest.mark.parametrize(
    ("setting", "path", "gone"),
    [
        ("show_score_public", "result", "score"),
        ("show_nameserver_timings_public", "result", "nameserver_timings"),
        ("show_dnssec_chain_public", "dnssec-chain", None),
        ("show_asn_names_public", "asn-names", None),
    ],
)
def test_what_settings_hide(make_app: MakeApp, store: Store, setting: str, path: str, gone: str | None) -> None:
    make_run(store, "a.example", record(**FOUND), public_id="aB3dE6gHi9kL")
    client = make_app().test_client()
    address = f"{PUBLIC}/jobs/aB3dE6gHi9kL/{path}"
    shown = client.get(address)
    assert shown.status_code == 200
    assert gone is None or gone in shown.get_json()
    assert client.put("/api/v1/settings", json={setting: False}).status_code == 200
    assert client.get(f"{PUBLIC}/info").get_json()[setting] is False
    hidden = client.get(address, headers={"If-None-Match": shown.headers.get("ETag", '"none"')})
    if gone is None:
        assert (hidden.status_code, error_of(hidden)["code"]) == (404, "not_found")
    else:
        assert gone not in hidden.get_json()
    if setting == "show_dnssec_chain_public":
        assert client.get(f"{PUBLIC}/jobs/aB3dE6gHi9kL/result").get_json()["has_dnssec_chain"] is False


def test_caching(client: FlaskClient, store: Store) -> None:
    make_run(store, "a.example", record(**FOUND), public_id="aB3dE6gHi9kL")
    run = make_run(store, "b.example", public_id="bB3dE6gHi9kL")
    for path, caching in (("result", "public, max-age=300"), ("dnssec-chain", "max-age=300")):
        first = client.get(f"{PUBLIC}/jobs/aB3dE6gHi9kL/{path}")
        again = client.get(f"{PUBLIC}/jobs/aB3dE6gHi9kL/{path}", headers={"If-None-Match": first.headers["ETag"]})
        assert (first.headers["Cache-Control"], again.status_code, again.data) == (caching, 304, b"")
        assert client.get(f"{PUBLIC}/jobs/aB3dE6gHi9kL/{path}").data == first.data
    response = client.get(f"{PUBLIC}/jobs/{run.public_id}/dnssec-chain")
    assert (error_of(response)["code"], response.headers["Cache-Control"]) == ("no_chain_data", "no-store")
    assert client.get(f"{PUBLIC}/jobs/{run.public_id}/asn-names").headers["Cache-Control"] == "max-age=86400"
    version = client.get(f"{PUBLIC}/version")
    assert version.get_json() == client.get("/api/v1/version").get_json() | {"engine_kind": engine_kind()}
    assert (version.get_json()["gonemaster"], version.headers["Cache-Control"]) == (__version__, "public, max-age=3600")


def test_a_result_is_cached_once_for_all_unknown_parameters(client: FlaskClient, store: Store) -> None:
    make_run(store, "a.example", record(**FOUND), public_id="aB3dE6gHi9kL")
    kept = client.application.extensions[NAME].responses
    path = f"{PUBLIC}/jobs/aB3dE6gHi9kL/result"
    first = client.get(path)
    octets = kept.octets
    found = [client.get(f"{path}?x={number}&utm_source=y").get_data() for number in range(3)]
    assert (set(found), kept.octets) == ({first.get_data()}, octets)
    assert client.get(f"{path}?locale=sv").get_json()["raw"]["locale"] == "sv"


def test_service_in_public(make_app: MakeApp) -> None:
    client = make_app(exclude="zone01,syntax02").test_client()
    assert client.get(f"{PUBLIC}/info").get_json() == {
        "show_score_public": True,
        "show_nameserver_timings_public": True,
        "show_dnssec_chain_public": True,
        "show_asn_names_public": True,
        "excluded_testcases": ["syntax02", "zone01"],
    }
    assert "en" in client.get(f"{PUBLIC}/locales").get_json()["locales"]
    assert refusal(client, tests=["zone01"]) == (400, "testcase_excluded")


def test_keys_of_clients_are_their_own(client: FlaskClient) -> None:
    """A client's key does not collide with other keys; only that client gets the first response again."""
    key = {"Idempotency-Key": "5f6c-1"}
    assert client.post("/api/v1/jobs", json={"domain": "a.example"}, headers=key).status_code == 201

    def from_address(address: str, domain: str = "a.example") -> TestResponse:
        peer = {"REMOTE_ADDR": address}
        return client.post(f"{PUBLIC}/jobs", json={"domain": domain}, headers=key, environ_base=peer)

    first, again, other = (from_address(address) for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2"))
    assert first.status_code == again.status_code == other.status_code == 201
    assert first.get_json() == again.get_json() != other.get_json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert error_of(from_address("192.0.2.1", "b.example"))["code"] == "idempotency_conflict"


def test_without_redis_nothing_is_accepted_and_results_are_read(store: Store, tmp_path: Path) -> None:
    make_run(store, "a.example", record(**FOUND), public_id="aB3dE6gHi9kL")
    job = queue_job(store, "b.example", public_id="bB3dE6gHi9kL")
    flags: dict[str, Any] = {"broker_url": "redis://127.0.0.1:1/0", "data_dir": str(tmp_path)}
    flags |= {"public_api_rate_limit_get_max": 3}
    settings = load_settings(flags, {})
    parts = open_queue(settings, store)
    client = from_elsewhere(create_app(settings, queue=parts).test_client())
    response = post(client)
    assert (response.status_code, error_of(response)["code"]) == (503, "broker_unavailable")
    assert int(response.headers["Retry-After"]) > 0
    assert client.get(f"{PUBLIC}/jobs/aB3dE6gHi9kL/result").status_code == 200
    assert client.get(f"{PUBLIC}/jobs/{job.public_id}").get_json()["status"] == "queued"
    assert [client.get(f"{PUBLIC}/jobs/{job.public_id}").status_code for _ in range(2)] == [200, 429]
    parts.broker.close()
    parts.celery.close()


def test_what_authentication_refuses_is_not_counted(make_app: MakeApp) -> None:
    flags = {"public_api_rate_limit_max": 1}
    client = from_elsewhere(make_app(admin_tokens=CONFIGURED, auth_protect_public=True, **flags).test_client())
    assert [post(client).status_code for _ in range(3)] == [401] * 3
    assert post(client, **bearer(READ)).status_code == 403
    assert [post(client, **bearer(OPERATE)).status_code for _ in range(2)] == [201, 429]


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD", "GET", "PUT"])
def test_methods_and_headers_of_every_public_path(client: FlaskClient, store: Store, method: str) -> None:
    make_run(store, "a.example", record(**FOUND), public_id="aB3dE6gHi9kL")
    paths = ["/jobs/aB3dE6gHi9kL" + part for part in ("", "/result", "/dnssec-chain", "/asn-names")]
    for path in [*paths, "/locales", "/profiles", "/version", "/info"]:
        response = client.open(f"{PUBLIC}{path}", method=method)
        assert response.status_code == (405 if method == "PUT" else 200), path
        assert response.headers["Content-Security-Policy"] == "default-src 'none'"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert "camera=()" in response.headers["Permissions-Policy"]
        assert response.headers["X-Request-Id"]
        assert (response.data == b"") is (method in ("HEAD", "OPTIONS"))


def test_page_of_another_site_submits_nothing(client: FlaskClient, queue: QueueParts) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        response = post(client, **headers)
        assert (response.status_code, error_of(response)["code"]) == (403, "csrf_origin_mismatch")
    assert queue.broker.lists.depth(NORMAL) == 0


@pytest.mark.parametrize(
    ("args", "asns"),
    [
        ({"asn": 64500}, [64500]),
        ({"asn": "64500", "asns": [64502, "64501"]}, [64500, 64501, 64502]),
        ({"asns": "64501, 64500"}, [64500, 64501]),
        ({"asns": [-1, 2**32, "x", "99999999999", None, True]}, []),
        ({"address": "64500"}, []),
    ],
)
def test_ases_in_entries(args: dict[str, Any], asns: list[int]) -> None:
    assert asns_of([_entry(args)]) == asns


def test_only_some_ases_are_looked_up() -> None:
    assert asns_of(_entries()) == list(range(1, 33))


def _entry(args: dict[str, Any]) -> EntryRecord:
    return EntryRecord(0.1, "CONNECTIVITY", "connectivity03", "IPV4_ONE_ASN", "WARNING", args)


def _entries() -> Iterator[EntryRecord]:
    for asn in range(64, 0, -1):
        yield _entry({"asn": asn})
