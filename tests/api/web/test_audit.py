"""Every control, deletion and purge leaves one audit line: actor, action, count and time."""

from datetime import timedelta
from typing import Any

import pytest
from flask import g
from flask.testing import FlaskClient

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.records import NewBatch, NewJob
from gonemaster_db.core.session import Store
from gonemaster_db.domains.tags import create_tag
from gonemaster_db.service.audit import LongAction, list_actions, record_action
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.submit import submit_batch
from tests.api.conftest import MakeApp
from tests.api.web.test_errors import error_of
from tests.support.rows import NOON, make_run, record

LOCAL = "open:127.0.0.1"


def lines(client: FlaskClient, query: str = "") -> list[dict[str, Any]]:
    return list(client.get(f"/api/v1/audit?{query}").get_json()["items"])


def only_line(client: FlaskClient) -> dict[str, Any]:
    found = lines(client)
    assert len(found) == 1
    assert found[0]["who"] == LOCAL
    return found[0]


def queue_batch(queue: QueueParts, count: int = 3) -> tuple[str, list[str]]:
    made = submit_batch(queue, NewBatch(count), [NewJob(f"d{number}.example") for number in range(count)])
    return made.batch.id, list(made.job_ids)


@pytest.mark.parametrize(
    ("path", "body", "action", "target", "count"),
    [
        ("queue/pause", {"tier": "batch", "reason": "sweep"}, "queue.pause", "batch", 1),
        ("queue/pause", {}, "queue.pause", "normal,batch,check", 3),
        ("queue/resume", {}, "queue.resume", "normal,batch,check", 0),
        ("queue/reorder", {"job_ids": [2, 0, 1]}, "queue.reorder", "", 3),
        ("queue/move", {"job_ids": [2, 1], "to": "front"}, "queue.move", "front", 2),
        ("queue/remove", {"job_ids": [0, 2]}, "queue.remove", "", 2),
        ("jobs/0/cancel", None, "job.cancel", 0, 1),
        ("jobs/1/hold", None, "job.hold", 1, 1),
        ("batches/B/cancel", None, "batch.cancel", "B", 3),
        ("jobs/purge", {"older_than_days": 1}, "jobs.purge", "", 0),
    ],
)
def test_a_control_leaves_one_line(
    client: FlaskClient, queue: QueueParts, path: str, body: dict[str, Any] | None, action: str, target: Any, count: int
) -> None:
    batch_id, ids = queue_batch(queue)
    names = {str(number): job_id for number, job_id in enumerate(ids)} | {"B": batch_id}
    real_path = "/".join(names.get(part, part) for part in path.split("/"))
    if body and "job_ids" in body:
        body = {**body, "job_ids": [ids[number] for number in body["job_ids"]]}
    before = utcnow() - timedelta(seconds=1)
    answer = client.post(f"/api/v1/{real_path}", json=body)
    assert answer.status_code == 200, answer.get_json()
    line = only_line(client)
    assert (line["action"], line["target"], line["count"]) == (action, names.get(str(target), target), count)
    assert line["at"] > before.isoformat()


def test_a_pause_shows_who_asked_for_it(client: FlaskClient) -> None:
    client.post("/api/v1/queue/pause", json={"tier": "batch"})
    tier = next(tier for tier in client.get("/api/v1/queue").get_json()["tiers"] if tier["tier"] == "batch")
    assert tier["paused_by"] == LOCAL


def test_release_and_move_are_recorded(client: FlaskClient, queue: QueueParts) -> None:
    _, ids = queue_batch(queue)
    client.post(f"/api/v1/jobs/{ids[1]}/hold")
    client.post(f"/api/v1/jobs/{ids[1]}/release")
    client.post("/api/v1/queue/move", json={"job_ids": [ids[0]], "after": ids[2]})
    assert [(line["action"], line["target"]) for line in lines(client)] == [
        ("queue.move", f"after {ids[2]}"),
        ("job.release", ids[1]),
        ("job.hold", ids[1]),
    ]
    assert lines(client)[0]["details"] == {"job_ids": [ids[0]]}


def test_what_is_refused_leaves_none(client: FlaskClient, queue: QueueParts, store: Store) -> None:
    _, ids = queue_batch(queue)
    run = make_run(store)
    client.post("/api/v1/queue/reorder", json={"job_ids": ids[:1]})
    client.post(f"/api/v1/jobs/{run.id}/cancel")
    client.post(f"/api/v1/jobs/{run.id}/hold")
    client.post("/api/v1/batches/batch_none/cancel")
    client.delete("/api/v1/tags/none")
    assert lines(client) == []


def test_a_batch_that_is_repeated_names_the_new_one(client: FlaskClient, queue: QueueParts) -> None:
    batch_id, _ = queue_batch(queue)
    client.post(f"/api/v1/batches/{batch_id}/cancel")
    again = client.post(f"/api/v1/batches/{batch_id}/rerun", json={"only": "canceled"}).get_json()
    line = lines(client)[0]
    assert (line["action"], line["target"], line["count"]) == ("batch.rerun", batch_id, 3)
    assert line["details"] == {"only": "canceled", "batch_id": again["batch_id"]}


