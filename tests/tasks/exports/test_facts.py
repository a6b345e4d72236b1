"""The facts of runs as files: the same facts as in the database, in files that are complete or absent."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet
from sqlalchemy import select, update

from gonemaster_db.analysis.columns.rows import RunSelection
from gonemaster_db.analysis.columns.schema import COLUMNS, STORED, SchemaRefused, arrow_schema, check_version, described
from gonemaster_db.analysis.columns.writer import count_rows, write_files
from gonemaster_db.core.errors import BatchNotFound, TagNotFound
from gonemaster_db.core.session import Store
from gonemaster_db.models import FactDomainSummary, FactNsEndpoint, FactTagSummary, RunDocument
from gonemaster_tasks.exports.facts import ExportRefused, Format, export_facts
from tests.support.analysis.cohorts import make_batch, make_cohort
from tests.support.analysis.runs import project_all, run_batch, sweep_result
from tests.support.rows import NOON, make_run

NAMES = [f"d{number}.example" for number in (3, 1, 4, 0, 2, 9, 6)]
ALL = RunSelection()


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [row for path in sorted(folder.glob("*.parquet")) for row in parquet.read_table(path).to_pylist()]


def exported(store: Store, folder: Path, selection: RunSelection = ALL, **options: Any) -> list[dict[str, Any]]:
    export_facts(store, folder, selection, **options)
    return rows_of(folder)


def test_files_have_the_facts_of_the_database(store: Store, tmp_path: Path) -> None:
    make_cohort(store)
    batch = make_batch(store)
    run_batch(store, batch, NAMES)
    project_all(store)
    rows = {row["domain"]: row for row in exported(store, tmp_path / "out")}
    with store.read_only() as session:
        summaries = session.scalars(select(FactDomainSummary)).all()
        endpoints = Counter(session.scalars(select(FactNsEndpoint.domain_id)))
        kinds = Counter[int]()
        for domain_id, number in session.execute(select(FactTagSummary.domain_id, FactTagSummary.occurrence_count)):
            kinds[domain_id] += number
    assert len(rows) == len(summaries) == len(NAMES)
    for stored in summaries:
        row = rows[stored.name]
        assert (row["run_id"], row["score"], row["grade"], row["worst_level"], row["finished_at"]) == (
            stored.run_id, stored.score, stored.grade, stored.worst_level, stored.finished_at,
        )  # fmt: skip
        assert (row["nameserver_count"], row["ipv6_ns_count"], row["prefix_count"]) == (
            stored.nameserver_count, stored.ipv6_ns_count, stored.prefix_count,
        )  # fmt: skip
        assert len(row["endpoints"]) == endpoints[stored.domain_id]
        assert sum(finding["count"] for finding in row["findings"]) == kinds[stored.domain_id]
        assert row["batch_id"] == batch.id


def test_each_file_is_sorted_and_has_a_limited_number_of_rows(store: Store, tmp_path: Path) -> None:
    run_batch(store, make_batch(store), NAMES)
    exported(store, tmp_path / "out", rows_per_file=3)
    files = sorted((tmp_path / "out").glob("*.parquet"))
    assert [count_rows(path) for path in files] == [3, 3, 1]
    for path in files:
        names = parquet.read_table(path)["domain"].to_pylist()
        assert names == sorted(names)
    manifest = json.loads((tmp_path / "out" / "facts.json").read_text())
    assert manifest["files"] == {path.name: count_rows(path) for path in files}
    assert (manifest["facts"], manifest["runs"]) == (1, len(NAMES))
    assert sorted(row["domain"] for row in rows_of(tmp_path / "out")) == sorted(NAMES)


def test_selections(store: Store, tmp_path: Path) -> None:
    batch = make_batch(store)
    run_batch(store, batch, NAMES[:3], tag="tld")
    run_batch(store, make_batch(store), NAMES[3:5], tag="other", at=NOON + timedelta(days=1))
    make_run(store, NAMES[5], sweep_result(NAMES[5], at=NOON + timedelta(days=2)), config={"tags": ["tld"]})

    def names(label: str, selection: RunSelection) -> set[str]:
        return {row["domain"] for row in exported(store, tmp_path / label, selection)}

    assert names("batch", RunSelection(batch_id=batch.id)) == set(NAMES[:3])
    assert names("tag", RunSelection(tag="tld")) == {*NAMES[:3], NAMES[5]}
    assert names("since", RunSelection(since=NOON + timedelta(days=1))) == set(NAMES[3:6])
    assert names("both", RunSelection(tag="tld", since=NOON + timedelta(days=1))) == {NAMES[5]}
    with pytest.raises(BatchNotFound):
        exported(store, tmp_path / "none", RunSelection(batch_id="0" * 16))
    with pytest.raises(TagNotFound):
        exported(store, tmp_path / "none", RunSelection(tag="nobody"))
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_text_formats_have_the_same_rows(store: Store, tmp_path: Path, format: Format) -> None:
    run_batch(store, make_batch(store), NAMES)
    expected = {row["domain"]: row for row in exported(store, tmp_path / "parquet")}
    export_facts(store, tmp_path / "text", ALL, format=format)
    read = _json_rows if format == "jsonl" else _csv_rows
    found = {row["domain"]: row for row in read(tmp_path / "text")}
    assert found.keys() == expected.keys()
    for name, row in found.items():
        assert row["run_id"] == expected[name]["run_id"]
        assert row["findings"] == expected[name]["findings"]
        assert [each["nameserver"] for each in row["endpoints"]] == [
            each["nameserver"] for each in expected[name]["endpoints"]
        ]


def _json_rows(folder: Path) -> Iterator[Mapping[str, Any]]:
    with gzip.open(folder / "facts.jsonl.gz", "rt") as file:
        yield from map(json.loads, file)


def _csv_rows(folder: Path) -> Iterator[Mapping[str, Any]]:
    with gzip.open(folder / "facts.csv.gz", "rt", newline="") as file:
        for row in csv.DictReader(file):
            yield {**row, "findings": json.loads(row["findings"]), "endpoints": json.loads(row["endpoints"])}


def test_a_damaged_document_is_left_out_and_counted(store: Store, tmp_path: Path) -> None:
    run_batch(store, make_batch(store), NAMES)
    with store.transaction() as session:
        key = session.scalars(select(RunDocument.run_key).order_by(RunDocument.run_key).limit(1)).one()
        session.execute(update(RunDocument).where(RunDocument.run_key == key).values(document=b"damaged"))
    found = export_facts(store, tmp_path / "out", ALL)
    assert (found.runs, found.damaged) == (len(NAMES) - 1, 1)
    assert len(rows_of(tmp_path / "out")) == found.runs


def test_a_folder_with_files_is_refused(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "something").touch()
    with pytest.raises(ExportRefused, match="is not empty"):
        export_facts(store, folder, ALL)
    assert [path.name for path in folder.iterdir()] == ["something"]


def test_rows_that_fail_leave_only_complete_files(tmp_path: Path) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        for number in range(5):
            yield {**dict.fromkeys(column.name for column in COLUMNS), "domain": f"d{number}.example"}
        raise OSError("no space left on device")

    written: list[Path] = []
    with pytest.raises(OSError, match="no space"):
        written.extend(write_files(tmp_path, rows(), rows_per_file=2))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["facts-00001.parquet", "facts-00002.parquet"]


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    schema = arrow_schema().with_metadata({"gonemaster.facts": "7"})
    parquet.write_table(schema.empty_table(), tmp_path / "new.parquet")
    parquet.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(SchemaRefused, match=r"new\.parquet has facts of version 7; this release reads version 1"):
        count_rows(tmp_path / "new.parquet")
    with pytest.raises(SchemaRefused, match=r"other\.parquet has no facts of gonemaster"):
        count_rows(tmp_path / "other.parquet")
    check_version(arrow_schema().metadata, "this.parquet")


def test_each_column_has_its_meaning_in_the_file_and_in_the_reference() -> None:
    page = (Path(__file__).parents[3] / "docs/reference/facts.md").read_text()
    schema = arrow_schema((*COLUMNS, *STORED))
    for name, column in described():
        assert f"| `{name}` |" in page, name
        if "." not in name:
            assert schema.field(name).metadata[b"meaning"].decode() == column.meaning


def test_the_queries_of_the_how_to_answer(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_batch(store, make_batch(store), NAMES)
    run_batch(store, make_batch(store), NAMES[:2], at=NOON + timedelta(days=1))
    exported(store, tmp_path / "facts")
    page = (Path(__file__).parents[3] / "docs/howto/analyse-facts.md").read_text()
    grades, tags, newest = re.findall(r"```sql\n(.*?)```", page.partition("## Files of snapshots")[0], re.DOTALL)
    monkeypatch.chdir(tmp_path)
    with duckdb.connect() as database:
        assert sum(number for _, number in database.execute(grades).fetchall()) == len(NAMES) + 2
        assert len(database.execute(tags).fetchall()) <= 10
        names = [row[0] for row in database.execute(newest).fetchall()]
    assert sorted(names) == sorted(NAMES)
