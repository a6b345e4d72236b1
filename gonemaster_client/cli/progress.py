"""Progress bars on standard error. They are shown to people only, so scripts get no control characters."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress

_POLL_S = 0.5


class Bar:
    """A progress bar; nothing if standard error is no terminal, or if it is not wanted."""

    def __init__(self, label: str, *, unit: str = "", is_wanted: bool = True, has_color: bool = True) -> None:
        self._progress: Progress | None = None
        if is_wanted and sys.stderr.isatty():
            self._progress = _make(no_color=not has_color)
            self._task = self._progress.add_task(label, total=None, unit=unit)

    def __enter__(self) -> Self:
        if self._progress:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress:
            self._progress.stop()

    def show(self, done: float, total: float | None = None, text: str = "") -> None:
        """Show the progress; without a total, the number that is done."""
        if self._progress:
            self._progress.update(self._task, completed=done, total=total, unit=text)

    def pause(self) -> None:
        """Wait before the next request of a command that asks repeatedly."""
        time.sleep(_POLL_S)


def _make(*, no_color: bool) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, no_color=no_color or None, markup=False, highlight=False)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}", markup=False),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=True)
