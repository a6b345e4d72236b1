"""The queue over HTTP: tiers, order, pauses."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_api.queries.jobs.queue import _documents
from gonemaster_api.state import NAME, state
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_db.queue.jobs import get_job
from gonemaster_tasks.broker.processes.workers import WorkerState
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.monitoring.pending_calls import PendingCall
from tests.api.conftest import MakeApp
from tests.api.web.test_errors import error_of
from tests.support.clocks import SkewedClock
from tests.support.rows import claim, make_run, queue_job, queue_jobs, record


def tier(queue: dict[str, Any], name: str) -> dict[str, Any]:
    return next(tier for tier in queue["tiers"] if tier["tier"] == name)


@pytest.fixture
def filled(store: Store) -> list[str]:
    """Three batch jobs, then two normal ones, then a running one; the ids of the waiting jobs in order."""
    batch = queue_jobs(store, ["b1.example", "b2.example", "b3.example"], priority=1)
    running = queue_job(store, "r.example")
    normal = queue_jobs(store, ["n1.example", "n2.example"])
    claim(store, running.id)
    return [*normal, *batch]


def ids(queue: dict[str, Any]) -> list[str]:
    return [job["id"] for job in queue["items"]]


def test_waiting_jobs_are_listed_in_their_order(client: FlaskClient, filled: list[str]) -> None:
    queue = client.get("/api/v1/queue").get_json()
    assert ids(queue) == filled
    assert queue["total"] == 5
    assert queue["depth"] == {"normal": 2, "batch": 3, "check": 0}
    assert [job["domain"] for job in queue["running"]] == ["r.example"]
    assert tier(queue, "normal")["running"] == 1
    assert queue["workers"] == []


@pytest.mark.parametrize(("offset", "limit"), [(0, 1), (1, 2), (2, 2), (1, 4), (4, 5), (5, 5)])
def test_pages_go_over_the_tiers(client: FlaskClient, filled: list[str], offset: int, limit: int) -> None:
    queue = client.get(f"/api/v1/queue?offset={offset}&limit={limit}").get_json()
    assert ids(queue) == filled[offset : offset + limit]


def test_one_tier_alone(client: FlaskClient, filled: list[str]) -> None:
    queue = client.get("/api/v1/queue?tier=batch&offset=1").get_json()
    assert ids(queue) == filled[3:]
    assert queue["total"] == 3


def test_pause_and_resume_of_the_whole_queue(client: FlaskClient, queue: QueueParts) -> None:
    assert client.post("/api/v1/queue/pause").get_json() == {"status": "paused"}
    shown = client.get("/api/v1/queue").get_json()
    assert shown["paused"] is True
    assert set(queue.broker.marks.controls().paused) == {"normal", "batch", "check"}
    assert client.post("/api/v1/queue/resume").get_json() == {"status": "resumed"}
    assert client.get("/api/v1/queue").get_json()["paused"] is False
    assert set(queue.broker.marks.controls().paused) == set()


def test_the_end_of_a_pause_is_judged_by_the_clock_of_redis(make_app: MakeApp, queue: QueueParts) -> None:
    clock = SkewedClock(timedelta(hours=1))
    ahead = make_app(parts=replace(queue, clock=clock)).test_client()
    # in the future according to the clock of this host
    past = {"until": (clock.now() - timedelta(minutes=10)).isoformat()}
    assert error_of(ahead.post("/api/v1/queue/pause", json=past))["code"] == "invalid_until"
    ahead.post("/api/v1/queue/pause", json={"until": (clock.now() + timedelta(minutes=10)).isoformat()})
    assert ahead.get("/api/v1/queue").get_json()["paused"] is True
    later = make_app(parts=replace(queue, clock=SkewedClock(timedelta(hours=2)))).test_client()
    assert later.get("/api/v1/queue").get_json()["paused"] is False


def test_creation_and_expiry_are_set_by_the_clock_of_redis(make_app: MakeApp, queue: QueueParts) -> None:
    clock = SkewedClock(timedelta(hours=1))
    ahead = make_app(parts=replace(queue, clock=clock)).test_client()
    single = ahead.post("/api/v1/jobs", json={"domain": "a.example", "expires_in": 60}).get_json()["id"]
    batch = ahead.post("/api/v1/jobs/batch", json={"domains": ["b.example"], "expires_in": 60}).get_json()["job_ids"][0]
    for job_id in (single, batch):
        with queue.store.read_only() as session:
            job = get_job(session, job_id)
        assert job.expires_at is not None
        assert abs(job.created_at - clock.now()) < timedelta(minutes=10)
        assert abs(job.expires_at - clock.now()) < timedelta(minutes=10)


def test_pause_of_one_tier_with_reason_and_end(client: FlaskClient) -> None:
    until = (utcnow() + timedelta(hours=1)).isoformat()
    client.post("/api/v1/queue/pause", json={"tier": "batch", "reason": "maintenance", "until": until})
    shown = client.get("/api/v1/queue").get_json()
    batch = tier(shown, "batch")
    assert (batch["paused"], batch["reason"]) == (True, "maintenance")
    assert batch["since"] is not None
    assert batch["until"] is not None
    assert tier(shown, "normal")["paused"] is False
    assert shown["paused"] is False


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("pause", {"tier": "fast"}, "invalid_tier"),
        ("pause", {"tier": "batch", "until": "2020-01-01T00:00:00Z"}, "invalid_until"),
        ("pause", {"until": "soon"}, "invalid_until"),
        ("pause", {"why": "x"}, "unknown_field"),
        ("resume", {"tier": 1}, "invalid_tier"),
    ],
)
def test_refused_with_code(client: FlaskClient, path: str, body: dict[str, Any], code: str) -> None:
    response = client.post(f"/api/v1/queue/{path}", json=body)
    assert (response.status_code, error_of(response)["code"]) == (400, code)


@pytest.mark.parametrize(("query", "code"), [("tier=fast", "invalid_tier"), ("limit=0", "invalid_limit")])
def test_wrong_query(client: FlaskClient, query: str, code: str) -> None:
    assert error_of(client.get(f"/api/v1/queue?{query}"))["code"] == code


def test_jobs_are_moved_within_their_tier(client: FlaskClient) -> None:
    jobs = [client.post("/api/v1/jobs", json={"domain": f"d{number}.example"}).get_json()["id"] for number in range(4)]
    assert client.post("/api/v1/queue/move", json={"job_ids": [jobs[3]], "to": "front"}).get_json()["moved"] == [
        jobs[3]
    ]
    assert ids(client.get("/api/v1/queue").get_json()) == [jobs[3], *jobs[:3]]
    client.post("/api/v1/queue/move", json={"job_ids": [jobs[0]], "after": jobs[2]})
    assert ids(client.get("/api/v1/queue").get_json()) == [jobs[3], jobs[1], jobs[2], jobs[0]]


def test_move_over_tiers_and_without_a_place_is_refused(client: FlaskClient, filled: list[str]) -> None:
    mixed = client.post("/api/v1/queue/move", json={"job_ids": [filled[0], filled[-1]], "to": "front"})
    assert (mixed.status_code, error_of(mixed)["code"]) == (400, "tier_mismatch")
    for places in ({}, {"to": "front", "before": filled[1]}):
        assert (
            error_of(client.post("/api/v1/queue/move", json={"job_ids": [filled[0]]} | places))["code"]
            == "invalid_move"
        )
    itself = client.post("/api/v1/queue/move", json={"job_ids": filled[:2], "before": filled[1]})
    assert (itself.status_code, error_of(itself)["code"]) == (400, "invalid_move")
    absent = client.post("/api/v1/queue/move", json={"job_ids": [filled[0]], "before": "job_none"})
    assert absent.status_code == 404


def test_reorder_names_every_waiting_job_once(client: FlaskClient) -> None:
    jobs = [client.post("/api/v1/jobs", json={"domain": f"d{number}.example"}).get_json()["id"] for number in range(3)]
    assert client.post("/api/v1/queue/reorder", json={"job_ids": jobs[::-1]}).get_json() == {"status": "reordered"}
    assert ids(client.get("/api/v1/queue").get_json()) == jobs[::-1]
    for wrong in (jobs[:2], [*jobs, "job_none"], [], [jobs[0], *jobs]):
        response = client.post("/api/v1/queue/reorder", json={"job_ids": wrong})
        assert (response.status_code, error_of(response)["code"]) == (400, "invalid_queue")


def test_held_jobs_may_be_left_out_of_an_order_and_keep_their_places(client: FlaskClient) -> None:
    a, b, c = (client.post("/api/v1/jobs", json={"domain": f"{name}.example"}).get_json()["id"] for name in "abc")
    client.post(f"/api/v1/jobs/{b}/hold")
    assert client.post("/api/v1/queue/reorder", json={"job_ids": [c, a]}).status_code == 200
    assert ids(client.get("/api/v1/queue").get_json()) == [c, b, a]
    assert client.post("/api/v1/queue/reorder", json={"job_ids": [b, a, c]}).status_code == 200
    assert ids(client.get("/api/v1/queue").get_json()) == [b, a, c]


def test_an_order_that_does_not_fit_is_refused_with_the_reason(client: FlaskClient, filled: list[str]) -> None:
    wrong = [filled[0], filled[0], "job_none", *filled[2:]]
    assert error_of(client.post("/api/v1/queue/reorder", json={"job_ids": wrong}))["message"] == (
        f"the order must list every waiting job exactly once: 1 missing, for example {filled[1]!r}; "
        f"1 not waiting, for example 'job_none'; 1 listed more than once, for example {filled[0]!r}"
    )


def test_removed_jobs_end_as_canceled(client: FlaskClient, filled: list[str]) -> None:
    asked = [filled[1], "job_none", filled[4]]
    assert client.post("/api/v1/queue/remove", json={"job_ids": asked}).get_json() == {
        "removed": [filled[1], filled[4]]
    }
    job = client.get(f"/api/v1/jobs/{filled[1]}").get_json()
    assert (job["status"], job["error"]) == ("canceled", "removed_from_queue")
    (line,) = client.get("/api/v1/audit?action=queue.").get_json()["items"]
    assert (line["action"], line["count"]) == ("queue.remove", 2)


def test_held_job_keeps_its_place_until_released(client: FlaskClient) -> None:
    job = client.post("/api/v1/jobs", json={"domain": "a.example"}).get_json()
    assert client.post(f"/api/v1/jobs/{job['id']}/hold").get_json()["status"] == "paused"
    again = client.post(f"/api/v1/jobs/{job['id']}/hold")
    assert (again.status_code, error_of(again)["code"]) == (409, "invalid_state")
    assert client.post(f"/api/v1/jobs/{job['id']}/release").get_json()["status"] == "queued"
    assert client.post("/api/v1/jobs/job_none/release").status_code == 404


@pytest.mark.parametrize("wrong", [[], "job_1", ["job_1", 2], ["job_1", ""], None, {}])
def test_reorder_takes_a_list_of_ids_only(client: FlaskClient, wrong: Any) -> None:
    response = client.post("/api/v1/queue/reorder", json={"job_ids": wrong})
    assert (response.status_code, error_of(response)["code"]) == (400, "invalid_queue")


ESTIMATE = ("position", "ahead", "expected_start_at", "expected_finish_at")


def test_estimates_are_null_without_a_measured_rate(client: FlaskClient, filled: list[str]) -> None:
    queue = client.get("/api/v1/queue").get_json()
    assert [(job["position"], job["ahead"]) for job in queue["items"]] == [(1, 0), (2, 1), (1, 2), (2, 3), (3, 4)]
    assert {job[name] for job in queue["items"] for name in ESTIMATE[2:]} == {None}
    assert queue["running"][0]["position"] is None
    assert queue["running"][0]["expected_start_at"] == queue["running"][0]["started_at"]
    assert queue["running"][0]["expected_finish_at"] is None


def test_estimates_are_the_same_in_all_views_of_a_job(client: FlaskClient, store: Store, queue: QueueParts) -> None:
    measure(store)
    show_worker(queue)
    submitted = client.post("/api/v1/jobs/batch", json={"domains": ["a.example", "b.example"]}).get_json()
    job_id, batch_id = submitted["job_ids"][1], submitted["batch_id"]
    shown = client.get(f"/api/v1/jobs/{job_id}").get_json()
    assert (shown["position"], shown["ahead"]) == (2, 1)
    assert shown["expected_start_at"] < shown["expected_finish_at"]
    listed = next(job for job in client.get("/api/v1/jobs").get_json()["items"] if job["id"] == job_id)
    queued = client.get("/api/v1/queue?tier=batch").get_json()["items"][1]
    batch = client.get(f"/api/v1/batches/{batch_id}").get_json()
    summary = client.get("/api/v1/batches").get_json()["items"][0]
    for place in (listed, queued, batch["items"][0], batch["items"][1]):
        assert set(ESTIMATE) <= set(place)
    assert (listed["position"], queued["position"], batch["position"], summary["position"]) == (2, 2, 1, 1)
    assert batch["expected_start_at"] is not None
    assert batch["expected_finish_at"] > batch["expected_start_at"]
    assert summary["expected_finish_at"] is not None


def measure(store: Store) -> None:
    """Store runs that have just ended, so that there is a rate."""
    for number in range(4):
        make_run(store, f"r{number}.example", record(at=utcnow() - timedelta(seconds=number)))


def show_worker(queue: QueueParts, *tiers: str, draining: bool = False) -> None:
    state = WorkerState("w@h", "h", 1, tiers or ("normal", "batch"), 4, {}, 0.0, draining)
    queue.broker.workers.register(state, timedelta(minutes=5))


def test_nothing_is_expected_of_a_tier_that_no_worker_takes_from(
    client: FlaskClient, store: Store, queue: QueueParts
) -> None:
    measure(store)
    batch = client.post("/api/v1/jobs/batch", json={"domains": ["a.example"]}).get_json()
    single = client.post("/api/v1/jobs", json={"domain": "b.example"}).get_json()
    paths = {
        "batch": f"jobs/{batch['job_ids'][0]}",
        "all": f"batches/{batch['batch_id']}",
        "one": f"jobs/{single['id']}",
    }

    def expected() -> set[str]:
        client.application.extensions[NAME].recent.forget()  # the workers are looked up once a second
        shown = {name: client.get(f"/api/v1/{path}").get_json() for name, path in paths.items()}
        assert all(job["position"] == 1 for job in shown.values())
        return {name for name, job in shown.items() if job["expected_start_at"] and job["expected_finish_at"]}

    assert expected() == set()
    show_worker(queue, "normal")
    assert expected() == {"one"}
    show_worker(queue, "batch")
    assert expected() == {"batch", "all"}
    show_worker(queue, draining=True)
    assert expected() == set()
    show_worker(queue)
    assert expected() == {"batch", "all", "one"}


def test_no_more_slots_are_in_use_than_there_are(client: FlaskClient, queue: QueueParts) -> None:
    """Stalled jobs have yielded their slots to others."""
    running = {f"job_{number}": queue.broker.time() for number in range(6)}
    worker = WorkerState("w@h", "h", 1, ("normal", "batch"), 4, running, queue.broker.time())
    queue.broker.workers.register(worker, timedelta(minutes=5))
    (shown,) = client.get("/api/v1/queue").get_json()["workers"]
    assert (shown["slots"], shown["slots_in_use"], len(shown["running"])) == (4, 4, 6)
    page = client.get("/", headers={"Accept": "text/html"}, follow_redirects=True).get_data(as_text=True)
    assert "4 of 4 slots busy" in page
    assert "+ 2 waiting for name servers" in page


def test_what_has_ended_has_no_estimate(client: FlaskClient, store: Store) -> None:
    run = make_run(store)
    assert not set(ESTIMATE) & set(client.get(f"/api/v1/jobs/{run.id}").get_json())


def test_a_broker_that_is_known_to_be_away_is_not_asked_again(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with client.application.app_context():
        shared = state()
    monkeypatch.setattr(shared.broker, "ping", lambda: pytest.fail("it takes its time again"))
    ended = threading.Event()
    never: PendingCall[list[dict[str, Any]]] = PendingCall(lambda: [{}] if ended.wait() else [])
    try:
        assert _documents(never, [], shared, 0.0, is_unavailable=True) == []
    finally:
        ended.set()
