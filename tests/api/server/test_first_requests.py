"""A process sends requests to itself before it accepts connections, so that the first clients do not wait."""

import logging
import threading
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from gonemaster_api.app import create_app
from gonemaster_api.queries.metrics.http import read_http_counts
from gonemaster_api.server.first_requests import send_first_requests
from gonemaster_api.state import NAME, State
from gonemaster_api.web.exporter import http_metrics
from gonemaster_db.core.session import Store, open_store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.parts import open_queue
from tests.support.rows import make_run, queue_job

LONG_S = 60.0


@pytest.fixture
def shared(client: FlaskClient) -> State:
    found: State = client.application.extensions[NAME]
    return found


def statements_of(store: Store) -> list[str]:
    executed: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *arguments: executed.append(arguments[2]))
    return executed


@pytest.mark.parametrize("filled", [False, True])
def test_lists_and_runs_are_read(client: FlaskClient, shared: State, filled: bool) -> None:
    if filled:
        make_run(shared.store)
        queue_job(shared.store, "waiting.example")
    executed = statements_of(shared.store)
    assert send_first_requests(client.application, limit_s=LONG_S)
    for table in ("jobs", "runs", "domains", "batches", "tags"):
        assert any(f"FROM {table}" in statement for statement in executed), table
    assert filled == any("run_documents" in statement for statement in executed)


def test_requests_of_the_warm_up_are_not_counted(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    metrics = http_metrics(client.application)
    before = read_http_counts(metrics.process_metrics())
    with caplog.at_level(logging.INFO):
        assert send_first_requests(client.application, limit_s=LONG_S)
    assert read_http_counts(metrics.process_metrics()).routes == before.routes
    assert [line for line in caplog.records if line.name == "gonemaster_api.access"] == []


def test_without_a_database_the_first_question_is_the_last(settings: Settings, tmp_path: Path) -> None:
    parts = open_queue(settings, open_store(StoreSettings(dsn=str(tmp_path / "absent" / "store.db"))))
    try:
        app = create_app(settings, queue=parts)
        assert not send_first_requests(app, limit_s=LONG_S)
        assert not [thread for thread in threading.enumerate() if thread.name == "first requests"]
    finally:
        parts.broker.close()
        parts.celery.close()
