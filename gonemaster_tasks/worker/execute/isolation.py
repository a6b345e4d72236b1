"""Jobs in separate processes: a job whose start ended with its worker runs alone, in case it ends its process again."""

import json
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import IO, Any

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.records import EntryRecord
from gonemaster_engine.scoring.config import DEFAULT_CONFIG, ScoringConfig
from gonemaster_engine.texts import Text
from gonemaster_tasks.config.environment import child_environ
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.worker.consume.gate import Gate
from gonemaster_tasks.worker.execute.runner import Listeners, RunOutcome, TestOrder, Usage
from gonemaster_tasks.worker.execute.running import RunningJob

_AT_ONCE = 4  # Child processes of one worker process; each loads the whole engine.
_GRACE_S = 10.0  # Added to the deadline of the run, for the start of the child and the scoring.
_START_S = 60.0  # The limit until the first line: the child loads its modules on a possibly busy machine.
_PIECE = 1 << 20
_LOOK_EVERY_S = 0.1
_ROOM_S = 30.0  # How long a job that got a child process waits for another job to end.


class IsolatedRunFailed(Exception):
    """The engine raised in the child process; the text becomes that of the failed run."""


class IsolatedProcessEnded(Exception):
    """The child process ended or was killed without a result; the text says how."""


class Isolation:
    """Runs jobs alone from their second start on, because any job of a process may have ended it.

    `scoring` returns the configuration in effect when a run begins: its process opens no database.
    """

    def __init__(self, scoring: Callable[[], ScoringConfig] = lambda: DEFAULT_CONFIG) -> None:
        self._scoring = scoring
        self._places = threading.Semaphore(_AT_ONCE)
        self._returning = threading.Lock()
        self._counting = threading.Lock()
        self._usage = Usage()

    def usage(self) -> Usage:
        """Return the network usage of the finished child processes."""
        with self._counting:
            return self._usage

    def run(
        self, order: TestOrder, running: RunningJob, listeners: Listeners, *, settings: Settings, gate: Gate
    ) -> RunOutcome | None:
        """Test a domain in a child process; return None if it was stopped. A waiting job yields its slot.

        Raises:
            IsolatedRunFailed, IsolatedProcessEnded.
        """
        if not self._places.acquire(blocking=False):
            gate.yield_slot(running.job_id)
            if not _unless_stopped(running, self._places.acquire):
                return None
            self._reclaim_slot(running, gate)
        try:
            message = _message(order, self._scoring())
            return _run(message, order.deadline_s, running, listeners, settings=settings, on_usage=self._add)
        finally:
            self._places.release()

    def _add(self, usage: Usage) -> None:
        with self._counting:
            self._usage += usage

    def _reclaim_slot(self, running: RunningJob, gate: Gate) -> None:
        """Wait until no more jobs are in flight than allowed; time-limited, as the limit may become zero."""
        # One job at a time, otherwise each would wait for the others.
        if not _unless_stopped(running, self._returning.acquire):
            return
        try:
            gate.reclaim_slot(running.job_id)
            until = time.monotonic() + _ROOM_S
            while gate.over_limit() and not running.stopped and time.monotonic() < until:
                time.sleep(_LOOK_EVERY_S)
        finally:
            self._returning.release()


def _unless_stopped(running: RunningJob, acquire: Callable[..., bool]) -> bool:
    """Acquire a lock or semaphore; return False if the job is stopped first."""
    while not acquire(timeout=_LOOK_EVERY_S):
        if running.stopped:
            return False
    return True


def _message(order: TestOrder, scoring: ScoringConfig) -> bytes:
    skew_s = time.time() - utcnow().timestamp()  # The skew of this host also applies to the child.
    return json.dumps({"order": asdict(order), "scoring": scoring.as_dict(), "skew_s": skew_s}).encode()


def _run(
    message: bytes,
    deadline_s: float,
    running: RunningJob,
    listeners: Listeners,
    *,
    settings: Settings,
    on_usage: Callable[[Usage], None],
) -> RunOutcome | None:
    with subprocess.Popen(  # noqa: S603 - our own arguments, no shell
        [sys.executable, "-m", main_module(), "--isolated"],
        env=child_environ(settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        running.bind(child.kill)
        try:
            answers = _ChildReader(child, listeners, stall_s=settings.stall_timeout_seconds, on_usage=on_usage)
            answers.send(message)
            reason = answers.follow(until=time.monotonic() + deadline_s + _GRACE_S)
        finally:
            child.kill()
            status = child.wait()
    if answers.outcome is not None:
        return answers.outcome
    if running.stopped:
        return None
    if answers.error:
        raise IsolatedRunFailed(answers.error)
    raise IsolatedProcessEnded(reason or Text("the process that ran the test {how}", how=_describe_exit(status)))


class _ChildReader:
    """Reads the messages of a child process, line by line: progress, entries, the outcome, or a heartbeat."""

    def __init__(
        self,
        child: "subprocess.Popen[bytes]",
        listeners: Listeners,
        *,
        stall_s: float,
        on_usage: Callable[[Usage], None],
    ) -> None:
        self._child = child
        self._listeners = listeners
        self._stall_s = stall_s
        self._on_usage = on_usage
        self.outcome: RunOutcome | None = None
        self.error = ""

    def send(self, message: bytes) -> None:
        """Send the order to the child; a child that has already ended does not read it."""
        stdin: IO[bytes] = self._child.stdin  # type: ignore[assignment]  # a pipe
        try:
            with stdin:
                stdin.write(message)
        except BrokenPipeError:
            return

    def follow(self, *, until: float) -> str:
        """Read until the end; return why the child must be killed, empty if it ended or has answered."""
        stdout: IO[bytes] = self._child.stdout  # type: ignore[assignment]  # a pipe
        buffer, timeout_s, heard_at = b"", max(_START_S, self._stall_s), time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            while self.outcome is None and not self.error:
                now = time.monotonic()
                if now > until:
                    return Text("the process that ran the test did not end in time")
                if now > heard_at + timeout_s:
                    return Text(
                        "the process that ran the test made no progress for {idle_s} s",
                        idle_s=format(timeout_s, "g"),
                    )
                if not selector.select(min(until, heard_at + timeout_s) - now):
                    continue
                piece = stdout.read1(_PIECE)  # type: ignore[attr-defined]  # a BufferedReader
                if not piece:
                    return ""
                timeout_s, heard_at = self._stall_s, time.monotonic()
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
            case {"usage": counted}:
                self._on_usage(Usage(**counted))
            case {"outcome": fields}:
                entries = [EntryRecord(*entry) for entry in fields.pop("entries")]
                self.outcome = RunOutcome(entries=entries, **fields)
            case {"error": text}:
                self.error = text


def main_module() -> str:
    """Return the module that this process runs, so that the child has the same engine."""
    spec = sys.modules["__main__"].__spec__
    return "gonemaster_tasks.worker" if spec is None else spec.name.removesuffix(".__main__")


def _describe_exit(status: int) -> str:
    return (
        Text("ended by signal {signal}", signal=-status)
        if status < 0
        else Text("ended with the status {status}", status=status)
    )