def test_deletion_of_a_batch_that_has_ended_leaves_one_line(client: FlaskClient, queue: QueueParts) -> None:
    batch_id, _ = queue_batch(queue)
    assert client.delete(f"/api/v1/batches/{batch_id}").status_code == 204
    assert [(line["action"], line["count"]) for line in lines(client)] == [("batch.delete", 3), ("batch.cancel", 3)]
    ended, _ = queue_batch(queue)
    client.post(f"/api/v1/batches/{ended}/cancel")
    client.delete(f"/api/v1/batches/{ended}")
    assert [line["action"] for line in lines(client, f"target={ended}")] == ["batch.delete", "batch.cancel"]


def test_purges_and_deletions_of_tags_count_what_went(client: FlaskClient, store: Store) -> None:
    with store.transaction() as session:
        create_tag(session, "zones", now=NOON)
    client.post("/api/v1/tags/zones/domains", json={"domains": ["a.example", "b.example"]})
    for name in ("a.example", "b.example", "c.example"):
        make_run(store, name, record(at=NOON - timedelta(days=400)))
    client.post("/api/v1/tags/zones/purge")
    client.delete("/api/v1/tags/zones")
    client.post("/api/v1/jobs/purge", json={"older_than_days": 300})
    assert [(line["action"], line["target"], line["count"]) for line in lines(client)] == [
        ("jobs.purge", "", 1),
        ("tag.delete", "zones", 1),
        ("tag.purge", "zones", 2),
    ]
    assert lines(client)[1]["details"] == {"domains": 2}


def test_the_label_of_a_token_goes_before_the_address(make_app: MakeApp) -> None:
    app = make_app(fresh=True)

    def authenticate() -> None:
        g.token_label = "night shift"

    app.before_request(authenticate)
    client = app.test_client()
    client.post("/api/v1/queue/pause")
    assert lines(client)[0]["who"] == "night shift"


def test_the_address_is_that_behind_a_trusted_proxy(make_app: MakeApp) -> None:
    client = make_app(trusted_proxy_cidrs="127.0.0.0/8").test_client()
    client.post("/api/v1/queue/pause", headers={"X-Forwarded-For": "192.0.2.7"})
    assert lines(client)[0]["who"] == "open:192.0.2.7"


@pytest.fixture
def kept(store: Store) -> None:
    with store.transaction() as session:
        for number in range(5):
            who = "ops" if number % 2 else f"open:192.0.2.{number}"
            action = "queue.pause" if number < 3 else "batch.delete"
            record_action(
                session, action, who=who, now=NOON + timedelta(minutes=number), target=f"t{number}", count=number
            )


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("query", "targets"),
    [
        ("", ["t4", "t3", "t2", "t1", "t0"]),
        ("limit=2", ["t4", "t3"]),
        ("limit=2&offset=4", ["t0"]),
        ("action=queue.", ["t2", "t1", "t0"]),
        ("action=batch.delete", ["t4", "t3"]),
        ("action=queue", []),
        ("who=ops", ["t3", "t1"]),
        ("who=open:", ["t4", "t2", "t0"]),
        ("who=open:192.0.2.2", ["t2"]),
        ("target=t1", ["t1"]),
        ("after=2026-11-25T12:01:00Z&before=2026-11-25T12:04:00Z", ["t3", "t2"]),
        ("who=open:&action=queue.&after=2026-11-25T12:00:00Z", ["t2"]),
    ],
)
def test_lines_are_found_and_paged(client: FlaskClient, query: str, targets: list[str]) -> None:
    assert [line["target"] for line in lines(client, query)] == targets


@pytest.mark.usefixtures("kept")
def test_a_page_has_the_total_and_the_next_cursor(client: FlaskClient) -> None:
    page = client.get("/api/v1/audit?limit=2&offset=1&action=queue.").get_json()
    assert (page["total"], page["limit"], page["offset"], page["prev_cursor"]) == (3, 2, 1, "0")
    assert client.get("/api/v1/audit?limit=2").get_json()["next_cursor"] == "2"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("after=soon", "invalid_after"),
        ("before=2026", "invalid_before"),
        ("after=2026-11-26T00:00:00Z&before=2026-11-25T00:00:00Z", "invalid_time_range"),
        ("limit=0", "invalid_limit"),
    ],
)
def test_wrong_queries_are_refused(client: FlaskClient, query: str, code: str) -> None:
    assert error_of(client.get(f"/api/v1/audit?{query}"))["code"] == code


def test_an_action_of_many_transactions_has_one_line_that_says_how_far_it_came(store: Store) -> None:
    action = LongAction("jobs.purge", who="beat", target="t")
    store.run_in_transaction(lambda session: action.add(session, 3, now=NOON))
    store.run_in_transaction(lambda session: action.add(session, 4, now=NOON))
    with store.read_only() as session:
        (line,) = list_actions(session).items
    assert (line.who, line.count) == ("beat", 7)


def test_a_first_step_that_is_rolled_back_is_counted_when_it_is_repeated(store: Store) -> None:
    action = LongAction("jobs.purge", who="beat")

    def fail() -> None:
        with store.transaction() as session:
            action.add(session, 3, now=NOON)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    store.run_in_transaction(lambda session: action.add(session, 5, now=NOON))
    with store.read_only() as session:
        assert [line.count for line in list_actions(session).items] == [5]
