"""The broker's lists, flags and marks, on a real server."""

import random
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from gonemaster_tasks.broker.address import parse_broker_url
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.broker.marks import Controls
from gonemaster_tasks.broker.processes.workers import WorkerState
from gonemaster_tasks.broker.queue.messages import build_message, job_id_of
from gonemaster_tasks.errors import BrokerRefused, BrokerUnavailable
from gonemaster_tasks.queues import BATCH, NORMAL
from tests.support.redis import raw


def ids(*numbers: int) -> list[str]:
    return [f"job_{number:04d}" for number in numbers]


def waiting(broker: Broker, tier: str = BATCH) -> list[str]:
    return list(broker.lists.waiting_ids(tier))


@pytest.fixture
def queue_of_five(broker: Broker) -> Broker:
    """A broker with jobs 1 to 5 waiting in the batch tier."""
    broker.lists.enqueue_many(ids(1, 2, 3, 4, 5), BATCH)
    return broker


def test_jobs_wait_in_the_order_they_were_put_in(queue_of_five: Broker) -> None:
    queue_of_five.lists.enqueue("job_0006", BATCH)
    queue_of_five.lists.put_back("job_0000", BATCH)
    assert waiting(queue_of_five) == ids(0, 1, 2, 3, 4, 5, 6)
    assert queue_of_five.lists.depths() == {"normal": 0, "batch": 7, "check": 0, "maintenance": 0}
    assert job_id_of(raw(queue_of_five).brpop([NORMAL, BATCH])[1]) == "job_0000"


def test_a_large_batch_keeps_its_order_over_slices(broker: Broker) -> None:
    expected = ids(*range(2500))
    assert broker.lists.enqueue_many(iter(expected), BATCH) == 2500
    assert waiting(broker) == expected


def test_removal_returns_what_was_removed(queue_of_five: Broker) -> None:
    assert queue_of_five.lists.remove(["job_0002", "job_0009", "job_0004"], BATCH) == ids(2, 4)
    assert waiting(queue_of_five) == ids(1, 3, 5)


def test_a_message_that_a_worker_put_back_is_removed_too(queue_of_five: Broker) -> None:
    raw(queue_of_five).rpush(BATCH, build_message("job_0007", BATCH, redelivered=True))
    assert queue_of_five.lists.remove(["job_0007"], BATCH) == ["job_0007"]
    assert waiting(queue_of_five) == ids(1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("where", "pivot", "order"),
    [
        ("front", "", (4, 2, 1, 3, 5)),
        ("back", "", (1, 3, 5, 4, 2)),
        ("before", "job_0001", (4, 2, 1, 3, 5)),
        ("before", "job_0005", (1, 3, 4, 2, 5)),
        ("after", "job_0001", (1, 4, 2, 3, 5)),
        ("after", "job_0005", (1, 3, 5, 4, 2)),
    ],
)
def test_moved_jobs_stand_where_and_in_the_order_asked(
    queue_of_five: Broker, where: str, pivot: str, order: tuple[int, ...]
) -> None:
    assert queue_of_five.lists.move(["job_0004", "job_0002"], BATCH, where, pivot) == ids(4, 2)  # type: ignore[arg-type]  # from table
    assert waiting(queue_of_five) == ids(*order)


@pytest.mark.parametrize("where", ["front", "back", "before", "after"])
@pytest.mark.parametrize("pivot", [3, 1999, 3990])
def test_many_are_moved_to_any_place(broker: Broker, where: str, pivot: int) -> None:
    order = ids(*range(4000))
    broker.lists.enqueue_many(order, BATCH)
    for count in (1, 4, 5, 1500):
        beside = order[pivot]
        chosen = random.Random(pivot).sample([job_id for job_id in order if job_id != beside], count)
        assert set(broker.lists.move(chosen, BATCH, where, beside)) == set(chosen)  # type: ignore[arg-type]  # from table
        rest = [job_id for job_id in order if job_id not in set(chosen)]
        place = rest.index(beside)
        at = {"front": 0, "back": len(rest), "before": place, "after": place + 1}[where]
        order = [*rest[:at], *chosen, *rest[at:]]
        assert waiting(broker) == order


def test_a_move_leaves_out_what_a_worker_took(queue_of_five: Broker) -> None:
    assert queue_of_five.lists.move(["job_0009", "job_0003"], BATCH, "front") == ["job_0003"]
    assert waiting(queue_of_five) == ids(3, 1, 2, 4, 5)


def test_a_move_to_a_job_that_does_not_wait_changes_nothing(queue_of_five: Broker) -> None:
    with pytest.raises(LookupError):
        queue_of_five.lists.move(["job_0003"], BATCH, "before", "job_0009")
    assert waiting(queue_of_five) == ids(1, 2, 3, 4, 5)


