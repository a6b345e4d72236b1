"""Old runs removed on request: what counts as old, and what is refused."""

from datetime import timedelta

from flask.testing import FlaskClient

from gonemaster_db.clock import utcnow
from gonemaster_db.session import Store
from tests.api.conftest import MakeApp
from tests.api.test_errors import error_of
from tests.support.rows import make_run, queue_job, record


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
