"""Checks before delegation over HTTP: refused requests, joined checks, batches of JSON lines, and judged runs."""

import gzip
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from weakref import WeakSet

import pytest
from flask.testing import FlaskClient

from gonemaster_api.use_cases.submission import check_batches
from gonemaster_db.core.records import EntryRecord, NewJob, RunRecord
from gonemaster_db.models import Job, Priority, RunStatus
from gonemaster_db.queue.jobs import get_job
from gonemaster_tasks.broker.events import JobEvent
from gonemaster_tasks.broker.processes.workers import WorkerState
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.jobs import POLICY, RUN_UNTIL
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.pause import pause_queue
from gonemaster_tasks.monitoring.health import find_issues
from gonemaster_tasks.queues import BATCH, CHECK
from tests.api.conftest import MakeApp
from tests.api.web.test_errors import error_of
from tests.support.redis import raw
from tests.support.rows import claim, finish_job, record
from tests.support.workers import wait_until

CHECKS, LINES = "/api/v1/check", "/api/v1/checks/batch"
SERVERS = [{"ns": "ns1.example.com", "ip": "198.41.0.4"}, {"ns": "ns2.example.net", "ip": "199.9.14.201"}]
BODY = {"domain": "example.com", "nameservers": SERVERS, "deadline_seconds": 30}
DS = {"keytag": 1, "algorithm": 13, "digtype": 2, "digest": "AB" * 32}


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def waiting(queue: QueueParts) -> list[str]:
    return list(queue.broker.lists.waiting_ids(CHECK))


def finish(queue: QueueParts, job_id: str, outcome: RunRecord | None = None) -> None:
    """End a waiting check as a worker does."""
    queue.broker.lists.remove([job_id], CHECK)
    run = finish_job(queue.store, claim(queue.store, job_id), outcome or PASSED)
    queue.broker.events.publish(job_id, JobEvent("done", {"status": run.status.value}))


# A run in which all test cases of the policy ended without a finding that fails.
PASSED = record(entries=[EntryRecord(0.1, "BASIC", "basic01", "B01_CHILD_FOUND", "INFO", {"domain": "example.com"})])
BROKEN = record(
    entries=[
        EntryRecord(0.1, "BASIC", "basic02", "B02_NO_WORKING_NS", "ERROR", {"domain": "example.com", "servers": []})
    ]
)


def answered(
    client: FlaskClient,
    queue: QueueParts,
    threads: ThreadPoolExecutor,
    outcome: RunRecord | None = None,
    **body: Any,
) -> Any:
    """Send a check whose run has this outcome, and return the answer."""
    response = threads.submit(client.post, CHECKS, json={**BODY, **body})
    (job_id,) = wait_until(lambda: waiting(queue), what="the check")
    finish(queue, job_id, outcome)
    answer = response.result(60)
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def test_a_check_is_a_job_of_its_tier_that_ends_before_the_deadline(
    client: FlaskClient, queue: QueueParts, threads: ThreadPoolExecutor
) -> None:
    response = threads.submit(client.post, CHECKS, json={**BODY, "ds_info": [DS]})
    (job_id,) = wait_until(lambda: waiting(queue), what="the check")
    with queue.store.read_only() as session:
        job = get_job(session, job_id)
    assert (job.domain, job.priority, job.config[POLICY]["name"]) == ("example.com", Priority.CHECK, "registration")
    assert job.config["nameservers"] == SERVERS
    assert job.config["ds"] == [{**DS, "digest": "ab" * 32}]
    assert job.expires_at is not None
    assert job.expires_at.timestamp() == pytest.approx(job.config[RUN_UNTIL])
    assert timedelta(seconds=29) < job.expires_at - job.created_at < timedelta(seconds=30)
    finish(queue, job_id)
    answer = response.result(60).get_json()
    assert (answer["verdict"], answer["run_id"], answer["reasons"]) == ("pass", job_id, [])
    assert answer["policy"]["name"] == "registration"
    assert answer["timings"]["run_ms"] is not None


