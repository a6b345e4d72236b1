"""Write demonstration data to a database: domains, a tag, a cohort, and a batch with runs for each month."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.demo.sample.entries import effective_profile, entries_of, timings_of
from gonemaster_api.demo.sample.story import OPERATORS, Story
from gonemaster_db.analysis.as_labels import store_labels
from gonemaster_db.analysis.cohorts import create_cohort, list_cohorts
from gonemaster_db.analysis.registries import ASNS, register
from gonemaster_db.batches.batches import create_batch
from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.filters import RunFilter
from gonemaster_db.core.ids import id_at
from gonemaster_db.core.records import NewBatch, RunRecord
from gonemaster_db.core.session import Store
from gonemaster_db.core.states import Priority, RunStatus
from gonemaster_db.domains.domains import ensure_domains
from gonemaster_db.domains.tags import ensure_tags, tag_domains
from gonemaster_db.runs.run_rows import write_run
from gonemaster_db.runs.runs import list_runs
from gonemaster_engine.scoring.config import DEFAULT_CONFIG
from gonemaster_engine.scoring.rule import RULE_VERSION
from gonemaster_tasks.control.verdicts import judge_stored

TAG = "demo"
_RUNS_AT_A_TIME = 100
_MONTH = timedelta(days=30)


class StoreInUse(Exception):
    """The database has runs, and demonstration data was not allowed in addition."""


@dataclass(frozen=True)
class DemoData:
    """Counts of the written demonstration data."""

    cohort_id: int
    batches: int
    runs: int


def write_demo_data(
    store: Store,
    story: Story,
    *,
    seed: int,
    until: datetime,
    allow_existing_runs: bool = False,
    report: Callable[[str], object] = lambda _text: None,
) -> DemoData:
    """Write the data. The newest batch has the date `until`; each earlier batch is 30 days older.

    Raises:
        StoreInUse: the database has demonstration data, or runs and `allow_existing_runs` is false; nothing is written.
    """
    cohort_id = store.run_in_transaction(lambda session: _prepare(session, story, allow_existing_runs))
    profiles: dict[str, Any] = {}
    runs = 0
    for month in range(story.months):
        begun = until - _MONTH * (story.months - 1 - month)
        batch_id = store.run_in_transaction(partial(_add_batch, story=story, begun=begun))
        made = enumerate(story.domains)
        for some in chunks(made, _RUNS_AT_A_TIME):
            results = [_result(story, domain, month, begun, number, profiles) for number, domain in some]
            jobs = [_job(domain, batch_id, begun, number, seed) for number, domain in some]
            store.run_in_transaction(partial(_write, jobs=jobs, results=results))
            runs += len(jobs)
        report(f"month {month + 1} of {story.months}: {begun:%Y-%m-%d}, {len(story.domains)} runs")
    return DemoData(cohort_id, story.months, runs)


def _prepare(session: Session, story: Story, allow_existing_runs: bool) -> int:
    cohorts = list_cohorts(session)
    if any(cohort.source_tag == TAG for cohort in cohorts):
        raise StoreInUse(f"the database already has demonstration data: the cohort {TAG!r}")
    if not allow_existing_runs and list_runs(session, RunFilter(), limit=1).items:
        raise StoreInUse("the database has runs; --allow-existing-runs adds demonstration data")
    now = utcnow()
    ensure_tags(session, [TAG], now=now)
    tag_domains(session, [TAG], ensure_domains(session, story.domains, now=now).values(), now=now)
    labels = {asn: operator.name for operator in OPERATORS for asn in (operator.asn, operator.second_asn)}
    register(session, ASNS, labels, now=now)
    store_labels(session, labels, now=now)
    fields = {
        "label": "Demonstration",
        "description": "Fictional domains over several months",
        "analysis_enabled": True,
        "public_enabled": True,
        "is_default": not any(cohort.is_default for cohort in cohorts),
    }
    return create_cohort(session, TAG, fields, now=now).id


def _add_batch(session: Session, *, story: Story, begun: datetime) -> str:
    new = NewBatch(len(story.domains), TAG, "demonstration", snapshot_intent=True, origin="schedule")
    return create_batch(session, new, now=begun).id


def _job(domain: str, batch_id: str, begun: datetime, number: int, seed: int) -> dict[str, Any]:
    """Return the columns that a run takes from its job."""
    started = begun + timedelta(seconds=number)
    return {
        "id": id_at("job", started, random.Random(f"{seed} {domain}").getrandbits(58)),
        "public_id": None,
        "domain": domain,
        "batch_id": batch_id,
        "priority": Priority.BATCH,
        "created_at": begun,
        "started_at": started,
        "attempt": 1,
        "worker": "demonstration",
        "profile": "",
        "profile_id": None,
        "profile_name": "",
        "config": {},
    }


def _result(story: Story, domain: str, month: int, begun: datetime, number: int, profiles: dict[str, Any]) -> RunRecord:
    truth = story.truth(domain, month)
    entries = entries_of(domain, truth)
    timings = timings_of(domain, truth, month)
    score, causes = judge_stored(domain, entries, timings, DEFAULT_CONFIG)
    version = truth.engine_version
    if version not in profiles:
        profiles[version] = effective_profile(version)
    return RunRecord(
        RunStatus.SUCCEEDED,
        begun + timedelta(seconds=number + 3),
        entries=entries,
        effective_profile=profiles[version],
        nameserver_timings=timings,
        score=score.score if score else None,
        grade=score.grade if score else None,
        causes=[cause.id for cause in causes],
        score_rule=RULE_VERSION if score else None,
    )


def _write(session: Session, *, jobs: list[dict[str, Any]], results: list[RunRecord]) -> None:
    for job, result in zip(jobs, results, strict=True):
        write_run(session, job, result)  # type: ignore[arg-type]  # a mapping of columns, as a row is
    session.flush()
