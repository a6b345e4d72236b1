"""Jobs in processes of their own, after a start that ended with its worker: what ends its process again, ends alone."""

import json
import selectors
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from typing import IO, Any

from gonemaster_db.records import EntryRecord
from gonemaster_tasks.config.environment import child_environ
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.worker.runner import Listeners, Outcome, TestOrder
from gonemaster_tasks.worker.running import RunningJob

_AT_ONCE = 4  # of one worker process: each loads the whole engine
_GRACE_S = 10.0  # over the deadline of the run: the child starts, and scores what it found
_START_S = 60.0  # until the first line: the child loads its modules on a machine that may be busy
_PIECE = 1 << 20


class IsolatedRunFailed(Exception):
    """The engine raised in the process of the job; the text is that of a failed run."""


class IsolatedProcessEnded(Exception):
    """The process of the job ended, or was ended, without a result; the text says how."""


class Isolation:
    """Runs jobs alone, from their second start on: any job of a process may have ended it."""

    def __init__(self) -> None:
        self._places = threading.Semaphore(_AT_ONCE)

    def run(self, order: TestOrder, running: RunningJob, listeners: Listeners, *, settings: Settings) -> Outcome | None:
        """Test a domain in a child process; None if it was stopped.

        Raises:
            IsolatedRunFailed, IsolatedProcessEnded.
        """
        while not self._places.acquire(timeout=0.2):
            if running.stopped:
                return None
        try:
            return _run(order, running, listeners, settings)
        finally:
            self._places.release()


def _run(order: TestOrder, running: RunningJob, listeners: Listeners, settings: Settings) -> Outcome | None:
    with subprocess.Popen(  # noqa: S603 - our own arguments, no shell
        [sys.executable, "-m", _main_module(), "--isolated"],
        env=child_environ(settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        running.bind(child.kill)
        try:
            answers = _Answers(child, listeners, stall_s=settings.stall_timeout_seconds)
            answers.send(order)
            reason = answers.follow(until=time.monotonic() + order.deadline_s + _GRACE_S)
        finally:
            child.kill()
            status = child.wait()
    if answers.outcome is not None:
        return answers.outcome
    if running.stopped:
        return None
    if answers.error:
        raise IsolatedRunFailed(answers.error)
    raise IsolatedProcessEnded(reason or f"the process that tested it {_how(status)}")


class _Answers:
    """What a child process says, line by line: progress, entries, the outcome, or nothing but that it lives."""

    def __init__(self, child: "subprocess.Popen[bytes]", listeners: Listeners, *, stall_s: float) -> None:
        self._child = child
        self._listeners = listeners
        self._stall_s = stall_s
        self.outcome: Outcome | None = None
        self.error = ""

    def send(self, order: TestOrder) -> None:
        """Give the child its order; one that has ended already does not read it."""
        stdin: IO[bytes] = self._child.stdin  # type: ignore[assignment]  # a pipe
        try:
            with stdin:
                stdin.write(json.dumps(asdict(order)).encode())
        except BrokenPipeError:
            return

    def follow(self, *, until: float) -> str:
        """Read until the end; returns why the child must be ended, empty if it ended or has answered."""
        stdout: IO[bytes] = self._child.stdout  # type: ignore[assignment]  # a pipe
        buffer, patience_s, heard_at = b"", max(_START_S, self._stall_s), time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            while self.outcome is None and not self.error:
                now = time.monotonic()
                if now > until:
                    return "the process that tested it did not end in time"
                if now > heard_at + patience_s:
                    return f"the process that tested it stood still for {patience_s:g} s"
                if not selector.select(min(until, heard_at + patience_s) - now):
                    continue
                piece = stdout.read1(_PIECE)  # type: ignore[attr-defined]  # a BufferedReader
                if not piece:
                    return ""
                patience_s, heard_at = self._stall_s, time.monotonic()
                *lines, buffer = (buffer + piece).split(b"\n")
                for line in lines:
                    self._take(json.loads(line))
        return ""

    def _take(self, message: dict[str, Any]) -> None:
        match message:
            case {"progress": percent}:
                self._listeners.on_progress(percent)
            case {"entry": fields}:
                self._listeners.on_entry(EntryRecord(*fields))
            case {"outcome": fields}:
                entries = [EntryRecord(*entry) for entry in fields.pop("entries")]
                self.outcome = Outcome(entries=entries, **fields)
            case {"error": text}:
                self.error = text


def _main_module() -> str:
    """Return the module that this process runs, so that the child has the same engine."""
    spec = sys.modules["__main__"].__spec__
    return "gonemaster_tasks.worker" if spec is None else spec.name.removesuffix(".__main__")


def _how(status: int) -> str:
    return f"ended by signal {-status}" if status < 0 else f"ended with the status {status}"
