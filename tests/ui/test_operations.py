"""Pages of operations, and what is said of each kind of them."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gonemaster_api.ui.admin.operations.words import title_of
from gonemaster_api.ui.admin.queue.texts import work_title
from gonemaster_db.models import Operation, OperationKind
from gonemaster_tasks.control.operations import start_operation
from gonemaster_tasks.control.parts import QueueParts


@pytest.mark.parametrize("kind", OperationKind)
def test_each_kind_has_words_on_its_page_in_the_list_and_on_the_queue(
    client: FlaskClient, queue: QueueParts, kind: OperationKind
) -> None:
    operation = start_operation(queue, kind, target="t", total=3, who="ops")
    title, work = words_of(client.application, operation)
    assert kind.value not in (title, work)
    for path in ("/operations", f"/operations/{operation.id}"):
        assert title in client.get(path).text
    assert work in client.get("/").text


def words_of(app: Flask, operation: Operation) -> tuple[str, str]:
    with app.test_request_context("/"):
        return title_of(operation), work_title(operation.kind)
