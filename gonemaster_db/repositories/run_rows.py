"""Writes the rows of a run (run, outcome, document, domain) in the transaction that ends its job."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import RowMapping, Table, and_, bindparam, case, or_, select
from sqlalchemy import insert as plain_insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gonemaster_db.bulk import insert_rows
from gonemaster_db.documents.caches import after_commit, caches_of
from gonemaster_db.documents.outcomes import ensure_outcomes
from gonemaster_db.documents.run_document import encode_document
from gonemaster_db.errors import StoreConflict
from gonemaster_db.failures import lacks_reference
from gonemaster_db.ids import batch_key
from gonemaster_db.json_text import clean_text, dump_json
from gonemaster_db.levels import count_severities, worst
from gonemaster_db.models import Domain, EffectiveProfile, Run, RunCounter, RunDocument, RunStatus
from gonemaster_db.prepared import Prepared
from gonemaster_db.records import RunRecord
from gonemaster_db.repositories.counters import RunGroup, added, count_runs_in, counter_rows
from gonemaster_db.repositories.findings import findings_hash
from gonemaster_db.repositories.tags import tag_domains
from gonemaster_db.upsert import insert, insert_into

KEPT = (
    "id", "public_id", "domain", "priority", "created_at", "started_at", "attempt", "worker", "profile", "profile_id",
    "profile_name", "config",
)  # fmt: skip  # columns that a run takes from its job
_RUNS = cast("Table", Run.__table__)
# Built once: constructing a statement costs more than executing it.
_INSERT_RUN = plain_insert(_RUNS).returning(_RUNS.c.key)
_COLUMNS = (
    *KEPT, "batch_key", "domain_id", "outcome_id", "effective_profile_id", "status", "finished_at", "duration_ms",
    "error", "worst_level", "score", "grade", "entry_count", "sev_notice", "sev_warning", "sev_error", "sev_critical",
    "findings_hash",
)  # fmt: skip
_LATEST = ("latest_run_id", "latest_run_at", "latest_status", "latest_level", "latest_score", "latest_grade")
_OF_DOMAIN = ("name", "created_at", "run_count", *_LATEST)
_DOCUMENT = ("run_key", "codec", "document")
_PROFILE_ID = select(EffectiveProfile.id).where(EffectiveProfile.digest == bindparam("digest"))


def write_run(session: Session, job: RowMapping, record: RunRecord) -> None:
    """Write the run of a job with what it found, update the copy in its domain, and count. `job` is its deleted row.

    Raises:
        StoreConflict: an outcome or profile that was in memory has been removed; a second try creates it again.
    """
    caches = caches_of(session)
    forgettings = caches.forgettings
    domain_id = _update_domain(session, job, record)
    (outcome_id,) = ensure_outcomes(session, [record.entries], now=record.finished_at)
    row = _run_row(job, record) | {
        "domain_id": domain_id,
        "outcome_id": outcome_id,
        "effective_profile_id": _profile_id(session, record),
    }
    if tags := job["config"].get("tags"):
        tag_domains(session, tags, [domain_id], now=record.finished_at)
    document = encode_document(record.entries, record.nameserver_timings, record.dnssec_chain)
    group = RunGroup(row["batch_key"], record.status, row["worst_level"], record.grade)
    try:
        if session.get_bind().dialect.name == "postgresql":
            _insert_together(session, row, document, group)
        else:
            _insert_one_by_one(session, row, document, group)
    except IntegrityError as error:
        # Perhaps maintenance has removed an outcome that this process remembers, or did until another thread met it.
        if lacks_reference(error) and (caches.forgettings != forgettings or caches.forget_references()):
            raise StoreConflict("a row that the run refers to was removed") from None
        raise


def _insert_one_by_one(
    session: Session, row: Mapping[str, Any], document: tuple[int, bytes] | None, group: RunGroup
) -> None:
    key = session.connection().execute(_INSERT_RUN, row).scalar_one()
    if document:
        insert_rows(session, RunDocument, _DOCUMENT, [(key, *document)])
    count_runs_in(session, {group: 1})


def _insert_together(
    session: Session, row: Mapping[str, Any], document: tuple[int, bytes] | None, group: RunGroup
) -> None:
    """Insert run and document and count by one statement: a round trip, parsing and planning cost as much again."""
    counters = counter_rows({group: 1}, sharded=True)
    values = dict(row) | {f"{name}_{place}": value for place, one in enumerate(counters) for name, value in one.items()}
    if document:
        values["codec"], values["document"] = document
    _together(len(counters), documented=document is not None).execute(session.connection(), values)


@cache
def _together(counters: int, *, documented: bool) -> Prepared:
    """Build the statement for PostgreSQL once; SQLite takes no INSERT in WITH."""
    run = plain_insert(_RUNS).values({name: bindparam(name) for name in _COLUMNS}).returning(_RUNS.c.key).cte("run")
    columns = RunCounter.__table__.columns
    rows = [
        {one.name: bindparam(f"{one.name}_{place}", type_=one.type) for one in columns} for place in range(counters)
    ]
    parts = [added(insert_into("postgresql", RunCounter).values(rows)).cte("counted")]
    if documented:
        octets = bindparam("document", type_=RunDocument.document.type)
        kept = select(run.c.key, bindparam("codec", type_=RunDocument.codec.type), octets)
        parts.append(plain_insert(RunDocument).from_select(_DOCUMENT, kept).cte("kept"))
    return Prepared(select(run.c.key).add_cte(*parts), finds=False)


def _run_row(job: RowMapping, record: RunRecord) -> dict[str, Any]:
    levels = [entry.level for entry in record.entries]
    severities = {f"sev_{level.lower()}": number for level, number in count_severities(levels).items()}
    return {
        **{name: job[name] for name in KEPT},
        **severities,
        "batch_key": None if job["batch_id"] is None else batch_key(job["batch_id"]),
        "status": record.status,
        "finished_at": record.finished_at,
        "duration_ms": _duration_ms(job["started_at"], record.finished_at),
        "error": clean_text(record.error),
        "worst_level": worst(levels),
        "score": record.score,
        "grade": record.grade,
        "entry_count": len(levels),
        "findings_hash": findings_hash(record.entries) if record.status is RunStatus.SUCCEEDED else None,
    }


def _duration_ms(started_at: datetime | None, finished_at: datetime) -> int | None:
    """Return whole milliseconds, never negative: clocks of two machines may differ."""
    if started_at is None:
        return None
    return max(0, round((finished_at - started_at).total_seconds() * 1000))


def _update_domain(session: Session, job: RowMapping, record: RunRecord) -> int:
    """Find or create the domain and copy the outcome of this run unless its own is newer; returns the domain's id."""
    values = {
        "name": job["domain"],
        "created_at": record.finished_at,
        "run_count": 1,
        "latest_run_id": job["id"],
        "latest_run_at": record.finished_at,
        "latest_status": record.status,
        "latest_level": worst(entry.level for entry in record.entries),
        "latest_score": record.score,
        "latest_grade": record.grade,
    }
    connection = session.connection()
    return cast("int", _domain_upsert(connection.dialect.name).execute(connection, values).scalar_one())


