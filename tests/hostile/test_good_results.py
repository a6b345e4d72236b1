"""A good result is stored despite temporary database errors; it fails only if the database rejects it."""

import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from gonemaster_db.core.connection.limits import limited_by
from gonemaster_db.core.records import NewJob, RunRecord
from gonemaster_db.core.session import Store, open_store
from gonemaster_db.core.settings import Limits, StoreSettings
from gonemaster_db.models import EffectiveProfile, Run, RunStatus
from gonemaster_db.queue.jobs import create_job, find_job_or_run
from gonemaster_db.runs.graduation import request_cancel
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.marks import Controls
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.queues import NORMAL
from gonemaster_tasks.worker.consume import tier_order
from gonemaster_tasks.worker.execute.run_job import run_job
from gonemaster_tasks.worker.execute.running import Stop
from gonemaster_tasks.worker.main import Worker
from tests.hostile import LONG
from tests.support.rows import written_entries
from tests.support.standin_worker import StandIn
from tests.support.stores import MakeSettings
from tests.support.workers import wait_until

pytestmark = pytest.mark.thorough

TROUBLES = 3 if LONG else 1
MOMENTARY = {
    "serialization failure": "40001",
    "deadlock": "40P01",
    "lock not available": "55P03",
    "statement time-out": "57014",
    "disk full": "53100",
    "out of memory": "53200",
    "shutdown": "57P01",
    "I/O error": "58030",
    "a row that was deleted": "23503",
    "internal error": "XX000",
    "an error of nobody's": "P0001",
}


@pytest.fixture
def worker(
    broker: Broker,
    request: pytest.FixtureRequest,
    make_store_settings: MakeSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Worker]:
    """The parts of a worker process; the test calls `run_job` as a slot does."""
    monkeypatch.setenv("GONEMASTER_TEST_STARTS", str(tmp_path / "starts"))
    settings: StoreSettings = make_store_settings(getattr(request, "param", "postgres"))
    live = LiveSettings(load_settings({"broker_url": broker.address.url, "data_dir": str(tmp_path)}, {}))
    quick = replace(settings, busy_timeout=timedelta(milliseconds=100))
    made = Worker(live, open_store(quick), StandIn(), name="w")
    made.process.loop.start()
    made.process.gate.update(Controls({}), None)
    yield made
    made.process.loop.stop()
    made.process.broker.close()
    made.process.store.close()
    made.app.close()
    tier_order.install(None)


def submitted(store: Store, domain: str = "good.test") -> str:
    return store.run_in_transaction(lambda session: create_job(session, NewJob(domain))).id


def ended(store: Store, job_id: str) -> Run:
    with store.read_only() as session:
        run = find_job_or_run(session, job_id)
    assert isinstance(run, Run), run.status
    return run


def execute(store: Store, *statements: str) -> None:
    def run(session: Session) -> None:
        for statement in statements:
            session.execute(text(statement))

    store.run_in_transaction(run)  # repeated while the worker writes


def raise_on_runs(store: Store, code: str, *, times: int, when: str = "true") -> None:
    """Let PostgreSQL reject a number of runs, counted by a sequence, which a rollback does not reset."""
    execute(
        store,
        "CREATE SEQUENCE troubles",
        f"CREATE FUNCTION trouble() RETURNS trigger AS $$ BEGIN IF ({when}) AND nextval('troubles') <= {times} THEN"
        f" RAISE EXCEPTION 'trouble' USING ERRCODE = '{code}'; END IF; RETURN NEW; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER trouble BEFORE INSERT ON runs FOR EACH ROW EXECUTE FUNCTION trouble()",
    )


@pytest.mark.parametrize("code", MOMENTARY.values(), ids=MOMENTARY.keys())
def test_an_error_of_the_moment_costs_no_result(worker: Worker, code: str) -> None:
    store = worker.process.store
    times = TROUBLES * (5 if code in ("40001", "40P01", "55P03") else 1)  # conflicts are retried immediately, too
    raise_on_runs(store, code, times=times)
    job_id = submitted(store)
    run_job(worker.process, job_id, NORMAL)
    run = ended(store, job_id)
    assert (run.status, run.entry_count, run.attempt, run.error) == ("succeeded", 3, 1, "")
    with store.read_only() as session:
        assert session.execute(text("SELECT last_value FROM troubles")).scalar_one() > times


