"""The graduation of a claimed job as one statement of PostgreSQL.

A round trip, parsing and the start of an executor cost as much as what most statements do. SQLite takes no INSERT in
WITH and has no round trips: there the rows are written one after the other (run_rows.py has the columns of both).
"""

import random
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Double,
    Table,
    bindparam,
    case,
    column,
    delete,
    func,
    literal_column,
    not_,
    select,
    true,
    values,
)
from sqlalchemy import cast as cast_as
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from gonemaster_db.core.engine import commits_each_statement
from gonemaster_db.core.errors import NeedsTransaction
from gonemaster_db.core.prepared import Prepared
from gonemaster_db.core.records import RunRecord
from gonemaster_db.core.upsert import insert_into
from gonemaster_db.domains.domains import OF_RUN_COUNT
from gonemaster_db.models import Batch, Domain, DomainRunCount, Job, JobStatus, Run, RunCounter, RunDocument
from gonemaster_db.runs.counters import SHARDS, added
from gonemaster_db.runs.documents.run_document import encode_document
from gonemaster_db.runs.models.counters import ALL_RUNS
from gonemaster_db.runs.run_rows import (
    KEPT,
    OF_DOCUMENT,
    OF_DOMAIN,
    OF_RUN,
    added_to_domain,
    ensure_references,
    join_tags,
    listed_by_run_count,
    references_checked,
    remembered_references,
    run_values,
)

_JOBS = cast("Table", Job.__table__)
_RUNS = cast("Table", Run.__table__)
_DOMAINS = cast("Table", Domain.__table__)
_COUNTERS = cast("Table", RunCounter.__table__)


def claimed_by(job_id: Any, worker: Any, attempt: Any) -> tuple[ColumnElement[bool], ...]:
    """Match the job while this claim on it holds."""
    return (
        _JOBS.c.id == job_id,
        _JOBS.c.attempt == attempt,
        _JOBS.c.status.is_not_distinct_from(JobStatus.RUNNING),  # not by "=", as in the claim
        _JOBS.c.worker == worker,
    )


def graduate_by_one_statement(session: Session, claim: Mapping[str, Any], record: RunRecord) -> bool:
    """Replace the job of a claim (`job_id`, `claimant`, `number`) by its run; False if it is over: nothing is written.

    Raises:
        NeedsTransaction: each statement commits by itself, and an outcome or profile must be looked up before.
        StoreConflict: an outcome or profile that was in memory has been removed; a second try creates it again.
    """
    alone = commits_each_statement(session.connection())
    references = remembered_references(session, record)
    if references is None:
        if alone:
            raise NeedsTransaction
        references = ensure_references(session, record)
    document = encode_document(record.entries, record.nameserver_timings, record.dnssec_chain)
    given = {**claim, **run_values(record), **references._asdict(), "shard": random.randrange(SHARDS)}
    given["latest_status"], given["latest_level"] = record.status, given["worst_level"]
    if document:
        given["codec"], given["document"] = document
    statement = _statement(documented=document is not None, alone=alone)
    with references_checked(session):
        ended = statement.execute(session.connection(), given).one_or_none()
    if ended is None:
        return False
    if not alone:
        join_tags(session, ended.config, ended.domain_id, record)
    return True


@cache
def _statement(*, documented: bool, alone: bool) -> Prepared:
    """Build it once: constructing it costs more than executing it."""
    claimed = claimed_by(bindparam("job_id"), bindparam("claimant"), bindparam("number"))
    if alone:  # tags need more statements
        claimed = (*claimed, not_(cast_as(_JOBS.c.config, JSONB).has_key("tags")))
    # The DELETE decides who ends the job: a cancellation or the reaper may try the same at this moment.
    job = delete(_JOBS).where(*claimed).returning(*(_JOBS.c[name] for name in (*KEPT, "batch_id"))).cte("job")
    domain = _of_domain(job).cte("domain")
    run = _of_run(job, domain).cte("run")
    parts = [_listed(job, domain).cte("listed"), _counted(run).cte("counted")]
    if documented:
        kept = select(run.c.key, *(_given(RunDocument.__table__.c[name]) for name in OF_DOCUMENT[1:]))
        parts.append(plain_insert(RunDocument).from_select(OF_DOCUMENT, kept).cte("kept"))
    return Prepared(select(run.c.domain_id, run.c.config).add_cte(*parts))


