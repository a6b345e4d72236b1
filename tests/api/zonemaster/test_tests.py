"""Single tests over the JSON-RPC API: submission, reuse, progress, parameters, result and history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_api.zonemaster import progress
from gonemaster_db.core.ids import id_of_test, new_public_id, public_id_of_test
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from gonemaster_db.domains.profiles import create_profile
from gonemaster_db.models import Job, RunStatus
from gonemaster_db.queue.jobs import get_job
from gonemaster_db.runs.graduation import requeue_job
from gonemaster_engine.version import __version__
from gonemaster_tasks.broker.events import JobEvent
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.queues import NORMAL
from tests.api.conftest import MakeApp
from tests.api.public.test_public_jobs import make_profile
from tests.api.zonemaster.calls import DIGEST, DS, UNKNOWN_ID, call, error, problems, stored
from tests.support.redis import raw
from tests.support.rows import NOON, claim, finish_job, make_run, record
from tests.support.threads import together

ENTRIES = [
    EntryRecord(0.1, "SYSTEM", "", "GLOBAL_VERSION", "INFO", {"version": "9.9"}),
    EntryRecord(0.2, "BASIC", "basic01", "B01_CHILD_UNDETERMINED", "ERROR", {"domain": "a.example"}),
    EntryRecord(0.3, "DNSSEC", "dnssec07", "DS07_NOT_SIGNED", "NOTICE", {}),
    EntryRecord(0.4, "DNSSEC", "dnssec07", "TEST_CASE_END", "DEBUG", {"testcase": "dnssec07"}),
    EntryRecord(0.5, "NAMESERVER", "nameserver01", "NO_RECURSOR", "INFO", {"ns": "ns1.a.example", "address": "::1"}),
    EntryRecord(0.6, "NAMESERVER", "nameserver11", "N11_NO_EDNS", "WARNING", {"servers": []}),
]


def start(client: FlaskClient, domain: str = "a.example", **params: Any) -> str:
    test_id: str = call(client, "start_domain_test", domain=domain, **params)
    return test_id


def begin(store: Store, test_id: str, *, now: datetime | None = None) -> Job:
    return claim(store, stored(store, test_id).id, now=now or datetime.now(UTC))


def test_a_test_is_a_public_job_in_the_normal_tier(client: FlaskClient, store: Store, queue: QueueParts) -> None:
    test_id = start(
        client, " Ä.Example ", ipv6=False,
        nameservers=[{"ns": "NS2.example", "ip": ""}, {"ns": "ns1.example", "ip": "9.9.9.9"}],
        ds_info=[{**DS, "keytag": "12345", "digest": DIGEST.upper()}], client_id="Zonemaster-GUI",
        client_version="v5.0.0", priority="20", queue=3, language="en",
    )  # fmt: skip
    job = stored(store, test_id)
    assert isinstance(job, Job)
    assert (job.domain, job.priority, job.public_id) == ("xn--4ca.example", 0, public_id_of_test(test_id))
    assert queue.broker.lists.depth(NORMAL) == 1
    assert job.config["nameservers"] == [{"ns": "ns2.example"}, {"ns": "ns1.example", "ip": "9.9.9.9"}]
    assert job.config["ipv6_disabled"] is True
    assert call(client, "get_test_params", test_id=test_id) == {
        "domain": "xn--4ca.example", "profile": "default", "ipv4": True, "ipv6": False, "priority": 20, "queue": 3,
        "nameservers": [{"ns": "ns1.example", "ip": "9.9.9.9"}, {"ns": "ns2.example"}], "ds_info": [DS],
        "client_id": "Zonemaster-GUI", "client_version": "v5.0.0",
    }  # fmt: skip
    assert client.get(f"/pub/api/v1/jobs/{job.public_id}").get_json()["status"] == "queued"


def test_test_ids_and_public_ids_are_two_forms_of_one_value() -> None:
    for test_id in ("0" * 16, "f" * 16, UNKNOWN_ID):
        assert id_of_test(public_id_of_test(test_id)) == test_id
    assert {id_of_test(new_public_id()) for _ in range(1000)} == {None}
    assert [id_of_test(value) for value in (None, "abcdefgh", "z" * 12)] == [None, None, None]


def test_the_same_request_gets_the_same_test(client: FlaskClient, store: Store) -> None:
    first = start(client, priority=1, client_id="one")
    assert start(client, "A.example.", priority=2, client_id="two") == first
    other = [
        start(client, ipv4=False),
        start(client, "b.example"),
        start(client, ds_info=[DS]),
        start(client, nameservers=[{"ns": "ns.example"}]),
    ]
    assert len({first, *other}) == 5
    begin(store, first)
    assert start(client) == first


def test_a_test_is_not_reused_once_its_time_is_over(client: FlaskClient, store: Store) -> None:
    first = start(client)
    begin(store, first, now=datetime.now(UTC) - timedelta(minutes=11))
    second = start(client)
    assert second != first
    running = begin(store, second)
    finish_job(store, running, record("INFO", at=datetime.now(UTC)))
    assert start(client) == second


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.CANCELED])
def test_a_test_without_a_result_is_not_reused(client: FlaskClient, store: Store, status: RunStatus) -> None:
    first = start(client)
    finish_job(store, begin(store, first), record(status=status, at=datetime.now(UTC)))
    assert start(client) != first


def test_concurrent_requests_share_one_test(make_app: MakeApp, store: Store, queue: QueueParts) -> None:
    app = make_app(zonemaster_api=True)
    found = together(*[partial(start, app.test_client()) for _ in range(8)])
    assert len(set(found)) == 1
    assert queue.broker.lists.depth(NORMAL) == 1


def test_life_of_a_test(client: FlaskClient, store: Store) -> None:
    test_id = start(client)
    assert call(client, "test_progress", test_id=test_id) == 0
    assert call(client, "get_test_results", id=test_id, language="en")["results"] == []
    job = begin(store, test_id)
    assert call(client, "test_progress", test_id=test_id) == 1
    assert call(client, "get_test_history", frontend_params={"domain": "a.example"}) == []
    run = finish_job(store, job, record(entries=ENTRIES, at=datetime.now(UTC)))
    assert call(client, "test_progress", test_id=test_id) == 100
    found = call(client, "get_test_results", id=test_id, language="en")
    assert found["hash_id"] == test_id
    assert found["created_at"] == run.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert found["params"] == call(client, "get_test_params", test_id=test_id)
    assert call(client, "get_test_history", frontend_params={"domain": "A.example"}) == [
        {"id": test_id, "created_at": found["created_at"], "undelegated": False, "overall_result": "error"}
    ]


def test_results_have_the_names_of_zonemaster(client: FlaskClient, store: Store) -> None:
    test_id = start(client)
    finish_job(store, begin(store, test_id), record(entries=ENTRIES, at=datetime.now(UTC)))
    found = call(client, "get_test_results", id=test_id, language="en")
    results = found["results"]
    assert [(item["module"], item["testcase"], item["level"], item["tag"]) for item in results] == [
        ("System", "Unspecified", "INFO", "GLOBAL_VERSION"),
        ("Basic", "Basic01", "ERROR", "B01_NO_CHILD"),
        ("DNSSEC", "DNSSEC07", "NOTICE", "DS07_NOT_SIGNED"),
        ("Nameserver", "Nameserver01", "INFO", "NO_RECURSOR"),
        ("Nameserver", "Nameserver11", "WARNING", "N11_NO_EDNS"),
    ]
    assert [item.get("ns") for item in results] == [None, None, None, "ns1.a.example/::1", "All"]
    assert all(item["message"].endswith("\n") and item["message"].strip() for item in results)
    assert found["testcase_descriptions"].keys() == {item["testcase"] for item in results}
    assert "9.9" in results[0]["message"]


def test_an_entry_about_several_servers_is_one_for_each_as_in_zonemaster(client: FlaskClient, store: Store) -> None:
    servers = [{"ns": "ns1.a.example", "address": "::1"}, {"ns": "ns2.a.example", "address": "192.0.2.1"}]
    entries = [
        EntryRecord(0.1, "NAMESERVER", "nameserver03", "AXFR_AVAILABLE", "NOTICE", {"servers": servers}),
        EntryRecord(0.2, "SYNTAX", "syntax04", "NAMESERVER_SYNTAX_OK", "INFO", {"servers": ["ns1.a.example"]}),
        EntryRecord(0.3, "ADDRESS", "address01", "A01_GLOBALLY_REACHABLE_ADDR", "INFO", {"servers": servers}),
        EntryRecord(0.4, "NAMESERVER", "nameserver03", "AXFR_AVAILABLE", "NOTICE", {"servers": []}),
    ]
    test_id = start(client)
    finish_job(store, begin(store, test_id), record(entries=entries, at=datetime.now(UTC)))
    results = call(client, "get_test_results", id=test_id, language="en")["results"][1:]
    open_to_all = "AXFR_AVAILABLE"
    tags = [open_to_all, open_to_all, "NAMESERVER_SYNTAX_OK", "A01_GLOBALLY_REACHABLE_ADDR", open_to_all]
    assert [item["tag"] for item in results] == tags
    assert [item.get("ns") for item in results[:2]] == ["ns1.a.example/::1", "ns2.a.example/192.0.2.1"]
    first, second, *_ = (item["message"] for item in results)
    assert "ns1.a.example" in first
    assert "ns2.a.example" not in first
    assert "ns2.a.example" in second
    assert "ns1.a.example" not in second


def test_tags_of_both_releases_are_returned_under_their_names(client: FlaskClient, store: Store) -> None:
    glue = {"ns": "ns1.a.example", "parent_servers": [{"ns": "ns1.a.example", "address": "::1"}], "zone_servers": []}
    key = {"keytag": 1, "algo_num": 18, "algo_descr": "ML-DSA-44", "algo_mnemo": "ML-DSA-44", "servers": []}
    entries = [
        EntryRecord(0.1, "CONSISTENCY", "consistency05", "IN_DOMAIN_ADDR_MISMATCH", "ERROR", glue),
        EntryRecord(0.2, "CONSISTENCY", "consistency05", "CS05_ID_ADDR_MISMATCH", "ERROR", glue),
        EntryRecord(0.3, "DNSSEC", "dnssec05", "DS05_ALGO_OK", "INFO", key),
        EntryRecord(0.4, "DNSSEC", "dnssec05", "DS05_ALGO_MAY", "NOTICE", key),
    ]
    test_id = start(client)
    finish_job(store, begin(store, test_id), record(entries=entries, at=datetime.now(UTC)))
    results = call(client, "get_test_results", id=test_id, language="en")["results"][1:]
    assert [item["tag"] for item in results] == [
        "IN_BAILIWICK_ADDR_MISMATCH",
        "CS05_ID_ADDR_MISMATCH",
        "DS05_ALGO_OK",
        "DS05_ALGO_MAY",
    ]
    assert all(len(item["message"].split()) > 8 for item in results)


def test_texts_are_in_the_language_of_the_call(client: FlaskClient, store: Store) -> None:
    test_id = start(client)
    finish_job(store, begin(store, test_id), record(entries=ENTRIES, at=datetime.now(UTC)))
    texts = {
        language: call(client, "get_test_results", id=test_id, language=language)["results"][0]["message"]
        for language in ("en", "sv", "fr")
    }
    assert len(set(texts.values())) == 3
    wrong = [error(client, "start_domain_test", {"domain": "a..b", "language": code}) for code in ("en", "da")]
    assert wrong[0]["message"] == "Invalid method parameter(s)." != wrong[1]["message"]
    assert wrong[0]["data"][0]["message"] != wrong[1]["data"][0]["message"]


@pytest.mark.parametrize(
    ("status", "tag"),
    [
        (RunStatus.FAILED, "TEST_DIED"),
        (RunStatus.CANCELED, "UNABLE_TO_FINISH_TEST"),
        (RunStatus.EXPIRED, "UNABLE_TO_FINISH_TEST"),
    ],
)
def test_a_test_without_a_result_says_so(client: FlaskClient, store: Store, status: RunStatus, tag: str) -> None:
    test_id = start(client)
    finish_job(store, begin(store, test_id), record(status=status, entries=[], at=datetime.now(UTC)))
    assert call(client, "test_progress", test_id=test_id) == 100
    version, backend = call(client, "get_test_results", id=test_id, language="en")["results"]
    assert (version["module"], version["testcase"]) == ("System", "Unspecified")
    assert __version__ in version["message"]
    assert (backend["module"], backend["level"], backend["tag"]) == ("Backend", "CRITICAL", tag)
    (past,) = call(client, "get_test_history", frontend_params={"domain": "a.example"})
    assert past["overall_result"] == "critical"


def test_progress_never_falls(client: FlaskClient, store: Store, queue: QueueParts) -> None:
    test_id = start(client)
    job = begin(store, test_id)

    def shown() -> int:
        percent: int = call(client, "test_progress", test_id=test_id)
        return percent

    for percent, expected in ((40, 40), (20, 40), (99, 99), (100, 99)):
        queue.broker.events.publish(job.id, JobEvent("progress", {"progress": percent}))
        assert shown() == expected
    now = datetime.now(UTC)
    with store.transaction() as session:
        requeue_job(session, job.id, worker="w1", attempt=1, now=now, max_attempts=3, failure="ended")
    assert shown() == 99, "it waits again after the loss of its worker"
    raw(queue.broker).flushall()
    assert shown() == 99, "Redis lost its content"
    progress._shown.__init__()  # type: ignore[misc]  # another process answers
    assert shown() == 0


def test_progress_is_the_same_for_all_processes(make_app: MakeApp, store: Store, queue: QueueParts) -> None:
    client = make_app(zonemaster_api=True).test_client()
    test_id = start(client)
    job = begin(store, test_id)
    queue.broker.events.publish(job.id, JobEvent("progress", {"progress": 55}))
    assert call(client, "test_progress", test_id=test_id) == 55
    queue.broker.events.publish(job.id, JobEvent("progress", {"progress": 5}))
    progress._shown.__init__()  # type: ignore[misc]  # another process answers
    assert call(client, "test_progress", test_id=test_id) == 55


def test_an_unknown_test_is_an_error(client: FlaskClient, store: Store) -> None:
    make_run(store, public_id=new_public_id())
    for method, params in (
        ("test_progress", {"test_id": UNKNOWN_ID}),
        ("get_test_params", {"test_id": UNKNOWN_ID}),
        ("get_test_results", {"id": UNKNOWN_ID, "language": "en"}),
    ):
        wrong = error(client, method, params)
        assert wrong == {"code": -32603, "message": "Test not found", "data": {"test_id": UNKNOWN_ID}}


def test_history_is_filtered_and_paged(client: FlaskClient, store: Store) -> None:
    levels = ["INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL"]
    for number, level in enumerate(levels):
        data = {"nameservers": [{"ns": "ns.example"}]} if number % 2 else {}
        moment = datetime(2026, 1, 1 + number, tzinfo=UTC)
        test_id = public_id_of_test(f"{number:016x}")
        make_run(store, "a.example", record(level, at=moment), public_id=test_id, config=data)
    make_run(store, "a.example", public_id=new_public_id())
    make_run(store, "a.example")

    def history(**params: Any) -> list[tuple[int, str]]:
        found = call(client, "get_test_history", frontend_params={"domain": "a.example"}, **params)
        return [(int(item["id"], 16), item["overall_result"]) for item in found]

    everything = [(4, "critical"), (3, "error"), (2, "warning"), (1, "ok"), (0, "ok")]
    assert history() == everything
    assert history(filter="undelegated") == [everything[1], everything[3]]
    assert history(filter="delegated") == everything[::2]
    assert history(offset=1, limit=2) == everything[1:3]
    assert history(limit=0) == []
    assert history(offset=10**18, limit=10**18) == []


def test_profiles_are_those_of_the_public(client: FlaskClient, store: Store) -> None:
    public = make_profile(store, "Registry-1", public=True)
    make_profile(store, "secret", public=False)
    make_profile(store, "a name with spaces", public=True)
    assert call(client, "profile_names") == ["default", "registry-1"]
    job = stored(store, start(client, profile="REGISTRY-1"))
    assert job.profile_id == public
    for name, message in (("secret", "Unknown profile"), ("-", "Invalid profile format")):
        assert problems(client, "start_domain_test", {"domain": "a.example", "profile": name}) == {"/profile": message}


def test_a_client_may_enable_what_a_profile_disables(client: FlaskClient, store: Store) -> None:
    with store.transaction() as session:
        create_profile(
            session, "v4", description="", config={"net": {"ipv6": False}}, public=True, schema_version="1", now=NOON
        )
    by_profile = start(client, profile="v4", ipv6=None)
    assert call(client, "get_test_params", test_id=by_profile)["ipv6"] is False
    enabled = start(client, profile="v4", ipv6=True)
    assert stored(store, enabled).config["overrides"] == {"net": {"ipv6": True}}
    assert call(client, "get_test_params", test_id=enabled)["ipv6"] is True


def test_a_client_cannot_enable_what_the_server_disables(make_app: MakeApp, store: Store, tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    profile.write_text('{"net": {"ipv6": false}}')
    client = make_app(zonemaster_api=True, profile_path=str(profile)).test_client()
    test_id = start(client, ipv6=True)
    assert "overrides" not in stored(store, test_id).config
    assert call(client, "get_test_params", test_id=test_id)["ipv6"] is False
    assert start(client) == test_id


def test_targets_are_guarded_like_those_of_public_jobs(client: FlaskClient, store: Store) -> None:
    given = [{"ns": "ns1.example", "ip": "9.9.9.9"}, {"ns": "ns2.example", "ip": "127.0.0.1"}]
    for method in ("start_domain_test", "job_create"):
        (path,) = problems(client, method, {"domain": "a.example", "nameservers": given})
        assert path == "/nameservers/1/ip"


def test_the_root_can_be_tested(client: FlaskClient, store: Store) -> None:
    assert stored(store, start(client, ".")).domain == "."


def test_a_waiting_test_has_the_id_of_the_stored_one(client: FlaskClient, store: Store) -> None:
    test_id = start(client)
    job = begin(store, test_id)
    with store.read_only() as session:
        assert id_of_test(get_job(session, job.id).public_id) == test_id
