"""Both engines: this one in Python processes, Zonemaster in Perl processes that fork for each run."""

from __future__ import annotations

import asyncio
import json
import os
import queue
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, TypeAlias

from benchmarks.zonemaster.runs import Run
from gonemaster_engine.entries import Level
from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import DSInfo, run_test
from gonemaster_engine.zonemaster.names import zonemaster_entries

DRIVER: Final = Path(__file__).with_name("runs.pl")
LIMIT_S: Final = 900

Row: TypeAlias = list[Any]
"""An entry: level, test case in lower case or empty, tag, arguments."""


@dataclass(frozen=True)
class Outcome:
    """The result of a run."""

    entries: list[Row]
    error: str | None
    at: float | None  # time of the run, POSIX seconds

    def as_dict(self) -> dict[str, Any]:
        """Return it in the form of the file."""
        return {"entries": self.entries, "error": self.error, "at": self.at}


# These are not compared, and they are most of the output.
_NOISE: Final = re.compile(
    r"ASN_INFOS_.*|ASN_LOOKUP_SOURCE|CASE_QUERY_SAME_RC|CN04_ASN_INFOS_.*|DEPENDENCY_VERSION|DURATION_OK|EXTERNAL_QUERY"
    r"|IPV[46]_(DIS|EN)ABLED|MODULE_(END|VERSION)|TEST_(ARGS|CASE_END|CASE_START)"
)


def _rows(entries: Iterable[tuple[str, str, str, Mapping[str, Any]]]) -> list[Row]:
    return [
        [level, "" if testcase == "Unspecified" else testcase.lower(), tag, dict(args)]
        for level, testcase, tag, args in entries
        if not _NOISE.fullmatch(tag) and Level.parse(level) >= Level.DEBUG
    ]


def run_ours(run: Run, hints: Path, at: float | None) -> Outcome:
    """Test a zone with this engine at the given time, and return the entries in Zonemaster's terms."""
    profile = default_profile().merge(run.profile).merge({"net": {"allow_non_global_targets": True}})

    async def whole() -> list[Row]:
        resources = Resources.open(root_hints=hints, ipv6=True)
        try:
            ds = [DSInfo(*record) for record in run.ds]
            result = await run_test(
                run.domain,
                profile,
                resources=resources,
                nameservers=run.ns,
                ds=ds,
                clock=lambda: time.time() if at is None else at,
            )
        finally:
            await resources.close()
        worded = [each for entry in result.entries for each in zonemaster_entries(entry)]
        return _rows((each.level.name, each.testcase, each.tag, each.args) for each in worded)

    try:
        return Outcome(asyncio.run(whole()), None, at)
    except Exception as error:  # noqa: BLE001  # any error is the outcome of this run
        return Outcome([], f"{type(error).__name__}: {error}", at)


class Zonemaster:
    """One process of runs.pl."""

    def __init__(self, prefix: Path) -> None:
        path = f"{prefix / 'lib' / 'perl5'}:{os.environ.get('PERL5LIB', '')}".rstrip(":")
        self._process = subprocess.Popen(
            ["perl", str(DRIVER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # warnings of Perl
            text=True,
            env={**os.environ, "PERL5LIB": path, "LC_ALL": "C.UTF-8"},
        )
        self.version: str = self._read()["version"]

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{DRIVER} ended; is Zonemaster built in the directory of --zonemaster?")
        document: dict[str, Any] = json.loads(line)
        return document

    def run(self, run: Run, hints: Path) -> Outcome:
        """Test a zone."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({**run.as_dict(hints), "limit_s": LIMIT_S}) + "\n")
        self._process.stdin.flush()
        answer = self._read()
        return Outcome(_rows(map(tuple, answer["entries"])), answer["error"], answer["started_at"])

    def close(self) -> None:
        """Stop the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@contextmanager
def zonemasters(prefix: Path, jobs: int) -> Iterator[Callable[[Run, Path], Outcome]]:
    """Return a function that tests a zone in the next free process of Zonemaster."""
    free: queue.SimpleQueue[Zonemaster] = queue.SimpleQueue()
    processes = [Zonemaster(prefix) for _ in range(jobs)]
    for process in processes:
        free.put(process)

    def test(run: Run, hints: Path) -> Outcome:
        process = free.get()
        try:
            return process.run(run, hints)
        finally:
            free.put(process)

    try:
        yield test
    finally:
        for process in processes:
            process.close()


def reference_outcomes(runs: Sequence[Run], hints: Path, *, prefix: Path, jobs: int, file: Path) -> dict[str, Outcome]:
    """Return Zonemaster's outcomes by the id of the run; outcomes in the file are reused."""
    kept = read_outcomes(file)
    missing = [run for run in runs if run.id not in kept]
    if missing:
        with zonemasters(prefix, jobs) as test, ThreadPoolExecutor(jobs) as pool:
            _collect({pool.submit(test, run, hints): run.id for run in missing}, kept, file)
    return kept


def own_outcomes(
    runs: Sequence[Run], hints: Path, *, reference: Mapping[str, Outcome], jobs: int, file: Path | None
) -> dict[str, Outcome]:
    """Return this engine's outcomes by run id, at the time of Zonemaster's; outcomes in the file are reused."""
    kept = read_outcomes(file)
    missing = [run for run in runs if run.id not in kept]
    if missing:
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            _collect({pool.submit(run_ours, run, hints, reference[run.id].at): run.id for run in missing}, kept, file)
    return kept


def _collect(waiting: Mapping[Future[Outcome], str], kept: dict[str, Outcome], file: Path | None) -> None:
    for future in as_completed(waiting):
        kept[waiting[future]] = future.result()
        if file is not None:
            with file.open("a") as lines:
                lines.write(json.dumps({"id": waiting[future], **future.result().as_dict()}) + "\n")


def read_outcomes(file: Path | None) -> dict[str, Outcome]:
    """Read stored outcomes; skip a line that an interrupted comparison did not finish."""
    kept = {}
    if file is not None and file.exists():
        for line in file.read_text().splitlines():
            try:
                document = json.loads(line)
            except ValueError:
                continue
            kept[document["id"]] = Outcome(document["entries"], document["error"], document["at"])
    return kept