def _given(of: Any, name: str = "") -> ColumnElement[Any]:
    return bindparam(name or of.name, type_=of.type)


def _of_domain(job: CTE) -> Any:
    made = {
        "name": job.c.domain,
        "created_at": _given(_DOMAINS.c.created_at, "finished_at"),
        "run_count": literal_column("1"),
        "latest_run_id": job.c.id,
        "latest_outcome_id": _given(_DOMAINS.c.latest_outcome_id, "outcome_id"),
        "latest_outcome_run_id": job.c.id,
        "latest_run_at": _given(_DOMAINS.c.latest_run_at, "finished_at"),
        "latest_score": _given(_DOMAINS.c.latest_score, "score"),
        "latest_grade": _given(_DOMAINS.c.latest_grade, "grade"),
    }
    row = select(*(made.get(name, _given(_DOMAINS.c[name])) for name in OF_DOMAIN))
    added = added_to_domain(insert_into("postgresql", Domain).from_select(OF_DOMAIN, row, include_defaults=False))
    return added.returning(_DOMAINS.c.run_count, _DOMAINS.c.latest_level)


def _listed(job: CTE, domain: CTE) -> Any:
    row = select(domain.c.id, domain.c.run_count, job.c.domain, domain.c.latest_level).join_from(job, domain, true())
    return listed_by_run_count(insert_into("postgresql", DomainRunCount).from_select(OF_RUN_COUNT, row))


def _of_run(job: CTE, domain: CTE) -> Any:
    made = {name: job.c[name] for name in KEPT} | {
        "batch_key": select(Batch.key).where(Batch.id == job.c.batch_id).scalar_subquery(),
        "domain_id": domain.c.id,
        "duration_ms": _duration_ms(job),
    }
    row = select(*(made.get(name, _given(_RUNS.c[name])) for name in OF_RUN)).join_from(job, domain, true())
    shown = ("key", "batch_key", "domain_id", "config", "status", "worst_level", "grade")
    inserted = plain_insert(_RUNS).from_select(OF_RUN, row, include_defaults=False)
    return inserted.returning(*(_RUNS.c[name] for name in shown))


def _duration_ms(job: CTE) -> ColumnElement[Any]:
    """As `run_rows` computes it: whole milliseconds, a half to the even one, never negative."""
    seconds: ColumnElement[Any] = func.date_part(
        literal_column("'epoch'"), _given(_RUNS.c.finished_at) - job.c.started_at, type_=Double()
    )
    whole = cast_as(func.round(seconds * literal_column("1000")), BigInteger)
    return case((job.c.started_at.is_not(None), func.greatest(literal_column("0"), whole)))


def _counted(run: CTE) -> Any:
    """Count the run for its batch and for all, in the order in which every transaction locks counters."""
    keys = values(column("key", BigInteger), name="counters").data(
        [(run.c.batch_key,), (literal_column(str(ALL_RUNS)),)]
    )
    counters = keys.lateral()
    made = {
        "batch_key": counters.c.key,
        "shard": _given(_COUNTERS.c.shard),
        "status": run.c.status,
        "level": func.coalesce(run.c.worst_level, literal_column("-1")),
        "grade": func.coalesce(run.c.grade, literal_column("''")),
        "runs": literal_column("1"),
    }
    rows = select(*(made[one.name] for one in _COUNTERS.c)).join_from(run, counters, counters.c.key.is_not(None))
    statement = insert_into("postgresql", RunCounter).from_select(list(made), rows.order_by(counters.c.key))
    return added(statement)
