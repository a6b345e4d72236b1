"""A Redis without memory: requests that add jobs get 503 and write nothing; the queue keeps its order."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from gonemaster_db.core.records import NewBatch, NewJob
from gonemaster_db.models import Batch, Job, ScheduleOutcome
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.control.order_changes import QUEUE_ORDER, rebuild_tier, refill_tier
from gonemaster_tasks.control.submit import submit_batch
from gonemaster_tasks.errors import BrokerFull
from gonemaster_tasks.maintenance.recurring import run_due_schedules
from gonemaster_tasks.queues import BATCH, NORMAL
from tests.support.redis import raw
from tests.support.redis_faults import answering_with
from tests.support.schedules import fill_tag, schedule
from tests.support.workers import Farm, wait_until

Ask = Callable[..., tuple[int, Any, Any]]


@pytest.fixture
def ask(fault_farm: Farm) -> Iterator[Ask]:
    """Send requests to an API process: return status, headers and document."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fault_farm.start_api("api", listener.fileno())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"

        def send(path: str, body: Any = None) -> tuple[int, Any, Any]:
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(url + path, data, {"Content-Type": "application/json"})
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    text = answer.read().decode()
                    is_json = answer.headers["Content-Type"] == "application/json"
                    return answer.status, answer.headers, json.loads(text) if is_json else text
            except urllib.error.HTTPError as error:
                return error.code, error.headers, json.load(error)

        yield send


def rows(farm: Farm) -> tuple[int, int]:
    with farm.store.read_only() as session:
        jobs, batches = (session.scalar(select(func.count()).select_from(model)) for model in (Job, Batch))
    return jobs or 0, batches or 0


def test_all_that_adds_jobs_is_refused_in_the_same_way(fault_farm: Farm, own_redis: EmbeddedRedis, ask: Ask) -> None:
    farm = fault_farm
    farm.start_worker("one")
    status, _, batch = ask("/jobs/batch", {"domains": ["a.test", "b.test"]})
    assert status == 202, batch
    for job_id in batch["job_ids"]:
        farm.run_of(job_id)
    before = rows(farm)
    with answering_with("oom", own_redis):
        for path, body in (
            ("/jobs", {"domain": "c.test"}),
            ("/jobs/batch", {"domains": ["c.test", "d.test"]}),
            (f"/batches/{batch['batch_id']}/rerun", {}),
        ):
            status, headers, document = ask(path, body)
            assert (status, int(headers["Retry-After"]) > 0) == (503, True), path
            assert document["error"]["code"] == "broker_unavailable"
            assert document["error"]["details"] == {"issue": "redis_memory"}
        assert rows(farm) == before
        assert "redis_memory" in {issue["kind"] for issue in ask("/queue/health")[2]["issues"]}
        wait_until(lambda: 'gonemaster_queue_issues{kind="redis_memory"} 1.0' in ask("/metrics?format=prom")[2])
        status, headers, document = ask("/readyz")
        assert (status, document["parts"]["broker"], headers["Retry-After"]) == (503, "its memory is full", "5")
        assert "redis_memory" in document["failing"]
    assert ask("/jobs", {"domain": "c.test"})[0] == 201
    assert ask("/readyz")[0] == 200
    assert "redis_memory" not in {issue["kind"] for issue in ask("/queue/health")[2]["issues"]}


def test_a_schedule_stays_due_while_the_memory_is_full(fault_farm: Farm, own_redis: EmbeddedRedis) -> None:
    farm = fault_farm
    fill_tag(farm.store, "daily")
    schedule(farm.store, "daily", catch_up=True)
    with answering_with("oom", own_redis), pytest.raises(BrokerFull):
        run_due_schedules(farm.parts, max_batch_size=10)
    assert rows(farm) == (0, 0)
    assert run_due_schedules(farm.parts, max_batch_size=10) == [ScheduleOutcome.SUBMITTED]


def limit_memory(broker: Broker, more: int) -> None:
    """Let Redis use this many bytes more than it does."""
    raw(broker).config_set("maxmemory", int(raw(broker).info("memory")["used_memory"]) + more)


