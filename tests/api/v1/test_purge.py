"""Old runs removed on request: which runs count as old, and which requests are rejected."""

from datetime import datetime, timedelta

from flask.testing import FlaskClient

from gonemaster_api.rest.fields import rfc3339
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.records import RunRecord
from gonemaster_db.core.session import Store
from gonemaster_db.models import RunStatus
from tests.api.conftest import MakeApp
from tests.api.v1.test_batches import submit
from tests.api.web.test_errors import error_of
from tests.support.rows import claim, finish_job, make_run, queue_job, record


def test_refused_with_code(client: FlaskClient) -> None:
    for body in ("", "{}", '{"older_than_days": 0}'):
        response = client.post("/api/v1/jobs/purge", data=body, content_type="application/json")
        assert (response.status_code, error_of(response)["code"]) == (400, "retention_not_configured"), body
    for days in (-1, 36501, "1", 1.5, True, [1]):
        response = client.post("/api/v1/jobs/purge", json={"older_than_days": days})
        assert (response.status_code, error_of(response)["code"]) == (400, "invalid_older_than_days"), days


def test_runs_that_are_older_go_and_jobs_stay(client: FlaskClient, store: Store) -> None:
    old, new = (make_run(store, "a.example", record(at=utcnow() - timedelta(days=days))).id for days in (10, 2))
    waiting = queue_job(store, "a.example", now=utcnow() - timedelta(days=30)).id
    assert client.post("/api/v1/jobs/purge", json={"older_than_days": 5}).get_json() == {"purged_jobs": 1}
    assert [client.get(f"/api/v1/jobs/{job}").status_code for job in (old, new, waiting)] == [404, 200, 200]


def test_setting_counts_where_the_request_names_no_days(make_app: MakeApp, store: Store) -> None:
    make_run(store, "a.example", record(at=utcnow() - timedelta(days=10)))
    client = make_app(retention_days=5).test_client()
    for body, purged in (({"older_than_days": 20}, 0), ({"older_than_days": 0}, 1), ({}, 0)):
        assert client.post("/api/v1/jobs/purge", json=body).get_json() == {"purged_jobs": purged}


def test_a_purged_batch_goes_on_showing_its_end_and_its_counts(client: FlaskClient, store: Store) -> None:
    ended = utcnow().replace(microsecond=0) - timedelta(days=10)
    batch_id = submit(client, "a.example", "b.example", tags=["gov"])["batch_id"]
    for job, outcome in zip(
        jobs_of(client, batch_id), (record("ERROR", at=ended, score=30, grade="F"), failed(ended)), strict=True
    ):
        finish_job(store, claim(store, job), outcome)
    paths = f"/api/v1/batches/{batch_id}", "/api/v1/batches", "/api/v1/tags/gov/batches"
    before = [client.get(path).get_json() for path in paths]
    assert client.post("/api/v1/jobs/purge", json={"older_than_days": 5}).get_json() == {"purged_jobs": 2}
    detail, *lists = after = [client.get(path).get_json() for path in paths]
    assert (detail["items"], detail["total"]) == ([], 0)  # of the list of jobs
    assert [(d["purged_runs"], d["finished_at"]) for d in (detail, *(page["items"][0] for page in lists))] == [
        (2, rfc3339(ended))
    ] * 3
    assert (detail["grades"], detail["worst_levels"]) == ({"F": 1}, {"ERROR": 1})
    assert (detail["status_counts"]["succeeded"], detail["status_counts"]["failed"]) == (1, 1)
    for document in (*before, *after):
        for part in (document, *document["items"]):
            part.pop("purged_runs", None)
    same = [name for name in before[0] if name not in ("items", "total")]
    assert {name: detail[name] for name in same} == {name: before[0][name] for name in same}
    assert before[1:] == lists
    events = client.get(f"/api/v1/batches/{batch_id}/events").text
    assert '"completed":2' in events.replace(" ", "")
    refused = client.post(f"/api/v1/batches/{batch_id}/rerun", json={"only": "failed"})
    assert (refused.status_code, error_of(refused)["code"]) == (409, "nothing_to_repeat")


def jobs_of(client: FlaskClient, batch_id: str) -> list[str]:
    return [job["id"] for job in client.get(f"/api/v1/batches/{batch_id}?sort=created_at_asc").get_json()["items"]]


def failed(at: datetime) -> RunRecord:
    return record(status=RunStatus.FAILED, at=at)
