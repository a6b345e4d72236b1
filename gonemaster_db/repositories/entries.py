"""Entries of one run and across runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal_column, or_, select, true
from sqlalchemy.orm import Session, aliased

from gonemaster_db.filters import EntryFilter
from gonemaster_db.levels import at_least
from gonemaster_db.models import Domain, DomainTag, Entry, Run
from gonemaster_db.records import Page


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """An entry with the name of its domain."""

    entry: Entry
    domain: str


def entries_of_run(session: Session, run_id: str, *, min_level: str | None = None) -> Sequence[Entry]:
    """Read the entries of one run in their order, from a level up."""
    query = select(Entry).where(Entry.run_id == run_id)
    if min_level is not None:
        query = query.where(Entry.level.in_(at_least(min_level)))
    return session.scalars(query.order_by(Entry.id)).all()


def list_entries(
    session: Session,
    wanted: EntryFilter,
    *,
    limit: int = 100,
    offset: int = 0,
    after: tuple[str, int] | None = None,
    count_up_to: int = 100_000,
) -> Page[ListedEntry]:
    """Page through entries by run id, then entry id.

    `after` (run id and entry id of the last item seen) is fast at any depth, `offset` is not.
    `total` is exact up to `count_up_to`; above, it is that number and `total_is_least` is set.
    """
    conditions = _conditions(wanted)
    counted = _matching(session, wanted, conditions).limit(count_up_to + 1).subquery()
    total = session.scalar(select(func.count()).select_from(counted)) or 0
    query = _in_order(session, wanted, conditions, after).limit(limit).offset(offset)
    items = [ListedEntry(entry, domain) for entry, domain in session.execute(query)]
    return Page(items, min(total, count_up_to), limit, offset, total_is_least=total > count_up_to)


def read_entries_after(
    session: Session, wanted: EntryFilter, after: tuple[str, int] | None, *, limit: int
) -> list[ListedEntry]:
    """Read the entries that match behind `after` (as in list_entries), uncounted."""
    query = _in_order(session, wanted, _conditions(wanted), after).limit(limit)
    return [ListedEntry(entry, domain) for entry, domain in session.execute(query)]


def _matching(session: Session, wanted: EntryFilter, conditions: list[ColumnElement[bool]]) -> "Select[int]":
    if _is_newest_unfiltered(session, wanted, conditions):
        return _of_newest_runs(None).order_by(None).with_only_columns(literal_column("1"))
    matching = select(Entry.id).where(*conditions)
    return matching.join(Domain, _is_latest()) if wanted.latest else matching


def _in_order(
    session: Session, wanted: EntryFilter, conditions: list[ColumnElement[bool]], after: tuple[str, int] | None
) -> "Select[Entry, str]":
    """Select a page; for the newest runs in the order of the index of domains, so that older runs are never read."""
    if _is_newest_unfiltered(session, wanted, conditions):
        return _of_newest_runs(after)
    domain = Domain.id == Entry.domain_id
    run_key: ColumnElement[Any] = Entry.run_id.expression
    if wanted.latest:
        domain, run_key = _is_latest(), Domain.latest_run_id.expression
    query = select(Entry, Domain.name).join(Domain, domain).where(*conditions)
    if after is not None:
        query = query.where(*_beyond(run_key, Entry.id.expression, after))
    return query.order_by(run_key, Entry.id)


def _is_newest_unfiltered(session: Session, wanted: EntryFilter, conditions: list[ColumnElement[bool]]) -> bool:
    return wanted.latest and not conditions and session.get_bind().dialect.name == "postgresql"


def _of_newest_runs(after: tuple[str, int] | None) -> "Select[Entry, str]":
    """Walk the index of domains and fetch the entries of each run.

    SQLite does so by itself. PostgreSQL would flatten the subqueries and scan all entries in the order of their
    index, old runs included; OFFSET 0 is an optimization fence that keeps both subqueries as they are.
    """
    chosen = select(Domain.name, Domain.latest_run_id.label("run_id")).where(Domain.latest_run_id.is_not(None))
    if after is not None:
        chosen = chosen.where(Domain.latest_run_id >= after[0])
    newest = chosen.order_by(Domain.latest_run_id).offset(0).subquery().c
    entry = aliased(Entry, select(Entry).where(Entry.run_id == newest.run_id).offset(0).lateral())
    query = select(entry, newest.name).join(entry, true())
    if after is not None:
        query = query.where(*_beyond(newest.run_id, entry.id.expression, after))
    return query.order_by(newest.run_id, entry.id)


def _beyond(
    run_key: ColumnElement[Any], entry_key: ColumnElement[int], after: tuple[str, int]
) -> tuple[ColumnElement[bool], ...]:
    run_id, entry_id = after
    return run_key >= run_id, or_(run_key > run_id, and_(run_key == run_id, entry_key > entry_id))


def _is_latest() -> ColumnElement[bool]:
    return Domain.latest_run_id == Entry.run_id


def _conditions(wanted: EntryFilter) -> list[ColumnElement[bool]]:
    domain_id = Domain.id if wanted.latest else Entry.domain_id  # of the table that is read first
    exact = {
        Entry.run_id: wanted.run_id,
        domain_id: wanted.domain_id,
        Entry.module: wanted.module and wanted.module.upper(),
        Entry.testcase: wanted.testcase and wanted.testcase.lower(),
        Entry.tag: wanted.tag,
        Entry.level: wanted.level,
    }
    found: list[ColumnElement[bool]] = [column == value for column, value in exact.items() if value is not None]
    if wanted.domain_tag is not None:
        found.append(domain_id.in_(select(DomainTag.domain_id).where(DomainTag.tag == wanted.domain_tag)))
    if wanted.batch_id is not None:
        found.append(Entry.run_id.in_(select(Run.id).where(Run.batch_id == wanted.batch_id)))
    return found