@pytest.mark.parametrize(("code", "refusals"), [("23514", 2), ("22P02", 2)] + ([("XX000", 8)] if LONG else []))
def test_a_refusal_of_the_database_fails_with_its_reason(worker: Worker, code: str, refusals: int) -> None:
    store = worker.process.store
    raise_on_runs(store, code, times=1000, when=f"NEW.status = {list(RunStatus).index(RunStatus.SUCCEEDED)}")
    job_id = submitted(store)
    run_job(worker.process, job_id, NORMAL)
    run = ended(store, job_id)
    assert run.status == "failed"
    assert run.error.startswith("graduation failed: ")
    assert "trouble" in run.error
    with store.read_only() as session:
        assert session.execute(text("SELECT last_value FROM troubles")).scalar_one() == refusals


@pytest.mark.parametrize("worker", ["sqlite", "postgres"], indirect=True)
def test_a_result_that_no_table_takes_fails_after_two_refusals(worker: Worker) -> None:
    store = worker.process.store
    job_id = submitted(store, "poison.test")
    calls = count_calls(worker)
    run_job(worker.process, job_id, NORMAL)
    run = ended(store, job_id)
    assert (run.status, len(calls)) == ("failed", 3)  # two errors, and the failed run
    assert run.error.startswith("graduation failed: ")
    assert "INSERT" not in run.error


def count_calls(worker: Worker) -> list[RunRecord]:
    calls: list[RunRecord] = []
    graduate = worker.process.claims.graduate

    def counted(
        job_id: str, record: RunRecord, *, attempt: int, lines: Sequence[str] = (), expected: int = 1
    ) -> RunStatus:
        calls.append(record)
        return graduate(job_id, record, attempt=attempt, lines=lines, expected=expected)

    worker.process.claims.graduate = counted  # type: ignore[method-assign]
    return calls


@pytest.mark.parametrize("worker", ["sqlite"], indirect=True)
def test_a_database_that_another_process_holds_is_waited_for(worker: Worker) -> None:
    store = worker.process.store
    job_id = submitted(store, "n-300.test")
    calls = count_calls(worker)
    thread = threading.Thread(target=run_job, args=(worker.process, job_id, NORMAL))
    thread.start()
    wait_until(lambda: worker.process.jobs.ids() == (job_id,), what="the claim")
    with store.transaction() as session:
        session.execute(text("SELECT 1"))  # becomes the only writer that SQLite allows
        wait_until(lambda: len(calls) >= 2, what="the result is tried again")
    thread.join(60)
    assert ended(store, job_id).status == "succeeded"


@pytest.mark.parametrize("worker", ["sqlite"], indirect=True)
def test_a_trigger_that_aborts_for_a_moment_costs_no_result(worker: Worker) -> None:
    """SQLite reports it as a constraint violation; a single violation does not fail the run."""
    store = worker.process.store
    execute(store, "CREATE TRIGGER trouble BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'trouble'); END")
    job_id = submitted(store)
    calls = count_calls(worker)
    thread = threading.Thread(target=run_job, args=(worker.process, job_id, NORMAL))
    thread.start()
    wait_until(lambda: len(calls) == 1, what="the first try")
    execute(store, "DROP TRIGGER trouble")
    thread.join(60)
    assert ended(store, job_id).status == "succeeded"


def test_a_statement_time_out_is_waited_over(worker: Worker) -> None:
    """Another transaction locks the row of the domain for longer than a statement may take."""
    store = worker.process.store
    run_job(worker.process, submitted(store), NORMAL)

    def run_limited(job_id: str) -> None:
        with limited_by(Limits(statement=timedelta(milliseconds=200))):
            run_job(worker.process, job_id, NORMAL)

    job_id = submitted(store)
    calls = count_calls(worker)
    thread = threading.Thread(target=run_limited, args=(job_id,))
    with store.transaction() as session:
        session.execute(text("SELECT id FROM domains FOR UPDATE"))
        thread.start()
        wait_until(lambda: len(calls) >= 2, what="the result is tried again")
    thread.join(60)
    assert ended(store, job_id).status == "succeeded"


