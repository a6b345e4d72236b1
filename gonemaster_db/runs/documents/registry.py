"""The registry of entry kinds; a process caches all of its few hundred rows."""

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gonemaster_db.core.levels import at_least
from gonemaster_db.core.upsert import insert
from gonemaster_db.models import EntryKind
from gonemaster_db.runs.documents.caches import EntryType, after_commit, caches_of, has_created, mark_created


def kind_ids(session: Session, types: Iterable[EntryType]) -> Mapping[EntryType, int]:
    """Return the ID of each kind, also of kinds that were not asked for; new kinds are created."""
    caches, types = caches_of(session), set(types)
    if types <= caches.kind_ids.keys():
        return caches.kind_ids
    known = _read(session)
    if missing := sorted(types - set(known.values())):  # sorted, so that two transactions cannot deadlock
        rows = [kind._asdict() for kind in missing]
        mark_created(session)
        session.execute(insert(session, EntryKind).on_conflict_do_nothing(), rows)
        known = _read(session)
        after_commit(session, lambda: caches.set_kinds(known))
    elif not has_created(session):
        caches.set_kinds(known)
    return {kind: number for number, kind in known.items()}


def kinds_by_id(session: Session, ids: Iterable[int]) -> Mapping[int, EntryType]:
    """Return kinds (and possibly others) by ID; the kinds of a committed outcome exist."""
    known = caches_of(session).kinds
    return known if known.keys() >= set(ids) else _reload(session)


def matching_kinds(
    session: Session,
    *,
    module: str | None = None,
    testcase: str | None = None,
    tag: str | None = None,
    level: str | None = None,
    min_level: str | None = None,
) -> Collection[int]:
    """Return the IDs of the matching kinds; module and test case ignore case."""
    levels = at_least(min_level) if min_level is not None else None
    parts = (module and module.upper(), testcase and testcase.lower(), tag, level)
    return [
        number
        for number, kind in _current(session).items()
        if all(text is None or text == part for text, part in zip(parts, kind, strict=True))
        and (levels is None or kind.level in levels)
    ]


def _current(session: Session) -> Mapping[int, EntryType]:
    """Return all kinds. Kinds are never removed, so their number shows whether there are new ones."""
    known = caches_of(session).kinds
    number = session.scalar(select(func.count()).select_from(EntryKind))
    return known if number == len(known) else _reload(session)


def _reload(session: Session) -> Mapping[int, EntryType]:
    known = _read(session)
    if not has_created(session):
        caches_of(session).set_kinds(known)
    return known


def _read(session: Session) -> dict[int, EntryType]:
    columns = (EntryKind.id, EntryKind.module, EntryKind.testcase, EntryKind.tag, EntryKind.level)
    return {number: EntryType(*kind) for number, *kind in session.execute(select(*columns))}
