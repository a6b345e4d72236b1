"""Processes that share their imports: a server that has imported workers and beat forks one for each start.

The imports take most of the CPU time of a start, and the tests start hundreds of workers.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

MODULES = ("tests.support.standin_worker", "gonemaster_tasks.worker", "gonemaster_tasks.maintenance.beat")
_UNLIKE = ("LD_PRELOAD", "GONEMASTER_TEST_CLOCK_OFFSET_S")  # these change the clock, which imported modules have kept

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["gonemaster_tasks.worker.main", "gonemaster_tasks.maintenance.beat"])


def can_be_forked(module: str, environ: Mapping[str, str]) -> bool:
    """Return whether a start needs no separate interpreter."""
    return module in MODULES and not any(environ.get(name) for name in _UNLIKE)


class Forked:
    """A process that runs `python -m MODULE ARGUMENTS`, with the methods of `subprocess.Popen` that tests use."""

    def __init__(self, module: str, arguments: Sequence[str], *, environ: Mapping[str, str], log: Path) -> None:
        run = (module, list(arguments), dict(environ), str(log))
        self._process = _context.Process(target=_run, args=run, name=module, daemon=True)
        self._process.start()
        self.pid = self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        """Return the exit status; minus the number of the signal that ended the process; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return the same as `returncode`."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the process ends; return its exit status.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End the process at once."""
        self.send_signal(signal.SIGKILL)


def _run(module: str, arguments: list[str], environ: dict[str, str], log: str) -> None:
    """Become the program; runs in the new process."""
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for output in (1, 2):
        os.dup2(descriptor, output)
    os.close(descriptor)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = [module, *arguments]
    sys.modules.pop(module, None)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