def test_reorder_keeps_new_messages_and_drops_nothing(queue_of_five: Broker) -> None:
    raw(queue_of_five).rpush(BATCH, build_message("job_0007", BATCH, redelivered=True))
    assert queue_of_five.lists.reorder(ids(5, 9, 7, 1, 3), BATCH) == 4
    assert waiting(queue_of_five) == ids(5, 7, 1, 3, 2, 4)
    assert raw(queue_of_five).keys("gm:reorder:*") == []


def test_reorder_of_many_keeps_every_message(broker: Broker) -> None:
    broker.lists.enqueue_many(ids(*range(3500)), BATCH)
    assert broker.lists.reorder(reversed(ids(*range(3500))), BATCH) == 3500
    assert waiting(broker) == list(reversed(ids(*range(3500))))


def test_the_order_of_the_head_is_restored_and_nothing_is_lost_or_moved_behind_it(broker: Broker) -> None:
    broker.lists.enqueue_many(ids(*range(1, 9)), BATCH)
    raw(broker).rpush(BATCH, build_message("job_0003", BATCH, redelivered=True))  # requeued twice
    for number in (12, 10, 11):
        broker.lists.put_back(f"job_{number:04d}", BATCH)
    assert waiting(broker) == ids(11, 10, 12, 3, 1, 2, 3, 4, 5, 6, 7, 8)
    broker.lists.restore_head_order(ids(10, 11, 12, 1, 5), BATCH)
    assert waiting(broker) == ids(10, 11, 12, 1, 3, 2, 3, 4, 5, 6, 7, 8)


def test_the_order_of_a_queue_shorter_than_its_head_is_restored(queue_of_five: Broker) -> None:
    queue_of_five.lists.restore_head_order(ids(9, 5, 4, 3, 2, 1, 8), BATCH)
    assert waiting(queue_of_five) == ids(5, 4, 3, 2, 1)


def test_moves_race_with_a_consumer_and_lose_or_double_nothing(broker: Broker) -> None:
    everything = ids(*range(400))
    broker.lists.enqueue_many(everything, BATCH)
    taken: list[str] = []

    def consume() -> None:
        client = raw(broker)
        while answer := client.brpop([BATCH], timeout=0.3):
            taken.append(job_id_of(answer[1]))

    consumer = threading.Thread(target=consume)
    consumer.start()
    for number in range(0, 400, 7):
        broker.lists.move(ids(number, 399 - number), BATCH, "front" if number % 2 else "back")
    broker.lists.reorder(ids(*range(399, -1, -1)), BATCH)
    consumer.join()
    assert sorted(taken) == everything


def test_rebuild_replaces_doubles_and_strays(queue_of_five: Broker) -> None:
    queue_of_five.lists.enqueue("job_0003", BATCH)
    assert queue_of_five.lists.rebuild(iter(ids(2, 1, 8)), BATCH) == 3
    assert waiting(queue_of_five) == ids(2, 1, 8)


def test_absent_messages_are_distinguished_from_those_a_worker_holds(queue_of_five: Broker) -> None:
    raw(queue_of_five).zadd("unacked_index", {"job_0008": 1})
    assert queue_of_five.without_message(ids(1, 7, 8), BATCH) == ["job_0007"]
    assert queue_of_five.unacked.held(ids(1, 8)) == {"job_0008"}


def test_flags_are_replaced_as_a_whole(broker: Broker) -> None:
    broker.marks.set_controls(Controls({BATCH: 0.0, NORMAL: 12.5}))
    assert broker.marks.controls().paused == {BATCH: 0.0, NORMAL: 12.5}
    broker.marks.set_controls(Controls({}))
    controls = broker.marks.controls()
    assert (controls.paused, controls.epoch, controls.outdated) == ({}, "", True)
    broker.marks.set_epoch(controls.replication_id)
    assert broker.marks.controls() == replace(controls, epoch=controls.replication_id)
    assert not broker.marks.controls().outdated


def test_a_lock_has_one_holder_and_ends(broker: Broker) -> None:
    assert broker.locks.acquire("duty", "a", timedelta(seconds=30))
    assert not broker.locks.acquire("duty", "b", timedelta(seconds=30))
    broker.locks.release("duty", "b")
    assert not broker.locks.acquire("duty", "b", timedelta(seconds=30))
    broker.locks.release("duty", "a")
    assert broker.locks.acquire("duty", "b", timedelta(milliseconds=1))


def test_a_submission_counts_until_it_ends_or_is_given_up(broker: Broker) -> None:
    broker.marks.begin_submission("batch_1", timedelta(seconds=60))
    broker.marks.begin_submission("batch_2", timedelta(seconds=-1))
    assert broker.marks.submissions() == 1
    broker.marks.end_submission("batch_1")
    assert broker.marks.submissions() == 0


