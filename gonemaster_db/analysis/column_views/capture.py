"""Captures a snapshot whose facts are in files: the tables of its view become files, its overview a row."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gonemaster_db.analysis.column_views.build import FinishedTable, ViewBuild, view_build
from gonemaster_db.analysis.column_views.damage import check_facts, naming_damaged
from gonemaster_db.analysis.column_views.engine import DuckDbFailed, DuckDbLimits, FilesUnreadable
from gonemaster_db.analysis.columns.files import NewFile, files_of, register_files
from gonemaster_db.analysis.columns.location import Location, location
from gonemaster_db.analysis.columns.schema import ColumnsMissing
from gonemaster_db.analysis.provenance import Provenance, provenance_of
from gonemaster_db.analysis.registries import ASNS, register
from gonemaster_db.analysis.views.objects import TOP, TOPS
from gonemaster_db.analysis.views.snapshot_objects import FactsChanged
from gonemaster_db.core.errors import FilesUnavailable, StoreFull
from gonemaster_db.core.session import Store
from gonemaster_db.models import AnalysisAsn, CohortSnapshot, SnapshotOverview

FILE_ERRORS = (FilesUnavailable, StoreFull)
"""The errors of files that prevent a capture, until they are fixed."""
_COPIED = 2**20  # bytes at a time
Write = Callable[[Callable[[Session], None]], None]


@dataclass(frozen=True)
class FileStorage:
    """Where the files of the analysis are (`analytics.location`), and the resources for reading them."""

    place: str
    limits: DuckDbLimits = field(default_factory=DuckDbLimits)

    @cached_property
    def location(self) -> Location:
        """The folder or object store. Raises LocationUnusable, DuckDbFailed."""
        try:
            return location(self.place)
        except ColumnsMissing as error:
            raise DuckDbFailed(str(error)) from error


class FileSource:
    """The facts of a snapshot in files."""

    def __init__(
        self, store: Store, snapshot_id: int, storage: FileStorage, build: ViewBuild, now: Callable[[], datetime]
    ) -> None:
        self._store, self._snapshot_id, self._storage, self._build = store, snapshot_id, storage, build
        self._now = now
        with store.read_only() as session:
            self.revision: int | None = session.scalar(
                select(CohortSnapshot.facts_revision).where(CohortSnapshot.id == snapshot_id)
            )
            self._files = files_of(session, snapshot_id)
        self._groups: Sequence[Sequence[Any]] = []
        if self._files:
            with self._reading():
                build.read_facts(storage.location.paths(file.name for file in self._files))
                self._groups = build.provenance()

    def provenance(self, session: Session) -> Provenance:
        """Return the origin of the facts."""
        return provenance_of(session, self._groups)

    def build(self, view_id: int, write: Write) -> int:
        """Write the files of the view and its overview; return the number of runs.

        Raises: FilesUnreadable, LocationUnusable, DuckDbFailed, StoreFull, and what `write` raises.
        """
        with self._store.read_only() as session:
            labels = [(asn, label) for asn, label in session.execute(select(AnalysisAsn.asn, AnalysisAsn.label))]
        build, now = self._build, self._now()
        with self._reading():
            build.number_objects(labels)
            tables = list(build.write_tables())
            overview = _overview(view_id, build)
            asns, runs = build.asns(), build.fact_rows()
        for table in tables:
            write(self._registering(view_id, self._stored(view_id, table), now))

        def finish(session: Session) -> None:
            register(session, ASNS, asns, now=now)
            session.add(overview())
            session.flush()

        write(finish)
        return runs

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Name the file that cannot be read. Raises FactsChanged if the files were replaced by others meanwhile."""
        try:
            with naming_damaged(self._storage.location, self._files, check_facts):
                yield
        except FilesUnreadable as error:
            with self._store.read_only() as session:
                names = [file.name for file in files_of(session, self._snapshot_id)]
            if names != [file.name for file in self._files]:
                raise FactsChanged(str(error)) from error
            raise

    def _stored(self, view_id: int, table: FinishedTable) -> NewFile:
        """Move a file to the location."""
        name, path = f"views/view={view_id}/{table.kind}.parquet", Path(table.path)
        with self._storage.location.open_output(name) as output, path.open("rb") as source:
            shutil.copyfileobj(source, output, _COPIED)
        size = path.stat().st_size
        path.unlink()
        return NewFile(name=name, rows=table.rows, size=size, kind=table.kind)

    def _registering(self, view_id: int, file: NewFile, now: datetime) -> Callable[[Session], None]:
        return lambda session: register_files(session, self._snapshot_id, [file], now=now, view_id=view_id)


def _overview(view_id: int, build: ViewBuild) -> Callable[[], SnapshotOverview]:
    """Return a function that makes the overview: an object belongs to one attempt of a transaction."""
    counts = {f"{kind}_count": number for kind, number in build.counts().items()}
    tops = {name: build.top(table.__tablename__, shown, TOP) for name, (table, shown) in TOPS.items()}
    distributions = json.dumps(build.distributions())
    return lambda: SnapshotOverview(view_id=view_id, **counts, **tops, fact_distributions=distributions)


@contextmanager
def file_source(
    store: Store,
    snapshot_id: int,
    storage: FileStorage | None,
    *,
    between: Callable[[], object],
    now: Callable[[], datetime],
) -> Iterator[FileSource]:
    """Open the files with the facts of a snapshot; `between` is called during long statements.

    Raises: FilesUnreadable, DuckDbFailed.
    """
    if storage is None:
        raise DuckDbFailed("the facts are in files: set analytics.location to the folder or URI that has them")
    with view_build(storage.limits, between) as build:
        yield FileSource(store, snapshot_id, storage, build, now)
