"""Other programs read the facts: the examples of the documents run as they are written."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import duckdb
import pytest

from gonemaster_db.core.session import Store
from gonemaster_tasks.exports.facts import export_facts
from tests.support.analysis.cohorts import make_batch, make_cohort
from tests.support.analysis.runs import run_batch
from tests.support.rows import NOON
from tests.support.sources import ROOT
from tests.tasks.exports.test_facts import ALL, NAMES
from tests.tasks.maintenance.projection.test_columns import Place

HOW_TO = ROOT / "docs" / "howto" / "analyse-facts.md"
SCALE = ROOT / "docs" / "explanation" / "scale.md"


def examples(page: Path, heading: str, language: str) -> list[str]:
    section = page.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found, heading
    return found


@pytest.fixture
def exported(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    run_batch(store, make_batch(store), NAMES)
    export_facts(store, tmp_path / "facts", ALL)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "facts"


def test_the_example_for_pandas(exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (exported / "facts.json").is_file()  # which is not taken for Parquet
    for example in examples(HOW_TO, "pandas", "python"):
        exec(example, {})
    assert "Name: domain" in capsys.readouterr().out


@pytest.mark.slow
def test_the_example_for_spark(exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if shutil.which("java") is None:
        pytest.skip("NOT RUN: Spark needs Java")
    sql = pytest.importorskip("pyspark.sql", reason="NOT RUN: pip install pyspark")
    spark = sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        for example in examples(HOW_TO, "Spark", "python"):
            exec(example, {"spark": spark})
    finally:
        spark.stop()
    assert "ns" in capsys.readouterr().out
    assert exported.is_dir()


def test_the_query_of_snapshots_for_duckdb(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_cohort(store)
    batch = make_batch(store, tag="tld")
    run_batch(store, batch, NAMES)
    place = Place(store, tmp_path / "analysis")
    place.project()
    run_batch(store, batch, NAMES[:2], at=NOON)
    place.project()
    monkeypatch.chdir(tmp_path)
    (query,) = examples(HOW_TO, "Files of snapshots", "sql")
    with duckdb.connect() as database:
        counted = database.execute(query).fetchall()
    assert sum(number for *_, number in counted) == len(NAMES)


@pytest.mark.slow
def test_the_queries_for_clickhouse(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chdb = pytest.importorskip("chdb.session", reason="NOT RUN: pip install chdb, which is ClickHouse in 200 MB")
    make_cohort(store)
    run_batch(store, make_batch(store), NAMES)
    place = Place(store, tmp_path)
    place.project()
    run_batch(store, make_batch(store, tag="tld"), NAMES[:2], at=NOON)
    place.project()
    monkeypatch.chdir(tmp_path)
    table, insert, grades, tags, asns = examples(SCALE, "ClickHouse over the same files", "sql")
    database = chdb.Session(str(tmp_path / "clickhouse"))
    try:
        for statement in (table, insert, insert):  # a snapshot that is inserted again counts once
            database.query(statement)
        counted = [line.split(",") for line in str(database.query(grades, "CSV")).split()]
        assert sorted({snapshot for snapshot, *_ in counted}) == ["1", "2"]
        assert sum(int(number) for *_, number in counted) == len(NAMES) + 2
        for query in (tags, asns):
            rows = str(database.query(query, "CSV")).splitlines()
            assert 0 < len(rows) <= 10
    finally:
        database.close()
