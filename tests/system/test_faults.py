"""Any process may die, and each job still ends in exactly one run; see docs/explanation/reliability.md."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from gonemaster_db.core.errors import StoreFull
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.migrations.runner import upgrade
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from tests.support.faults import JOBS, SLOTS, Load, kill_and_empty, kill_redis, submit_and_be_killed
from tests.support.postgres import PostgresServer
from tests.support.workers import Farm, open_farm, wait_until

pytestmark = [pytest.mark.timeout(60 + JOBS), pytest.mark.slow]
OUTAGE_S = float(os.environ.get("FAULT_OUTAGE_S", "2.6"))


@pytest.fixture
def load(fault_farm: Farm) -> Load:
    """Jobs to be submitted, on two workers and a beat."""
    return _staffed(fault_farm)


def _staffed(farm: Farm) -> Load:
    farm.start_beat()
    for name in ("one", "two"):
        farm.start_worker(name, ready=False)
    for name in ("one", "two"):
        farm.wait_ready(name)
    return Load(farm)


def test_a_worker_is_killed(load: Load) -> None:
    load.submit()
    load.wait_until_running()
    load.kill("one")
    load.assert_each_ended_once()


def test_all_workers_are_killed(load: Load) -> None:
    load.submit()
    load.wait_until_running()
    load.kill("one", "two")
    load.farm.start_worker("one")
    load.assert_each_ended_once()


def test_a_machine_is_lost(fault_farm: Farm) -> None:
    fault_farm.start_worker("one")
    fault_farm.start_worker("two", GONEMASTER_TEST_MACHINE="lost")
    load = Load(fault_farm)
    load.submit()
    load.wait_until_running()
    load.kill("two")
    load.assert_each_ended_once()


def test_redis_is_killed_and_comes_back_empty(load: Load, own_redis: EmbeddedRedis) -> None:
    load.submit()
    load.wait_until_running()
    kill_and_empty(own_redis)
    load.assert_each_ended_once()


def test_redis_hangs(load: Load, own_redis: EmbeddedRedis) -> None:
    load.submit()
    load.wait_until_running()
    assert own_redis.process is not None
    own_redis.process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(OUTAGE_S)  # the outage itself
    finally:
        own_redis.process.send_signal(signal.SIGCONT)
    load.assert_each_ended_once()


def test_redis_is_gone_for_a_while(load: Load, own_redis: EmbeddedRedis) -> None:
    load.submit()
    load.wait_until_running()
    kill_redis(own_redis)
    time.sleep(OUTAGE_S)  # the outage itself
    own_redis.start()
    load.assert_each_ended_once()


@pytest.fixture
def restartable() -> Iterator[PostgresServer]:
    """A PostgreSQL for one test, which may restart it."""
    with PostgresServer() as server:
        yield server


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["in-order", "crash"])
def test_postgresql_is_restarted_during_graduation(
    restartable: PostgresServer, own_broker: Broker, tmp_path: Path, how: signal.Signals
) -> None:
    database = restartable.create_database()
    settings = StoreSettings(driver="postgres", dsn=restartable.url(database))
    with open_farm(own_broker, settings, tmp_path, GONEMASTER_WORKER_COUNT=SLOTS) as farm:
        upgrade(farm.store)
        durable = text(f"ALTER DATABASE {database} SET synchronous_commit = on")  # otherwise a crash rolls back commits
        farm.store.run_in_transaction(lambda session: session.execute(durable))
        farm.store.close()  # connections from before the restart
        load = _staffed(farm)
        load.submit()
        load.wait_until_running()
        restartable.stop(how)
        wait_until(partial(_result_held, farm), what="a result that waits")
        restartable.start()
        load.assert_each_ended_once(lost_claims=1 if how is signal.SIGQUIT else 0)


def _result_held(farm: Farm) -> bool:
    return any("result kept" in farm.log(name) for name in ("one", "two"))


@pytest.mark.parametrize("kind", ["job", "batch"])
def test_the_submitter_is_killed_between_commit_and_message(load: Load, kind: str) -> None:
    load.job_ids += submit_and_be_killed(load.farm, kind, JOBS)
    assert len(load.job_ids) == (1 if kind == "job" else JOBS)
    load.assert_each_ended_once()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["in-order", "killed"])
def test_of_two_beats_one_is_active_and_the_other_takes_over(fault_farm: Farm, how: signal.Signals) -> None:
    farm = fault_farm
    farm.environ["GONEMASTER_ANALYSIS_PROJECTION_INTERVAL_SECONDS"] = "1"  # data to send
    farm.start_worker("one")
    farm.start_worker("two")
    farm.start_beat("beat1")
    wait_until(lambda: _sent(farm, "beat1") >= 1, what="the first beat sends")
    farm.start_beat("beat2")
    wait_until(lambda: _sent(farm, "beat1") >= 4, what="more maintenance tasks")
    assert _sent(farm, "beat2") == 0
    farm.stop("beat1", how)
    wait_until(lambda: _sent(farm, "beat2") >= 1, within_s=60, what="the second beat takes over")
    load = Load(farm)
    load.submit()
    load.wait_until_running()
    load.kill("two")
    load.assert_each_ended_once()


def _sent(farm: Farm, beat: str) -> int:
    return farm.log(beat).count("Sending due task")


@pytest.mark.parametrize(
    "wrong_by_h", [pytest.param(3, id="ahead"), pytest.param(-3, id="behind", marks=pytest.mark.nightly)]
)
def test_a_worker_with_a_wrong_clock_neither_loses_nor_takes_leases(fault_farm: Farm, wrong_by_h: int) -> None:
    farm = fault_farm
    farm.environ["GONEMASTER_LEASE_SECONDS"] = "6"  # a busy machine may be late by more than a second
    farm.start_beat()
    farm.start_worker("right")
    farm.start_worker("wrong", GONEMASTER_TEST_CLOCK_OFFSET_S=str(wrong_by_h * 3600))
    load = Load(farm)
    load.submit(8, each_ms=7000)  # longer than a lease
    load.submit()
    load.wait_until_running()
    assert len({start["pid"] for start in farm.starts()}) == 2
    load.assert_each_ended_once()
    assert {run.attempt for run in load.runs().values()} == {1}


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A directory on a file system of a few megabytes."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    with tempfile.TemporaryDirectory(prefix="gm-disk-") as name:
        size = f"size={8 + JOBS // 100}m"
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", name], capture_output=True, text=True)
        if mounted.returncode:
            pytest.skip(f"cannot mount a tmpfs: {mounted.stderr.strip()}")
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "--lazy", name], check=True)


@pytest.mark.root
def test_the_disk_of_sqlite_is_full(small_disk: Path, own_broker: Broker, tmp_path: Path) -> None:
    settings = StoreSettings(dsn=str(small_disk / "gm.db"))
    with open_farm(own_broker, settings, tmp_path, GONEMASTER_WORKER_COUNT=SLOTS) as farm:
        upgrade(farm.store)
        load = _staffed(farm)
        load.submit()
        load.wait_until_running()
        ballast = _filled_up(small_disk)
        wait_until(partial(_result_held, farm), what="a result that waits")
        with pytest.raises(StoreFull):
            _submit_many(farm)
        ballast.unlink()
        load.assert_each_ended_once()


def _filled_up(disk: Path) -> Path:
    """Create a file that takes all free space."""
    ballast = disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return ballast


def _submit_many(farm: Farm) -> None:
    """Submit more rows than fit into the free pages that SQLite already has."""
    farm.submit_batch([f"never{number}.test" for number in range(20_000)])
