"""Files of the analysis in a folder of a test."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
from duckdb_engine import Dialect
from pyarrow import parquet
from sqlalchemy import BigInteger, DateTime, Float, Integer, LargeBinary, SmallInteger, String, select

from gonemaster_db.analysis.column_views.capture import FileStorage
from gonemaster_db.analysis.column_views.engine import DuckDbLimits
from gonemaster_db.analysis.column_views.statements import VERSION, VERSION_KEY
from gonemaster_db.analysis.columns.files import NewFile
from gonemaster_db.analysis.views.files.source import view_session
from gonemaster_db.core.session import Store
from gonemaster_db.models import (
    SnapshotAsn,
    SnapshotDomain,
    SnapshotEndpoint,
    SnapshotNameserver,
    SnapshotOverview,
    SnapshotPrefix,
    SnapshotTag,
    SnapshotTestcase,
)
from tests.support.analysis.reference import stored_members

_DIALECT = Dialect()
_TABLES = (
    SnapshotDomain, SnapshotNameserver, SnapshotEndpoint, SnapshotAsn, SnapshotPrefix, SnapshotTag, SnapshotTestcase,
)  # fmt: skip
_OWN = {"view_id", "nameserver_id", "address_id"}  # objects in files have no ID of a registry


def file_storage(folder: Path) -> FileStorage:
    """Return a place for files, with little memory for DuckDB."""
    place = folder / "analysis"
    place.mkdir(exist_ok=True)
    return FileStorage(str(place), DuckDbLimits(memory_bytes=256 * 2**20, spill=folder / "spill"))


def write_table(
    storage: FileStorage, name: str, model: Any, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> NewFile:
    """Write rows of a table of a view to a file, with values as DuckDB reads them."""
    types = [model.__table__.c[column].type.dialect_impl(_DIALECT) for column in columns]
    binders = [kind.bind_processor(_DIALECT) for kind in types]
    stored = [
        [value if bind is None else bind(value) for value, bind in zip(row, binders, strict=True)] for row in rows
    ]
    arrays = [pa.array([_naive(row[at]) for row in stored], _arrow_type(kind)) for at, kind in enumerate(types)]
    return _write(storage, name, pa.table(arrays, names=list(columns)))


def write_members(
    storage: FileStorage, folder: str, owner: str, member: str, pairs: Iterable[tuple[int, int]]
) -> NewFile:
    """Write the members of one kind that the objects of one kind have."""
    ordered = sorted(pairs)
    table = pa.table(
        {
            "position": pa.array([pair[0] for pair in ordered], pa.int32()),
            "other": pa.array([pair[1] for pair in ordered], pa.int32()),
            "ordinal": pa.array(range(len(ordered)), pa.int64()),
        }
    )
    return _write(storage, f"{folder}/members_{owner}_{member}.parquet", table)


def _write(storage: FileStorage, name: str, table: pa.Table) -> NewFile:
    with storage.location.open_output(name) as output:
        parquet.write_table(table.replace_schema_metadata({VERSION_KEY: str(VERSION)}), output)
    kind = PurePosixPath(name).stem
    return NewFile(name, rows=table.num_rows, size=storage.location.size(name), kind=kind)


def _naive(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def _arrow_type(kind: Any) -> pa.DataType:
    known = (
        (LargeBinary, pa.binary()),
        (DateTime, pa.timestamp("us")),
        (Float, pa.float64()),
        (SmallInteger, pa.int16()),
        (BigInteger, pa.int64()),
        (Integer, pa.int32()),
        (String, pa.string()),
    )
    impl = getattr(kind, "impl", kind)
    return next(arrow for sql, arrow in known if isinstance(impl, sql))


def view_content(store: Store, view_id: int | None) -> Mapping[str, Any]:
    """Return all that a view has."""
    assert view_id is not None
    found: dict[str, Any] = {}
    with store.read_only() as session:
        reading = view_session(session, view_id)
        for table in _TABLES:
            names = [column.key for column in table.__table__.columns if column.key not in _OWN]
            query = select(*(getattr(table, name) for name in names)).where(table.view_id == view_id)
            rows = reading.execute(query.order_by(table.position)).all()
            found[table.__tablename__] = [dict(zip(names, row, strict=True)) for row in rows]
        found["members"] = stored_members(session, view_id)
        overview = session.get_one(SnapshotOverview, view_id)
        for column in SnapshotOverview.__table__.columns:
            value = getattr(overview, column.key)
            if column.key != "view_id":
                found[column.key] = json.loads(value) if isinstance(value, str) else value
    return found
