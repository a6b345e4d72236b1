"""The list of jobs: filters, order, paging, and the code for each invalid parameter."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.session import Store
from gonemaster_db.models import Job
from gonemaster_db.queue.attempt_logs import add_attempt_log
from gonemaster_db.queue.jobs import get_job
from gonemaster_db.runs.graduation import requeue_job
from tests.api.web.test_errors import error_of
from tests.support.rows import NOON, claim, finish_job, make_run, queue_job, record


def domains(client: FlaskClient, query: str = "") -> list[str]:
    response = client.get(f"/api/v1/jobs?{query}")
    assert response.status_code == 200, response.data
    return [job["domain"] for job in response.get_json()["items"]]


@pytest.fixture
def listed(store: Store) -> None:
    """Three runs and a waiting job, each an hour after the previous one."""
    for hour, (domain, level) in enumerate([("c.example", "INFO"), ("a.example", "ERROR"), ("b.test", "WARNING")]):
        make_run(store, domain, record(level, at=NOON + timedelta(hours=hour)))
    queue_job(store, "d.example", now=NOON + timedelta(hours=3))


@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["d.example", "b.test", "a.example", "c.example"]),
        ("sort=domain_asc", ["a.example", "b.test", "c.example", "d.example"]),
        ("sort=worst_level_desc&status=succeeded", ["a.example", "b.test", "c.example"]),
        ("status=queued", ["d.example"]),
        ("domain=EXAMPLE&sort=domain_asc", ["a.example", "c.example", "d.example"]),
        ("severity=warnings_plus&sort=domain_asc", ["a.example", "b.test"]),
        ("severity=errors_only", ["a.example"]),
        ("created_after=2026-11-25T12:30:00Z&sort=created_at_asc", ["a.example", "b.test", "d.example"]),
        ("created_before=2026-11-25T13:30:00%2B01:00", ["c.example"]),
        ("batch_id=batch_none", []),
        ("min_duration_ms=5000&sort=domain_asc", ["a.example", "b.test", "c.example"]),
        ("min_duration_ms=5001", []),
        ("min_attempts=1&sort=domain_asc", ["a.example", "b.test", "c.example"]),
        ("min_attempts=0&domain=d.e", ["d.example"]),
        ("min_attempts=2", []),
    ],
)
def test_filter_and_order(client: FlaskClient, query: str, expected: list[str]) -> None:
    assert domains(client, query) == expected


@pytest.mark.usefixtures("listed")
def test_pages_by_offset_cursor_and_number(client: FlaskClient) -> None:
    page = client.get("/api/v1/jobs?limit=2&sort=domain_asc").get_json()
    assert (page["total"], page["limit"], page["offset"], page["sort"]) == (4, 2, 0, "domain_asc")
    assert "prev_cursor" not in page
    following = client.get(f"/api/v1/jobs?limit=2&sort=domain_asc&cursor={page['next_cursor']}").get_json()
    assert [job["domain"] for job in following["items"]] == ["c.example", "d.example"]
    assert "next_cursor" not in following
    assert following["prev_cursor"] == "0"
    assert domains(client, "page=2&page_size=3&sort=domain_asc") == ["d.example"]
    assert domains(client, "cursor=3&page=1&offset=0&sort=domain_asc") == ["d.example"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "invalid_limit"),
        ("limit=501", "invalid_limit"),
        ("limit=x", "invalid_limit"),
        ("limit=", "invalid_limit"),
        ("offset=-1", "invalid_offset"),
        ("offset=99999999999999999999", "invalid_offset"),
        ("page=0", "invalid_page"),
        ("page_size=0", "invalid_page_size"),
        ("page_size=501", "invalid_page_size"),
        ("cursor=abc", "invalid_cursor"),
        ("cursor=-1", "invalid_cursor"),
        ("sort=random", "invalid_sort"),
        ("severity=all", "invalid_severity"),
        ("status=dead", "invalid_status"),
        ("created_after=yesterday", "invalid_created_after"),
        ("created_after=2026-01-01", "invalid_created_after"),
        ("created_before=2026-01-01T00:00:00", "invalid_created_before"),
        ("created_after=2026-01-02T00:00:00Z&created_before=2026-01-01T00:00:00Z", "invalid_time_range"),
    ],
)
def test_refused_with_code(client: FlaskClient, query: str, code: str) -> None:
    response = client.get(f"/api/v1/jobs?{query}")
    assert (response.status_code, error_of(response)["code"]) == (400, code)


def test_every_sort_of_the_contract_is_taken(client: FlaskClient) -> None:
    for name in ("created_at", "started_at", "domain", "batch_id", "finished_at", "worst_level", "score", "duration"):
        for direction in ("asc", "desc"):
            answer: dict[str, Any] = client.get(f"/api/v1/jobs?sort={name}_{direction}").get_json()
            assert answer.get("sort") == f"{name}_{direction}", answer
    for sort in ("error_desc", "critical_desc", "entry_count_asc", "entry_count_desc"):
        assert client.get(f"/api/v1/jobs?sort={sort}").get_json()["sort"] == sort


def test_repeated_jobs_are_found_with_their_logs(client: FlaskClient, store: Store) -> None:
    job = claim(store, queue_job(store, "slow.example").id)
    with store.transaction() as session:
        requeue_job(session, job.id, worker="w1", attempt=1, now=NOON, max_attempts=3, failure="ended")
        add_attempt_log(session, job.id, attempt=1, worker="w1", ended_at=NOON, lines=["event='ended'"])
    make_run(store, "quick.example")
    claim(store, job.id, worker="w2")
    for path in ("jobs", "runs"):
        found = client.get(f"/api/v1/{path}?min_attempts=2").get_json()["items"]
        assert [each["domain"] for each in found] == ([] if path == "runs" else ["slow.example"])
    finish_job(store, get(store, job.id))
    found = client.get("/api/v1/runs?min_attempts=2&min_duration_ms=0").get_json()["items"]
    assert [(each["domain"], each["worker"], each["attempt"]) for each in found] == [("slow.example", "w2", 2)]
    assert client.get(f"/api/v1/jobs/{job.id}/log").get_json() == {
        "job_id": job.id,
        "attempts": [
            {"attempt": 1, "worker": "w1", "ended_at": "2026-11-25T12:00:00Z", "lines": ["event='ended'"]},
        ],
    }
    assert client.get("/api/v1/jobs/job_none/log").status_code == 404


def get(store: Store, job_id: str) -> Job:
    with store.read_only() as session:
        return get_job(session, job_id)
