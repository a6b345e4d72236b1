"""Requests that wait for a thread at one time share a response, and none sees less than was there when it came."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from gonemaster_api.web.shared_responses import ARRIVED

from gonemaster_api.kept_responses import MadeResponse, SharedResponses
from gonemaster_api.state import NAME, State
from gonemaster_db.core.session import Store
from tests.support.rows import make_run, queue_job


def shared_of(client: FlaskClient) -> SharedResponses:
    found: State = client.application.extensions[NAME]
    return found.shared


def get(client: FlaskClient, path: str, arrived: float) -> Any:
    response = client.get(f"/api/v1{path}", environ_overrides={ARRIVED: arrived})
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    return response.get_json()


def test_who_came_before_the_reading_began_shares_it_and_who_came_later_does_not(
    client: FlaskClient, store: Store
) -> None:
    make_run(store, "a.example")
    early = shared_of(client).now()
    first = get(client, "/runs?limit=20", early)
    make_run(store, "b.example")
    assert get(client, "/runs?limit=20", early) == first
    assert get(client, "/runs?limit=19", early)["total"] == 2
    assert get(client, "/runs?limit=20", shared_of(client).now())["total"] == 2


@pytest.mark.parametrize("path", ["/jobs/{id}", "/jobs", "/queue"])
def test_a_caller_reads_what_it_has_just_written(client: FlaskClient, store: Store, path: str) -> None:
    path = path.format(id=queue_job(store).id)
    before = get(client, path, shared_of(client).now())
    for job in client.get("/api/v1/jobs").get_json()["items"]:
        assert client.post(f"/api/v1/jobs/{job['id']}/cancel").status_code == 200
    assert get(client, path, shared_of(client).now()) != before


def test_a_shared_response_has_headers_of_its_own(client: FlaskClient) -> None:
    early = shared_of(client).now()
    asked = [client.get("/api/v1/runs", environ_overrides={ARRIVED: early}) for _ in range(2)]
    assert asked[0].data == asked[1].data
    assert asked[0].headers["X-Request-Id"] != asked[1].headers["X-Request-Id"]
    assert sorted(asked[0].headers.keys()) == sorted(asked[1].headers.keys())


def test_a_refusal_is_not_shared(client: FlaskClient, store: Store) -> None:
    job = queue_job(store)
    missing = f"{job.id[:-1]}{'A' if job.id[-1] != 'A' else 'B'}"
    early = shared_of(client).now()
    for _ in range(2):
        response = client.get(f"/api/v1/jobs/{missing}", environ_overrides={ARRIVED: early})
        assert response.status_code == 404


def test_what_nobody_waits_for_any_more_is_dropped_and_memory_is_bounded() -> None:
    now = [0.0]
    shared = SharedResponses(clock=lambda: now[0], most_octets=20_000)
    shared.keep(("/old", b""), MadeResponse(0.0, b"old", []))
    now[0] = 10.0
    for number in range(20):
        shared.keep((f"/{number}", b""), MadeResponse(10.0, bytes(1000), []))
    kept = [number for number in range(20) if shared.find((f"/{number}", b""), 9.0)]
    assert shared.find(("/old", b""), 0.0) is None
    assert kept == list(range(20 - len(kept), 20))
    assert 0 < len(kept) < 20
