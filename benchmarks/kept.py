"""Measure the disk space of a run for each value of `keep`, on PostgreSQL or SQLite.

    python -m benchmarks.kept --driver postgres --runs 5000

Each value of `keep` has its own database with one batch, whose runs have results of a real sweep, one for each domain.
They are written one by one, as workers do, then projected and reduced. The tables are rewritten before they are
measured, because the space of removed rows is reused, but not returned.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from sqlalchemy import text

from benchmarks.store import chosen_store, opened
from gonemaster_db.analysis.reduction.steps import find_reductions
from gonemaster_db.core.connection.engine import autocommit_engine
from gonemaster_db.core.session import Store
from gonemaster_db.models import Keep
from gonemaster_tasks.maintenance.reduction import reduce_batch
from tests.support.analysis.cohorts import make_batch, make_cohort
from tests.support.analysis.runs import project_all, run_batch

_GROUPS = {
    "row and indexes": ("runs",),
    "document": ("run_documents",),
    "outcomes": ("outcomes", "outcome_modules", "module_outcomes", "module_outcome_kinds"),
    "facts in the database": (
        "fact_ns_endpoints", "fact_address_asns", "fact_domain_asns", "fact_tag_summary", "fact_domain_facts",
        "fact_domain_summary",
    ),
    "state of the projection": ("projections",),
    "domain and tags": ("domains", "domain_run_counts", "domain_tags"),
}  # fmt: skip


def fill(store: Store, keep: Keep, runs: int) -> int:
    """Write, project and reduce the runs of a batch; return the number of reduced runs."""
    make_cohort(store)
    run_batch(store, make_batch(store, keep=keep), (f"d{number}.example" for number in range(runs)))
    project_all(store)
    with store.read_only() as session:
        due = find_reductions(session, coverage=0)
    return sum(reduce_batch(store, work, lambda: False) for work in due)


def sizes(store: Store, tables: Iterable[str]) -> int:
    """Return the bytes of tables with their indexes."""
    names = ", ".join(f"'{name}'" for name in tables)
    if store.engine.dialect.name == "postgresql":
        query = f"SELECT sum(pg_total_relation_size(to_regclass(name))) FROM unnest(ARRAY[{names}]) name"  # constants
    else:
        objects = f"SELECT name FROM sqlite_schema WHERE tbl_name IN ({names})"  # constants
        query = f"SELECT sum(pgsize) FROM dbstat WHERE name IN ({objects})"  # constants
    with store.engine.connect() as connection:
        return int(connection.execute(text(query)).scalar() or 0)


def rewrite(store: Store) -> None:
    with autocommit_engine(store.engine).connect() as connection:
        connection.execute(text("VACUUM FULL" if store.engine.dialect.name == "postgresql" else "VACUUM"))


def measure(driver: str, keep: Keep, runs: int) -> None:
    with chosen_store(driver, "") as settings, opened(settings) as store:
        reduced = fill(store, keep, runs)
        rewrite(store)
        print(f"{driver}, {keep}: {reduced} of {runs} runs reduced", flush=True)
        for title, tables in _GROUPS.items():
            print(f"  {title}: {sizes(store, tables) / runs:.0f} bytes a run", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--driver", choices=("postgres", "sqlite"), default="postgres")
    parser.add_argument("--runs", type=int, default=5000)
    options = parser.parse_args()
    for keep in Keep:
        measure(options.driver, keep, options.runs)


if __name__ == "__main__":
    main()
