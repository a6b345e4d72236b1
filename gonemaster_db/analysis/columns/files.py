"""The files of the analysis that count: a Parquet file is part of a snapshot or of a view as long as it has a row here.

A file is written first and registered afterwards, in the transaction that also records the runs in it. A file without a
row is an orphan: its writer was killed, or its row has been removed. A maintenance task deletes orphans after a day.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from gonemaster_db.core.chunks import chunks
from gonemaster_db.models import AnalysisFile, ProjectionClaim

FACTS = "facts"
_CHUNK = 500
_NO_SYNC = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that has been written completely; the fields are the columns of `AnalysisFile`."""

    name: str
    rows: int
    size: int
    kind: str = FACTS
    first_domain: str | None = None
    last_domain: str | None = None
    first_key: int | None = None
    last_key: int | None = None
    run_keys: bytes | None = None


def register_files(
    session: Session, snapshot_id: int, files: Iterable[NewFile], *, now: datetime, view_id: int | None = None
) -> None:
    """Register files of a snapshot, or of its view `view_id`; they count from the commit on."""
    for file in files:
        columns = {name: getattr(file, name) for name in NewFile.__dataclass_fields__}
        session.add(AnalysisFile(snapshot_id=snapshot_id, view_id=view_id, created_at=now, **columns))
    session.flush()


def files_of(
    session: Session, snapshot_id: int, kind: str = FACTS, *, view_id: int | None = None
) -> Sequence[AnalysisFile]:
    """Return the files of a kind of a snapshot in order of registration; those of a table of a view need `view_id`."""
    query = select(AnalysisFile).where(AnalysisFile.snapshot_id == snapshot_id, AnalysisFile.kind == kind)
    if kind != FACTS:
        query = query.where(AnalysisFile.view_id == view_id)
    return session.scalars(query.order_by(AnalysisFile.id)).all()


def files_of_view(session: Session, view_id: int) -> dict[str, list[str]]:
    """Return the names of the files of a view by kind, in order of registration."""
    query = select(AnalysisFile.kind, AnalysisFile.name).where(AnalysisFile.view_id == view_id)
    found: dict[str, list[str]] = {}
    for kind, name in session.execute(query.order_by(AnalysisFile.id)):
        found.setdefault(kind, []).append(name)
    return found


def names_of_snapshot(session: Session, snapshot_id: int, *, limit: int) -> Sequence[str]:
    """Return the names of some files with facts of a snapshot; those of its views are removed with the views."""
    query = select(AnalysisFile.name).where(AnalysisFile.snapshot_id == snapshot_id, AnalysisFile.kind == FACTS)
    return session.scalars(query.order_by(AnalysisFile.id).limit(limit)).all()


def names_of_view(session: Session, view_id: int, *, limit: int) -> Sequence[str]:
    """Return the names of some files of a view."""
    query = select(AnalysisFile.name).where(AnalysisFile.view_id == view_id)
    return session.scalars(query.order_by(AnalysisFile.id).limit(limit)).all()


def forget_files(session: Session, names: Collection[str]) -> None:
    """Remove the rows of files; the files no longer count."""
    for some in chunks(list(names), _CHUNK):
        session.execute(delete(AnalysisFile).where(AnalysisFile.name.in_(some)), execution_options=_NO_SYNC)


def orphans(session: Session, names: Collection[str]) -> list[str]:
    """Return those of the names that have no row."""
    known: set[str] = set()
    for some in chunks(list(names), _CHUNK):
        known.update(session.scalars(select(AnalysisFile.name).where(AnalysisFile.name.in_(some))))
    return [name for name in names if name not in known]


def count_rows_of(session: Session, snapshot_id: int) -> int:
    """Return the number of rows of the files with facts of a snapshot."""
    of_facts = (AnalysisFile.snapshot_id == snapshot_id, AnalysisFile.kind == FACTS)
    return int(session.scalar(select(func.coalesce(func.sum(AnalysisFile.rows), 0)).where(*of_facts)) or 0)


def size_of(session: Session, snapshot_id: int) -> int:
    """Return the number of bytes of all files of a snapshot."""
    query = select(func.coalesce(func.sum(AnalysisFile.size), 0)).where(AnalysisFile.snapshot_id == snapshot_id)
    return int(session.scalar(query) or 0)


def void_files(session: Session, snapshot_id: int) -> None:
    """Let all runs of a locked snapshot be projected again; its files count until compaction replaces them."""
    claims = delete(ProjectionClaim).where(ProjectionClaim.snapshot_id == snapshot_id)
    session.execute(claims, execution_options=_NO_SYNC)
    files = update(AnalysisFile).where(AnalysisFile.snapshot_id == snapshot_id, AnalysisFile.kind == FACTS)
    session.execute(files.values(run_keys=None), execution_options=_NO_SYNC)
