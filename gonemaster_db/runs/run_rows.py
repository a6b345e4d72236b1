"""Writes the rows of a run (run, outcome, document, domain) in the transaction that ends its job."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, cast

from sqlalchemy import RowMapping, Table, and_, bindparam, case, or_, select
from sqlalchemy import insert as plain_insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gonemaster_db.core.connection.failures import lacks_reference
from gonemaster_db.core.errors import StoreConflict
from gonemaster_db.core.ids import batch_key
from gonemaster_db.core.json_text import clean_text, dump_json
from gonemaster_db.core.levels import count_severities, worst
from gonemaster_db.core.records import EntryRecord, RunRecord
from gonemaster_db.core.upsert import insert, insert_into
from gonemaster_db.domains.domains import LATEST, OF_RUN_COUNT
from gonemaster_db.domains.tags import tag_domains
from gonemaster_db.models import Domain, DomainRunCount, EffectiveProfile, Run, RunDocument, RunStatus
from gonemaster_db.runs.causes import ensure_cause_set
from gonemaster_db.runs.counters import RunGroup, count_runs_in
from gonemaster_db.runs.documents.caches import EntryType, after_commit, caches_of
from gonemaster_db.runs.documents.outcomes import ensure_outcomes
from gonemaster_db.runs.documents.run_document import encode_document
from gonemaster_db.runs.findings import findings_hash

KEPT = (
    "id", "public_id", "domain", "priority", "created_at", "started_at", "attempt", "worker", "profile", "profile_id",
    "profile_name", "config",
)  # fmt: skip  # columns that a run takes from its job
_RUNS = cast("Table", Run.__table__)
# Built once, because constructing a statement costs more than executing it.
_INSERT_RUN = plain_insert(_RUNS).returning(_RUNS.c.id, _RUNS.c.key)
# RETURNING makes SQLAlchemy send the documents of a group in one statement.
_INSERT_DOCUMENT = plain_insert(cast("Table", RunDocument.__table__)).returning(RunDocument.run_key)
_PROFILE_ID = select(EffectiveProfile.id).where(EffectiveProfile.digest == bindparam("digest"))
_Ended = tuple[RowMapping, RunRecord]  # the deleted row of a job, and its result


def write_run(session: Session, job: RowMapping, record: RunRecord) -> None:
    """Write the run of a job, like `write_runs`."""
    write_runs(session, [(job, record)])


def write_runs(session: Session, ended: Sequence[_Ended]) -> None:
    """Write the runs of jobs, update the copies in their domains and the counters.

    Raises: StoreConflict: A cached outcome or profile was removed; a retry creates it again.
    """
    left, groups = list(ended), Counter[RunGroup]()
    while left:
        # One statement cannot change the row of a domain twice.
        part = list({job["domain"]: (job, record) for job, record in reversed(left)}.values())
        groups.update(_write(session, sorted(part, key=lambda each: str(each[0]["domain"]))))
        written = {job["id"] for job, _ in part}
        left = [each for each in left if each[0]["id"] not in written]
    count_runs_in(session, groups)


def _write(session: Session, ended: Sequence[_Ended]) -> list[RunGroup]:
    """Write runs of different domains, in order of domain, so that two transactions cannot deadlock."""
    with references_checked(session):
        newest = max(record.finished_at for _, record in ended)
        outcome_ids = ensure_outcomes(session, [record.entries for _, record in ended], now=newest)
        rows = [_run_row(session, *each, outcome_id) for each, outcome_id in zip(ended, outcome_ids, strict=True)]
        domain_ids = _update_domains(session, rows)
        for row in rows:
            row["domain_id"] = domain_ids[row["domain"]]
        keys: dict[str, int] = dict(_execute(session, _INSERT_RUN, rows).all())
    documents = []
    for job, record in ended:
        if document := encode_document(record.entries, record.nameserver_timings, record.dnssec_chain):
            documents.append({"run_key": keys[job["id"]], "codec": document[0], "document": document[1]})
        if tags := job["config"].get("tags"):
            tag_domains(session, tags, [domain_ids[job["domain"]]], now=record.finished_at)
    if documents:
        _execute(session, _INSERT_DOCUMENT, documents).all()  # SQLite does not commit before all rows are read.
    return [RunGroup(row["batch_key"], row["status"], row["worst_level"], row["grade"]) for row in rows]


def _execute(session: Session, statement: Any, rows: Sequence[Mapping[str, Any]]) -> Any:
    """Insert rows; SQLAlchemy builds a new statement for each list of rows, so a single row is not passed as a list."""
    return session.connection().execute(statement, rows[0] if len(rows) == 1 else rows)


@contextmanager
def references_checked(session: Session) -> Iterator[None]:
    """Raise StoreConflict if a run refers to a cached row that was removed."""
    caches = caches_of(session)
    drop_count = caches.drop_count
    try:
        yield
    except IntegrityError as error:
        # Maintenance may have removed an outcome that is in the cache of this process, or was there until another
        # thread cleared it.
        if lacks_reference(error) and (caches.drop_count != drop_count or caches.drop_references()):
            raise StoreConflict("a row that the run refers to was removed") from None
        raise


def _run_row(session: Session, job: RowMapping, record: RunRecord, outcome_id: int | None) -> dict[str, Any]:
    """Return the columns of a run, without its domain."""
    return {
        **{name: job[name] for name in KEPT},
        **run_values(record, record.entries),
        "outcome_id": outcome_id,
        "cause_set_id": ensure_cause_set(session, record.causes),
        "effective_profile_id": _profile_id(session, record),
        **policy_values(job["config"], record),
        "batch_key": None if job["batch_id"] is None else batch_key(job["batch_id"]),
        "duration_ms": duration_ms(job["started_at"], record.finished_at),
    }


def run_values(record: RunRecord, kinds: Sequence[EntryRecord | EntryType]) -> dict[str, Any]:
    """Return the columns of a run that only depend on its record and on the kinds of its entries."""
    levels = [kind.level for kind in kinds]
    severities = {f"sev_{level.lower()}": number for level, number in count_severities(levels).items()}
    return {
        **severities,
        "status": record.status,
        "finished_at": record.finished_at,
        "error": record.error,
        "worst_level": worst(levels),
        "score": record.score,
        "grade": record.grade,
        "score_rule": record.score_rule,
        "entry_count": len(levels),
        "findings_hash": findings_hash(kinds) if record.status is RunStatus.SUCCEEDED else None,
    }


def policy_values(config: Mapping[str, Any], record: RunRecord) -> dict[str, Any]:
    """Return the columns of the policy of a job; without a result there is no verdict."""
    policy = config.get("policy")
    if policy is None:
        return {"policy": None, "policy_version": None, "verdict": None}
    return {
        "policy": policy["name"],
        "policy_version": policy["version"],
        "verdict": record.verdict or "undecided",
    }


def duration_ms(started_at: datetime | None, finished_at: datetime) -> int | None:
    """Return whole milliseconds, never negative, because the clocks of two machines may differ."""
    if started_at is None:
        return None
    return max(0, round((finished_at - started_at).total_seconds() * 1000))


def _update_domains(session: Session, runs: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Find or create the domains of runs and copy their outcomes unless newer ones are there; return IDs by name."""
    values = [
        {
            "name": run["domain"],
            "created_at": run["finished_at"],
            "run_count": 1,
            "latest_run_id": run["id"],
            "latest_outcome_id": run["outcome_id"],
            "latest_run_at": run["finished_at"],
            "latest_status": run["status"],
            "latest_level": run["worst_level"],
            "latest_score": run["score"],
            "latest_grade": run["grade"],
        }
        for run in runs
    ]
    dialect = session.connection().dialect.name
    ids: dict[str, int] = dict(_execute(session, _domain_upsert(dialect), values).all())
    session.connection().execute(_listing(dialect), {"domain_ids": sorted(ids.values())})
    return ids


