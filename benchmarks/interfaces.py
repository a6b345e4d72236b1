"""Measure the interfaces for users of Zonemaster and for automation in one go, on an idle machine.

    python -m benchmarks.interfaces [--tests 8000] [--backend DIR] [--json FILE]

JSON-RPC calls a second next to REST and a batch of 10,000 names (`json_rpc.py`; also by `zmb` with `--backend`, an
unpacked copy of Zonemaster-Backend), the import of tests of Zonemaster into SQLite, and the start of the client.
The tests to import are recorded results under many names, with 72 entries on average; the rate includes the start of
the processes, and the rate at the end does not.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks import json_rpc
from gonemaster_db.core.session import open_store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.migrations.runner import upgrade
from gonemaster_engine.scoring.config import DEFAULT_CONFIG
from gonemaster_tasks.imports.zonemaster import ImportReport, import_zonemaster
from tests.support.zonemaster_backend import Backend, recorded

STARTS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tests", type=int, default=8000, help="tests to import")
    parser.add_argument("--backend", type=Path, help="copy of Zonemaster-Backend")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    found: dict[str, Any] = {"client": client_start(), "import": import_rate(options.tests)}
    found |= json_rpc.measured(json_rpc.Options(backend=options.backend))
    found["load at the end"] = round(os.getloadavg()[0], 1)
    text = json.dumps(found, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text)


def client_start() -> dict[str, float]:
    """Return the median time of `gonemaster-client --version`, and its processor time."""
    command = [sys.executable, "-m", "gonemaster_client", "--version"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # reads the files into memory
    elapsed, before = [], _children_s()
    for _ in range(STARTS):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        elapsed.append(time.perf_counter() - began)
    used = (_children_s() - before) / STARTS
    return {"start, s": round(statistics.median(elapsed), 3), "start, CPU s": round(used, 3)}


def import_rate(tests: int) -> dict[str, float]:
    """Return the tests a second of an import into SQLite, and the processor time for each."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "zonemaster.sqlite"
        write_source(source, tests)
        store = open_store(StoreSettings(driver="sqlite", dsn=str(Path(folder) / "gonemaster.db")))
        upgrade(store)
        began, used, marks = time.perf_counter(), time.process_time() + _children_s(), list[tuple[float, int]]()

        def note(found: ImportReport) -> None:
            marks.append((time.perf_counter(), found.runs))

        import_zonemaster(store, str(source), DEFAULT_CONFIG, report=note)
        elapsed = time.perf_counter() - began
        used = time.process_time() + _children_s() - used
        store.close()
    (first, runs_first), (last, runs_last) = marks[len(marks) // 2], marks[-1]
    return {
        "tests/s": round(tests / elapsed),
        "tests/s at the end": round((runs_last - runs_first) / (last - first)),
        "CPU ms a test": round(1000 * used / tests, 2),
    }


def write_source(path: Path, tests: int) -> None:
    """Write a database of Zonemaster-Backend with recorded results under many names."""
    content = Backend()
    for number, (domain, entries) in enumerate(islice(cycle(recorded().items()), tests)):
        content.add(f"n{number // 4}.{domain}", entries)
    content.write_sqlite(path)


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
