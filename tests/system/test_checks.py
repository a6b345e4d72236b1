"""Checks before delegation with the real service: verdicts, repetitions, lost clients, workers and servers."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.service import Service, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("checks")]

JSON = {"Content-Type": "application/json"}
LINES = {"Content-Type": "application/jsonl"}
PLAIN = [{"ns": "ns1.plain.xa", "ip": "127.21.3.53"}, {"ns": "ns2.plain.xa", "ip": "127.22.3.53"}]
REFUSED = [{"ns": "ns1.refused.xa", "ip": "127.21.15.53"}, {"ns": "ns2.refused.xa", "ip": "127.22.15.53"}]
# The name servers of silent.xa that do not answer: a test of them takes many seconds.
SILENT = [{"ns": "ns1.silent.xa", "ip": "127.22.6.53"}, {"ns": "ns2.silent.xa", "ip": "127.22.6.53"}]
# The demo world has loopback addresses, which the policy `registration` refuses. So these tests use the
# policy `default`, with a profile in which such addresses are no errors.
PROFILE = {"test_levels": {"ADDRESS": {"A01_LOCAL_USE_ADDR": "INFO", "A01_NO_GLOBALLY_REACHABLE_ADDR": "INFO"}}}
DS = [{"keytag": 4711, "algorithm": 13, "digtype": 2, "digest": "ab" * 32}]


@pytest.fixture(scope="module")
def environ(in_demo_world: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    file = tmp_path_factory.mktemp("checks") / "profile.json"
    file.write_text(json.dumps(PROFILE))
    return in_demo_world | {"GONEMASTER_PROFILE": str(file)}


@pytest.fixture(scope="module")
def checking(environ: dict[str, str]) -> Iterator[Service]:
    """A service with slots for checks."""
    with Service(environ=environ, worker_processes=1, workers=4, reserved_check_slots=2) as shared:
        yield shared.wait_until_ready()


@pytest.fixture
def service(environ: dict[str, str]) -> Iterator[Service]:
    """A service of one test, whose jobs are soon requeued when a worker is lost."""
    options: dict[str, Any] = {"worker_processes": 1, "workers": 4, "lease_seconds": 5, "reap_interval_seconds": 1}
    with Service(environ=environ, may_fail=True, reserved_check_slots=2, **options) as own:
        yield own.wait_until_ready()


def check_of(domain: str, nameservers: list[dict[str, str]], *, deadline: int = 30, **wishes: Any) -> dict[str, Any]:
    return {
        "domain": domain, "nameservers": nameservers, "policy": "default", "deadline_seconds": deadline, **wishes
    }  # fmt: skip


def checked(service: Service, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    status, answer = service.call("POST", "/api/v1/check", body, **headers)
    assert status == 200, answer
    found: dict[str, Any] = answer
    return found


def open_checks(service: Service) -> list[str]:
    """Return the ids of waiting and running checks."""
    queue = service.get("/queue")
    return [job["id"] for job in (*queue["running"], *queue["items"]) if job["priority"] == 2]


def test_a_healthy_delegation_passes_with_its_run_and_times(checking: Service) -> None:
    answer = checked(checking, check_of("plain.xa", PLAIN))
    assert (answer["verdict"], answer["reasons"], answer["findings"]) == ("pass", [], [])
    assert answer["policy"]["name"] == "default"
    run = checking.get(f"/runs/{answer['run_id']}")
    assert (run["domain"], run["status"], run["priority"]) == ("plain.xa", "succeeded", 2)
    timings = answer["timings"]
    assert timings["waited_ms"] + timings["run_ms"] <= timings["total_ms"] + 1000
    assert timings["run_ms"] == run["duration_ms"]


def test_a_registration_refuses_addresses_that_are_not_public(checking: Service) -> None:
    body = check_of("plain.xa", PLAIN)
    del body["policy"]
    answer = checked(checking, body)
    assert (answer["verdict"], answer["policy"]["name"]) == ("fail", "registration")
    assert {finding["tag"] for finding in answer["findings"]} == {
        "A01_LOCAL_USE_ADDR",
        "A01_NO_GLOBALLY_REACHABLE_ADDR",
    }


def test_a_broken_delegation_fails_with_what_to_fix(checking: Service) -> None:
    answer = checked(checking, check_of("refused.xa", REFUSED))
    assert answer["verdict"] == "fail"
    assert answer["findings"]
    assert all(finding["message"] and finding["advice"] for finding in answer["findings"])
    assert any(cause["decisive"] for cause in answer["root_causes"])


def test_a_ds_record_that_matches_no_key_fails(checking: Service) -> None:
    good = [{"ns": "ns1.good.xa", "ip": "127.21.1.53"}, {"ns": "ns2.good.xa", "ip": "127.22.1.53"}]
    answer = checked(checking, check_of("good.xa", good, ds_info=DS))
    assert answer["verdict"] == "fail"
    assert {finding["module"] for finding in answer["findings"]} >= {"DNSSEC"}


def test_texts_are_in_the_requested_language(checking: Service) -> None:
    english = checked(checking, check_of("refused.xa", REFUSED))
    swedish = checked(checking, check_of("refused.xa", REFUSED, locale="sv"))
    assert (english["locale"], swedish["locale"]) == ("en", "sv")
    assert english["root_causes"][0]["title"] != swedish["root_causes"][0]["title"]


def test_checks_run_while_people_and_a_sweep_fill_all_other_slots(checking: Service) -> None:
    batch = checking.submit_batch([f"domain{number}.xa" for number in range(200)])
    for number in range(20):
        checking.submit(f"person{number}.xa")
    answer = checked(checking, check_of("plain.xa", PLAIN))
    assert answer["verdict"] == "pass"
    queue = {tier["tier"]: tier for tier in checking.get("/queue")["tiers"]}
    assert queue["check"]["queued"] == 0
    checking.post(f"/batches/{batch['batch_id']}/cancel")


def test_the_deadline_ends_the_test_with_what_is_known(checking: Service) -> None:
    answer = checked(checking, check_of("silent.xa", SILENT, deadline=2))
    assert answer["verdict"] in ("undecided", "fail")
    assert answer["reasons"]
    assert answer["timings"]["total_ms"] < 10_000
    wait_for(lambda: not open_checks(checking), what="end of the test")
    run = checking.finished(answer["run_id"])
    assert run["status"] in ("succeeded", "canceled", "expired")


def test_a_repeated_key_gets_the_first_run_and_another_check_conflicts(checking: Service) -> None:
    key = {"Idempotency-Key": f"create-{time.monotonic_ns()}"}
    first = checked(checking, check_of("plain.xa", PLAIN), **key)
    again = checked(checking, check_of("plain.xa", PLAIN), **key)
    assert (again["run_id"], again["verdict"]) == (first["run_id"], first["verdict"])
    assert checked(checking, check_of("plain.xa", PLAIN))["run_id"] != first["run_id"]
    status, error = checking.call("POST", "/api/v1/check", check_of("refused.xa", REFUSED), **key)
    assert (status, error["error"]["code"]) == (409, "idempotency_conflict")


def test_the_same_open_check_is_tested_once(checking: Service) -> None:
    body = check_of("silent.xa", SILENT, deadline=6)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: checked(checking, body), range(4)))
    assert len({answer["run_id"] for answer in answers}) == 1
    assert len({json.dumps(answer["findings"]) for answer in answers}) == 1


def test_a_client_that_leaves_cancels_its_check(checking: Service) -> None:
    body = json.dumps(check_of("silent.xa", SILENT, deadline=30))
    connection = HTTPConnection(urlsplit(checking.url).netloc, timeout=60)
    with closing(connection):
        connection.request("POST", "/api/v1/check", body, JSON)
        (job_id,) = wait_for(lambda: open_checks(checking), what="the check")
    assert checking.finished(job_id)["status"] == "canceled"


def test_one_of_two_clients_may_leave(checking: Service) -> None:
    body = check_of("silent.xa", SILENT, deadline=8)
    with ThreadPoolExecutor(1) as threads:
        staying = threads.submit(checked, checking, body)
        (job_id,) = wait_for(lambda: open_checks(checking), what="the check")
        connection = HTTPConnection(urlsplit(checking.url).netloc, timeout=60)
        with closing(connection):
            connection.request("POST", "/api/v1/check", json.dumps(body), JSON)
            wait_for(lambda: _clients(checking, job_id) == "2", what="the second client")
        wait_for(lambda: _clients(checking, job_id) == "1", what="the end of the second client")
        answer = staying.result(60)
    assert answer["run_id"] == job_id
    assert "canceled" not in answer["reasons"]


def _clients(service: Service, job_id: str) -> str | None:
    import redis

    with redis.Redis(unix_socket_path=str(service.data_dir / "redis" / "redis.sock"), decode_responses=True) as client:
        found: Any = client.get(f"gm:check-clients:{job_id}")
    return str(found) if found else None


def test_paused_checks_are_refused_and_nothing_is_queued(checking: Service) -> None:
    checking.post("/queue/pause", {"tier": "check", "reason": "maintenance"})
    try:
        status, error = checking.call("POST", "/api/v1/check", check_of("plain.xa", PLAIN))
        assert (status, error["error"]["code"]) == (503, "checks_paused")
        assert open_checks(checking) == []
    finally:
        checking.post("/queue/resume", {"tier": "check"})
    checking.post("/queue/pause", {"tier": "normal"})
    try:
        assert checked(checking, check_of("plain.xa", PLAIN))["verdict"] == "pass"
    finally:
        checking.post("/queue/resume", {"tier": "normal"})


def test_a_batch_of_checks_is_a_batch_with_verdicts(checking: Service) -> None:
    lines = [{"domain": "plain.xa", "nameservers": PLAIN}, {"domain": "refused.xa", "nameservers": REFUSED}]
    status, batch = _post_lines(checking, "?policy=default", lines)
    assert (status, batch["job_count"]) == (202, 2)
    checking.batch_done(batch["batch_id"])
    found = {line["domain"]: line for line in _verdicts(checking, batch["batch_id"])}
    assert {domain: line["verdict"] for domain, line in found.items()} == {"plain.xa": "pass", "refused.xa": "fail"}
    assert found["refused.xa"]["findings"]
    (last,) = _verdicts(checking, f"{batch['batch_id']}?after={batch['job_ids'][0]}")
    assert last["run_id"] == batch["job_ids"][1]
    detail = checking.get(f"/batches/{batch['batch_id']}")
    assert {job["priority"] for job in detail["items"]} == {1}


def _post_lines(service: Service, query: str, lines: list[dict[str, Any]]) -> tuple[int, Any]:
    connection = HTTPConnection(urlsplit(service.url).netloc, timeout=60)
    with closing(connection):
        connection.request("POST", f"/api/v1/checks/batch{query}", "\n".join(map(json.dumps, lines)).encode(), LINES)
        response = connection.getresponse()
        return response.status, json.load(response)


def _verdicts(service: Service, path: str) -> list[dict[str, Any]]:
    connection = HTTPConnection(urlsplit(service.url).netloc, timeout=60)
    with closing(connection):
        connection.request("GET", f"/api/v1/checks/batch/{path}")
        response = connection.getresponse()
        assert response.status == 200
        return [json.loads(line) for line in response.read().splitlines()]


def test_a_check_survives_the_kill_of_its_worker(service: Service) -> None:
    with ThreadPoolExecutor(1) as threads:
        answering = threads.submit(checked, service, check_of("silent.xa", SILENT, deadline=30))
        wait_for(lambda: [job for job in service.get("/queue")["running"] if job["priority"] == 2], what="the start")
        os.kill(service.pids("worker-1")[-1], signal.SIGKILL)
        answer = answering.result(90)
    assert answer["timings"]["total_ms"] < 45_000
    run = service.finished(answer["run_id"])
    assert run["status"] == "canceled" if "deadline" in answer["reasons"] else run["attempt"] == 2


def test_a_repetition_after_the_kill_of_the_api_gets_the_same_run(service: Service) -> None:
    """A registry repeats its command after a lost connection: nothing is lost, and nothing is tested twice."""
    body, key = check_of("silent.xa", SILENT, deadline=30), {"Idempotency-Key": "killed"}
    with ThreadPoolExecutor(1) as threads:
        lost = threads.submit(service.call, "POST", "/api/v1/check", body, **key)
        (run_id,) = wait_for(lambda: open_checks(service), what="the check")
        os.kill(service.pids("api")[-1], signal.SIGKILL)
        with pytest.raises((OSError, HTTPException)):
            lost.result(60)
    wait_for(lambda: len(service.pids("api")) > 1 and is_ready(service), what="the API")
    answer = checked(service, body, **key)
    assert answer["run_id"] == run_id
    assert (service.get("/jobs")["total"], open_checks(service)) == (1, [])


def is_ready(service: Service) -> bool:
    try:
        return bool(service.call("GET", "/api/v1/queue")[0] == 200)
    except (OSError, HTTPException):
        return False


def test_without_redis_a_check_is_refused_and_nothing_is_queued(service: Service) -> None:
    before = service.get("/jobs")["total"]
    (redis_pid,) = [pid for pid, command in service.processes().items() if "redis" in command or "valkey" in command]
    os.kill(redis_pid, signal.SIGSTOP)
    try:
        status, error = service.call("POST", "/api/v1/check", check_of("plain.xa", PLAIN))
        assert (status, error["error"]["code"]) == (503, "broker_unavailable")
    finally:
        os.kill(redis_pid, signal.SIGCONT)
    wait_for(lambda: service.call("GET", "/api/v1/ready")[0] in (200, 404), what="the service")
    assert service.get("/jobs")["total"] == before


def test_redis_that_stops_during_a_check_leaves_it_undecided(service: Service) -> None:
    (redis_pid,) = [pid for pid, command in service.processes().items() if "redis" in command or "valkey" in command]
    with ThreadPoolExecutor(1) as threads:
        answering = threads.submit(checked, service, check_of("silent.xa", SILENT, deadline=6))
        wait_for(lambda: [job for job in service.get("/queue")["running"] if job["priority"] == 2], what="the start")
        os.kill(redis_pid, signal.SIGSTOP)
        try:
            answer = answering.result(60)
        finally:
            os.kill(redis_pid, signal.SIGCONT)
    assert answer["verdict"] in ("undecided", "fail")
    wait_for(lambda: not open_checks(service), what="end of the test")
