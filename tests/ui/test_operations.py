"""The operation pages, and the texts of each kind of operation."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gonemaster_api.ui.admin.operations.words import title_of
from gonemaster_api.ui.admin.queue.texts import work_title
from gonemaster_db.core.errors import DomainInUse
from gonemaster_db.models import Operation, OperationKind
from gonemaster_db.service.operations import claim_next_operation, finish_operation
from gonemaster_engine.texts import text_of
from gonemaster_tasks.control.operations import start_operation
from gonemaster_tasks.control.parts import QueueParts


@pytest.mark.parametrize("kind", OperationKind)
def test_each_kind_has_words_on_its_page_in_the_list_and_on_the_queue(
    client: FlaskClient, queue: QueueParts, kind: OperationKind
) -> None:
    operation = start_operation(queue, kind, target="t", total=3, who="ops")
    title, work = split_values(client.application, operation)
    assert kind.value not in (title, work)
    for path in ("/operations", f"/operations/{operation.id}"):
        assert title in client.get(path).text
    assert work in client.get("/").text


def split_values(app: Flask, operation: Operation) -> tuple[str, str]:
    with app.test_request_context("/"):
        return title_of(operation), work_title(operation.kind)


def test_why_an_operation_failed_is_said_in_the_language_of_the_page(client: FlaskClient, queue: QueueParts) -> None:
    started = start_operation(queue, OperationKind.CANCEL_BATCH, target="t", total=3, who="ops")
    with queue.store.transaction() as session:
        claim_next_operation(session, worker="w", now=started.created_at, lease=timedelta(hours=1))
        finish_operation(session, started.id, worker="w", now=started.created_at, error=text_of(DomainInUse("x.se")))
    shown = client.get(f"/operations/{started.id}", headers={"Accept-Language": "sv"}).text
    assert "x.se har ett jobb som väntar eller körs" in shown
    answer = client.get(f"/api/v1/operations/{started.id}").get_json()
    assert answer["error"] == "x.se has a waiting or running job"
