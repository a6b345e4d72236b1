"""Writes the rows of a run (run, outcome, document, domain) in the transaction that ends its job."""

import hashlib
from collections.abc import Iterator
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
from gonemaster_db.core.records import RunRecord
from gonemaster_db.core.upsert import insert, insert_into
from gonemaster_db.domains.domains import LATEST, OF_RUN_COUNT
from gonemaster_db.domains.tags import tag_domains
from gonemaster_db.models import Domain, DomainRunCount, EffectiveProfile, Run, RunDocument, RunStatus
from gonemaster_db.runs.causes import ensure_cause_set
from gonemaster_db.runs.counters import RunGroup, count_runs_in
from gonemaster_db.runs.documents.caches import after_commit, caches_of
from gonemaster_db.runs.documents.outcomes import ensure_outcomes
from gonemaster_db.runs.documents.run_document import encode_document
from gonemaster_db.runs.findings import findings_hash

KEPT = (
    "id", "public_id", "domain", "priority", "created_at", "started_at", "attempt", "worker", "profile", "profile_id",
    "profile_name", "config",
)  # fmt: skip  # columns that a run takes from its job
OF_RUN = (
    *KEPT, "batch_key", "domain_id", "outcome_id", "effective_profile_id", "status", "finished_at", "duration_ms",
    "error", "worst_level", "score", "grade", "entry_count", "sev_notice", "sev_warning", "sev_error", "sev_critical",
    "score_rule", "cause_set_id", "findings_hash",
)  # fmt: skip  # all columns that are written
_OF_DOMAIN = ("name", "created_at", "run_count", *LATEST)
_RUNS = cast("Table", Run.__table__)
# Built once, because constructing a statement costs more than executing it.
_INSERT_RUN = plain_insert(_RUNS).values({name: bindparam(name) for name in OF_RUN}).returning(_RUNS.c.key)
_INSERT_DOCUMENT = plain_insert(cast("Table", RunDocument.__table__))
_PROFILE_ID = select(EffectiveProfile.id).where(EffectiveProfile.digest == bindparam("digest"))


def write_run(session: Session, job: RowMapping, record: RunRecord) -> None:
    """Write the run of a job, update the copy in its domain and the counters. `job` is the deleted row of the job.

    Raises: StoreConflict: A cached outcome or profile was removed; a retry creates it again.
    """
    connection, found = session.connection(), run_values(record)
    batch = None if job["batch_id"] is None else batch_key(job["batch_id"])
    with references_checked(session):
        (outcome_id,) = ensure_outcomes(session, [record.entries], now=record.finished_at)
        profile_id = _profile_id(session, record)
        domain_id = _update_domain(session, job, record, outcome_id)
        row = {
            **{name: job[name] for name in KEPT},
            **found,
            "outcome_id": outcome_id,
            "cause_set_id": ensure_cause_set(session, record.causes),
            "effective_profile_id": profile_id,
            "domain_id": domain_id,
            "batch_key": batch,
            "duration_ms": duration_ms(job["started_at"], record.finished_at),
        }
        key = connection.execute(_INSERT_RUN, row).scalar_one()
    if document := encode_document(record.entries, record.nameserver_timings, record.dnssec_chain):
        codec, text = document
        connection.execute(_INSERT_DOCUMENT, {"run_key": key, "codec": codec, "document": text})
    if tags := job["config"].get("tags"):
        tag_domains(session, tags, [domain_id], now=record.finished_at)
    count_runs_in(session, {RunGroup(batch, record.status, found["worst_level"], record.grade): 1})


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


def run_values(record: RunRecord) -> dict[str, Any]:
    """Return the columns of a run that only depend on its record."""
    levels = [entry.level for entry in record.entries]
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
        "findings_hash": findings_hash(record.entries) if record.status is RunStatus.SUCCEEDED else None,
    }


def duration_ms(started_at: datetime | None, finished_at: datetime) -> int | None:
    """Return whole milliseconds, never negative, because the clocks of two machines may differ."""
    if started_at is None:
        return None
    return max(0, round((finished_at - started_at).total_seconds() * 1000))


def _update_domain(session: Session, job: RowMapping, record: RunRecord, outcome_id: int | None) -> int:
    """Find or create the domain and copy this run's outcome unless it has a newer one; return the domain's ID."""
    values = {
        "name": job["domain"],
        "created_at": record.finished_at,
        "run_count": 1,
        "latest_run_id": job["id"],
        "latest_outcome_id": outcome_id,
        "latest_run_at": record.finished_at,
        "latest_status": record.status,
        "latest_level": worst(entry.level for entry in record.entries),
        "latest_score": record.score,
        "latest_grade": record.grade,
    }
    connection = session.connection()
    dialect = connection.dialect.name
    domain_id = cast("int", connection.execute(_domain_upsert(dialect), values).scalar_one())
    connection.execute(_listing(dialect), {"domain_id": domain_id})
    return domain_id


@cache
def _domain_upsert(dialect: str) -> Any:
    """Return the upsert of a domain: it counts the run, copies it if it is the newest, and returns the ID."""
    statement = insert_into(dialect, Domain).values({name: bindparam(name) for name in _OF_DOMAIN})
    new = statement.excluded
    shown = or_(
        Domain.latest_run_id.is_(None),
        Domain.latest_run_at < new.latest_run_at,
        and_(Domain.latest_run_at == new.latest_run_at, Domain.latest_run_id < new.latest_run_id),
    )
    columns = {name: case((shown, new[name]), else_=getattr(Domain, name)) for name in LATEST}
    changed = {"run_count": Domain.run_count + new.run_count, **columns}
    return statement.on_conflict_do_update(index_elements=[Domain.name], set_=changed).returning(Domain.id)


@cache
def _listing(dialect: str) -> Any:
    """Return the statement that copies a domain to the table of run counts, by which lists are sorted."""
    of_domain = select(Domain.id, Domain.run_count, Domain.name, Domain.latest_level)
    of_domain = of_domain.where(Domain.id == bindparam("domain_id"))
    statement = insert_into(dialect, DomainRunCount).from_select(OF_RUN_COUNT, of_domain)
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
