"""Measure Zonemaster's JSON-RPC API next to the REST API: calls a second, CPU per call, and a batch of 10,000 names.

    python -m benchmarks.json_rpc [--calls 2000] [--at-once 8] [--names 10000] [--backend DIR]

The service has no worker, so that the queue grows and nothing is tested; it shares the machine with the clients. With
`--backend`, an unpacked copy of Zonemaster-Backend, the batch is also submitted by its program `zmb`.
"""

from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.queue.rig import cpu_s_of
from tests.support.service import Service

RPC, REST = "/zonemaster/api", "/pub/api/v1/jobs"
USER = {"username": "bench", "api_key": "bench-key"}
Call = tuple[str, str, Any]


def rpc(method: str, **params: Any) -> Call:
    return "POST", RPC, {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


@dataclass(frozen=True)
class Options:
    """The numbers of a measurement, and the copy of Zonemaster-Backend for `zmb`."""

    calls: int = 2000
    at_once: int = 8
    names: int = 10_000
    backend: Path | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=Options.calls)
    parser.add_argument("--at-once", type=int, default=Options.at_once)
    parser.add_argument("--names", type=int, default=Options.names)
    parser.add_argument("--backend", type=Path)
    print(json.dumps(measured(Options(**vars(parser.parse_args()))), indent=2))


def measured(options: Options) -> dict[str, Any]:
    """Start a service and return all figures."""
    switches = {"GONEMASTER_ZONEMASTER_API": "true", "GONEMASTER_ZONEMASTER_ADD_API_USER": "true"}
    with Service(environ=switches) as service:
        service.wait_until_ready().post("/queue/pause")
        return measure(service, options)


def measure(service: Service, options: Options) -> dict[str, Any]:
    numbers = count()

    def name() -> str:
        return f"n{next(numbers)}.example"

    url = service.url
    test_id = send(url, rpc("start_domain_test", domain=name()))["result"]
    public_id = send(url, ("POST", REST, {"domain": name()}))["public_id"]
    calls: dict[str, Callable[[], Call]] = {
        "REST, submit": lambda: ("POST", REST, {"domain": name()}),
        "JSON-RPC, start_domain_test": lambda: rpc("start_domain_test", domain=name()),
        "REST, state of a job": lambda: ("GET", f"{REST}/{public_id}", None),
        "JSON-RPC, test_progress": lambda: rpc("test_progress", test_id=test_id),
    }
    found: dict[str, Any] = {title: rate(service, make, options) for title, make in calls.items()}
    send(url, rpc("add_api_user", **USER))
    names = [f"b{number}.example" for number in range(options.names)]
    began = time.perf_counter()
    send(url, rpc("add_batch_job", **USER, domains=names))
    found["add_batch_job, s"] = round(time.perf_counter() - began, 2)
    began = time.perf_counter()
    send(url, ("POST", "/api/v1/jobs/batch", {"domains": names}))
    found["POST /jobs/batch, s"] = round(time.perf_counter() - began, 2)
    if options.backend:
        found["zmb add_batch_job, s"] = zmb_batch(f"{url}{RPC}", options.backend, names)
    return found


def rate(service: Service, make: Callable[[], Call], options: Options) -> dict[str, float]:
    """Return the calls a second of some concurrent clients, and the CPU time of the API for each call."""
    pid = service.pids("api")[-1]
    share = options.calls // options.at_once

    def client() -> None:
        for _ in sent(service.url, make, share):
            pass

    before, began = cpu_s_of(pid), time.perf_counter()
    with ThreadPoolExecutor(options.at_once) as clients:
        for done in [clients.submit(client) for _ in range(options.at_once)]:
            done.result()
    elapsed, used = time.perf_counter() - began, cpu_s_of(pid) - before
    total = share * options.at_once
    return {"calls/s": round(total / elapsed), "API CPU, ms a call": round(1000 * used / total, 2)}


def sent(url: str, make: Callable[[], Call], number: int) -> Iterator[Any]:
    """Send calls over one connection and yield their documents."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    for _ in range(number):
        method, path, body = make()
        content = None if body is None else json.dumps(body).encode()
        connection.request(method, path, content, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        document = json.load(answer)
        if answer.status >= 400 or "error" in document:
            raise SystemExit(f"{path}: {document}")
        yield document
    connection.close()


def send(url: str, call: Call) -> Any:
    return next(sent(url, lambda: call, 1))


def zmb_batch(url: str, backend: Path, names: list[str]) -> float:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(names))
        file.flush()
        user = ("--username", USER["username"], "--api-key", USER["api_key"])
        command = (backend / "script" / "zmb", "--server", url, "add_batch_job", *user, "--file", file.name)
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    if "error" in json.loads(done.stdout):
        raise SystemExit(done.stdout)
    return round(time.perf_counter() - began, 2)


if __name__ == "__main__":
    main()