@cache
def _domain_upsert(dialect: str) -> Prepared:
    """Build the statement once: constructing it costs more than executing it."""
    statement = insert_into(dialect, Domain).values({name: bindparam(name) for name in _OF_DOMAIN})
    new = statement.excluded
    shown = or_(
        Domain.latest_run_id.is_(None),
        Domain.latest_run_at < new.latest_run_at,
        and_(Domain.latest_run_at == new.latest_run_at, Domain.latest_run_id < new.latest_run_id),
    )
    columns = {name: case((shown, new[name]), else_=getattr(Domain, name)) for name in _LATEST}
    changed = {"run_count": Domain.run_count + new.run_count, **columns}
    upsert = statement.on_conflict_do_update(index_elements=[Domain.name], set_=changed).returning(Domain.id)
    return Prepared(upsert, finds=False)


def _profile_id(session: Session, record: RunRecord) -> int | None:
    """Return the id of the effective profile, stored if it is unknown; most runs share one."""
    document = _document(record)
    if document is None:
        return None
    digest = hashlib.sha256(document.encode()).hexdigest()
    caches = caches_of(session)
    if known := caches.profiles.find({digest}):
        return known[digest]
    number = session.scalar(_PROFILE_ID, {"digest": digest})
    if number is None:
        row = {"digest": digest, "document": document, "created_at": record.finished_at}
        session.execute(insert(session, EffectiveProfile).on_conflict_do_nothing(), row)
        number = session.scalars(_PROFILE_ID, {"digest": digest}).one()
    after_commit(session, lambda: caches.profiles.add({digest: number}))
    return number


def _document(record: RunRecord) -> str | None:
    profile = record.effective_profile
    if profile is None:
        return None
    return clean_text(profile) if isinstance(profile, str) else dump_json(profile)
