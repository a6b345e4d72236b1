"""Hosts with clocks ten minutes off: all work follows the clock of the Redis host, and health reports the others."""

import json
import signal
import socket
import urllib.request
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from gonemaster_db.core.records import NewJob
from gonemaster_db.models import JobStatus, Run
from gonemaster_db.queue.jobs import create_job
from gonemaster_tasks.app import PROJECT_ENTRY, PURGE_ENTRY
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.jobs import cancel_job
from gonemaster_tasks.control.pause import pause_queue
from gonemaster_tasks.monitoring.health import find_issues
from gonemaster_tasks.queues import NORMAL, PROJECT
from tests.support.faketime import wrong_clock
from tests.support.redis import raw
from tests.support.workers import Farm, wait_until

OFTEN = {"GONEMASTER_ANALYSIS_PROJECTION_INTERVAL_SECONDS": "1"}  # a task that beat sends each second
TEN_MINUTES = 600
AHEAD, BEHIND = (
    pytest.param(TEN_MINUTES, id="ahead"),
    pytest.param(-TEN_MINUTES, id="behind", marks=pytest.mark.nightly),
)
both_ways = pytest.mark.parametrize("ahead_s", [AHEAD, BEHIND])


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_settings({})


def skewed(farm: Farm, settings: Settings) -> dict[str, str]:
    """Return the health issues about clocks, by kind of process."""
    issues = [issue for issue in find_issues(farm.parts, settings) if issue.kind == "clock_skew"]
    return {issue.text.removeprefix("the clock of ").split()[0]: issue.text for issue in issues}


def redis_now(farm: Farm) -> datetime:
    return datetime.fromtimestamp(farm.broker.time(), UTC)


@both_ways
def test_leases_pauses_and_retention_go_by_the_clock_of_redis(farm: Farm, settings: Settings, ahead_s: int) -> None:
    farm.environ |= {"GONEMASTER_DB_RETENTION_DAYS": "1", "GONEMASTER_DB_PURGE_INTERVAL": "1"}
    farm.start_worker("wrong", **wrong_clock(ahead_s))
    farm.start_beat(**wrong_clock(-ahead_s))
    old, kept = (farm.run_of(farm.submit(domain)).id for domain in ("old.test", "kept.test"))
    farm.store.run_in_transaction(partial(_ended_days_ago, run_id=old, days=2))
    wait_until(lambda: _run_ids(farm) == {kept}, what="retention")

    job_id = farm.store.run_in_transaction(partial(_claimed_by_a_lost_worker, until=redis_now(farm)))
    assert farm.run_of(job_id).attempt == 2
    until = redis_now(farm) + timedelta(seconds=2)
    pause_queue(farm.parts, [NORMAL], until=until)
    run = farm.run_of(farm.submit("paused.test"))
    assert run.started_at is not None
    assert until <= run.started_at < until + timedelta(seconds=TEN_MINUTES / 2)
    wait_until(lambda: set(skewed(farm, settings)) == {"worker", "beat"}, what="both clocks are named")
    held = farm.submit("held-60000.test")
    wait_until(lambda: farm.started(held), what="its start")
    assert abs(farm.broker.unacked.held_since()[held] - farm.broker.time()) < TEN_MINUTES / 2
    cancel_job(farm.parts, held)


def _ended_days_ago(session: Session, *, run_id: str, days: int) -> None:
    moment = datetime.now(UTC) - timedelta(days=days)
    session.execute(update(Run).where(Run.id == run_id).values(finished_at=moment))


def _claimed_by_a_lost_worker(session: Session, *, until: datetime) -> str:
    job = create_job(session, NewJob("reaped.test", priority=1))
    job.status, job.worker, job.attempt, job.lease_until = JobStatus.RUNNING, "lost@host", 1, until
    return job.id


def _run_ids(farm: Farm) -> set[str]:
    with farm.store.read_only() as session:
        return {run.id for run in session.query(Run)}


@pytest.mark.slow
@both_ways
def test_two_beats_with_different_clocks_take_over_from_each_other(farm: Farm, ahead_s: int) -> None:
    farm.environ |= OFTEN
    farm.start_beat("beat1", **wrong_clock(ahead_s))
    wait_until(lambda: farm.broker.beat.active() and _waiting(farm, PROJECT) == 1, what="the first one sends")
    farm.start_beat("beat2", **wrong_clock(-ahead_s))
    farm.stop("beat1")
    raw(farm.broker).delete("maintenance")
    wait_until(lambda: _waiting(farm, PROJECT) == 1, what="the second one sends")
    assert "Sending due task" in farm.log("beat2")


@pytest.mark.slow
@both_ways
def test_an_api_with_a_wrong_clock_writes_the_right_times(farm: Farm, settings: Settings, ahead_s: int) -> None:
    farm.environ |= wrong_clock(ahead_s)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        farm.start_api("api", listener.fileno())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"
        wait_until(lambda: "api" in skewed(farm, settings), what="the clock of the API is named")
        job = _post(f"{url}/jobs", {"domain": "timely.test", "expires_in": 120})
        late = redis_now(farm) - datetime.fromisoformat(job["created_at"])
        assert abs(late) < timedelta(seconds=TEN_MINUTES / 2)
        for name in wrong_clock(ahead_s):
            del farm.environ[name]
        farm.start_worker("right")
        assert farm.run_of(job["id"]).status == "succeeded"
        farm.stop("api", signal.SIGTERM)
    assert "api" not in skewed(farm, settings)  # it stopped cleanly


def _post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def _waiting(farm: Farm, task: str) -> int:
    return sum(f'"{task}"' in item for item in raw(farm.broker).lrange("maintenance", 0, -1))


def test_one_call_of_a_maintenance_task_waits_however_often_it_is_due(farm: Farm) -> None:
    assert [farm.broker.lists.call(PROJECT) for _ in range(3)] == [True, False, False]
    assert _waiting(farm, PROJECT) == 1
    farm.start_beat(**OFTEN)
    wait_until(lambda: "Sending due task" in farm.log("beat") and farm.log("beat").count(f"'{PROJECT_ENTRY}'") >= 3)
    assert _waiting(farm, PROJECT) == 1


def test_an_entry_that_a_wrong_clock_put_off_is_brought_forward(farm: Farm) -> None:
    app, broker = farm.parts.celery, farm.broker
    broker.beat.share_client(app)
    for name in (PROJECT_ENTRY, PURGE_ENTRY):
        broker.beat.save_entry(app, name)
    assert broker.beat.bring_forward(app) == []
    entry = broker.beat.saved_entry(app, PROJECT_ENTRY)
    assert entry is not None
    entry.reschedule(last_run_at=redis_now(farm) + timedelta(seconds=TEN_MINUTES))
    assert PROJECT_ENTRY not in _due_within(farm, 70)
    assert broker.beat.bring_forward(app) == [PROJECT_ENTRY]
    assert PROJECT_ENTRY in _due_within(farm, 70)


def _due_within(farm: Farm, seconds: float) -> set[str]:
    app = farm.parts.celery
    found = raw(farm.broker).zrangebyscore(app.redbeat_conf.schedule_key, 0, farm.broker.time() + seconds)
    return {key.removeprefix(app.redbeat_conf.key_prefix) for key in found}
