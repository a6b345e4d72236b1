"""Domains: lookup, creation, and the copy of their newest run."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    SmallInteger,
    String,
    Subquery,
    case,
    func,
    literal,
    not_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.functions import FunctionElement

from gonemaster_db.base import DOMAIN_TYPE
from gonemaster_db.chunks import chunks
from gonemaster_db.errors import DomainNotFound
from gonemaster_db.levels import LEVELS
from gonemaster_db.models import Domain, Run, RunStatus
from gonemaster_db.upsert import insert

_CHUNK = 5000


def get_domain(session: Session, domain_id: int) -> Domain:
    """Read a domain. Raises DomainNotFound."""
    found = session.get(Domain, domain_id)
    if found is None:
        raise DomainNotFound(domain_id)
    return found


def contains_name(column: ColumnElement[str], part: str) -> ColumnElement[bool]:
    """Match names that contain a substring, in any case; faster than LIKE, which has to look for its own signs."""
    return _Place(column, literal(part.lower(), DOMAIN_TYPE)) > 0


class _Place(FunctionElement[int]):
    """The place of a text in another, from 1 on; 0: it is not there."""

    inherit_cache = True
    type = Integer()


@compiles(_Place)
def _instr(element: _Place, compiler: Any, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(_Place, "postgresql")
def _strpos(element: _Place, compiler: Any, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


def ensure_domains(session: Session, names: Iterable[str], *, now: datetime) -> dict[str, int]:
    """Find or create the domains; returns their ids by name."""
    ids: dict[str, int] = {}
    for chunk in chunks(sorted(set(names)), _CHUNK):  # sorted, so that two transactions cannot deadlock
        ids.update(_ids(session, chunk))
        missing = [name for name in chunk if name not in ids]
        if missing:
            rows = [{"name": name, "created_at": now, "run_count": 0} for name in missing]
            session.execute(insert(session, Domain).on_conflict_do_nothing(), rows)
            ids.update(_ids(session, missing))
    return ids


def lock_domains(session: Session, domain_ids: Iterable[int]) -> None:
    """Lock domains against graduations of their runs until the commit; ordered by id, as everywhere."""
    for chunk in chunks(sorted(set(domain_ids)), _CHUNK):
        query = select(Domain.id).where(Domain.id.in_(chunk)).order_by(Domain.id)
        session.execute(query.with_for_update(key_share=True)).all()


def refresh_domains(session: Session, domain_ids: Iterable[int], *, leaving: ColumnElement[bool] | None = None) -> None:
    """Recount the runs of the domains and copy the outcome of their newest run (by finish time).

    Runs that match `leaving` are about to be deleted and are ignored, so that no domain refers to them afterwards.
    The domains are locked first: a run that graduates concurrently would be missed in the count.
    """
    for chunk in chunks(sorted(set(domain_ids)), _CHUNK):
        lock_domains(session, chunk)
        found = _state(chunk, leaving)
        values = {getattr(Domain, column.name): column for column in found.c if column.name != "domain_id"}
        session.execute(
            update(Domain).where(Domain.id == found.c.domain_id).values(values),
            execution_options={"synchronize_session": False},
        )


def _state(domain_ids: Sequence[int], leaving: ColumnElement[bool] | None) -> Subquery:
    """Select the new values of domains, labelled by column.

    The newest run is looked up per domain in ix_runs_domain_id_finished_at; a join with an aggregate over all runs
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
    """Return the words that the codes of runs stand for: in domains they are stored as text."""
    texts = {number: literal(str(word), String()) for number, word in enumerate(words)}
    return case(texts, value=type_coerce(code, SmallInteger()))


def _ids(session: Session, names: Sequence[str]) -> dict[str, int]:
    return {name: key for key, name in session.execute(select(Domain.id, Domain.name).where(Domain.name.in_(names)))}