@pytest.fixture
def small_tablespace(worker: Worker) -> Iterator[Path]:
    """A file system of one megabyte, which holds the documents of runs."""
    store = worker.process.store
    with store.read_only() as session:
        data = Path(session.execute(text("SHOW data_directory")).scalar_one())
    with tempfile.TemporaryDirectory(prefix="gm-full-", dir="/tmp") as name:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", name], capture_output=True, text=True
        )
        if mounted.returncode:
            pytest.skip(f"cannot mount a tmpfs: {mounted.stderr.strip()}")
        try:
            os.chown(name, data.stat().st_uid, data.stat().st_gid)
            at_once(store, f"CREATE TABLESPACE small LOCATION '{name}'")
            at_once(store, "ALTER TABLE run_documents SET TABLESPACE small")
            yield Path(name)
            at_once(store, "ALTER TABLE run_documents SET TABLESPACE pg_default")
            at_once(store, "DROP TABLESPACE small")
        finally:
            subprocess.run(["umount", "--lazy", name], check=True)


def at_once(store: Store, statement: str) -> None:
    """Execute a statement that must run outside of a transaction."""
    engine = create_engine(store.engine.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.mark.root
def test_a_full_disk_of_postgresql_costs_no_result(worker: Worker, small_tablespace: Path) -> None:
    job_id = submitted(worker.process.store)
    calls = count_calls(worker)
    thread = threading.Thread(target=run_job, args=(worker.process, job_id, NORMAL))
    ballast = small_tablespace / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    thread.start()
    wait_until(lambda: len(calls) >= 2, what="the result is tried again")
    with worker.process.store.read_only() as session:
        assert not isinstance(find_job_or_run(session, job_id), Run)
    ballast.unlink()
    thread.join(60)
    run = ended(worker.process.store, job_id)
    assert (run.status, run.attempt, run.error) == ("succeeded", 1, "")


def test_an_effective_profile_that_is_deleted_at_that_moment_is_written_again(worker: Worker) -> None:
    store = worker.process.store
    run_job(worker.process, first := submitted(store), NORMAL)
    execute(store, "UPDATE runs SET effective_profile_id = NULL")  # the job has been deleted
    job_id = submitted(store)
    thread = threading.Thread(target=run_job, args=(worker.process, job_id, NORMAL))
    with store.transaction() as session:
        assert session.query(EffectiveProfile).delete() == 1
        thread.start()
        wait_until(lambda: _waits_for_lock(store), what="the run waits for the profile")
    thread.join(60)
    run = ended(store, job_id)
    assert (run.status, run.effective_profile_id is not None) == ("succeeded", True)
    assert ended(store, first).status == "succeeded"
    assert written_entries(store)[job_id] == 3


def _waits_for_lock(store: Store) -> bool:
    with store.read_only() as session:
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return bool(session.execute(waiting).scalar_one())


@pytest.mark.parametrize("worker", ["sqlite", "postgres"], indirect=True)
def test_a_cancel_between_claim_and_start_is_not_missed(worker: Worker) -> None:
    """The broadcast arrives when the row is claimed but its slot has not started."""
    process = worker.process
    job_id = submitted(process.store, "long-600000.test")
    claim = process.claims.claim
    reported: list[bool] = []

    def claim_and_be_canceled(job_id: str) -> Any:
        claimed = claim(job_id)
        process.store.run_in_transaction(lambda session: request_cancel(session, job_id, now=process.clock.now()))
        reported.append(process.jobs.stop(job_id, Stop.CANCELED))  # as the control command of Celery does
        return claimed

    process.claims.claim = claim_and_be_canceled  # type: ignore[method-assign]
    run_job(process, job_id, NORMAL)
    run = ended(process.store, job_id)
    assert (run.status, run.error, reported) == ("canceled", "canceled", [True])


def test_an_unknown_error_of_a_claim_keeps_the_job(worker: Worker) -> None:
    store = worker.process.store
    execute(
        store,
        "CREATE SEQUENCE troubles",
        "CREATE FUNCTION trouble() RETURNS trigger AS $$ BEGIN IF nextval('troubles') <= 2 THEN"
        " RAISE EXCEPTION 'trouble'; END IF; RETURN NEW; END $$ LANGUAGE plpgsql",
    )
    job_id = submitted(store)
    execute(store, "CREATE TRIGGER trouble BEFORE UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION trouble()")
    run_job(worker.process, job_id, NORMAL)
    assert ended(store, job_id).status == "succeeded"
