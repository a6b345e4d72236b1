"""The list of jobs and runs, and its bulk actions."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_db.models import Job, RunStatus
from gonemaster_tasks.control import operations
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.maintenance.operations import perform_due_operations
from tests.support.rows import make_run, queue_job, record

HTML = {"Accept": "text/html"}


def text_of(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path, headers=HTML)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def bulk(client: FlaskClient, **fields: Any) -> tuple[int, str]:
    answer = client.post("/recent/bulk", data={"next": "/recent"} | fields, headers=HTML)
    return answer.status_code, answer.location or answer.get_data(as_text=True)


def waiting(store: Store) -> set[str]:
    with store.read_only() as session:
        return set(session.scalars(select(Job.domain)))


def test_an_empty_list_says_what_to_do(client: FlaskClient) -> None:
    assert "No tests yet" in text_of(client, "/recent")
    assert "No matching tests" in text_of(client, "/recent?domain=x")


def test_filter_sort_and_pages_are_in_the_address(client: FlaskClient, store: Store) -> None:
    for number in range(3):
        make_run(store, f"d{number}.example", record("WARNING" if number else "INFO"))
    queue_job(store, "waits.example")
    text = text_of(client, "/recent")
    assert [name in text for name in ("d0.example", "waits.example")] == [True, True]
    assert "waits.example" not in text_of(client, "/recent?status=succeeded")
    worse = text_of(client, "/recent?severity=warnings_plus&sort=domain_asc")
    assert worse.index("d1.example") < worse.index("d2.example")
    assert "d0.example" not in worse
    assert 'aria-sort="ascending"' in worse
    first = text_of(client, "/recent?limit=2&sort=domain_asc")
    assert "cursor=2" in first
    assert "d2.example" in text_of(client, "/recent?limit=2&sort=domain_asc&cursor=2")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("status=lazy", "invalid_status"),
        ("limit=9999", "invalid_limit"),
        ("sort=luck", "invalid_sort"),
        ("cursor=x", "invalid_cursor"),
        ("created_after=2026-01-02T00:00:00Z&created_before=2026-01-01T00:00:00Z", "invalid_time_range"),
    ],
)
def test_a_wrong_query_is_named_and_the_list_is_there(client: FlaskClient, store: Store, query: str, code: str) -> None:
    make_run(store, "kept.example")
    text = text_of(client, f"/recent?{query}", 400)
    assert code in text
    assert "kept.example" in text


def test_days_are_bounds_that_are_within_the_list(client: FlaskClient, store: Store) -> None:
    for hour in (23, 24, 47, 48):
        make_run(
            store, f"h{hour}.example", record(at=datetime(2026, 1, 1, 0, 0, 6, tzinfo=UTC) + timedelta(hours=hour))
        )
    day = "created_after=2026-01-02&created_before=2026-01-02"
    page = text_of(client, f"/recent?{day}")
    assert [f"h{hour}.example<" in page for hour in (23, 24, 47, 48)] == [False, True, True, False]
    assert page.count('value="2026-01-02"') == 4  # Two filter fields, and the hidden field of the bulk actions.
    assert "h48.example<" in text_of(client, "/recent?created_after=2026-01-02T23:59:59Z")
    assert "invalid_created_before" in text_of(client, "/recent?created_before=2026-02-30", 400)
    asked = {"do": "rerun", "all": "yes", "created_after": "2026-01-03", "confirmed": "yes", "confirm": "yes"}
    bulk(client, **asked)
    assert waiting(store) == {"h48.example"}


def test_ticked_jobs_are_canceled_after_a_question(client: FlaskClient, store: Store) -> None:
    ids = [queue_job(store, f"{name}.example").id for name in "ab"]
    queue_job(store, "c.example")
    status, text = bulk(client, do="cancel", id=ids)
    assert "Cancel 2 jobs?" in text
    assert waiting(store) == {"a.example", "b.example", "c.example"}
    assert bulk(client, do="cancel", id=[*ids, "job_none"], confirmed="yes") == (303, "/recent?note=jobs-canceled&n=2")
    assert waiting(store) == {"c.example"}
    assert status in (200, 400)
    assert bulk(client, do="cancel")[1] == "/recent?note=jobs-none-chosen"
    assert bulk(client, do="burn", id=ids)[0] == 400


def test_all_that_matches_is_canceled_and_nothing_else(client: FlaskClient, store: Store) -> None:
    for name in ("a.mine", "b.mine", "c.other"):
        queue_job(store, name)
    asked = {"do": "cancel", "all": "yes", "domain": "mine"}
    assert "Yes, all of them: 2 jobs" in bulk(client, **asked)[1]
    assert "Select the checkbox" in bulk(client, **asked, confirmed="yes")[1]
    assert bulk(client, **asked, confirmed="yes", confirm="yes") == (303, "/recent?note=jobs-canceled&n=2")
    assert waiting(store) == {"c.other"}
    assert bulk(client, do="cancel", all="yes", status="lazy")[0] == 400


def test_many_are_canceled_by_an_operation_that_shows_its_progress(
    client: FlaskClient, store: Store, queue: QueueParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "MAX_ROWS_IN_REQUEST", 1)
    for name in ("a.mine", "b.mine"):
        queue_job(store, name)
    status, location = bulk(client, do="cancel", all="yes", confirmed="yes", confirm="yes")
    assert status == 303
    assert location.startswith("/operations/")
    running = text_of(client, location)
    assert "Cancel matching jobs" in running
    assert 'data-refresh="2"' in running
    perform_due_operations(queue, worker="w", now=utcnow, lease=timedelta(seconds=30))
    done = text_of(client, location)
    assert "2 of 2" in done
    assert 'data-refresh="2"' not in done
    assert waiting(store) == set()
    assert "Cancel matching jobs" in text_of(client, "/operations")
    assert text_of(client, "/operations/none", 404)


def test_runs_are_repeated_as_a_batch(client: FlaskClient, store: Store) -> None:
    failed = make_run(store, "a.example", record(status=RunStatus.FAILED))
    make_run(store, "b.example")
    status, location = bulk(client, do="rerun", id=[failed.id])
    assert status == 303
    assert "note=jobs-repeated" in location
    assert waiting(store) == {"a.example"}
    asked = {"do": "rerun", "all": "yes", "status": "succeeded"}
    assert "Yes, all of them: one run" in bulk(client, **asked)[1]
    assert bulk(client, **asked, confirmed="yes", confirm="yes")[0] == 303
    assert waiting(store) == {"a.example", "b.example"}
    assert bulk(client, do="rerun", id=["job_none"])[1] == "/recent?note=jobs-none-finished"
    assert bulk(client, do="rerun", all="yes", status="queued")[1] == "/recent?note=jobs-none-finished"


def test_long_runs_and_repeated_runs_are_filters(client: FlaskClient, store: Store) -> None:
    make_run(store, "short.example")  # five seconds
    assert "short.example" in text_of(client, "/recent?min_duration_ms=4000")
    assert "No matching tests" in text_of(client, "/recent?min_duration_ms=60000")
    text = text_of(client, "/recent?min_attempts=2")
    assert "No matching tests" in text
    assert '<option value="2" selected>' in text