def test_workers_are_listed_while_they_show_signs(broker: Broker) -> None:
    state = WorkerState("a@h", "h", 7, (NORMAL,), 4, {"job_1": 12.5}, 1.0)
    broker.workers.register(state, timedelta(seconds=30))
    broker.workers.register(WorkerState("b@h", "h", 8, (NORMAL,), 4, {}, 1.0), timedelta(milliseconds=1))
    while raw(broker).exists("gm:worker:b@h"):
        pass
    assert broker.workers.live() == [state]
    broker.workers.unregister("a@h")
    assert broker.workers.live() == []


def test_an_unavailable_broker_raises_its_error(own_redis: EmbeddedRedis) -> None:
    broker = Broker.open(own_redis.url)
    broker.check()
    own_redis.stop()
    with pytest.raises(BrokerUnavailable):
        broker.lists.enqueue("job_1", NORMAL)
    broker.close()


def test_what_was_queued_survives_a_restart_of_the_embedded_broker(own_redis: EmbeddedRedis) -> None:
    broker = Broker.open(own_redis.url)
    broker.lists.enqueue("job_1", NORMAL)
    broker.close()
    own_redis.stop()
    own_redis.start()
    broker = Broker.open(own_redis.url)
    assert waiting(broker, NORMAL) == ["job_1"]
    assert broker.eviction_policy() == "noeviction"
    broker.close()
    assert own_redis.directory.stat().st_mode & 0o777 == 0o700


def test_a_second_server_in_the_same_directory_is_refused(own_redis: EmbeddedRedis) -> None:
    broker = Broker.open(own_redis.url)
    broker.lists.enqueue("job_1", NORMAL)
    second = EmbeddedRedis(own_redis.directory)
    with pytest.raises(BrokerUnavailable):
        second.start()
    assert waiting(broker, NORMAL) == ["job_1"]
    broker.close()


STARTS_A_SERVER = """
import sys, time
from pathlib import Path
from gonemaster_tasks.broker.embedded import EmbeddedRedis
EmbeddedRedis(Path(sys.argv[1])).start()
print("started", flush=True)
time.sleep(600)
"""


def test_a_server_left_behind_by_a_killed_process_is_replaced_with_its_data(own_redis: EmbeddedRedis) -> None:
    own_redis.stop()
    killed = subprocess.Popen(
        [sys.executable, "-c", STARTS_A_SERVER, str(own_redis.directory)], stdout=subprocess.PIPE, text=True
    )
    assert killed.stdout
    assert killed.stdout.readline() == "started\n"
    broker = Broker.open(own_redis.url)
    broker.lists.enqueue("job_1", NORMAL)
    orphan = raw(broker).info("server")["process_id"]
    killed.kill()
    killed.communicate()
    own_redis.start()
    assert own_redis.process
    assert raw(broker).info("server")["process_id"] == own_redis.process.pid != orphan
    assert waiting(broker, NORMAL) == ["job_1"]
    broker.close()


def test_a_cluster_is_refused_with_the_reason(own_redis: EmbeddedRedis) -> None:
    cluster = EmbeddedRedis(own_redis.directory / "cluster")
    plain = cluster.command
    cluster.command = lambda: [*plain(), "--cluster-enabled", "yes"]  # type: ignore[method-assign]  # one more option
    cluster.start()
    broker = Broker.open(cluster.url)
    try:
        with pytest.raises(BrokerRefused, match="Cluster"):
            broker.check()
    finally:
        broker.close()
        cluster.stop()


@pytest.mark.parametrize("version", ["6.0.16", "5.0", "unknown", "", "redis"])
def test_a_version_that_is_too_old_or_none_is_refused(broker: Broker, version: str) -> None:
    with pytest.raises(BrokerRefused, match=r"version 6\.2 or later"):
        broker._check_server({"redis_version": version})


def test_sentinel_addresses_need_the_name_of_the_master() -> None:
    address = parse_broker_url("sentinel://:pw@a:26380;sentinel://b/2?master_name=gm")
    assert address.sentinels == (("a", 26380), ("b", 26379))
    assert (address.master_name, address.database, address.password) == ("gm", 2, "pw")
    with pytest.raises(BrokerRefused, match="master_name"):
        parse_broker_url("sentinel://a:26380")


@contextmanager
def peer_that_answers(reply: bytes) -> Iterator[str]:
    """Serve as something other than Redis, which answers everything with the same bytes; yield the URL."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                while self.request.recv(4096):
                    self.request.sendall(reply)
            except OSError:
                pass

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"redis://127.0.0.1:{server.server_address[1]}/0"
        server.shutdown()


@pytest.mark.parametrize("reply", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b":no\r\n", b"$no\r\n", b"+OK\r\n", b"*-1\r\n"])
def test_a_peer_that_is_no_redis_counts_as_an_unavailable_one(reply: bytes) -> None:
    with peer_that_answers(reply) as url:
        broker = Broker.open(url)
        with pytest.raises(BrokerUnavailable):
            broker.events.progress(["job_1"])
        broker.close()
