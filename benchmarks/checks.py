"""Measure checks before delegation at a rate, while a sweep runs.

Inside the namespace of a test world, in the repository's root:

    world.sh up DIR --rtt 20ms
    world.sh exec python -m benchmarks.checks --world DIR [--rate 20] [--seconds 60] [--workers 2] [--slots 64]
        [--reserved 40] [--policy default] [--without-sweep] [--json FILE]

The whole service runs as in production: API, workers, beat and Redis, with PostgreSQL. A batch of all clean zones fills
the slots that are not reserved, and is submitted again until the end. Checks start at a fixed rate, whether or not
earlier ones have ended, so that a slow answer delays no other one. Each check is a clean zone with its own name servers
and DS records. The figures are those of the clients: p50, p95 and the maximum of the time until the answer, verdicts,
and the time until a slot was free.

The world has loopback addresses, which every policy refuses. So the profile of the service reports them as INFO, and
the policy is `default`; `registration` judges by tags, and fails.

The servers share the cores of this machine with the client and the world's name servers: nothing else may run.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import cycle
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from tests.support.postgres import PostgresServer
from tests.support.service import Service

_DURABLE = {"shared_buffers": "256MB", "max_wal_size": "2GB", "max_connections": "150"}
_LOOPBACK = {"A01_LOCAL_USE_ADDR": "INFO", "A01_NO_GLOBALLY_REACHABLE_ADDR": "INFO"}
_DEADLINE_S = 30
_CLIENTS = 400


@dataclass(frozen=True)
class Answer:
    """The answer to one check, as its client saw it."""

    took_s: float
    waited_ms: int | None
    verdict: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--world", type=Path, required=True, help="directory with manifest.json and named.root")
    parser.add_argument("--rate", type=float, default=20.0, help="checks a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="time in which checks start")
    parser.add_argument("--workers", type=int, default=2, help="worker processes")
    parser.add_argument("--slots", type=int, default=64, help="slots of each worker process")
    parser.add_argument("--reserved", type=int, default=40, help="slots of each worker process for checks")
    parser.add_argument("--policy", default="default", help="policy of the verdicts")
    parser.add_argument("--without-sweep", action="store_true", help="checks alone")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    zones = clean_zones(options.world)
    load = os.getloadavg()[0]
    with serving(options) as service:
        measure(service, zones, options, rate=2.0, seconds=10.0)  # caches of the TLDs, connections, threads
        with sweeping(service, zones, wanted=not options.without_sweep) as finished:
            answers = measure(service, zones, options, rate=options.rate, seconds=options.seconds)
            swept = finished()
    found = figures(answers, options.seconds) | {"swept_per_minute": swept, "load_before": round(load, 1)}
    print("  ".join(f"{name} {value}" for name, value in found.items()))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def clean_zones(world: Path) -> list[dict[str, Any]]:
    """Return the zones without defects in the zone or its TLD."""
    zones = json.loads((world / "manifest.json").read_text())["zones"]
    return [zone for zone in zones if not zone["defects"] and not zone["tld_defects"]]


@contextmanager
def serving(options: argparse.Namespace) -> Iterator[Service]:
    with TemporaryDirectory(prefix="gm-bench-", dir="/tmp") as folder, PostgresServer(_DURABLE) as postgres:
        profile = Path(folder) / "profile.json"
        profile.write_text(json.dumps({"test_levels": {"ADDRESS": _LOOPBACK}}))
        flags: dict[str, Any] = {
            "worker_processes": options.workers,
            "workers": options.slots,
            "reserved_check_slots": options.reserved,
            "max_viewers_per_client": _CLIENTS,
            "root_hints": options.world / "named.root",
            "profile": profile,
            "db_driver": "postgres",
            "db_dsn": postgres.url(postgres.create_database()),
        }
        environ = {"GONEMASTER_ALLOW_NON_GLOBAL": "true"}
        with Service(environ=environ, may_fail=True, **flags) as service:
            yield service.wait_until_ready()


@contextmanager
def sweeping(service: Service, zones: list[dict[str, Any]], *, wanted: bool) -> Iterator[Any]:
    """Keep a batch waiting; the value returns the finished jobs of batches per minute."""
    if not wanted:
        yield lambda: 0
        return
    names, ending, batches, began = [zone["name"] for zone in zones], threading.Event(), list[str](), time.monotonic()

    def keep_waiting() -> None:
        while not ending.is_set():
            tiers = {tier["tier"]: tier for tier in service.get("/queue?limit=1")["tiers"]}
            if tiers["batch"]["queued"] < len(names) // 2:
                batches.append(service.submit_batch(names)["batch_id"])
            ending.wait(1.0)

    def finished() -> int:
        done: int = sum(service.get(f"/batches/{batch_id}?limit=1")["completed"] for batch_id in batches)
        return round(done / (time.monotonic() - began) * 60)

    thread = threading.Thread(target=keep_waiting)
    thread.start()
    try:
        yield finished
    finally:
        ending.set()
        thread.join()


def measure(
    service: Service, zones: list[dict[str, Any]], options: argparse.Namespace, *, rate: float, seconds: float
) -> list[Answer]:
    """Start checks at a rate, and return all answers."""
    chosen, began = cycle(zones), time.monotonic()
    with ThreadPoolExecutor(_CLIENTS) as clients:
        pending = []
        for number in range(round(rate * seconds)):
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
            pending.append(clients.submit(check, service.url, next(chosen), options.policy))
        return [each.result() for each in pending]


def check(url: str, zone: dict[str, Any], policy: str) -> Answer:
    """Send one check over its own connection."""
    servers = [{"ns": each["name"], "ip": ip} for each in zone["servers"] for ip in each["v4"] + each["v6"]]
    body = {
        "domain": zone["name"],
        "nameservers": servers,
        "ds_info": [_ds(record) for record in zone["ds"]],
        "policy": policy,
        "deadline_seconds": _DEADLINE_S,
    }
    began = time.monotonic()
    connection = HTTPConnection(urlsplit(url).netloc, timeout=_DEADLINE_S + 30)
    try:
        connection.request("POST", "/api/v1/check", json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.load(response)
    finally:
        connection.close()
    took_s = time.monotonic() - began
    if response.status != 200:
        return Answer(took_s, None, str(answer["error"]["code"]))
    return Answer(took_s, answer["timings"]["waited_ms"], answer["verdict"])


def _ds(record: Any) -> dict[str, Any]:
    """Return a DS record of the manifest, a text or an object, in the form of the API."""
    keytag, algorithm, digtype, digest = record.split(maxsplit=3) if isinstance(record, str) else record.values()
    return {
        "keytag": int(keytag),
        "algorithm": int(algorithm),
        "digtype": int(digtype),
        "digest": digest.replace(" ", ""),
    }


def figures(answers: list[Answer], seconds: float) -> dict[str, Any]:
    """Return the figures of the answers."""
    took = [answer.took_s for answer in answers]
    waited = [answer.waited_ms for answer in answers if answer.waited_ms is not None]
    cuts, waits = quantiles(took, n=20, method="inclusive"), quantiles(waited or [0, 0], n=20, method="inclusive")
    return {
        "checks": len(answers),
        "checks_per_second": round(len(answers) / seconds, 1),
        "p50_s": round(cuts[9], 3),
        "p95_s": round(cuts[18], 3),
        "max_s": round(max(took), 3),
        "p95_waited_ms": round(waits[18]),
        **dict(Counter(answer.verdict for answer in answers)),
    }


if __name__ == "__main__":
    main()
