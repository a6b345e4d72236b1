"""Settings over HTTP: shown with their sources, changed all or none, applied by all parts of this process."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gonemaster_api.app import create_app
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_db.service.audit import list_actions
from gonemaster_db.service.settings import read_settings, write_settings
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.processes.workers import WorkerState
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.overrides import pinned_keys
from gonemaster_tasks.config.settings import OPTIONS, Settings
from gonemaster_tasks.control.parts import QueueParts
from tests.api.conftest import MakeApp
from tests.api.web.test_errors import error_of
from tests.support.rows import make_run, record

URL = "/api/v1/settings"
AWAY = "redis+socket:///nonexistent/redis.sock"


def shown(client: FlaskClient, key: str) -> dict[str, Any]:
    document: dict[str, Any] = client.get(URL).get_json()[key]
    return document


def put(client: FlaskClient, **values: Any) -> TestResponse:
    return client.put(URL, json={key.replace("__", "."): value for key, value in values.items()})


def stored(store: Store) -> dict[str, Any]:
    with store.read_only() as session:
        return read_settings(session)


def test_every_setting_is_shown_with_what_is_allowed(client: FlaskClient) -> None:
    found = client.get(URL).get_json()
    assert set(found) == {option.key for option in OPTIONS}
    assert found["worker_count"] == {
        "value": 16,
        "source": "default",
        "readonly": False,
        "type": "integer",
        "allowed": "an integer from 1 to 1024",
        "minimum": 1,
        "maximum": 1024,
        "default": 16,
        "description": "number of slots per worker process",
    }
    assert found["ipv6_mode"]["choices"] == ["auto", "on", "off"]
    assert (found["listen_addr"]["readonly"], found["public_api.rate_limit_window"]["value"]) == (True, "600s")


def test_secrets_are_masked(make_app: MakeApp) -> None:
    flags = {"db_dsn": "postgresql://u:swordfish@db/g", "flower_basic_auth": "ops:swordfish"}
    client = make_app(**flags).test_client()
    answer = client.get(URL)
    assert "swordfish" not in answer.get_data(as_text=True)
    assert shown(client, "database.dsn")["value"] == "postgresql://u:***@db/g"


def test_source_of_each_value(settings: Settings, queue: QueueParts) -> None:
    own = load_settings({"broker_url": settings.broker_url, "worker_count": 3}, {"GONEMASTER_MIN_LEVEL": "NOTICE"})
    client = create_app(own, queue=queue).test_client()
    assert put(client, max_concurrent_jobs=5).get_json() == {"status": "ok"}
    sources = {key: item["source"] for key, item in client.get(URL).get_json().items()}
    expected = {
        "worker_count": "cli_flag",
        "min_level": "config_file",
        "max_concurrent_jobs": "database",
        "dns_port": "default",
    }
    assert {key: sources[key] for key in expected} == expected
    assert put(client, min_level="warning").status_code == 200
    assert (shown(client, "min_level")["value"], shown(client, "min_level")["source"]) == ("WARNING", "database")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("worker_count", 0),
        ("worker_count", 1025),
        ("worker_count", "8"),
        ("worker_count", 8.0),
        ("worker_count", True),
        ("worker_count", 10**400),
        ("worker_count", [8]),
        ("max_concurrent_jobs", -1),
        ("stuck_job_timeout_minutes", 525601),
        ("cross_job_hot_cache", 1),
        ("cross_job_hot_cache", "true"),
        ("cross_job_hot_cache_ttl_seconds", 0),
        ("min_level", "SEVERE"),
        ("min_level", 1),
        ("ipv6_mode", "perhaps"),
        ("public_url", "ftp://example.org"),
        ("public_url", "https://user@example.org"),
        ("public_url", "http://["),
        ("public_url", {"a": 1}),
        ("database.retention_days", 36501),
        ("database.purge_interval_seconds", 0),
        ("show_score_admin", "yes"),
    ],
)
def test_what_is_out_of_range_is_refused_with_the_range(
    client: FlaskClient, store: Store, key: str, value: Any
) -> None:
    error = error_of(client.put(URL, json={"reserved_normal_slots": 2, key: value}))
    assert error["code"] == "invalid_setting"
    (reported,) = error["details"]["settings"]
    option = next(option for option in OPTIONS if option.key == key)
    assert (reported["key"], reported["allowed"]) == (key, option.type.allowed)
    assert error["message"].startswith(f"{key} is ")
    assert option.type.allowed in error["message"]
    assert stored(store) == {}


def test_all_errors_are_reported_and_nothing_is_saved(client: FlaskClient, store: Store) -> None:
    response = put(client, nothing=1, dns_port=5353, worker_count=0, min_level="NOTICE")
    error = error_of(response)
    assert (response.status_code, error["code"]) == (400, "unknown_setting")
    assert [(item["key"], item["code"]) for item in error["details"]["settings"]] == [
        ("nothing", "unknown_setting"),
        ("dns_port", "readonly_setting"),
        ("worker_count", "invalid_setting"),
    ]
    assert stored(store) == {}


def test_what_a_flag_has_set_is_read_only_and_stays(make_app: MakeApp, store: Store) -> None:
    with store.transaction() as session:
        write_settings(session, {"worker_count": 99}, now=utcnow())
    client = make_app(worker_count=3).test_client()
    assert (shown(client, "worker_count")["value"], shown(client, "worker_count")["readonly"]) == (3, True)
    error = error_of(put(client, worker_count=4))
    assert error["code"] == "readonly_setting"
    assert "--workers" in error["message"]


@pytest.mark.parametrize("body", ["[]", "1", "null", '"x"', "true", "[{}]"])
def test_a_body_that_is_no_object_is_refused(client: FlaskClient, body: str) -> None:
    response = client.put(URL, data=body, content_type="application/json")
    assert (response.status_code, error_of(response)["code"]) == (400, "invalid_body")


def test_null_forgets_what_was_saved(client: FlaskClient, store: Store) -> None:
    put(client, worker_count=4, min_level="NOTICE")
    assert put(client, worker_count=None, ipv6_mode=None).status_code == 200
    assert stored(store) == {"min_level": "NOTICE"}
    assert (shown(client, "worker_count")["value"], shown(client, "worker_count")["source"]) == (16, "default")


def test_each_change_is_a_line_of_the_audit(client: FlaskClient, store: Store) -> None:
    put(client, worker_count=4, database__retention_days=30)
    put(client, worker_count=4, database__retention_days=60)
    put(client, database__retention_days=None)
    with store.read_only() as session:
        lines = list_actions(session, action="settings.change").items
    changes = [(line.target, line.details["from"], line.details["to"]) for line in reversed(lines)]
    assert sorted(changes[:2]) == [("database.retention_days", None, 30), ("worker_count", None, 4)]
    assert changes[2:] == [("database.retention_days", 30, 60), ("database.retention_days", 60, None)]
    assert {line.who for line in lines} == {"open:127.0.0.1"}


def test_stored_values_out_of_range_are_logged_and_ignored(
    make_app: MakeApp, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    bad = {
        "worker_count": 5000,
        "min_level": ["x"],
        "stuck_job_timeout_minutes": 10**400,
        "unknown": 1,
        "dns_port": 1,
    }
    with store.transaction() as session:
        write_settings(session, bad | {"max_concurrent_jobs": 5}, now=utcnow())
    client = make_app().test_client()
    found = client.get(URL).get_json()
    assert (found["worker_count"]["value"], found["min_level"]["value"], found["dns_port"]["value"]) == (16, "INFO", 53)
    assert found["max_concurrent_jobs"]["value"] == 5
    assert caplog.text.count("invalid override of a setting, ignored") == 3


def test_nothing_is_saved_without_a_broker_to_publish_it(make_app: MakeApp, queue: QueueParts, store: Store) -> None:
    client = make_app(parts=replace(queue, broker=Broker.open(AWAY))).test_client()
    response = put(client, worker_count=4)
    assert (response.status_code, error_of(response)["code"]) == (503, "broker_unavailable")
    assert stored(store) == {}
    assert client.get(URL).status_code == 200


def test_workers_that_flags_pin_are_named(client: FlaskClient, queue: QueueParts) -> None:
    for name, pinned in (("free@h", ()), ("pinned@h", ("worker_count", "min_level"))):
        state = WorkerState(name, "h", 1, ("normal",), 4, {}, 0.0, pinned=pinned)
        queue.broker.workers.register(state, timedelta(minutes=5))
    saved = put(client, worker_count=4, ipv6_mode="on").get_json()
    assert saved == {"status": "ok", "pinned": {"worker_count": ["pinned@h"]}}
    assert put(client, ipv6_mode="auto").get_json() == {"status": "ok"}


def test_flags_of_a_worker_pin_settings_that_could_be_changed() -> None:
    own = load_settings({"worker_count": 4, "data_dir": "/tmp/x"}, {"GONEMASTER_MIN_LEVEL": "INFO"})
    assert pinned_keys(own) == ("worker_count",)


def test_what_is_shown_follows_the_settings(client: FlaskClient, store: Store) -> None:
    run = make_run(store, "a.example", replace(record("INFO"), score=90, grade="A"))
    for path in (f"jobs/{run.id}", f"runs/{run.id}", f"jobs/{run.id}/result"):
        assert "score" in client.get(f"/api/v1/{path}").get_json(), path
    put(client, show_score_admin=False, show_nameserver_timings_admin=False)
    for path in (f"jobs/{run.id}", f"runs/{run.id}", f"jobs/{run.id}/result"):
        assert client.get(f"/api/v1/{path}").get_json().get("score") is None, path
    client.post("/api/v1/tags/mine/domains", json={"domains": ["a.example"]})
    assert client.get("/api/v1/tags/mine/summary").get_json()["grades"] == {}
    assert error_of(client.get("/api/v1/runs?grade=A"))["code"] == "invalid_grade"
    features = {"show_score_admin": False, "show_nameserver_timings_admin": False}
    assert client.get("/api/v1/features").get_json() == features


def test_what_counts_as_stalled_follows_the_settings(client: FlaskClient, queue: QueueParts) -> None:
    idle = WorkerState("w@h", "h", 1, ("normal",), 4, {"job_1": queue.broker.time() - 600}, started_at=0.0)
    queue.broker.workers.register(idle, timedelta(minutes=5))

    def stalled() -> list[str]:
        issues = client.get("/api/v1/queue/health").get_json()["issues"]
        return [issue["subject"] for issue in issues if issue["kind"] == "job_stalled"]

    assert stalled() == []
    put(client, stuck_job_timeout_minutes=5)
    assert stalled() == ["job_1"]
    put(client, stuck_job_timeout_minutes=0)
    assert stalled() == []


def test_a_purge_without_days_follows_the_settings(client: FlaskClient, store: Store) -> None:
    make_run(store, "a.example", record("INFO", at=utcnow() - timedelta(days=40)))
    refused = client.post("/api/v1/jobs/purge", json={})
    assert error_of(refused)["code"] == "retention_not_configured"
    put(client, database__retention_days=36500)
    assert client.post("/api/v1/jobs/purge", json={}).get_json() == {"purged_jobs": 0}
    put(client, database__retention_days=39)
    assert client.post("/api/v1/jobs/purge", json={}).get_json() == {"purged_jobs": 1}


def test_a_flood_of_keys_is_answered_in_few_words(client: FlaskClient) -> None:
    answer = client.put(URL, json={f"{'k' * 300}{number}": number for number in range(2000)})
    assert answer.status_code == 400
    assert len(error_of(answer)["details"]["settings"]) == 100
    assert len(answer.data) < 60_000
