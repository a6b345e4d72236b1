"""Measure GET /queue while clients are silent, slow or do not read: 300 silent connections and 40 of each kind.

    python -m benchmarks.slow_clients [--seconds 10]

The service is private, on SQLite, with a page of 8 MB that 80 of the clients request and do not read. The output has
the times of consecutive requests before, during and for a few seconds after the attackers connect.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import open_store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.migrations.runner import upgrade
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from tests.hostile._http import connect, get, port_of, serving
from tests.support.rows import make_run, queue_job, record
from tests.support.service import Service

_HEAD = b"POST /api/v1/jobs/batch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
_KINDS = {
    "silent": (b"", 300),
    "slow header": (_HEAD, 40),
    "slow body": (_HEAD + b"Content-Length: 60000000\r\n\r\n" + b'{"domains": ["', 40),
    "JSON is not read": (get(b"/api/v1/entries?limit=500"), 40),
    "CSV is not read": (get(b"/api/v1/entries?format=csv"), 40),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="seconds to continue after all have connected")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gm-slow-", dir="/tmp") as home:
        settings = StoreSettings(dsn=f"{home}/store.db")
        fill(settings)
        redis = EmbeddedRedis(Path(home) / "redis")
        redis.start()
        try:
            with serving(settings, redis) as service:
                measure(service, options.seconds)
        finally:
            redis.stop()


def fill(settings: StoreSettings) -> None:
    store = open_store(settings)
    upgrade(store)
    large = [EntryRecord(1.0, "ZONE", "zone01", "T", "INFO", {"text": "x" * 40_000})] * 50
    for number in range(4):  # a run has 2 MiB at most
        make_run(store, f"large{number}.example", record(entries=large))
    queue_job(store, "waiting.example")
    store.close()


def measure(service: Service, seconds: float) -> None:
    report("alone", [ask(service) for _ in range(50)])
    with ExitStack() as stack:
        for name, (data, number) in _KINDS.items():
            times = []
            for _ in range(number):
                stack.enter_context(connect(service, data, receive_buffer=4096))
                times.append(ask(service))
            report(f"while {number} connect: {name}", times)
        times, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            times.append(ask(service))
        report("with all of them", times)


def ask(service: Service) -> float:
    """Return the milliseconds of one request with a separate connection."""
    started_at = time.perf_counter()
    with urllib.request.urlopen(f"http://127.0.0.1:{port_of(service)}/api/v1/queue", timeout=20) as answer:
        answer.read()
    return (time.perf_counter() - started_at) * 1000


def report(what: str, times: list[float]) -> None:
    p95 = statistics.quantiles(times, n=20)[-1]
    print(
        f"{what}: {len(times)} requests, median {statistics.median(times):.1f} ms, p95 {p95:.1f}, most {max(times):.1f}"
    )


if __name__ == "__main__":
    main()
