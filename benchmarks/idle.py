"""Measure the idle service: CPU time, memory, threads and wake-ups of each process of `gonemaster-server`.

    python -m benchmarks.idle [--seconds 60] [--settle 30] [--set KEY=VALUE ...] [--threads] [--json FILE]

Start the service on its defaults in an empty data directory and with a free port, let it settle, and compare /proc
before and after. A wake-up is a voluntary context switch of a thread that lives through the measurement. The CPU time
of other processes does not count, so a busy machine changes the figures little. `--threads` also lists the threads.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.redis_addresses import free_port

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_START_S, _STOP_S = 60.0, 60.0
_KINDS = {"worker": "gonemaster_tasks.worker", "beat": "maintenance.beat", "Redis": "-server unixsocket:"}


@dataclass
class Sample:
    """The state of a process at one moment."""

    kind: str
    cpu_s: float
    pss_mib: float
    threads: dict[str, tuple[str, float, int]] = field(default_factory=dict)  # name, CPU seconds and wake-ups by ID


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="duration of the measurement")
    parser.add_argument("--settle", type=float, default=30.0, help="time from the first answer to the measurement")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting; repeatable")
    parser.add_argument("--threads", action="store_true", help="list the threads, too")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        server = start(Path(directory), options.set)
        try:
            time.sleep(options.settle)
            before = sample(server.pid)
            time.sleep(options.seconds)
            after = sample(server.pid)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(_STOP_S)
    rows = compare(before, after, options.seconds)
    print_table(rows)
    if options.threads:
        print_threads(before, after, options.seconds)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


def start(directory: Path, settings: list[str]) -> subprocess.Popen[bytes]:
    """Start the service and wait until it is ready."""
    port = free_port()
    flags = {"GONEMASTER_" + key.upper(): value for key, value in (each.split("=", 1) for each in settings)}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GONEMASTER_")}
    server = subprocess.Popen(
        [Path(sys.executable).with_name("gonemaster-server"), "--listen", f"127.0.0.1:{port}"],
        env=inherited | {"GONEMASTER_DATA_DIR": str(directory)} | flags,
        stdout=(directory / "log").open("wb"),
        stderr=subprocess.STDOUT,
    )
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/readyz"):
            return server
        time.sleep(0.2)
    server.terminate()
    raise SystemExit(f"the service did not start: {(directory / 'log').read_text()[-2000:]}")


def sample(root: int) -> dict[int, Sample]:
    """Return the state of a process and of all its descendants, by PID."""
    return {pid: _sample(pid) for pid in _tree(root)}


def compare(before: dict[int, Sample], after: dict[int, Sample], seconds: float) -> list[dict[str, float | str | int]]:
    """Return one row for each process, and one for all."""
    rows: list[dict[str, float | str | int]] = []
    for pid, now in after.items():
        then = before.get(pid, Sample(now.kind, 0.0, 0.0))
        rows.append(
            {
                "process": now.kind,
                "core_percent": round((now.cpu_s - then.cpu_s) / seconds * 100, 2),
                "pss_mib": round(now.pss_mib, 1),
                "threads": len(now.threads),
                "new_threads": len(now.threads.keys() - then.threads.keys()),
                "wakeups_per_s": round(sum(_wakeups(then, now).values()) / seconds, 1),
            }
        )
    rows.sort(key=lambda row: -float(row["core_percent"]))
    columns = [name for name in rows[0] if name != "process"]
    rows.append({"process": "all"} | {name: round(sum(float(row[name]) for row in rows), 2) for name in columns})
    return rows


def print_table(rows: list[dict[str, float | str | int]]) -> None:
    """Print the rows as a table of Markdown."""
    print("| " + " | ".join(rows[0]) + " |", "|" + " --- |" * len(rows[0]), sep="\n")
    for row in rows:
        print("| " + " | ".join(str(value) for value in row.values()) + " |")


def print_threads(before: dict[int, Sample], after: dict[int, Sample], seconds: float) -> None:
    """Print CPU and wake-ups of the threads that lived through the measurement and used the processor."""
    for pid, now in after.items():
        then = before.get(pid, Sample(now.kind, 0.0, 0.0))
        for thread, wakeups in sorted(_wakeups(then, now).items(), key=lambda pair: -pair[1]):
            name, cpu_s, _ = now.threads[thread]
            share = (cpu_s - then.threads[thread][1]) / seconds * 100
            if wakeups:
                print(f"{now.kind:12} {pid} {thread} {name:16} {share:6.2f} % {wakeups / seconds:6.1f}/s")


def _wakeups(before: Sample, after: Sample) -> dict[str, int]:
    both = before.threads.keys() & after.threads.keys()
    return {thread: after.threads[thread][2] - before.threads[thread][2] for thread in both}


def _tree(root: int) -> list[int]:
    found = [root]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError):
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _sample(pid: int) -> Sample:
    folder = Path(f"/proc/{pid}")
    command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    kind = next((kind for kind, part in _KINDS.items() if part in command), "server")
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    rollup = (folder / "smaps_rollup").read_text()
    pss = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    threads = {}
    for task in (folder / "task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            threads[task.name] = _thread(task)
    return Sample(kind, (int(fields[11]) + int(fields[12])) * _TICK_S, pss / 1024, threads)


def _thread(task: Path) -> tuple[str, float, int]:
    status = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines() if ":" in line)
    running_ns = int((task / "schedstat").read_text().split()[0])
    return status["Name"].strip(), running_ns / 1e9, int(status["voluntary_ctxt_switches"])


if __name__ == "__main__":
    main()
