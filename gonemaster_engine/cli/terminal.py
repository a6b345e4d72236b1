"""The output stream, and the progress bar on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Self, TextIO

from gonemaster_engine.errors import EngineError

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, TaskID


class OutputError(EngineError):
    """The results cannot be written."""


class Output:
    """Standard output, or a file that keeps its old content until the first line is written.

    If `replaces`, a new file takes the place of the old one at the end, so that a reader never sees a part of it.
    """

    def __init__(self, path: Path | None = None, *, replaces: bool = False) -> None:
        self._path = path = path.resolve() if path and replaces else path
        self._started = False
        replaces = replaces and path is not None and (path.is_file() or not path.exists())  # not a device or pipe
        self._unfinished = path.with_name(f".{path.name}.{os.getpid()}") if path and replaces else None
        self._stream = sys.stdout if path is None else self._open(self._unfinished or path)
        if path is None and hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(
                errors="backslashreplace"
            )  # the terminal may not support all characters of a message

    @staticmethod
    def _open(path: Path) -> TextIO:
        try:
            return path.open("a", encoding="utf-8")
        except OSError as error:
            raise OutputError(f"cannot write to {path}: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if self._path is None:
            self._stream.flush()
            return
        self._stream.close()
        if self._unfinished and failure:
            self._unfinished.unlink()
        elif self._unfinished:
            self._unfinished.replace(self._path)

    @property
    def is_terminal(self) -> bool:
        """Whether the output is a terminal."""
        return self._stream.isatty()

    def write(self, line: str) -> None:
        """Write one line and flush it."""
        if self._path is not None and not self._started and self._path.is_file():  # not a device or pipe
            self._stream.truncate(0)
        self._started = True
        self._stream.write(line + "\n")
        self._stream.flush()


class ProgressBar:
    """A progress bar on standard error during the tests; disabled if that is not a terminal."""

    def __init__(self, *, enabled: bool, output: Output) -> None:
        self._output = output
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._enabled = enabled and sys.stderr.isatty()

    def show_percentage(self) -> None:
        """Show the bar of a single test."""
        if self._enabled:
            from rich.progress import TaskProgressColumn

            self._show(TaskProgressColumn(), total=100)

    def show_count(self, count_domains: Callable[[], int | None]) -> None:
        """Show the bar of several tests; the number of domains may be unknown."""
        if self._enabled:
            from rich.progress import MofNCompleteColumn

            self._show(MofNCompleteColumn(), total=count_domains())

    def _show(self, column: ProgressColumn, *, total: int | None) -> None:
        from rich.console import Console  # imported here: slow to load and only used on terminals
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = TextColumn("{task.description}"), BarColumn(), column, TimeElapsedColumn()
        console = Console(stderr=True)
        self._progress = Progress(
            *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._task = self._progress.add_task("Testing", total=total)
        self._progress.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Remove the progress bar."""
        if self._progress:
            self._progress.stop()
            self._progress = None

    def update(self, completed: int) -> None:
        """Show the progress: per cent of a test, or the number of tested domains."""
        if self._progress and self._task is not None:
            self._progress.update(self._task, completed=completed)

    def write(self, line: str) -> None:
        """Write a line of output, above the bar if both are on a terminal."""
        if self._progress and self._output.is_terminal:
            self._progress.console.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)
        else:
            self._output.write(line)
