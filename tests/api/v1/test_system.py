"""The health of the service, the data about it, and its start page."""

import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from gonemaster_api.queries.metrics import storage
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store, open_store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.processes.reports import ProcessReport
from gonemaster_tasks.control.parts import QueueParts
from tests.api.conftest import MakeApp
from tests.support.rows import make_run, record
from tests.support.stores import MakeSettings

AWAY = "redis+socket:///nonexistent/redis.sock"


def test_process_answers(client: FlaskClient) -> None:
    assert client.get("/api/v1/healthz").get_json() == {"status": "ok"}


def test_ready_with_all_parts(client: FlaskClient) -> None:
    response = client.get("/api/v1/readyz")
    assert response.status_code == 200
    assert response.get_json()["parts"] == {"database": "ok", "migrations": "ok", "broker": "ok"}


def test_not_ready_without_broker(make_app: MakeApp, queue: QueueParts) -> None:
    client = make_app(parts=replace(queue, broker=Broker.open(AWAY))).test_client()
    response = client.get("/api/v1/readyz")
    assert response.status_code == 503
    assert response.get_json()["parts"] == {"database": "ok", "migrations": "ok", "broker": "does not answer"}


def test_not_ready_while_a_process_meets_a_full_disk(client: FlaskClient, broker: Broker) -> None:
    broker.reports.put(ProcessReport("worker", "one@host", "host", 1, full="the database reports a full disk"))
    response = client.get("/api/v1/readyz")
    document = response.get_json()
    assert (response.status_code, document["parts"]["database"]) == (503, "its disk is full")
    assert "disk_full" in document["failing"]


def test_not_ready_on_old_tables(make_app: MakeApp, queue: QueueParts, make_store_settings: MakeSettings) -> None:
    store = open_store(make_store_settings("sqlite", empty=True))
    parts = make_app(parts=replace(queue, store=store)).test_client().get("/api/v1/readyz").get_json()["parts"]
    store.close()
    assert parts["database"] == "ok"
    assert parts["migrations"] != "ok"


def test_absent_database_is_503_and_tells_no_address(make_app: MakeApp, queue: QueueParts) -> None:
    dsn = "postgresql://user:swordfish@/none?host=/nonexistent"
    store = open_store(StoreSettings(driver="postgres", dsn=dsn))
    client = make_app(parts=replace(queue, store=store)).test_client()
    ready = client.get("/api/v1/readyz")
    assert ready.status_code == 503
    assert ready.get_json()["parts"]["database"] == "does not answer"
    assert ready.get_json()["parts"]["migrations"] == "unknown: the database does not answer"
    assert int(ready.headers["Retry-After"]) > 0
    answer = client.get("/api/v1/jobs/job_x")
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (503, "store_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert b"nonexistent" not in ready.data + answer.data
    store.close()


@pytest.mark.expects_500
def test_fault_of_the_database_tells_nothing_of_it(client: FlaskClient, store: Store) -> None:
    with store.transaction() as session:
        session.connection().exec_driver_sql("DROP TABLE idempotency_keys")
    response = client.post("/api/v1/jobs", json={"domain": "a.example"}, headers={"Idempotency-Key": "k"})
    assert (response.status_code, response.get_json()["error"]["code"]) == (500, "store_error")
    assert b"idempotency" not in response.data
    assert client.get("/api/v1/jobs").get_json()["total"] == 0


def test_features_follow_the_settings(make_app: MakeApp) -> None:
    features = make_app(show_score_admin="false").test_client().get("/api/v1/features").get_json()
    assert features == {"show_score_admin": False, "show_nameserver_timings_admin": True}


def test_english_is_among_the_locales(client: FlaskClient) -> None:
    assert "en" in client.get("/api/v1/locales").get_json()["locales"]


def test_start_page_says_what_runs_and_where_to_go_on(client: FlaskClient) -> None:
    page = client.get("/").get_data(as_text=True)
    assert 'href="/api/v1/docs"' in page
    assert "No worker is running" in page
    assert "<b>0</b> normal waiting" in page
    assert 'name="viewport"' in page


def test_start_page_obeys_the_content_policy(client: FlaskClient) -> None:
    page = client.get("/").get_data(as_text=True)
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=|https?://(?!localhost|127\.0\.0\.1)", page)


@pytest.mark.parametrize("path", ["/", "/api/v1/queue"])
def test_views_of_the_queue_work_without_broker(make_app: MakeApp, queue: QueueParts, path: str) -> None:
    client = make_app(parts=replace(queue, broker=Broker.open(AWAY))).test_client()
    assert client.get(path).status_code == 200


def test_storage_has_tables_with_their_growth(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "MAX_DAYS", 1_000_000)  # the database is tiny
    make_run(store, outcome=record("INFO", at=utcnow()))
    found = client.get("/api/v1/storage").get_json()
    tables = {table["name"]: table for table in found["tables"]}
    assert (found["runs"], found["runs_of_last_day"]) == (1, 1)
    assert found["growth_per_day_bytes"] == found["total_bytes"] > 0  # all runs are of the last day
    assert tables["runs"]["growth_per_day_bytes"] == tables["runs"]["bytes"] > 0
    is_file = store.engine.dialect.name == "sqlite"
    assert (found["free_bytes"] is not None, found["full_at"] is not None) == (is_file, is_file)


def test_large_sqlite_files_are_not_scanned(client: FlaskClient, monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    monkeypatch.setattr(storage, "MAX_SCANNED", 0)
    has_tables = bool(client.get("/api/v1/storage").get_json()["tables"])
    assert has_tables == (store.engine.dialect.name == "postgresql")
    page = client.get("/settings/storage", headers={"Accept": "text/html"}).get_data(as_text=True)
    assert ("Run gonemaster-server db size." in page) != has_tables
