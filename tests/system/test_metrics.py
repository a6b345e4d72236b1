"""The metrics of a whole service: all processes report the same, and no process exit decreases a counter."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from gonemaster_tasks.broker.client import Broker
from tests.support.redis import raw
from tests.support.service import Service, open_url, wait_for
from tests.support.stores import DRIVERS, MakeSettings

COUNTERS = ("_total", "_count", "_sum", "_bucket")


def series(service: Service) -> dict[str, float]:
    """Return all counters of the text."""
    with open_url(f"{service.url}/api/v1/metrics?format=prom") as answer:
        lines = answer.read().decode().splitlines()
    found = {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}
    return {name: value for name, value in found.items() if name.partition("{")[0].endswith(COUNTERS)}


def fallen(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    return {name: (value, after.get(name, 0)) for name, value in before.items() if after.get(name, 0) < value}


def doctor(service: Service, *flags: str) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "gonemaster_api.server", "doctor", "--json", *flags]
    done = subprocess.run(command, env=service.environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("driver", DRIVERS)
def test_counters_never_fall_when_processes_end(
    driver: Any, make_store_settings: MakeSettings, in_demo_world: dict[str, str]
) -> None:
    settings = make_store_settings(driver)
    flags = {"db_driver": driver, "db_dsn": settings.dsn}
    with Service(environ=in_demo_world, api_processes=2, worker_processes=2, **flags) as service:
        service.wait_until_ready()
        flag_list = ["--db-driver", driver, "--db-dsn", settings.dsn]
        for name in ("xa", "example.xa"):
            service.finished(service.submit(name))
        seen = series(service)
        assert seen['gonemaster_job_terminal_outcomes_total{outcome="succeeded"}'] == 2
        assert seen["gonemaster_job_duration_seconds_count"] == 2, "a run is counted as soon as it is there"

        def has_queries() -> bool:
            return series(service)['gonemaster_dns_external_queries_total{family="ipv4"}'] > 20

        wait_for(has_queries, what="queries of the workers")
        wait_for(lambda: doctor(service, *flag_list)[1]["status"] == "ok", what="a service without faults")

        for end in (_kill_a_worker, _kill_an_api_process, _empty_redis):
            before = wait_for(lambda: series(service))
            end(service)
            service.finished(service.submit("example.xa"), timeout_s=120)
            for _ in range(6):  # each process must respond alike
                after = series(service)
                assert fallen(before, after) == {}
        wait_for(lambda: service.get("/metrics")["health"]["worker_processes"] == 2, what="workers that register anew")
        document = service.get("/metrics")
        assert document["jobs"]["completed_total"] == 5
        assert [item["domain"] for item in document["insights"]["domains"]["items"]] == ["example.xa", "xa"]
        assert document["trends"]["windows"]["1h"]["points"][-1]["timestamp"]
        assert sum(point["throughput"] for point in document["trends"]["windows"]["1h"]["points"]) == 5


def _kill_a_worker(service: Service) -> None:
    os.kill(service.pids("worker-1")[-1], signal.SIGKILL)
    wait_for(lambda: len(service.pids("worker-1")) == 2, what="another worker")


def _kill_an_api_process(service: Service) -> None:
    """Kill an API process."""
    os.kill(service.pids("api-1")[-1], signal.SIGKILL)
    wait_for(lambda: len(service.pids("api-1")) == 2, what="another API process")


def _empty_redis(service: Service) -> None:
    broker = Broker.open(f"redis+socket://{service.data_dir}/redis/redis.sock")
    raw(broker).flushall()
    broker.close()
