"""Rows as a Parquet file, written in row groups while they are read. pyarrow is imported with the first such export."""

import io
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from typing import Any

import msgspec

from gonemaster_api.errors import ApiError
from gonemaster_api.queries.batches.export import Kind, Row
from gonemaster_db.core.chunks import chunks
from gonemaster_engine.texts import Text

ROWS_PER_GROUP = 10_000


def check_parquet() -> None:
    """Check that pyarrow is installed.

    Raises:
        ApiError: 501 not_installed.
    """
    if find_spec("pyarrow") is None:
        text = Text("Parquet is not installed on this server: pip install 'gonemaster[analytics]'")
        raise ApiError(501, "not_installed", text)


class _Sink(io.RawIOBase):
    """The file that the writer writes: it keeps only what has not been sent."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        """Return true."""
        return True

    def tell(self) -> int:
        """Return the number of all bytes that were written, because the footer of the file has positions."""
        return self._position

    def write(self, piece: Any) -> int:
        """Keep a piece."""
        self._pieces.append(bytes(piece))
        self._position += len(piece)
        return len(piece)

    def take(self) -> bytes:
        """Return and forget the kept pieces."""
        taken, self._pieces = b"".join(self._pieces), []
        return taken


def as_parquet(rows: Iterable[Row], columns: Mapping[str, Kind]) -> Iterator[bytes]:
    """Yield the file in pieces of one row group."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    types = {
        Kind.TEXT: pa.string(),
        Kind.INTEGER: pa.int64(),
        Kind.FLOAT: pa.float64(),
        Kind.TIME: pa.timestamp("us", tz="UTC"),
        Kind.TEXTS: pa.list_(pa.string()),
        Kind.DOCUMENT: pa.string(),
    }
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    sink = _Sink()
    with ParquetWriter(sink, schema, compression="zstd") as writer:
        for group in chunks(rows, ROWS_PER_GROUP):
            values = [
                pa.array([_value(row[name], columns[name]) for row in group], types[columns[name]]) for name in columns
            ]
            writer.write_table(pa.Table.from_arrays(values, schema=schema))
            yield sink.take()
    yield sink.take()


def _value(value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    if kind is Kind.DOCUMENT:
        return msgspec.json.encode(value).decode()
    return str(value) if kind is Kind.TEXT else value
