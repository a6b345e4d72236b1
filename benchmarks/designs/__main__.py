"""Compare ways to store the entries of runs (docs/adr/0008-an-outcome-and-a-document.md), on both databases.

    python -m benchmarks.designs --driver postgres --runs 50000 [--own-outcomes 1.0]

All designs number repeated values (module, test case, tag, level: a kind) and compress arguments and times of a run
into one document. They differ in the rows that a search reads: a row for each entry; a row for each entry from NOTICE
up; or the
outcome of a run, stored once, in one level or in two. Tables and queries contain nothing else.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.designs.databases import Database, Postgres, Sqlite
from benchmarks.designs.documents import DICTIONARY, compressed, document_of
from benchmarks.designs.schemas import DESIGNS, PAGE, Design, Stored
from benchmarks.job_cost import DURABLE
from benchmarks.sweep.sample import Sweep, word
from tests.support.postgres import PostgresServer

BATCH_RUNS = 500
_SLICE = 500
_REPEATS = 7
_SEED = 3


def batch_of(key: int) -> int:
    """Return the batch of a run: 1 has half of the runs, 2 has `BATCH_RUNS` runs, 3 the rest."""
    return 1 if key % 2 else 2 if key % 100 == 0 and key <= 100 * BATCH_RUNS else 3


def draw(sweep: Sweep, count: int) -> Iterator[Stored]:
    """Draw runs; each design gets the same runs."""
    rng = random.Random(_SEED)
    for key in range(1, count + 1):
        drawn = sweep.draw(f"{word(key)}.com", rng)
        yield Stored(key, batch_of(key), drawn.kinds, compressed(drawn))


def prepare(sweep: Sweep) -> None:
    """Build the dictionary from two runs."""
    rng = random.Random(_SEED + 1)
    DICTIONARY[:] = b"".join(document_of(sweep.draw(f"{word(key)}.org", rng)) for key in (1, 2))[-32768:]


def chosen_kinds(sweep: Sweep, runs: Sequence[Stored]) -> dict[str, int]:
    """Choose the kinds to search for: those that occur in nearly the given shares of the runs."""
    counts = Counter(kind for run in runs for kind in set(run.kinds))
    share = {kind: count / len(runs) for kind, count in counts.items()}

    def nearest(points: float, *, info: bool) -> int:
        fitting = [kind for kind in share if (sweep.kinds[kind][3] == "INFO") == info]
        return min(fitting, key=lambda kind: abs(share[kind] - points))

    return {
        "INFO tag of all runs": nearest(1, info=True),
        "INFO tag of 2 runs in 1,000": nearest(0.002, info=True),
        "NOTICE tag of most runs": nearest(0.6, info=False),
        "NOTICE tag of 2 runs in 1,000": nearest(0.002, info=False),
    }


def measure(
    kind: type[Design], database: Database, sweep: Sweep, runs: Sequence[Stored], written: int
) -> dict[str, str]:
    """Write the runs, the last ones in one transaction each, and read pages."""
    design = kind(database, sweep.kinds)
    for begin in range(0, len(runs) - written, _SLICE):
        design.write(runs[begin : min(begin + _SLICE, len(runs) - written)])
        database.commit()
    wal, cpu = 0, 0.0
    for run in runs[-written:]:
        before = database.wal_octets(), database.cpu_s()
        design.write([run])
        database.commit()
        cpu += database.cpu_s() - before[1]
        wal += database.wal_octets() - before[0]
    database.maintain()
    found = {
        "octets a run on disk": f"{database.octets() / len(runs):,.0f}",
        "octets of WAL a run": f"{wal / written:,.0f}",
        "us of CPU a run": f"{cpu / written * 1e6:,.0f}",
    }
    for name, chosen in chosen_kinds(sweep, runs).items():
        for where, batch in (("", None), (", in half of the runs", 1), (f", in a batch of {BATCH_RUNS}", 2)):
            found[f"{name}{where}"] = page_times(design, chosen, batch)
    return found


def page_times(design: Design, kind: int, batch: int | None) -> str:
    """Return the milliseconds of a page with its total: the best of some calls, as other work may use the cores."""
    times, total = [], 0
    for _ in range(_REPEATS):
        begin = time.perf_counter()
        rows, total = design.page(kind, batch)
        times.append((time.perf_counter() - begin) * 1000)
        assert len(rows) == min(total, PAGE), (len(rows), total)
        if sum(times) > 10_000:
            break
    return f"{min(times):,.1f} ms (of {total:,})"


@contextmanager
def opened(driver: str) -> Iterator[Database]:
    if driver == "postgres":
        with PostgresServer(DURABLE | {"full_page_writes": "off"}) as server:
            database = Postgres(server.url(server.create_database()))
            with closing(database.connection):
                yield database
    else:
        with tempfile.TemporaryDirectory(prefix="gm-designs-") as home:
            yield Sqlite(Path(home) / "store.db")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--driver", choices=("postgres", "sqlite"), default="postgres")
    parser.add_argument("--runs", type=int, default=50_000)
    parser.add_argument("--written", type=int, default=2000, help="number of runs to write, each in a transaction")
    parser.add_argument("--own-outcomes", type=float, default=0.05, help="share of runs with a distinct outcome")
    options = parser.parse_args()
    sweep = Sweep(options.own_outcomes)
    prepare(sweep)
    runs = list(draw(sweep, options.runs))
    print(f"{options.driver}: {options.runs} runs, {options.own_outcomes:.0%} with outcomes of their own")
    for kind in DESIGNS:
        with opened(options.driver) as database:
            print(f"\n{kind.title}")
            for name, value in measure(kind, database, sweep, runs, options.written).items():
                print(f"  {name:50} {value}", flush=True)


if __name__ == "__main__":
    main()