def test_what_fails_is_in_the_answer(client: FlaskClient, queue: QueueParts, threads: ThreadPoolExecutor) -> None:
    answer = answered(client, queue, threads, BROKEN, locale="sv")
    assert (answer["verdict"], answer["locale"]) == ("fail", "sv")
    (finding,) = answer["findings"]
    assert (finding["testcase"], finding["tag"], finding["level"]) == ("basic02", "B02_NO_WORKING_NS", "ERROR")
    assert finding["message"]
    assert finding["advice"]


@pytest.mark.parametrize(
    ("status", "reason"),
    [(RunStatus.FAILED, "failed"), (RunStatus.CANCELED, "canceled"), (RunStatus.EXPIRED, "not_started")],
)
def test_a_run_without_a_result_leaves_the_check_undecided(
    client: FlaskClient, queue: QueueParts, threads: ThreadPoolExecutor, status: RunStatus, reason: str
) -> None:
    answer = answered(client, queue, threads, record(status=status))
    assert (answer["verdict"], answer["reasons"]) == ("undecided", [reason])
    assert answer["explanations"] != [reason]


def test_a_check_that_no_slot_takes_is_undecided_at_the_deadline_and_canceled(
    client: FlaskClient, queue: QueueParts
) -> None:
    answer = client.post(CHECKS, json={**BODY, "deadline_seconds": 2}).get_json()
    assert (answer["verdict"], answer["reasons"]) == ("undecided", ["not_started"])
    assert waiting(queue) == []
    run = client.get(f"/api/v1/runs/{answer['run_id']}").get_json()
    assert (run["status"], run["priority"]) == ("canceled", 2)


def test_what_a_running_test_has_found_is_in_the_answer_at_the_deadline(
    client: FlaskClient, queue: QueueParts, threads: ThreadPoolExecutor
) -> None:
    response = threads.submit(client.post, CHECKS, json={**BODY, "deadline_seconds": 3})
    (job_id,) = wait_until(lambda: waiting(queue), what="the check")
    claim(queue.store, job_id)
    (entry,) = BROKEN.entries
    event = {name: getattr(entry, name) for name in ("timestamp", "module", "testcase", "tag", "level", "args")}
    queue.broker.events.publish(job_id, JobEvent("entry", event))
    answer = response.result(60).get_json()
    assert (answer["verdict"], answer["reasons"]) == ("undecided", ["deadline"])
    assert [finding["tag"] for finding in answer["findings"]] == ["B02_NO_WORKING_NS"]
    with queue.store.read_only() as session:
        assert get_job(session, job_id).cancel_requested_at is not None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"domain": ""}, "missing_domain"),
        ({"domain": "a..example"}, "invalid_domain"),
        ({"domain": "example.nosuchtld"}, "unknown_parent"),
        ({"nameservers": []}, "invalid_undelegated"),
        ({"nameservers": SERVERS * 17}, "invalid_undelegated"),
        ({"nameservers": [{"ns": "ns1.example.com", "ip": "1.2.3"}]}, "invalid_undelegated"),
        ({"nameservers": [{"ns": "ns1.example.com", "ip": "10.0.0.1"}]}, "private_undelegated_ip"),
        ({"ds_info": [{**DS, "digest": "xyz"}]}, "invalid_undelegated"),
        ({"policy": "registartion"}, "policy_not_found"),
        ({"deadline_seconds": 1}, "invalid_deadline_seconds"),
        ({"deadline_seconds": 31}, "invalid_deadline_seconds"),
        ({"deadline_seconds": 2.5}, "invalid_deadline_seconds"),
        ({"profile_id": 1}, "unknown_field"),
    ],
)
def test_a_wrong_check_is_refused_with_its_code_and_nothing_is_queued(
    client: FlaskClient, queue: QueueParts, change: dict[str, Any], code: str
) -> None:
    response = client.post(CHECKS, json={**BODY, **change})
    assert (response.status_code, error_of(response)["code"]) == (400, code)
    assert waiting(queue) == []
    assert client.get("/api/v1/jobs").get_json()["total"] == 0


@pytest.mark.parametrize("deadline", [0.1, "10", True, 1, 31, 10**30])
def test_a_wrong_deadline_is_refused_with_the_allowed_range(client: FlaskClient, deadline: Any) -> None:
    error = error_of(client.post(CHECKS, json={**BODY, "deadline_seconds": deadline}))
    assert error["code"] == "invalid_deadline_seconds"
    assert error["message"].endswith("from 2 to 30")


