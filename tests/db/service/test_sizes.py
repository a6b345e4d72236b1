"""The size of the database: total, tables, and the growth of the last day."""

from datetime import timedelta

from gonemaster_db.core.session import Store
from gonemaster_db.service.sizes import DatabaseSize, read_sizes
from tests.support.rows import make_run


def test_size_of_the_database_and_its_tables(store: Store) -> None:
    finished = make_run(store).finished_at
    make_run(store, "example.net")
    found = read_sizes(store, now=finished + timedelta(hours=1))
    assert (found.runs, found.runs_of_last_day) == (2, 2)
    assert 0 < sum(size for _, size in found.tables) <= found.total
    assert [size for _, size in found.tables] == sorted((size for _, size in found.tables), reverse=True)
    assert "runs" in dict(found.tables)
    assert read_sizes(store, now=finished + timedelta(days=2)).runs_of_last_day == 0


def test_growth_is_the_space_of_the_runs_of_a_day() -> None:
    assert DatabaseSize(3000, (), runs=30, runs_of_last_day=10).growth_per_day == 1000
    assert DatabaseSize(3000, (), runs=0, runs_of_last_day=0).growth_per_day == 0


def test_the_disk_is_full_when_the_free_space_is_used() -> None:
    assert DatabaseSize(3000, (), runs=30, runs_of_last_day=10, free=2500).days_until_full == 2
    assert DatabaseSize(3000, (), runs=30, runs_of_last_day=0, free=2500).days_until_full is None
    assert DatabaseSize(3000, (), runs=30, runs_of_last_day=10).days_until_full is None  # PostgreSQL
