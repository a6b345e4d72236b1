"""A worker whose database is silent, and a frozen worker, hold no messages: other workers run their jobs."""

import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.monitoring.health import find_issues
from tests.support.relay import Relay, relayed
from tests.support.stores import MakeSettings
from tests.support.workers import Farm, open_farm, wait_until

SOCKET = ".s.PGSQL.5432"


@dataclass(frozen=True)
class Hosts:
    """A farm on PostgreSQL, and a path to the database that can go silent."""

    farm: Farm
    path: Relay
    dsn: str  # through that path


@pytest.fixture
def hosts(broker: Broker, make_store_settings: MakeSettings, tmp_path: Path) -> Iterator[Hosts]:
    settings = make_store_settings("postgres")
    before, _, home = settings.dsn.rpartition("?host=")
    slow = {"GONEMASTER_LEASE_SECONDS": "30", "GONEMASTER_RECONCILE_INTERVAL_SECONDS": "60"}
    with (
        tempfile.TemporaryDirectory(prefix="gm-relay-", dir="/tmp") as name,
        relayed(Path(home) / SOCKET, Path(name) / SOCKET) as path,
        open_farm(broker, settings, tmp_path, **slow) as farm,
    ):
        yield Hosts(farm, path, f"{before}?host={name}")


def issues(farm: Farm, kind: str) -> list[str]:
    """Return the subjects of the health issues of a kind."""
    return [issue.subject for issue in find_issues(farm.parts, load_settings({})) if issue.kind == kind]


def pids(farm: Farm, job_ids: list[str]) -> set[int]:
    """Return the processes that tested these jobs."""
    return {start["pid"] for start in farm.starts() if start["job_id"] in job_ids}


def test_a_worker_that_the_database_does_not_answer_takes_nothing_until_it_does(hosts: Hosts) -> None:
    farm = hosts.farm
    cut = farm.start_worker("cut", GONEMASTER_DB_DSN=hosts.dsn)
    fine = farm.start_worker("fine")
    hosts.path.go_silent()
    first = [farm.submit(f"first{number}.test") for number in range(6)]  # the worker that is cut off takes some of them
    assert {farm.run_of(job_id).attempt for job_id in first} == {1}
    wait_until(lambda: issues(farm, "worker_without_database"), what="health names it")
    assert issues(farm, "worker_without_database")[0].startswith("cut@")
    later = [farm.submit(f"later{number}.test") for number in range(6)]
    for job_id in later:
        farm.run_of(job_id)
    assert pids(farm, first + later) == {fine.pid}

    hosts.path.speak()
    wait_until(lambda: not issues(farm, "worker_without_database"), what="it works again")
    farm.stop("fine")
    job_id = farm.submit("after.test")
    farm.run_of(job_id)
    assert pids(farm, [job_id]) == {cut.pid}
    assert len(farm.starts()) == len(first + later) + 1


def test_what_a_frozen_worker_has_taken_is_done_by_another_one(hosts: Hosts) -> None:
    farm = hosts.farm
    frozen = farm.start_worker("frozen", GONEMASTER_LEASE_SECONDS="600")  # Otherwise the worker would exit.
    fine = farm.start_worker("fine")
    frozen.send_signal(signal.SIGSTOP)
    jobs = [farm.submit(f"frozen{number}.test") for number in range(4)]  # its BRPOP takes one
    for job_id in jobs:
        farm.run_of(job_id)
    assert pids(farm, jobs) == {fine.pid}
    frozen.send_signal(signal.SIGCONT)
    farm.stop("fine")
    job_id = farm.submit("thawed.test")
    farm.run_of(job_id)
    assert pids(farm, [job_id]) == {frozen.pid}
    assert len(farm.starts()) == len(jobs) + 1
