"""Measure the pages of public results on loopback: time to render one, pages a second without and with a cache.

    python -m benchmarks.pages [--processes 2] [--seconds 20] [--rate 100] [--cached-rate 1000] [--results 50]
        [--at-once 24]

The cache is nginx, with the directives that docs/howto/going-public.md shows. Server, proxy, database, Redis and the
load generator share the machine; the CPU of each is printed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http import HTTPStatus
from itertools import cycle, islice
from pathlib import Path
from urllib.request import urlopen

import uvloop

from benchmarks.api.__main__ import Bench, open_bench
from benchmarks.api.client import Generator
from gonemaster_api.app import create_app
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from gonemaster_engine.testcases.catalogue import modules
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.control.parts import open_queue
from tests.hostile._http import port_of, serving
from tests.support.service import wait_for
from tests.ui.public_runs import TIMINGS, public_run

NGINX = """\
daemon off;
pid {home}/nginx.pid;
error_log {home}/error.log warn;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/temp;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    keepalive_requests 1000000;
    proxy_cache_path {home}/cache keys_zone=results:8m max_size=256m inactive=1h;
    server {{
        listen 127.0.0.1:{port};
        location /public/result/ {{
            proxy_pass http://127.0.0.1:{upstream};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_cache results;
            proxy_cache_lock on;
            proxy_cache_revalidate on;
            proxy_cache_use_stale updating;
        }}
    }}
}}
"""


def entries(count: int, level: str = "INFO", *, most_kinds: int = 1000) -> list[EntryRecord]:
    """Return entries of all modules in turn, with arguments like those of a real run."""
    kinds = [(module.name, case.id, tag) for module in modules().values() for case in module.cases for tag in case.tags]
    made = []
    for number, (module, case, tag) in enumerate(islice(cycle(kinds[:most_kinds]), count)):
        args = {
            key: [{"ns": f"ns{number}.example", "address": "192.0.2.1"}] if key == "servers" else f"value{number}"
            for key in tag.keys
        }
        made.append(EntryRecord(number / 100, module, case, tag.name, level, args))
    return made


def seed(store: Store, results: int) -> list[str]:
    """Store results of 200 entries, of which 20 are findings; return their public ids."""
    found = entries(180) + entries(20, "WARNING")
    runs = [
        public_run(store, f"d{number}.example", entries=found, nameserver_timings=TIMINGS * 3)
        for number in range(results)
    ]
    return [str(run.public_id) for run in runs]


def measure_making(bench: Bench) -> None:
    """Render the page of 500 findings in this process without a cache: with 60 kinds, and with the maximum."""
    settings = load_settings({"broker_url": bench.redis.url, "data_dir": f"{tempfile.gettempdir()}/gm-none"}, {})
    client = create_app(settings, queue=open_queue(settings, bench.store)).test_client()
    for kinds in (60, 500):
        run = public_run(bench.store, "many.example", entries=entries(500, "WARNING", most_kinds=kinds))
        times, cpu, size = [], [], 0
        for number in range(40):
            start, spent = time.perf_counter(), time.process_time()
            # Another query string, so that neither cached pages nor an ETag shorten the work.
            response = client.get(f"/public/result/{run.public_id}?n={number}", headers={"Accept": "text/html"})
            times.append(time.perf_counter() - start)
            cpu.append(time.process_time() - spent)
            size = len(response.get_data())
            assert response.status_code == 200
        median, used = statistics.median(times[5:]) * 1000, statistics.median(cpu[5:]) * 1000
        print(f"500 findings of {kinds} kinds: {size / 1000:.0f} kB, median {median:.1f} ms, CPU {used:.1f} ms")


@contextmanager
def nginx(upstream: int) -> Iterator[tuple[int, int]]:
    """Run the proxy with a cache in front of a port; yield its port and its process id."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    with tempfile.TemporaryDirectory(prefix="gm-pages-", dir="/tmp") as home, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        config = Path(home) / "nginx.conf"
        user = "user root;\n" if os.geteuid() == 0 else ""
        config.write_text(user + NGINX.format(home=home, port=port, upstream=upstream))
        process = subprocess.Popen([program, "-p", home, "-e", f"{home}/error.log", "-c", str(config)])
        try:
            wait_for(lambda: _accepts(port), what="nginx")
            yield port, process.pid
        finally:
            process.terminate()
            process.wait(10)


def _accepts(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def _get(path: str, port: int) -> bytes:
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/html\r\nAccept-Encoding: gzip\r\n\r\n"
    return head.encode()


def measure_rate(bench: Bench, ids: list[str], *, port: int, rate: float, seconds: float, what: str) -> None:
    """Request results in turn at a rate."""
    before, start = bench.cpu_s(), time.perf_counter()
    generator = Generator(port, connections=200)
    outcome = uvloop.run(
        generator.run(lambda number: _get(f"/public/result/{ids[number % len(ids)]}", port), rate=rate, seconds=seconds)
    )
    took, after = time.perf_counter() - start, bench.cpu_s()
    used = {name: f"{(after[name] - spent) / took:.2f}" for name, spent in before.items()}
    print(f"{what}: {rate:.0f}/s for {seconds:.0f} s, took {took:.1f} s: {outcome.report()}; cores used: {used}")


def measure_cold(bench: Bench, ids: list[str], at_once: int) -> None:
    """Start a process, and request different results at the same moment as soon as it reports that it is ready."""
    for _ in range(3):
        with serving(bench.store.settings, bench.redis) as service:
            port = port_of(service)
            wait_for(partial(_is_ready, port), what="readiness")
            generator, paths = Generator(port, connections=at_once), [f"/public/result/{one}" for one in ids]
            made = generator.run(partial(_get_one, paths, port), rate=1e6, seconds=at_once / 1e6)
            print(f"{at_once} at once, right after the start: {uvloop.run(made).report()}")


def _get_one(paths: list[str], port: int, number: int) -> bytes:
    return _get(paths[number % len(paths)], port)


def _is_ready(port: int) -> bool:
    with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/api/v1/readyz", timeout=20) as response:
        return bool(response.status == HTTPStatus.OK)
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=2, help="API processes")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=100.0, help="pages a second without a cache")
    parser.add_argument("--cached-rate", type=float, default=1000.0, help="pages a second with one")
    parser.add_argument("--results", type=int, default=50)
    parser.add_argument("--at-once", type=int, default=24, help="requests at a time right after the start of a process")
    options = parser.parse_args()
    print(f"load before: {os.getloadavg()[0]:.1f}")
    with open_bench("sqlite", options.processes) as bench:
        ids = seed(bench.store, options.results)
        measure_making(bench)
        measure_cold(bench, ids, options.at_once)
        measure_rate(bench, ids, port=bench.port, rate=options.rate, seconds=options.seconds, what="without cache")
        with nginx(bench.port) as (port, _pid):
            measure_rate(bench, ids, port=port, rate=options.cached_rate, seconds=options.seconds, what="behind nginx")


if __name__ == "__main__":
    main()