def test_the_nearest_policy_is_named(client: FlaskClient) -> None:
    error = error_of(client.post(CHECKS, json={**BODY, "policy": "registartion"}))
    assert "registration" in error["message"]
    assert error["details"] == {"policy": "registartion"}


def test_a_paused_tier_refuses_checks_and_the_other_tiers_do_not(
    client: FlaskClient, queue: QueueParts, threads: ThreadPoolExecutor
) -> None:
    pause_queue(queue, [CHECK])
    response = client.post(CHECKS, json=BODY)
    assert (response.status_code, error_of(response)["code"]) == (503, "checks_paused")
    assert response.headers["Retry-After"]
    assert waiting(queue) == []
    client.post("/api/v1/queue/resume", json={"tier": "check"})
    pause_queue(queue, ["normal", "batch"])
    assert answered(client, queue, threads)["verdict"] == "pass"


def test_the_same_check_joins_the_open_one_and_another_does_not(
    client: FlaskClient, queue: QueueParts, threads: ThreadPoolExecutor
) -> None:
    first = [threads.submit(client.post, CHECKS, json=BODY) for _ in range(2)]
    other = threads.submit(client.post, CHECKS, json={**BODY, "nameservers": SERVERS[:1]})
    ids = wait_until(lambda: len(waiting(queue)) == 2 and waiting(queue), what="two checks")
    wait_until(lambda: _clients(queue, ids) == ["1", "2"], what="three clients")
    for job_id in ids:
        finish(queue, job_id)
    runs = [each.result(60).get_json()["run_id"] for each in (*first, other)]
    assert runs[0] == runs[1] != runs[2]
    assert answered(client, queue, threads)["run_id"] not in runs  # an ended check is not open


def _clients(queue: QueueParts, ids: list[str]) -> list[str]:
    return sorted(raw(queue.broker).get(f"gm:check-clients:{job_id}") or "" for job_id in ids)


def test_a_repeated_key_gets_the_first_run_unless_it_was_canceled(
    client: FlaskClient, queue: QueueParts, threads: ThreadPoolExecutor
) -> None:
    headers = {"Idempotency-Key": "registrar7-1"}
    lost = client.post(CHECKS, json={**BODY, "deadline_seconds": 2}, headers=headers).get_json()
    body = {**BODY, "deadline_seconds": 2}
    again = threads.submit(client.post, CHECKS, json=body, headers=headers)
    (job_id,) = wait_until(lambda: waiting(queue), what="the new run")
    assert job_id != lost["run_id"]
    finish(queue, job_id, BROKEN)
    first = again.result(60)
    assert "Idempotency-Replayed" not in first.headers
    replayed = client.post(CHECKS, json=body, headers=headers)
    assert replayed.headers["Idempotency-Replayed"] == "true"
    for name in ("run_id", "verdict", "findings"):
        assert replayed.get_json()[name] == first.get_json()[name]
    conflict = client.post(CHECKS, json={**body, "locale": "sv"}, headers=headers)
    assert (conflict.status_code, error_of(conflict)["code"]) == (409, "idempotency_conflict")


def test_too_many_open_checks_are_refused(make_app: MakeApp, queue: QueueParts, threads: ThreadPoolExecutor) -> None:
    client = make_app(max_viewers_per_client=1).test_client()
    open_check = threads.submit(client.post, CHECKS, json=BODY)
    (job_id,) = wait_until(lambda: waiting(queue), what="the check")
    refused = client.post(CHECKS, json={**BODY, "domain": "example.net"})
    assert (refused.status_code, error_of(refused)["code"]) == (429, "too_many_client_streams")
    assert waiting(queue) == [job_id]
    finish(queue, job_id)
    assert open_check.result(60).get_json()["verdict"] == "pass"


def test_a_case_that_the_server_excludes_cannot_pass(
    make_app: MakeApp, queue: QueueParts, threads: ThreadPoolExecutor
) -> None:
    client = make_app(exclude="dnssec02").test_client()
    answer = answered(client, queue, threads)
    assert answer["verdict"] == "undecided"


