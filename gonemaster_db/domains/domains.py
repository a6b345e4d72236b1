"""Lookup and creation of domains, and the copy of their newest run."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    SmallInteger,
    String,
    Subquery,
    case,
    func,
    literal,
    not_,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.functions import FunctionElement

from gonemaster_db.core.base import DOMAIN_TYPE
from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.errors import DomainNotFound
from gonemaster_db.core.levels import LEVELS
from gonemaster_db.core.recent_totals import recent
from gonemaster_db.core.upsert import insert
from gonemaster_db.models import Domain, DomainRunCount, Run, RunStatus

LATEST = (
    "latest_run_id", "latest_outcome_id", "latest_run_at", "latest_status", "latest_level", "latest_score",
    "latest_grade",
)  # fmt: skip
OF_RUN_COUNT = ("domain_id", "run_count", "name", "latest_level")
_CHUNK = 5000
_MAX_CACHED = 1000  # IDs of a search
_NO_SYNC = {"synchronize_session": False}


def get_domain(session: Session, domain_id: int) -> Domain:
    """Read a domain. Raises DomainNotFound."""
    found = session.get(Domain, domain_id)
    if found is None:
        raise DomainNotFound(domain_id)
    return found


def find_domain(session: Session, name: str) -> Domain | None:
    """Read a domain by its normalised name; None if it was neither tested nor tagged."""
    return session.scalar(select(Domain).where(Domain.name == name))


def contains_name(column: ColumnElement[str], part: str) -> ColumnElement[bool]:
    """Match names that contain a substring, ignoring case; faster than LIKE, which has to parse wildcards."""
    return _PositionIn(column, literal(part.lower(), DOMAIN_TYPE)) > 0


def find_named(session: Session, part: str, *, maximum: int) -> Sequence[int] | None:
    """Return the IDs of the domains whose name contains a substring, or None if there are more than `maximum`.

    The search for a rare substring reads all names, so a short result is cached. Names do not change and IDs ascend, so
    the next search only reads newer domains; a domain of a transaction that commits late may be missing for LIFE_S.
    """
    named = select(Domain.id).where(contains_name(Domain.name.expression, part)).limit(maximum + 1)

    def find() -> tuple[Sequence[int], int]:
        newest = session.scalar(select(func.max(Domain.id))) or 0
        return session.scalars(named).all(), newest

    known, newest = recent(session, ("named", part, maximum), find, large=lambda found: len(found[0]) <= _MAX_CACHED)
    found = {*known, *session.scalars(named.where(Domain.id > newest))}
    return sorted(found) if len(found) <= maximum else None


class _PositionIn(FunctionElement[int]):
    """The position of a string in another string, from 1; 0 if it is not found."""

    inherit_cache = True
    type = Integer()


@compiles(_PositionIn)
def _instr(element: _PositionIn, compiler: Any, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(_PositionIn, "postgresql")
def _strpos(element: _PositionIn, compiler: Any, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


def ensure_domains(session: Session, names: Iterable[str], *, now: datetime) -> dict[str, int]:
    """Find or create domains; return their IDs by name."""
    ids: dict[str, int] = {}
    for chunk in chunks(sorted(set(names)), _CHUNK):  # Sorted, so that two transactions cannot deadlock.
        ids.update(_ids(session, chunk))
        missing = [name for name in chunk if name not in ids]
        if missing:
            rows = [{"name": name, "created_at": now, "run_count": 0} for name in missing]
            # With RETURNING, SQLAlchemy sends all rows in one statement.
            new = insert(session, Domain).on_conflict_do_nothing().returning(Domain.name, Domain.id)
            found: dict[str, int] = dict(session.execute(new, rows).all())
            if left := [name for name in missing if name not in found]:
                found |= _ids(session, left)  # Another transaction has created them.
            insert_run_counts(session, found.values())
            ids.update(found)
    return ids


def lock_domains(session: Session, domain_ids: Iterable[int]) -> dict[int, Row[Any]]:
    """Lock domains until the commit, so that no run of them graduates; return `latest_run_id` and `run_count` by ID.

    All callers lock in order of ID, so that they cannot deadlock.
    """
    found: dict[int, Row[Any]] = {}
    columns = (Domain.id, Domain.latest_run_id, Domain.run_count)
    for chunk in chunks(sorted(set(domain_ids)), _CHUNK):
        query = select(*columns).where(Domain.id.in_(chunk)).order_by(Domain.id)
        found |= {row.id: row for row in session.execute(query.with_for_update(key_share=True))}
    return found


def refresh_domains(session: Session, domain_ids: Iterable[int], *, leaving: ColumnElement[bool] | None = None) -> None:
    """Recount the runs of the domains and copy the outcome of their newest run (by finish time).

    Runs that match `leaving` are about to be deleted and are ignored, so that no domain refers to them afterwards. The
    domains are locked first, because the count would miss a run that graduates concurrently.
    """
    for chunk in chunks(sorted(set(domain_ids)), _CHUNK):
        lock_domains(session, chunk)
        found = _state(chunk, leaving)
        values = {getattr(Domain, column.name): column for column in found.c if column.name != "domain_id"}
        session.execute(
            update(Domain).where(Domain.id == found.c.domain_id).values(values),
            execution_options=_NO_SYNC,
        )
        _copy_run_counts(session, chunk)


def insert_run_counts(session: Session, domain_ids: Iterable[int]) -> None:
    """Add new domains to the table of run counts, by which lists are sorted."""
    columns = (Domain.id, Domain.run_count, Domain.name, Domain.latest_level)
    new = insert(session, DomainRunCount)
    for chunk in chunks(sorted(set(domain_ids)), _CHUNK):
        found = select(*columns).where(Domain.id.in_(chunk)).order_by(Domain.id)
        rows = new.from_select(OF_RUN_COUNT, found, include_defaults=False)
        session.execute(rows.on_conflict_do_nothing())


def add_to_run_counts(session: Session, domain_ids: Iterable[int], number: int) -> None:
    """Add a number to the run counts of domains that this transaction has locked."""
    counts = update(Domain).values(run_count=Domain.run_count + number)
    listed = update(DomainRunCount).values(run_count=DomainRunCount.run_count + number)
    for chunk in chunks(sorted(set(domain_ids)), _CHUNK):
        session.execute(counts.where(Domain.id.in_(chunk)), execution_options=_NO_SYNC)
        session.execute(listed.where(DomainRunCount.domain_id.in_(chunk)), execution_options=_NO_SYNC)


def reset_domains(session: Session, domain_ids: Iterable[int]) -> None:
    """Reset domains that this transaction has locked to the state of untested domains."""
    nothing = update(Domain).values(run_count=0, **dict.fromkeys(LATEST))
    listed = update(DomainRunCount).values(run_count=0, latest_level=None)
    for chunk in chunks(sorted(set(domain_ids)), _CHUNK):
        session.execute(nothing.where(Domain.id.in_(chunk)), execution_options=_NO_SYNC)
        session.execute(listed.where(DomainRunCount.domain_id.in_(chunk)), execution_options=_NO_SYNC)


def _copy_run_counts(session: Session, domain_ids: Iterable[int]) -> None:
    """Copy the run counts of domains that this transaction has locked to the table by which lists are sorted."""
    changed = or_(
        DomainRunCount.run_count != Domain.run_count, DomainRunCount.latest_level.is_distinct_from(Domain.latest_level)
    )
    copied = {"run_count": Domain.run_count, "latest_level": Domain.latest_level}
    copy = update(DomainRunCount).where(DomainRunCount.domain_id == Domain.id, changed).values(copied)
    for chunk in chunks(sorted(set(domain_ids)), _CHUNK):
        of_chunk = DomainRunCount.domain_id.in_(chunk)
        session.execute(copy.where(of_chunk), execution_options=_NO_SYNC)


def _state(domain_ids: Sequence[int], leaving: ColumnElement[bool] | None) -> Subquery:
    """Select the new values of domains, labelled by column.

    The newest run is looked up for each domain in ix_runs_domain_id_finished_at; a join with an aggregate over all runs
    would read every run of a large batch once more.
    """
    domain = aliased(Domain)
    counted = [Run.domain_id == domain.id, *([] if leaving is None else [not_(leaving)])]
    order = (Run.finished_at.desc(), Run.id.desc())
    newest = select(Run.id).where(*counted).order_by(*order).limit(1).correlate(domain).scalar_subquery()
    latest = aliased(Run)
    return (
        select(
            domain.id.label("domain_id"),
            select(func.count())
            .select_from(Run)
            .where(*counted)
            .correlate(domain)
            .scalar_subquery()
            .label("run_count"),
            latest.id.label("latest_run_id"),
            latest.outcome_id.label("latest_outcome_id"),
            latest.finished_at.label("latest_run_at"),
            _words(latest.status, tuple(RunStatus)).label("latest_status"),
            _words(latest.worst_level, LEVELS).label("latest_level"),
            latest.score.label("latest_score"),
            latest.grade.label("latest_grade"),
        )
        .outerjoin(latest, latest.id == newest)
        .where(domain.id.in_(domain_ids))
        .subquery()
    )


def _words(code: Any, words: Sequence[str]) -> ColumnElement[str]:
    """Return the text of the status and level codes of runs, since domains store them as text."""
    texts = {number: literal(str(word), String()) for number, word in enumerate(words)}
    return case(texts, value=type_coerce(code, SmallInteger()))


def _ids(session: Session, names: Sequence[str]) -> dict[str, int]:
    return {name: key for key, name in session.execute(select(Domain.id, Domain.name).where(Domain.name.in_(names)))}