@cache
def _domain_upsert(dialect: str) -> Any:
    """Return the upsert of a domain: it counts the run, copies it if it is the newest, and returns name and ID."""
    statement = insert_into(dialect, Domain)
    new = statement.excluded
    shown = or_(
        Domain.latest_run_id.is_(None),
        Domain.latest_run_at < new.latest_run_at,
        and_(Domain.latest_run_at == new.latest_run_at, Domain.latest_run_id < new.latest_run_id),
    )
    columns = {name: case((shown, new[name]), else_=getattr(Domain, name)) for name in LATEST}
    changed = {"run_count": Domain.run_count + new.run_count, **columns}
    upsert = statement.on_conflict_do_update(index_elements=[Domain.name], set_=changed)
    return upsert.returning(Domain.name, Domain.id)


@cache
def _listing(dialect: str) -> Any:
    """Return the statement that copies domains to the table of run counts, by which lists are sorted."""
    chosen = Domain.id.in_(bindparam("domain_ids", expanding=True))
    of_domains = select(Domain.id, Domain.run_count, Domain.name, Domain.latest_level).where(chosen)
    statement = insert_into(dialect, DomainRunCount).from_select(OF_RUN_COUNT, of_domains.order_by(Domain.id))
    new = {name: statement.excluded[name] for name in ("run_count", "latest_level")}
    return statement.on_conflict_do_update(index_elements=[DomainRunCount.domain_id], set_=new)


def _profile_id(session: Session, record: RunRecord) -> int | None:
    """Return the ID of the effective profile, stored if it is new; most runs share one."""
    document = _document(record)
    if document is None:
        return None
    digest, caches = _digest(document), caches_of(session)
    if (known := caches.profiles.find({digest}).get(digest)) is not None:
        return known
    number = session.scalar(_PROFILE_ID, {"digest": digest})
    if number is None:
        row = {"digest": digest, "document": document, "created_at": record.finished_at}
        session.execute(insert(session, EffectiveProfile).on_conflict_do_nothing(), row)
        number = session.scalars(_PROFILE_ID, {"digest": digest}).one()
    after_commit(session, lambda: caches.profiles.add({digest: number}))
    return number


@lru_cache(maxsize=16)
def _digest(document: str) -> str:
    return hashlib.sha256(document.encode()).hexdigest()


def _document(record: RunRecord) -> str | None:
    profile = record.effective_profile
    if profile is None:
        return None
    return clean_text(profile) if isinstance(profile, str) else dump_json(profile)
