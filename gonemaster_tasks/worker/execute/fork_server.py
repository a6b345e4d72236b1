"""A server that forks the processes of single jobs.

On a busy machine a job starts in 0.04 to 0.08 s; a new interpreter took 2.4 s. The server of multiprocessing would
import the modules once more, could not watch the worker, and would not end its children with it.

It is forked before the worker starts threads and opens connections, and shares the memory of the imported modules with
it. The worker and the process of a job are connected by a socket: if the worker closes it, the server kills the
process; when the process ends, the server sends its exit status.

The server also ends a worker whose interpreter is blocked, which no thread of the worker could do: SIGABRT makes
faulthandler log the tracebacks. A worker that is suspended is not blocked.
"""

import json
import math
import os
import select
import signal
import socket
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

_FORK, _TICK, _STOP_WATCHING = b"f", b"t", b"s"
_CHECK_INTERVAL_MS, _IDLE_MS = 100, 1000
_IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)  # The end of the worker ends the server.

Work = Callable[[socket.socket], int]  # returns the exit status


class ForkServerLost(Exception):
    """The server is no longer running."""


class ForkServer:
    """The connection of a worker process to its server. Thread-safe."""

    def __init__(self, control: socket.socket, pid: int) -> None:
        self._control = control
        self.pid = pid

    @classmethod
    def start(cls, work: Work, *, silence_s: float = math.inf) -> Self:
        """Fork the server; this process must not have other threads yet. Each process of a job calls `work`.

        Once this process has ticked, it must tick again within `silence_s`.
        """
        parent_end, child_end = socket.socketpair()
        worker, pid = os.getpid(), os.fork()
        if not pid:
            parent_end.close()
            _end_after(lambda: _ForkLoop(child_end, work, worker, silence_s).serve())
        child_end.close()
        return cls(parent_end, pid)

    def connect(self) -> socket.socket:
        """Fork a process; return the socket to it. Raises ForkServerLost."""
        parent_end, child_end = socket.socketpair()
        with child_end:
            try:
                socket.send_fds(self._control, [_FORK], [child_end.fileno()])
            except OSError as error:
                parent_end.close()
                raise ForkServerLost from error
        return parent_end

    def tick(self) -> None:
        """Report that the interpreter works; never blocks."""
        with suppress(OSError):
            self._control.send(_TICK, socket.MSG_DONTWAIT)

    def stop_watching(self) -> None:
        """Report that no tick follows."""
        with suppress(OSError):
            self._control.send(_STOP_WATCHING)

    def stop(self) -> None:
        """End the server and the processes that it forked."""
        self._control.close()
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def _end_after(work: Callable[[], int]) -> None:
    """End this process with the status that `work` returns, without the cleanup of its parent."""
    status = 1
    try:
        status = work()
    except BaseException:  # noqa: BLE001 - the parent's code must not continue here
        traceback.print_exc()
    finally:
        os._exit(status)


class _ForkLoop:
    """The loop of the server, and the processes that it forked."""

    def __init__(self, control: socket.socket, work: Work, worker: int, silence_s: float) -> None:
        self._control = control
        self._work = work
        self._worker = worker  # PID
        self._jobs: dict[int, socket.socket] = {}
        self._max_silence_s = silence_s
        self._silent_s = math.nan  # NaN until the first tick of the worker: it exceeds no limit.

    def serve(self) -> int:
        """Serve until the worker ends."""
        for number in _IGNORED:
            signal.signal(number, signal.SIG_IGN)
        while True:
            ready = self._wait()
            for pid, job in list(self._jobs.items()):
                if job.fileno() in ready:
                    os.kill(pid, signal.SIGKILL)
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    _report(self._jobs.pop(pid), os.waitstatus_to_exitcode(status))
            if self._control.fileno() in ready and not self._obey():
                break
        for pid in self._jobs:
            os.kill(pid, signal.SIGKILL)
        return 0

    def _wait(self) -> set[int]:
        """Wait for an order, a hang-up or a timeout; return the ready descriptors."""
        poll, began = select.poll(), time.monotonic()
        poll.register(self._control, select.POLLIN)
        for job in self._jobs.values():
            poll.register(job, 0)  # Wait for a hang-up only.
        wait_ms = _CHECK_INTERVAL_MS if self._jobs else _IDLE_MS
        ready = {descriptor for descriptor, _ in poll.poll(wait_ms)}
        self._silent_s += min(time.monotonic() - began, wait_ms / 1000)  # This process may have been suspended.
        if self._silent_s > self._max_silence_s and self._control.fileno() not in ready:
            if not _is_suspended(self._worker):
                os.kill(self._worker, signal.SIGABRT)
            self._silent_s = 0.0
        return ready

    def _obey(self) -> bool:
        """Obey an order of the worker; return False if the worker has ended."""
        order, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
        if order == _FORK:
            self._fork(socket.socket(fileno=descriptors[0]))
        elif order:
            self._silent_s = 0.0 if order == _TICK else math.nan
        return bool(order)

    def _fork(self, job: socket.socket) -> None:
        try:
            pid = os.fork()
        except OSError:  # The limit of processes or memory: the worker finds that the process did not start.
            traceback.print_exc()
            job.close()
            return
        if pid:
            self._jobs[pid] = job
            return
        for other in (self._control, *self._jobs.values()):
            other.close()
        _end_after(lambda: self._work(job))


def _is_suspended(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:  # The process has ended, or this system has no such files.
        return False
    return state in "Tt"


def _report(job: socket.socket, status: int) -> None:
    with job, suppress(OSError):  # The worker may have hung up, or may read slowly.
        job.setblocking(False)
        job.sendall(json.dumps({"ended": status}).encode() + b"\n")