def test_checks_without_reserved_slots_are_an_issue(
    client: FlaskClient, queue: QueueParts, threads: ThreadPoolExecutor, settings: Settings
) -> None:
    register_worker(queue)
    assert "checks_unreserved" not in {issue.kind for issue in find_issues(queue, settings)}
    answered(client, queue, threads)
    (found,) = [issue for issue in find_issues(queue, settings) if issue.kind == "checks_unreserved"]
    assert "reserved_check_slots" in found.advice
    register_worker(queue, reserved_check_slots=1)
    assert "checks_unreserved" not in {issue.kind for issue in find_issues(queue, settings)}


def register_worker(queue: QueueParts, **fields: Any) -> None:
    state = WorkerState("w@h", "h", 1, ("normal", "batch", "check", "maintenance"), 4, {}, 0.0, **fields)
    queue.broker.workers.register(state, timedelta(minutes=1))


def test_answers_are_counted_by_verdict(client: FlaskClient, queue: QueueParts, threads: ThreadPoolExecutor) -> None:
    before = client.get("/api/v1/metrics?include=api").get_json()["api"]["checks"]["verdict_counts"]
    answered(client, queue, threads, BROKEN)
    response = client.get("/api/v1/metrics?format=prom").get_data(as_text=True)
    assert f'gonemaster_checks_total{{verdict="fail"}} {float(before["fail"] + 1)}' in response


def lines_of(*items: Any) -> bytes:
    return b"\n".join(item if isinstance(item, bytes) else json.dumps(item).encode() for item in items)


OWN = {
    "name": "own",
    "profile": {"test_cases": ["basic01", "basic02"]},
    "suites": [{"name": "Main", "cases": ["basic01", "basic02"], "fail_level": "ERROR"}],
}
STRICT = {**OWN, "suites": [{**OWN["suites"][0], "fail_tags": ["B01_CHILD_FOUND"]}]}  # type: ignore[index]


def test_a_check_is_judged_by_a_stored_policy(
    client: FlaskClient, queue: QueueParts, threads: ThreadPoolExecutor
) -> None:
    assert client.post("/api/v1/policies", json={"document": OWN}).status_code == 201
    answer = answered(client, queue, threads, policy="own")
    assert (answer["verdict"], answer["policy"]) == ("pass", {"name": "own", "version": "1"})
    client.put("/api/v1/policies/own", json={"document": STRICT})
    answer = answered(client, queue, threads, policy="own")
    assert (answer["verdict"], answer["policy"]) == ("fail", {"name": "own", "version": "2"})
    client.delete("/api/v1/policies/own")
    error = error_of(client.post(CHECKS, json={**BODY, "policy": "own"}))
    assert error["code"] == "policy_not_found"


def test_a_batch_of_checks_keeps_the_version_of_its_stored_policy(client: FlaskClient, queue: QueueParts) -> None:
    client.post("/api/v1/policies", json={"document": OWN})
    batch = post_lines(client, lines_of(one("a.com")), "?policy=own").get_json()
    client.put("/api/v1/policies/own", json={"document": STRICT})
    finish(queue, batch["job_ids"][0])
    url = f"{LINES}/{batch['batch_id']}"

    def judged(query: str = "") -> tuple[str, dict[str, str]]:
        (line,) = [json.loads(line) for line in client.get(url + query).get_data().splitlines()]
        return line["verdict"], line["policy"]

    assert judged() == ("pass", {"name": "own", "version": "1"})
    assert judged("?policy=own") == ("fail", {"name": "own", "version": "2"})
    client.delete("/api/v1/policies/own")
    assert judged() == ("pass", {"name": "own", "version": "1"})
    assert error_of(client.get(f"{url}?policy=own"))["code"] == "policy_not_found"


def post_lines(client: FlaskClient, content: bytes, query: str = "", **options: Any) -> Any:
    return client.post(LINES + query, data=content, content_type="application/jsonl", **options)


def one(domain: str, **fields: Any) -> dict[str, Any]:
    return {"domain": domain, "nameservers": SERVERS, **fields}