def test_a_batch_that_does_not_fit_is_refused_as_a_whole(fault_farm: Farm) -> None:
    farm = fault_farm
    limit_memory(farm.broker, 1_500_000)
    jobs = [NewJob(f"n{number}.test") for number in range(5000)]
    with pytest.raises(BrokerFull, match="not for 5000"):
        submit_batch(farm.parts, NewBatch(len(jobs)), jobs)
    assert rows(farm) == (0, 0)
    assert farm.broker.lists.depth(BATCH) == 0
    limit_memory(farm.broker, 5_000_000)
    assert submit_batch(farm.parts, NewBatch(len(jobs)), jobs).job_count == 5000


def test_a_tier_that_does_not_fit_has_its_first_jobs_in_order(fault_farm: Farm) -> None:
    lists = fault_farm.broker.lists
    ids = [f"job_{number:030}" for number in range(40_000)]
    lists.enqueue_many(ids[:3000], BATCH)
    limit_memory(fault_farm.broker, 6_000_000)
    with pytest.raises(BrokerFull):
        lists.rebuild(ids, BATCH)
    kept = list(lists.waiting_ids(BATCH))
    assert 1000 < len(kept) < 20_000
    assert kept == ids[: len(kept)]
    fault_farm.broker.check_room()  # Workers have some memory left.
    assert not raw(fault_farm.broker).exists(f"gm:replaced:{BATCH}")


def test_a_window_that_does_not_fit_is_filled_later(fault_farm: Farm) -> None:
    farm = fault_farm
    ids = list(farm.submit_batch([f"n{number}.test" for number in range(9000)]).job_ids)
    raw(farm.broker).delete(BATCH)
    limit_memory(farm.broker, 1_600_000)
    with pytest.raises(BrokerFull), farm.broker.locks.exclusive(QUEUE_ORDER):
        rebuild_tier(farm.store, farm.broker, BATCH)
    kept = list(farm.broker.lists.waiting_ids(BATCH))
    assert kept == ids[: len(kept)]
    assert len(kept) < 9000
    farm.broker.check_room()
    limit_memory(farm.broker, 100_000_000)
    refill_tier(farm.store, farm.broker, BATCH)
    assert set(farm.broker.lists.waiting_ids(BATCH)) == set(ids)


def test_waiting_jobs_run_on_while_the_memory_is_full(fault_farm: Farm, own_redis: EmbeddedRedis) -> None:
    farm = fault_farm
    farm.start_worker("one")
    confirmed = wait_until(lambda: farm.broker.marks.controls().epoch, what="the first reconciliation")
    batch = farm.submit_batch([f"b{number}-300.test" for number in range(40)])
    last = farm.submit("person-300.test")
    with answering_with("oom", own_redis):
        assert farm.run_of(last).attempt == 1
        for job_id in batch.job_ids:
            assert farm.run_of(job_id).attempt == 1
    assert farm.broker.marks.controls().epoch == confirmed
    assert "Connection to broker lost" not in farm.log("one")
    assert len(farm.starts()) == 41


def test_a_person_stored_when_memory_became_full_starts_before_the_batch(
    fault_farm: Farm, own_redis: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    farm = fault_farm
    farm.start_worker("one", GONEMASTER_WORKER_COUNT="1")
    wait_until(lambda: farm.broker.marks.controls().epoch, what="the first reconciliation")
    farm.submit_batch([f"b{number}-2000.test" for number in range(30)])
    wait_until(farm.starts, what="the first batch job")
    with answering_with("oom", own_redis):
        monkeypatch.setattr(Broker, "check_room", lambda *_: None)  # The memory filled up after the check.
        person = farm.submit("person.test")
        wait_until(lambda: not farm.broker.marks.controls().epoch, what="the request to rebuild")
        assert farm.broker.lists.depth(NORMAL) == 0
        begun = len(farm.starts())
    assert farm.run_of(person).attempt == 1
    order = [start["job_id"] for start in farm.starts()]
    assert order.index(person) <= begun + 1
