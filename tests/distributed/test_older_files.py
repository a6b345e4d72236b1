"""A Redis that returns with older files, or another one in its place: no job starts before the tiers are rebuilt."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from gonemaster_db.core.records import NewJob
from gonemaster_db.queue.jobs import create_job
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.maintenance.reconciler import reconcile
from gonemaster_tasks.monitoring.health import find_issues_in_time
from gonemaster_tasks.queues import BATCH, CHECK, NORMAL
from tests.support.redis import confirm_tiers, raw
from tests.support.workers import Farm, wait_until

FILES = "appendonlydir"


def copy_files(server: EmbeddedRedis, to: Path) -> None:
    """Copy the files of a running server; each write is in them after WAITAOF."""
    raw_client: Any = server._client()
    raw_client.execute_command("WAITAOF", 1, 0, 5000)
    raw_client.close()
    shutil.copytree(server.directory / FILES, to)


def restart_with(server: EmbeddedRedis, files: Path) -> None:
    """Kill a server, and start it with other files."""
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    shutil.rmtree(server.directory / FILES)
    shutil.copytree(files, server.directory / FILES)
    server.start()


def test_persons_start_before_the_batch_that_only_older_files_have(
    fault_farm: Farm, own_redis: EmbeddedRedis, tmp_path: Path
) -> None:
    farm = fault_farm
    farm.start_worker("one", GONEMASTER_WORKER_COUNT="2")
    wait_until(lambda: farm.broker.marks.controls().epoch, what="the first reconciliation")
    farm.submit_batch([f"b{number}-400.test" for number in range(60)])
    copy_files(own_redis, tmp_path / "older")
    persons = [farm.submit(f"p{number}-400.test") for number in range(8)]
    begun = len(farm.starts())
    restart_with(own_redis, tmp_path / "older")
    for person in persons:
        assert farm.run_of(person).attempt == 1
    order = [start["job_id"] for start in farm.starts()]
    last = max(order.index(person) for person in persons)
    # A slot that was running when Redis was killed may have had another batch job.
    assert [job_id for job_id in order[begun : last + 1] if job_id not in persons][2:] == []
    assert len(order) == len(set(order))


def test_health_knows_at_once_that_redis_returned_with_older_files(
    fault_farm: Farm, own_redis: EmbeddedRedis, tmp_path: Path
) -> None:
    farm = fault_farm
    farm.start_worker("one")
    wait_until(lambda: farm.broker.marks.controls().epoch, what="the first reconciliation")
    farm.submit("waiting-60000.test")
    farm.submit_batch(["waits.test"] * 1 + [f"n{number}-60000.test" for number in range(20)])
    copy_files(own_redis, tmp_path / "older")
    farm.stop("one")  # No worker rebuilds the tiers.
    restart_with(own_redis, tmp_path / "older")
    wait_until(lambda: farm.broker.marks.controls().outdated, what="the connection")
    kinds = {issue.kind for issue in find_issues_in_time(farm.parts, Settings())}
    assert kinds & {"tiers_outdated", "no_worker"}
    farm.start_worker("two")
    wait_until(
        lambda: "tiers_outdated" not in {issue.kind for issue in find_issues_in_time(farm.parts, Settings())},
        what="the tiers are rebuilt",
    )


def test_the_lock_of_an_earlier_reconciliation_in_older_files_delays_nothing(
    fault_farm: Farm, own_redis: EmbeddedRedis, tmp_path: Path
) -> None:
    farm = fault_farm
    farm.start_worker("one")
    (worker,) = farm.broker.workers.live()
    replication_id = farm.broker.marks.controls().replication_id
    raw(farm.broker).set(f"gm:lock:reconcile:{replication_id}", worker.name, px=600_000)
    copy_files(own_redis, tmp_path / "older")
    restart_with(own_redis, tmp_path / "older")
    job = farm.store.run_in_transaction(lambda session: create_job(session, NewJob("lost.test")))
    assert farm.run_of(job.id).attempt == 1


def test_a_promoted_replica_is_another_redis(own_broker: Broker) -> None:
    confirm_tiers(own_broker)
    assert not own_broker.marks.controls().outdated
    raw(own_broker).replicaof("127.0.0.1", 1)
    raw(own_broker).replicaof("NO", "ONE")
    assert own_broker.marks.controls().outdated


def test_all_tiers_are_rebuilt_even_if_the_counts_agree(fault_farm: Farm) -> None:
    farm = fault_farm
    person = farm.submit("person.test")
    batch = farm.submit_batch(["a.test", "b.test"]).job_ids
    lists = farm.broker.lists
    raw(farm.broker).delete(NORMAL, BATCH)
    lists.enqueue("job_old", NORMAL)
    lists.enqueue_many(reversed(batch), BATCH)
    farm.broker.marks.set_epoch("of another Redis")
    done = reconcile(farm.store, farm.broker, farm.parts.celery, now=farm.parts.clock.now())
    assert done.messages == {NORMAL: 1, BATCH: 2, CHECK: 0}
    assert list(lists.waiting_ids(NORMAL)) == [person]
    assert list(lists.waiting_ids(BATCH)) == list(batch)
    assert not farm.broker.marks.controls().outdated


@pytest.mark.slow
def test_the_batch_tier_is_open_while_it_is_rebuilt(fault_farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    farm = fault_farm
    farm.submit_batch([f"n{number}.test" for number in range(3000)])
    farm.broker.marks.set_epoch("of another Redis")
    seen: list[bool] = []
    extend = farm.broker.window.extend

    def record(tier: str, ids: Any, **cuts: Any) -> Any:
        if ids:
            seen.append(farm.broker.marks.controls().outdated)
        return extend(tier, ids, **cuts)

    monkeypatch.setattr(farm.broker.window, "extend", record)
    reconcile(farm.store, farm.broker, farm.parts.celery, now=farm.parts.clock.now())
    assert seen == [False, False, False]
