"""A file of the analysis counts as long as it has a row, and it has one row for each domain."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gonemaster_db.analysis.columns.fact_files import folder_of, read_facts_file, to_table, write_facts_file
from gonemaster_db.analysis.columns.files import (
    NewFile,
    files_of,
    files_of_view,
    forget_files,
    names_of_snapshot,
    orphans,
    register_files,
    size_of,
)
from gonemaster_db.analysis.columns.location import location
from gonemaster_db.analysis.columns.rows import RunOrigin, stored_row
from gonemaster_db.analysis.columns.run_sets import pack_keys, unpack_keys
from gonemaster_db.analysis.facts import RunFacts
from gonemaster_db.core.errors import DocumentDamaged
from gonemaster_db.core.session import Store
from gonemaster_db.models import CohortSnapshot
from tests.support.analysis.cohorts import made_facts, make_cohort, snapshot_of
from tests.support.rows import NOON


def captured_snapshot(store: Store) -> CohortSnapshot:
    return snapshot_of(store, make_cohort(store), made_facts(store, ["a.example"]))


def test_registered_files_belong_to_a_snapshot_or_to_its_view(store: Store) -> None:
    snapshot = captured_snapshot(store)
    with store.transaction() as session:
        register_files(session, snapshot.id, [NewFile("one", 3, 10), NewFile("two", 4, 20)], now=NOON)
        view_files = [NewFile("tags-1", 5, 30, kind="snapshot_tags"), NewFile("tags-2", 6, 40, kind="snapshot_tags")]
        register_files(session, snapshot.id, view_files, now=NOON, view_id=snapshot.view_id)
    with store.transaction() as session:
        assert [file.name for file in files_of(session, snapshot.id)] == ["one", "two"]
        named = files_of(session, snapshot.id, "snapshot_tags", view_id=snapshot.view_id)
        assert [file.rows for file in named] == [5, 6]
        assert files_of_view(session, snapshot.view_id or 0) == {"snapshot_tags": ["tags-1", "tags-2"]}
        assert names_of_snapshot(session, snapshot.id, limit=3) == ["one", "two"]
        assert orphans(session, ["one", "lost", "tags-2"]) == ["lost"]
        assert size_of(session, snapshot.id) == 100
        forget_files(session, ["one", "tags-1"])
        assert orphans(session, ["one", "two", "tags-1"]) == ["one", "tags-1"]


def rows_of(runs: list[RunFacts], *, projected_at: Any = NOON) -> list[dict[str, Any]]:
    return [stored_row(run, RunOrigin(None, 5), ["a"], {}, projected_at=projected_at) for run in runs]


def test_a_file_is_sorted_and_has_the_last_row_of_each_domain(store: Store, tmp_path: Path) -> None:
    place = location(str(tmp_path))
    early = made_facts(store, ["c.example", "a.example", "b.example"], score=1)
    late = made_facts(store, ["a.example"], score=2, at=NOON + timedelta(hours=1))
    again = made_facts(store, ["b.example"], score=3)  # the same run, projected again
    tables = [
        to_table(rows_of(late)),
        to_table(rows_of(again, projected_at=NOON + timedelta(seconds=1))),
        to_table(rows_of(early)),
    ]
    file = write_facts_file(place, folder_of(7, 9), tables, run_keys=[12, 10, 11])
    assert file.name.startswith("facts/cohort=7/snapshot=9/facts-")
    assert (file.rows, file.first_domain, file.last_domain) == (3, "a.example", "c.example")
    assert (file.first_key, file.last_key, unpack_keys(file.run_keys or b"")) == (10, 12, [10, 11, 12])
    assert file.size == (tmp_path / file.name).stat().st_size
    found = read_facts_file(place, file.name).to_pylist()
    assert [(row["domain"], row["score"]) for row in found] == [("a.example", 2), ("b.example", 3), ("c.example", 1)]


def test_packed_keys_are_unpacked_and_small() -> None:
    keys = sorted(random.Random(1).sample(range(10_000_000, 10_200_000), 100_000))
    packed = pack_keys(keys)
    assert unpack_keys(packed) == keys
    assert len(packed) < 100_000
    assert unpack_keys(pack_keys([])) == []
    for damaged in (b"", b"\x07abc", packed[:-9]):
        with pytest.raises(DocumentDamaged, match="run keys"):
            unpack_keys(damaged)
