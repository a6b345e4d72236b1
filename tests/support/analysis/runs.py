"""Runs of batches with the results of a sweep, and their projection."""

import random
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from benchmarks.sweep.sample import sweep
from gonemaster_db.core.records import EntryRecord, RunRecord
from gonemaster_db.core.session import Store
from gonemaster_db.models import Batch, Run, RunStatus
from gonemaster_tasks.maintenance.projection.projector import Projector
from tests.support.rows import NOON, make_run


def sweep_result(domain: str, *, at: datetime = NOON, seed: int = 0, **changes: Any) -> RunRecord:
    """Return the result of a run of a domain; the same seed gives the same result."""
    drawn = sweep().draw(domain, random.Random(f"{domain} {seed}"))
    found: Mapping[str, Any] = {
        "status": RunStatus.SUCCEEDED,
        "entries": sweep().records(drawn),
        "nameserver_timings": drawn.timing_records(),
        "score": drawn.score,
        "grade": drawn.grade,
        "effective_profile": {"test_levels": {"ZONE": {"Z01_MNAME_IS_MASTER": "INFO"}}},
    }
    return RunRecord(finished_at=at, **{**found, **changes})


def entry(tag: str, level: str = "INFO", *, testcase: str = "", module: str = "SYSTEM", **args: Any) -> EntryRecord:
    return EntryRecord(0.5, module, testcase, tag, level, args)


def run_batch(
    store: Store, batch: Batch, domains: Iterable[str], *, tag: str = "tld", at: datetime = NOON, **fields: Any
) -> list[Run]:
    """Finish a job of a batch for each domain, which joins the tag; each run ends one second after the previous one."""
    return [
        make_run(
            store,
            domain,
            sweep_result(domain, at=at + timedelta(seconds=number), **fields),
            batch_id=batch.id,
            priority=1,
            config={"tags": [tag]},
        )
        for number, domain in enumerate(domains)
    ]


def project_all(store: Store, *, now: datetime = NOON, floor: str = "NOTICE") -> int:
    """Project all runs that are not projected yet."""
    return Projector().project(store, floor=floor, now=lambda: now)
