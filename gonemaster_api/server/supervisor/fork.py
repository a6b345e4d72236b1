"""Start a Python program by forking the supervisor, so that the processes share the memory of the imported modules.

A new interpreter would import the same modules again, which takes a second of CPU and 60 MiB for each process. The
program runs as `python -m MODULE` would run it. Only Linux: other systems start a new interpreter.
"""

import atexit
import contextlib
import ctypes
import gc
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
import traceback
import warnings
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn, TextIO

from gonemaster_api.server.supervisor.launch import end_with_parent

AVAILABLE = sys.platform == "linux"
OUTPUT_LOCK = threading.Lock()  # Held while a thread writes: a child must not inherit a locked stream.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_POLL_S = 0.02
_ARGUMENTS = 45  # field of /proc/self/stat after the name: the start of the arguments, followed by their end


class ForkedProcess:
    """A forked process, with the methods of `subprocess.Popen` that the supervisor uses. Thread-safe."""

    def __init__(self, pid: int, stdout: TextIO) -> None:
        self.pid = pid
        self.stdout = stdout
        self._status: int | None = None
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """Return the exit status, or None while the process is running."""
        with self._lock:
            if self._status is None:
                ended, status = os.waitpid(self.pid, os.WNOHANG)
                self._status = os.waitstatus_to_exitcode(status) if ended else None
            return self._status

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit status. Raises subprocess.TimeoutExpired."""
        if timeout is None:
            with contextlib.suppress(ChildProcessError):  # Another thread has just polled the status.
                os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        deadline = time.monotonic() + (timeout or 0.0)
        while (status := self.poll()) is None:
            if timeout is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("", timeout)
            time.sleep(_POLL_S)
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


def fork_program(
    module: str, arguments: Sequence[str], *, environ: Mapping[str, str], inherited: Sequence[int], on_orphaned: int
) -> ForkedProcess:
    """Run a module in a forked process with its own session; `on_orphaned` is the signal if this process ends."""
    reader, writer = os.pipe()
    parent = os.getpid()
    # A signal in the child must not run a handler of the supervisor.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        with OUTPUT_LOCK, warnings.catch_warnings():
            # The other threads wait for the output of programs, and write it only while they hold the lock.
            warnings.simplefilter("ignore", DeprecationWarning)
            sys.stdout.flush()
            sys.stderr.flush()
            pid = os.fork()
        if not pid:
            _run(module, arguments, environ, inherited, (parent, on_orphaned), writer)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    os.close(writer)
    return ForkedProcess(pid, os.fdopen(reader, errors="replace"))


def _run(
    module: str,
    arguments: Sequence[str],
    environ: Mapping[str, str],
    kept: Sequence[int],
    orphaned: tuple[int, int],
    output: int,
) -> NoReturn:
    """Become the program: this never returns to the code of the supervisor."""
    status = 1
    try:
        _forget_handlers()
        os.setsid()
        end_with_parent(*orphaned)
        for number in _SIGNALS:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        _replace_streams(output, kept)
        os.environ.clear()
        os.environ.update(environ)
        sys.argv = [module, *arguments]
        _set_title(" ".join([sys.executable, "-m", *sys.argv]))
        gc.enable()
        sys.modules.pop(f"{module}.__main__", None)  # the command of the supervisor may have imported it
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as error:
        status = _status_of(error)
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
    finally:
        _exit(status)


def _status_of(error: SystemExit) -> int:
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    sys.stderr.write(f"{error.code}\n")
    return 1


def _forget_handlers() -> None:
    """Drop what the supervisor does at its end: it would remove its temporary directories with each program."""
    atexit._clear()  # noqa: SLF001 - there is no public function for a forked process
    weakref.finalize._registry.clear()  # type: ignore[attr-defined]  # noqa: SLF001 - as above
    weakref.finalize._registered_with_atexit = False  # type: ignore[attr-defined]  # noqa: SLF001 - as above


def _exit(status: int) -> NoReturn:
    """End as the interpreter would: after the threads that are no daemons, with the handlers of `atexit`."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - also called by multiprocessing
        atexit._run_exitfuncs()  # noqa: SLF001 - as above
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def _replace_streams(output: int, kept: Sequence[int]) -> None:
    """Write to a descriptor, read nothing, and close all descriptors except those that the program inherits."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", 1, errors="backslashreplace", closefd=False) for number in (1, 2))
    for descriptor in [int(file.name) for file in Path("/proc/self/fd").iterdir()]:
        if descriptor not in {0, 1, 2, *kept}:
            with contextlib.suppress(OSError):  # the descriptor of this list
                os.close(descriptor)


def _set_title(title: str) -> None:
    """Show the program in the list of processes, as far as the arguments of the supervisor leave space."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(fields[_ARGUMENTS]), int(fields[_ARGUMENTS + 1])
    ctypes.memset(start, 0, end - start)
    text = os.fsencode(title)[-(end - start - 1) :]
    ctypes.memmove(start, text, len(text))