def test_a_batch_of_checks_has_a_job_with_its_own_delegation_for_each_line(
    client: FlaskClient, queue: QueueParts
) -> None:
    content = lines_of(one("a.com"), b"", one("B.com", nameservers=SERVERS[:1], ds_info=[DS]))
    response = post_lines(client, content, "?policy=default&name=transfer")
    batch = response.get_json()
    assert (response.status_code, batch["job_count"]) == (202, 2)
    with queue.store.read_only() as session:
        jobs: list[Job] = [get_job(session, job_id) for job_id in batch["job_ids"]]
    assert [(job.domain, job.priority, job.config[POLICY]["name"]) for job in jobs] == [
        ("a.com", Priority.BATCH, "default"),
        ("b.com", Priority.BATCH, "default"),
    ]
    assert [len(job.config["nameservers"]) for job in jobs] == [2, 1]
    assert jobs[1].config["ds"] == [{**DS, "digest": "ab" * 32}]
    assert not any(RUN_UNTIL in job.config for job in jobs)
    assert list(queue.broker.lists.waiting_ids(BATCH)) == batch["job_ids"]
    assert client.get(f"/api/v1/batches/{batch['batch_id']}").get_json()["name"] == "transfer"
    canceled = client.post(f"/api/v1/batches/{batch['batch_id']}/cancel").get_json()
    assert canceled["canceled"] == 2


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", "invalid_json"),
        (b"[]", "invalid_json"),
        (b"\xff", "invalid_json"),
        (b'{"domain": "' + b"a" * 70_000 + b'"}', "invalid_json"),
        ({"domain": "b.com"}, "missing_nameservers"),
        (one("b..com"), "invalid_domain"),
        (one("b.nosuchtld"), "unknown_parent"),
        (one("A.com."), "duplicate_domain"),
        (one("b.com", nameservers=[{"ns": "ns.b.com", "ip": "127.0.0.1"}]), "private_undelegated_ip"),
        (one("b.com", ds_info=[{}]), "invalid_undelegated"),
        (one("b.com", policy="default"), "unknown_field"),
    ],
)
def test_a_wrong_line_is_refused_with_its_number_and_nothing_is_queued(
    client: FlaskClient, queue: QueueParts, line: Any, code: str
) -> None:
    response = post_lines(client, lines_of(one("a.com"), b"", line, one("c.com")))
    error = error_of(response)
    assert (response.status_code, error["code"], error["details"]["line"]) == (400, code, 3)
    assert error["message"].startswith("line 3: ")
    assert list(queue.broker.lists.waiting_ids(BATCH)) == []
    assert client.get("/api/v1/batches").get_json()["total"] == 0


def test_a_batch_of_checks_is_bounded_and_typed(make_app: MakeApp) -> None:
    client = make_app(max_batch_size=2).test_client()
    assert error_of(post_lines(client, lines_of(*(one(f"a{n}.com") for n in range(3)))))["code"] == "batch_too_large"
    assert error_of(post_lines(client, b"\n\n"))["code"] == "missing_domain"
    wrong = client.post(LINES, json=one("a.com"))
    assert (wrong.status_code, error_of(wrong)["code"]) == (415, "unsupported_media_type")
    packed = post_lines(client, gzip.compress(lines_of(one("a.com"))), headers={"Content-Encoding": "gzip"})
    assert (packed.status_code, error_of(packed)["message"]) == (415, "the body must not be compressed")
    assert error_of(post_lines(client, lines_of(one("a.com")), "?policy=x"))["code"] == "policy_not_found"


def test_a_repeated_batch_is_queued_once(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "transfer-1"}
    first, again = (post_lines(client, lines_of(one("a.com")), headers=headers) for _ in range(2))
    assert first.get_json() == again.get_json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert client.get("/api/v1/batches").get_json()["total"] == 1


def test_a_batch_of_jobs_still_refuses_delegations(client: FlaskClient) -> None:
    response = client.post("/api/v1/jobs/batch", json={"domains": ["a.com"], "nameservers": SERVERS})
    assert error_of(response)["code"] == "undelegated_not_supported_for_batch"


