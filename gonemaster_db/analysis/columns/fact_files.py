"""Writes the facts of a snapshot to files at the location, and reads them back for compaction."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gonemaster_db.analysis.columns.files import NewFile
from gonemaster_db.analysis.columns.location import Location
from gonemaster_db.analysis.columns.run_sets import pack_keys
from gonemaster_db.analysis.columns.schema import COLUMNS, STORED, arrow_schema, check_version
from gonemaster_db.analysis.columns.writer import OPTIONS

_DEDUPLICATED = [(name, "ascending") for name in ("domain", "finished_at", "run_id", "projected_at")]


def folder_of(cohort_id: int, snapshot_id: int) -> str:
    """Return the folder of the facts of a snapshot, below the location."""
    return f"facts/cohort={cohort_id}/snapshot={snapshot_id}"


def to_table(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Return rows of `stored_row` as `pyarrow.Table`. Raises ColumnsMissing."""
    import pyarrow as pa

    return pa.Table.from_pylist(list(rows), schema=arrow_schema((*COLUMNS, *STORED)))


def write_facts_file(place: Location, folder: str, tables: Iterable[Any], *, run_keys: Sequence[int]) -> NewFile:
    """Write tables to a new file in a folder, sorted by domain; return what is to be registered.

    Of several rows of a domain the last one remains. `run_keys` are the runs that the file accounts for: those of the
    rows, of older runs of the same domains, and of runs that could not be read.

    Raises: LocationUnusable.
    """
    import pyarrow as pa
    from pyarrow import parquet

    schema = arrow_schema((*COLUMNS, *STORED))
    table = _last_of_each(pa.concat_tables(tables).sort_by(_DEDUPLICATED))
    name = f"{folder}/facts-{secrets.token_hex(8)}.parquet"
    with place.open_output(name) as file:
        parquet.write_table(table.cast(schema), file, **OPTIONS)
    domains = table.column("domain")
    keys = sorted(run_keys)
    return NewFile(
        name,
        rows=table.num_rows,
        size=place.size(name),
        first_domain=domains[0].as_py(),
        last_domain=domains[-1].as_py(),
        first_key=keys[0],
        last_key=keys[-1],
        run_keys=pack_keys(keys),
    )


def read_facts_file(place: Location, name: str) -> Any:
    """Return the rows of a file as `pyarrow.Table`.

    Raises:
        LocationUnusable: the file cannot be read.
        SchemaRefused: it has no facts of this version.
    """
    from pyarrow import parquet

    with place.open_input(name) as file, parquet.ParquetFile(file) as facts:
        check_version(facts.schema_arrow.metadata, name)
        return facts.read()


def _last_of_each(table: Any) -> Any:
    """Return the last row of each domain of a sorted table."""
    import pyarrow.compute as pc

    domains = table.column("domain").combine_chunks()
    if len(domains) < 2:
        return table
    is_last = pc.not_equal(domains[:-1], domains[1:])
    kept = is_last.to_pylist()
    kept.append(True)
    return table if all(kept) else table.filter(kept)
