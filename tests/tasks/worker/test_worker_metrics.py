"""The counts of worker processes for the metrics, and the metrics that each process exposes."""

from __future__ import annotations

import re
import signal
import socket
import urllib.request
from contextlib import closing

from gonemaster_db.service.metrics.counting import STARTED, Count, read_counts
from gonemaster_db.service.metrics.slots import read_slots
from gonemaster_tasks.maintenance.metrics import aggregate_runs
from tests.support.redis import raw
from tests.support.workers import Farm, wait_until


def started(farm: Farm) -> int:
    with farm.store.read_only() as session:
        return read_counts(session)[Count(STARTED)]


def served_by(farm: Farm, name: str) -> str:
    """Return what a worker exposes to Prometheus."""
    (port,) = re.findall(r"metrics server started.* port=(\d+)", farm.log(name))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def test_starts_of_all_workers_are_added_and_outlive_them_and_redis(farm: Farm) -> None:
    farm.start_worker("one")
    farm.start_worker("two")
    for number in range(6):
        farm.run_of(farm.submit(f"n{number}.test"))
    wait_until(lambda: started(farm) == 6, what="regular writing of both")
    farm.run_of(farm.submit("last.test"))
    assert {farm.stop("one"), farm.stop("two")} == {0}
    assert started(farm) == 7, "a worker that stops writes what it has"
    raw(farm.broker).flushall()
    farm.start_worker("three")
    farm.run_of(farm.submit("again.test"))
    wait_until(lambda: started(farm) == 8)
    farm.stop("three", signal.SIGKILL)
    assert started(farm) == 8


def test_a_worker_tells_its_own_figures_on_request(farm: Farm) -> None:
    farm.start_worker("one", "--metrics-listen", "127.0.0.1:0")
    farm.run_of(farm.submit("good.test"))
    text = served_by(farm, "one")
    assert "gonemaster_process_jobs_started_total 1.0" in text
    assert re.search(r'gonemaster_process_info\{worker="one@.*"\} 1.0', text)
    assert "gonemaster_process_slots 4.0" in text
    for name in (
        "gonemaster_process_running_jobs",
        "process_resident_memory_bytes",
        "python_gc_objects_collected_total",
    ):
        assert re.search(f"^{name}", text, re.MULTILINE), name
    assert farm.stop("one") == 0


def test_an_address_that_is_taken_refuses_the_start(farm: Farm) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        process = farm.start_worker("one", "--metrics-listen", address, ready=False)
        assert process.wait(timeout=60) == 2
    assert f"metrics_listen: cannot listen on {address}" in farm.log("one")


def test_the_depth_of_the_queue_is_noted_once_a_minute(farm: Farm) -> None:
    farm.submit("waiting.test")
    now = farm.parts.clock.now()
    assert aggregate_runs(farm.store, now=lambda: now) == 0
    farm.submit("another.test")
    aggregate_runs(farm.store, now=lambda: now)
    with farm.store.read_only() as session:
        found = read_slots(session, since={60: 0, 300: 0})
    assert {length for length, _ in found} == {60, 300}
    assert {sums.queue_depth for sums in found.values()} == {1}
