"""Helpers of the fault tests: the number of jobs, a farm with a Redis to kill, and the invariants at the end."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import func, select

from gonemaster_db.core.errors import StoreUnavailable
from gonemaster_db.core.settings import Driver
from gonemaster_db.models import Domain, Job, Run, RunStatus
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.queues import TIERS
from tests.support.rows import written_entries
from tests.support.standin_worker import ENTRIES
from tests.support.stores import MakeSettings
from tests.support.workers import ROOT, Farm, open_farm, wait_until

log = logging.getLogger(__name__)

JOBS = int(os.environ.get("FAULT_JOBS", "120"))
DRIVER = cast("Driver", os.environ.get("FAULT_DRIVER", "sqlite"))
SLOTS = "8"
# Only ends a hang. Each restarted job has a separate process that needs over a second of CPU; four run in parallel.
PATIENCE_S = 120 + JOBS / 10
_ATTEMPTS = "20"


@pytest.fixture
def own_broker(own_redis: EmbeddedRedis) -> Iterator[Broker]:
    """Return a connection to the Redis of this test, which the test may kill."""
    broker = Broker.open(own_redis.url)
    yield broker
    broker.close()


@pytest.fixture
def fault_farm(own_broker: Broker, make_store_settings: MakeSettings, tmp_path: Path) -> Iterator[Farm]:
    """Return processes with a separate Redis, on SQLite unless FAULT_DRIVER is `postgres`."""
    environ = {"GONEMASTER_WORKER_COUNT": SLOTS, "GONEMASTER_MAX_ATTEMPTS": _ATTEMPTS}
    with open_farm(own_broker, make_store_settings(DRIVER), tmp_path, **environ) as farm:
        yield farm


@dataclass
class Load:
    """The jobs of one test and the time of the first submission."""

    farm: Farm
    job_ids: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    killed_at: float = 0.0  # POSIX time

    def submit(self, count: int = JOBS, *, each_ms: int = 100) -> None:
        """Submit a tenth of the jobs one by one and the rest as a batch."""
        single = count // 10
        for number in range(single):
            self.job_ids.append(self.farm.submit(f"n{number}-{each_ms}.test"))
        domains = [f"b{number}-{each_ms}.test" for number in range(count - single)]
        self.job_ids += self.farm.submit_batch(domains).job_ids

    def wait_until_running(self, share: float = 0.2) -> None:
        """Wait until this share of the jobs has started."""
        started = int(len(self.job_ids) * share)
        wait_until(lambda: len(self.farm.starts()) >= started, within_s=PATIENCE_S, what=f"{started} starts")

    def kill(self, *names: str) -> None:
        """Kill workers; from then on, measure how long their jobs wait."""
        self.killed_at = time.time()
        for name in names:
            self.farm.stop(name, signal.SIGKILL)

    def assert_each_ended_once(
        self, *, statuses: Collection[RunStatus] = (RunStatus.SUCCEEDED,), lost_claims: int = 0
    ) -> None:
        """Wait until all jobs have finished, and check that none was lost, duplicated or left over.

        `lost_claims`: the number of starts that may be missing in a job's row because PostgreSQL lost the claims in a
        crash.
        """
        wait_until(self._all_ended, within_s=PATIENCE_S, what="end of all jobs")
        took = time.monotonic() - self.began
        runs = self.runs()
        assert set(runs) == set(self.job_ids)
        assert {run.status for run in runs.values()} <= set(statuses)
        _assert_written_once(self.farm, runs)
        starts = Counter(start["job_id"] for start in self.farm.starts())
        assert all(count <= runs[job_id].attempt + lost_claims for job_id, count in starts.items())
        wait_until(lambda: not any(_messages(self.farm).values()), within_s=PATIENCE_S, what="no message left")
        again = sum(run.attempt > 1 for run in runs.values())
        clean = time.monotonic() - self.began
        log.info("%d jobs ended in %.1f s, %d of them started again, clean after %.1f s", len(runs), took, again, clean)
        if self.killed_at:
            log.info("the longest wait of a job of a killed worker was %.1f s", self._longest_wait_s(runs.values()))

    def _longest_wait_s(self, runs: Collection[Run]) -> float:
        """Return the time from the kill until the last affected job was claimed again."""
        again = [run.started_at.timestamp() for run in runs if run.attempt > 1 and run.started_at]
        return max(again, default=self.killed_at) - self.killed_at

    def runs(self) -> dict[str, Run]:
        """Return all runs."""
        with self.farm.store.read_only() as session:
            return {run.id: run for run in session.scalars(select(Run))}

    def _all_ended(self) -> bool:
        try:
            with self.farm.store.read_only() as session:
                return not session.scalar(select(func.count()).select_from(Job))
        except StoreUnavailable:  # a connection from before a restart
            return False


def submit_and_be_killed(farm: Farm, kind: str, count: int) -> list[str]:
    """Let a process submit a job or a batch and kill itself before all messages are written; return the ids."""
    killed = subprocess.run(
        [sys.executable, "-m", "tests.support.killed_submitter", kind, str(count)],
        cwd=ROOT,
        env={**os.environ, **farm.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    return killed.stdout.split()


def _assert_written_once(farm: Farm, runs: dict[str, Run]) -> None:
    """Check the entries and the domains' run counts, which a second graduation would change."""
    with farm.store.read_only() as session:
        counted = session.scalar(select(func.sum(Domain.run_count)))
    entries = written_entries(farm.store)
    expected = {run.id: ENTRIES for run in runs.values() if run.status is RunStatus.SUCCEEDED}
    assert entries == expected
    assert counted == len(runs)


def _messages(farm: Farm) -> dict[str, int]:
    """Return the remaining messages in the broker by key."""
    return {tier: farm.broker.lists.depth(tier) for tier in TIERS} | {"held": len(farm.broker.unacked.held_since())}


def kill_and_empty(server: EmbeddedRedis) -> None:
    """Kill Redis, delete all its files, and start it again."""
    kill_redis(server)
    shutil.rmtree(server.directory / "appendonlydir")
    server.start()


def kill_redis(server: EmbeddedRedis) -> None:
    """Kill Redis without letting it save."""
    assert server.process is not None
    server.process.kill()
    server.process.wait()