def test_the_verdicts_of_a_batch_are_lines_in_order_that_can_be_continued(
    client: FlaskClient, queue: QueueParts
) -> None:
    batch = post_lines(client, lines_of(*(one(f"a{number}.com") for number in range(3)))).get_json()
    first, second, third = batch["job_ids"]
    finish(queue, first)
    finish(queue, second, BROKEN)
    url = f"{LINES}/{batch['batch_id']}"
    found = [json.loads(line) for line in client.get(url).get_data().splitlines()]
    assert [(line["run_id"], line["verdict"]) for line in found] == [(first, "pass"), (second, "fail"), (third, None)]
    assert found[1]["findings"][0]["tag"] == "B02_NO_WORKING_NS"
    assert found[2] == {"run_id": third, "domain": "a2.com", "status": "queued", "verdict": None}
    rest = client.get(f"{url}?after={second}").get_data().splitlines()
    assert [json.loads(line)["run_id"] for line in rest] == [third]
    assert error_of(client.get(f"{url}?after=x"))["code"] == "invalid_after"
    assert error_of(client.get(f"{url}?policy=x"))["code"] == "policy_not_found"
    assert error_of(client.get(f"{LINES}/batch_none"))["code"] == "not_found"
    whole = [json.loads(line)["verdict"] for line in client.get(f"{url}?policy=default").get_data().splitlines()]
    assert whole == ["undecided", "fail", None]  # `registration` does not run all test cases of `default`


def test_the_verdicts_of_another_batch_are_refused(client: FlaskClient, queue: QueueParts) -> None:
    batch = client.post("/api/v1/jobs/batch", json={"domains": ["a.com"], "tests": ["basic"]}).get_json()
    finish_job(queue.store, claim(queue.store, batch["job_ids"][0]), PASSED)
    response = client.get(f"{LINES}/{batch['batch_id']}")
    assert (response.status_code, error_of(response)["code"]) == (409, "not_checks")


def test_a_repeated_key_gets_the_first_answer_after_its_policy_has_changed(
    client: FlaskClient, queue: QueueParts, threads: ThreadPoolExecutor
) -> None:
    client.post("/api/v1/policies", json={"document": OWN})
    body, headers = {**BODY, "policy": "own"}, {"Idempotency-Key": "registrar7-2"}
    response = threads.submit(client.post, CHECKS, json=body, headers=headers)
    (job_id,) = wait_until(lambda: waiting(queue), what="the check")
    finish(queue, job_id)
    first = response.result(60).get_json()
    assert (first["verdict"], first["policy"]["version"]) == ("pass", "1")

    def repeated() -> dict[str, Any]:
        answer = client.post(CHECKS, json=body, headers=headers)
        assert answer.headers["Idempotency-Replayed"] == "true"
        return {**answer.get_json(), "timings": first["timings"]}

    client.put("/api/v1/policies/own", json={"document": STRICT})
    assert repeated() == first
    client.delete("/api/v1/policies/own")
    assert repeated() == first
    pause_queue(queue, [CHECK])  # a repetition queues nothing
    assert repeated() == first
    assert waiting(queue) == []


def test_the_jobs_of_a_batch_are_stored_in_chunks(
    client: FlaskClient, queue: QueueParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory has one chunk of jobs, also with a key: the rest is in temporary files."""
    monkeypatch.setattr("gonemaster_db.queue.jobs.MAX_SLAB_SIZE", 16)
    alive, most = WeakSet[Any](), 0

    class Counted(NewJob):
        def __init__(self, *args: Any, **options: Any) -> None:
            nonlocal most
            super().__init__(*args, **options)
            alive.add(self)
            most = max(most, len(alive))

        __hash__ = object.__hash__

    monkeypatch.setattr(check_batches, "NewJob", Counted)
    for headers in ({}, {"Idempotency-Key": "many"}):
        most = 0
        answer = post_lines(client, lines_of(*(one(f"a{number}.com") for number in range(200))), headers=headers)
        assert answer.get_json()["job_count"] == 200
        assert 0 < most <= 3 * 16
    with queue.store.read_only() as session:
        jobs = [get_job(session, job_id) for job_id in answer.get_json()["job_ids"]]
    assert [job.domain for job in jobs] == [f"a{number}.com" for number in range(200)]
    assert all(job.config["nameservers"] == SERVERS for job in jobs)
