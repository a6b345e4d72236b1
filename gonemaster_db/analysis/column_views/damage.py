"""Finds the file that DuckDB could not read, and says what to do."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gonemaster_db.analysis.column_views.engine import FilesUnreadable
from gonemaster_db.analysis.column_views.statements import VERSION, VERSION_KEY
from gonemaster_db.analysis.columns.location import Location, LocationUnusable
from gonemaster_db.analysis.columns.schema import SchemaRefused, check_version
from gonemaster_db.models import AnalysisFile

_FACTS_REMEDY = "restore it, or rebuild the snapshot: gonemaster-server snapshots rematerialize"
_VIEW_REMEDY = "restore it, or capture the snapshot again: gonemaster-server snapshots rematerialize"
Check = Callable[[Location, AnalysisFile], None]


@contextmanager
def naming_damaged(location: Location, files: Sequence[AnalysisFile], check: Check) -> Iterator[None]:
    """Check all files if DuckDB cannot read one, so that the error names it. Raises FilesUnreadable."""
    try:
        yield
    except FilesUnreadable as error:
        for file in files:
            check(location, file)
        raise FilesUnreadable(f"{location.shown}: {error}") from error


def check_facts(location: Location, file: AnalysisFile) -> None:
    """Check that a file with facts is complete and of this version. Raises FilesUnreadable."""

    def version(metadata: dict[bytes, bytes]) -> None:
        try:
            check_version(metadata, file.name)
        except SchemaRefused as error:
            raise FilesUnreadable(f"{location.shown}: {error}; {_FACTS_REMEDY}", file.name) from error

    _check(location, file, _FACTS_REMEDY, version)


def check_view(location: Location, file: AnalysisFile) -> None:
    """Check that a file of a view is complete and of this version. Raises FilesUnreadable."""

    def version(metadata: dict[bytes, bytes]) -> None:
        found = metadata.get(VERSION_KEY.encode(), b"").decode("utf-8", "replace")
        if found != str(VERSION):
            shown = f"version {found[:20]}" if found else "no version"
            problem = f"is a view of {shown}; this release reads version {VERSION}"
            raise FilesUnreadable(f"{location.shown}/{file.name} {problem}; {_VIEW_REMEDY}", file.name)

    _check(location, file, _VIEW_REMEDY, version)


def _check(location: Location, file: AnalysisFile, remedy: str, check: Callable[[dict[bytes, bytes]], None]) -> None:
    """Read a file completely, check its version and its size. Raises FilesUnreadable."""
    shown = f"{location.shown}/{file.name}"
    try:
        with location.open_input(file.name) as source:
            size, metadata = source.size(), _read(source, file, shown, remedy)
    except LocationUnusable as error:
        raise FilesUnreadable(str(error), file.name) from error
    if metadata is not None:
        check(metadata)
    if size != file.size:
        raise FilesUnreadable(f"{shown} has {size} bytes instead of {file.size}; {remedy}", file.name)


def _read(source: Any, file: AnalysisFile, shown: str, remedy: str) -> dict[bytes, bytes] | None:
    """Read a file completely; return its metadata, or None if it does not have its whole size."""
    from pyarrow import ArrowException, parquet

    try:
        found = parquet.ParquetFile(source)
        for group in range(found.metadata.num_row_groups):
            found.read_row_group(group)
        metadata: dict[bytes, bytes] = found.metadata.metadata or {}
    except (ArrowException, OSError) as error:
        if source.size() != file.size:
            return None
        raise FilesUnreadable(f"{shown} is damaged ({str(error)[:200]}); {remedy}", file.name) from error
    return metadata
