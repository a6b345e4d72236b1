"""Compaction: replaces small files of a snapshot by one, and removes rows that a rebuild has written again.

The new file is registered and the old files are forgotten in one transaction, which checks whether another process
has changed the files meanwhile. Old files are then orphans; those who are reading them have a day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gonemaster_db.analysis.columns.fact_files import folder_of, read_facts_file, write_facts_file
from gonemaster_db.analysis.columns.files import FACTS, NewFile, forget_files, register_files
from gonemaster_db.analysis.columns.location import Location
from gonemaster_db.analysis.columns.run_sets import unpack_keys
from gonemaster_db.analysis.columns.writer import ROWS_PER_FILE
from gonemaster_db.core.session import Store
from gonemaster_db.models import AnalysisFile, CohortSnapshot, FactStorage, ProjectionClaim

SMALL = ROWS_PER_FILE // 2
MIN_FILES = 4
_NO_SYNC = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class FileGroup:
    """Files of a snapshot to be replaced by one; `is_void` if their runs have been projected again."""

    cohort_id: int
    snapshot_id: int
    names: Sequence[str]
    is_void: bool = False


def find_groups(session: Session, *, small: int = SMALL, rows: int = ROWS_PER_FILE) -> list[FileGroup]:
    """Return groups of files: a void one each, or at least four small ones with at most `rows` rows.

    A snapshot that is being rebuilt or written is skipped.
    """
    unfinished = select(ProjectionClaim.snapshot_id)
    query = select(CohortSnapshot.id, CohortSnapshot.cohort_id).where(
        CohortSnapshot.storage == FactStorage.COLUMNS,
        CohortSnapshot.cohort_id.is_not(None),
        CohortSnapshot.materialization_status == "",
        CohortSnapshot.id.not_in(unfinished),
    )
    return [
        group
        for snapshot_id, cohort_id in session.execute(query.order_by(CohortSnapshot.id)).all()
        for group in _groups(session, cohort_id or 0, snapshot_id, small, rows)
    ]


def _groups(session: Session, cohort_id: int, snapshot_id: int, small: int, rows: int) -> list[FileGroup]:
    columns = (AnalysisFile.name, AnalysisFile.rows, AnalysisFile.run_keys.is_(None).label("is_void"))
    query = select(*columns).where(AnalysisFile.snapshot_id == snapshot_id, AnalysisFile.kind == FACTS)
    files = session.execute(query.order_by(AnalysisFile.id)).all()
    groups = [FileGroup(cohort_id, snapshot_id, [file.name], is_void=True) for file in files if file.is_void]
    chosen, total = list[str](), 0
    for file in files:
        if not file.is_void and file.rows < small and total + file.rows <= rows:
            chosen.append(file.name)
            total += file.rows
    if len(chosen) >= MIN_FILES:
        groups.append(FileGroup(cohort_id, snapshot_id, chosen))
    return groups


def compact(store: Store, place: Location, group: FileGroup, *, now: datetime) -> bool:
    """Replace a group of files; return False if they have changed meanwhile, which leaves an orphan.

    Memory holds the rows of one file.

    Raises: LocationUnusable, SchemaRefused: A file cannot be read or written; nothing has changed.
    """
    with store.read_only() as session:
        done = _keys_of(session, group)
    tables = [read_facts_file(place, name) for name in group.names]
    if group.is_void:
        tables = [_without_runs(tables[0], done)]
        done = tables[0].column("run_key").to_pylist()
    file = None
    if any(table.num_rows for table in tables):
        file = write_facts_file(place, folder_of(group.cohort_id, group.snapshot_id), tables, run_keys=sorted(done))
    return store.run_in_transaction(lambda session: _replace(session, group, file, now))


def _keys_of(session: Session, group: FileGroup) -> list[int]:
    """Return the runs in the files of a group; for a void file the runs in all other files of its snapshot.

    A void file has no keys; the range of its former keys limits the search.
    """
    counted = (AnalysisFile.snapshot_id == group.snapshot_id, AnalysisFile.run_keys.is_not(None))
    query = select(AnalysisFile.run_keys).where(*counted)
    if group.is_void:
        of_group = select(func.min(AnalysisFile.first_key), func.max(AnalysisFile.last_key))
        first, last = session.execute(of_group.where(AnalysisFile.name.in_(group.names))).one()
        query = query.where(AnalysisFile.first_key <= last, AnalysisFile.last_key >= first)
    else:
        query = query.where(AnalysisFile.name.in_(group.names))
    return [key for packed in session.scalars(query) for key in unpack_keys(packed or b"")]


def _without_runs(table: Any, keys: Sequence[int]) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    return table.filter(pc.invert(pc.is_in(table.column("run_key"), value_set=pa.array(keys, pa.int64()))))


def _replace(session: Session, group: FileGroup, file: NewFile | None, now: datetime) -> bool:
    """Register the new file in place of the old ones, unless one of them has changed since they were found."""
    locked = select(CohortSnapshot.materialization_status).where(
        CohortSnapshot.id == group.snapshot_id, CohortSnapshot.cohort_id.is_not(None)
    )
    if session.scalar(locked.with_for_update()) != "":
        return False
    state = AnalysisFile.run_keys.is_(None)
    states = session.scalars(select(state).where(AnalysisFile.name.in_(group.names))).all()
    if list(map(bool, states)) != [group.is_void] * len(group.names):
        return False
    forget_files(session, group.names)
    if file is not None:
        register_files(session, group.snapshot_id, [file], now=now)
    return True
