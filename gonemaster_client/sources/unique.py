"""Exact removal of duplicates among millions of names, in bounded memory."""

import heapq
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from itertools import chain, groupby, pairwise
from typing import IO

RUN_SIZE = 250_000


class UniqueNames(AbstractContextManager["UniqueNames"]):
    """A set of names that is sorted in temporary files: it holds at most `run_size` names in memory.

    Each file is a sorted run without duplicates. The iteration merges the runs. Zone files are mostly sorted already:
    then the runs follow each other, and are read without a merge.
    """

    def __init__(self, run_size: int = RUN_SIZE) -> None:
        self._run_size, self._files = run_size, ExitStack()
        self._names: set[str] = set()
        self._runs: list[tuple[str, str, IO[str]]] = []  # the first name, the last name, and the file

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def add(self, name: str) -> None:
        """Add a name."""
        self._names.add(name)
        if len(self._names) >= self._run_size:
            self._write_run()

    def _write_run(self) -> None:
        names = sorted(self._names)
        self._names = set()
        file = self._files.enter_context(_temporary_file())
        file.writelines(f"{name}\n" for name in names)
        file.seek(0)
        self._runs.append((names[0], names[-1], file))

    def __iter__(self) -> Iterator[str]:
        """Yield each name once, sorted; this is possible once."""
        if self._names and self._runs:
            self._write_run()
        if not self._runs:
            yield from sorted(self._names)
            return
        runs = sorted(self._runs, key=lambda run: run[:2])
        is_sorted = all(before[1] < after[0] for before, after in pairwise(runs))
        files = [file for _, _, file in runs]
        lines = chain.from_iterable(files) if is_sorted else (line for line, _ in groupby(heapq.merge(*files)))
        for line in lines:
            yield line[:-1]


def _temporary_file() -> IO[str]:
    return tempfile.TemporaryFile("w+", prefix="gonemaster-names-", encoding="utf-8")
