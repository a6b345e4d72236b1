"""A network outage of a worker ends no job: the worker takes no jobs, requeues its own, and continues afterwards."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gonemaster_db.core.records import EntryRecord
from gonemaster_db.queue.jobs import find_job_or_run
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.monitoring.health import find_issues_in_time
from gonemaster_tasks.worker.execute.network import NetworkWatch
from gonemaster_tasks.worker.execute.runner import RunOutcome
from tests.support.dnsworld import World, faults
from tests.support.workers import Farm, wait_until

SETTINGS = load_settings({})
WORLD = {"xa": "127.9.8.1", "one.xa": "127.9.8.2", "two.xa": "127.9.8.3"}


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def row(address: str, *, status: str = "ok", timeouts: int = 0) -> dict[str, Any]:
    return {"address": address, "status": status, "timeouts": timeouts}


def outcome(*rows: dict[str, Any]) -> RunOutcome:
    return RunOutcome([EntryRecord(0.5, "BASIC", "basic01", "TAG", "INFO", {})], nameserver_timings=rows)


GOOD = outcome(row("192.0.2.1"), row("2001:db8::1"))
NO_IPV6 = outcome(row("192.0.2.1"), row("2001:db8::1", status="unreachable", timeouts=4))
UNREACHABLE = outcome(row("192.0.2.1", status="unreachable"), row("2001:db8::1", status="unreachable"))


class Network:
    """A network whose families a test switches; counts the checks and outages."""

    def __init__(self) -> None:
        self.answers = {4: True, 6: True}
        self.checks = self.losses = 0
        self.traffic = {4: (0, 0), 6: (0, 0)}
        self.clock = Clock()
        self.watch = NetworkWatch(clock=self.clock)
        self.watch.check_with(self.check, on_loss=self.on_loss, traffic=lambda: self.traffic)

    def check(self) -> dict[int, bool]:
        self.checks += 1
        return dict(self.answers)

    def on_loss(self) -> None:
        self.losses += 1

    def invalidates(self, run: RunOutcome, *, has_verdict: bool = False) -> bool:
        self.clock.now += 0.1
        return self.watch.invalidates(run, has_verdict=has_verdict)


@pytest.fixture
def network() -> Network:
    return Network()


def test_healthy_runs_cause_no_check(network: Network) -> None:
    assert not network.invalidates(GOOD)
    network.watch.observe()
    assert network.checks == 0


def test_dead_servers_cause_one_check_in_five_seconds(network: Network) -> None:
    for _ in range(10):
        assert not network.invalidates(NO_IPV6)
    assert network.checks == 1
    network.clock.now += 5
    assert not network.invalidates(NO_IPV6)
    assert network.checks == 2


def test_each_run_without_a_network_is_checked(network: Network) -> None:
    assert not network.invalidates(UNREACHABLE, has_verdict=True)
    assert not network.invalidates(UNREACHABLE)
    assert network.checks == 2


def test_loss_of_ipv6_holds_the_worker_until_it_answers(network: Network) -> None:
    assert not network.invalidates(GOOD)
    network.answers[6] = False
    assert network.invalidates(NO_IPV6)
    assert network.invalidates(GOOD)  # it ended during the outage
    assert (network.watch.lost_families, network.losses) == ((6,), 1)
    network.clock.now += 7
    assert network.watch.lost_s() == pytest.approx(7.1, abs=0.5)
    network.answers[6] = True
    network.watch.observe()
    assert not network.watch.is_lost()
    assert network.watch.lost_s() == 0


def test_an_outage_is_noticed_while_the_runs_that_suffer_from_it_wait(network: Network) -> None:
    assert not network.invalidates(GOOD)
    for queries, answers in ((90, 90), (180, 179), (183, 179)):  # lost answers, and queries under way
        network.traffic = {4: (queries, answers), 6: (0, 0)}
        network.watch.observe()
    assert network.checks == 0
    network.answers = {4: False, 6: True}
    network.traffic = {4: (200, 179), 6: (10, 10)}
    network.watch.observe()
    assert (network.checks, network.losses, network.watch.lost_families) == (1, 1, (4,))
    network.answers[4] = True
    network.clock.now += 2
    network.watch.observe()
    assert not network.watch.is_lost()
    assert network.losses == 1, "runs of the outage were stopped once, and may end now"


def test_runs_of_dead_servers_alone_cause_one_check_in_five_seconds(network: Network) -> None:
    for tick in range(1, 6):
        network.clock.now += 2
        network.traffic = {4: (10 * tick, 0), 6: (0, 0)}
        network.watch.observe()
    assert (network.checks, network.losses) == (2, 0)


def test_family_that_never_answered_is_not_missed(network: Network) -> None:
    network.answers[6] = False
    assert not network.invalidates(NO_IPV6)


def test_worker_without_any_network_at_its_start_takes_no_jobs(network: Network) -> None:
    network.answers = {4: False, 6: False}
    assert network.invalidates(UNREACHABLE, has_verdict=True)
    assert network.watch.lost_families == (4, 6)


def test_without_targets_a_run_without_a_network_fails(network: Network) -> None:
    network.answers = {}
    assert not network.invalidates(UNREACHABLE, has_verdict=True)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[World, dict[str, str]]]:
    """Return a private DNS world, and the settings of a worker that uses it."""
    world = World()
    for origin, address in WORLD.items():
        world.zone(origin, ns={f"ns1.{origin}": address})
    with world:
        yield (
            world,
            {
                "GONEMASTER_ROOT_HINTS": str(world.write_hints(tmp_path / "hints")),
                "GONEMASTER_DNS_PORT": str(world.port),
                "GONEMASTER_ALLOW_NON_GLOBAL": "true",
                "GONEMASTER_TIMEOUT": "1",
                "GONEMASTER_RETRANS": "1",
                "GONEMASTER_RETRY": "1",
                "GONEMASTER_CROSS_JOB_HOT_CACHE": "false",
            },
        )


def kinds(farm: Farm) -> set[str]:
    return {issue.kind for issue in find_issues_in_time(farm.parts, SETTINGS)}


def test_jobs_of_an_outage_end_once_after_it(farm: Farm, world: tuple[World, dict[str, str]]) -> None:
    served, settings = world
    farm._start("online", ["gonemaster_tasks.worker", "--name", "online"], settings)
    farm.wait_ready("online")
    assert farm.run_of(farm.submit("one.xa")).status.value == "succeeded"
    for server in served.servers.values():
        server.fault(faults.silence())
    jobs = [farm.submit(f"{name}.xa") for name in ("one", "two") for _ in range(3)]
    wait_until(lambda: "worker_without_network" in kinds(farm), what="health reports the outage")
    wait_until(lambda: {farm.status(job) for job in jobs} == {"queued"}, what="all jobs are queued")
    for server in served.servers.values():
        server.heal()
    runs = [farm.run_of(job) for job in jobs]
    assert [(run.status.value, run.error) for run in runs] == [("succeeded", "")] * len(jobs)
    wait_until(lambda: "worker_without_network" not in kinds(farm), what="health reports the end of the outage")
    with farm.store.read_only() as session:
        assert all(find_job_or_run(session, job).id == job for job in jobs)
