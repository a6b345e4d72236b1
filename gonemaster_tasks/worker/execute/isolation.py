"""Jobs in separate processes: a job whose start ended with its worker runs alone, in case it ends its process again."""

import json
import logging
import math
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from typing import Any

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.records import EntryRecord
from gonemaster_engine.scoring.config import DEFAULT_CONFIG, ScoringConfig
from gonemaster_engine.texts import Text
from gonemaster_tasks.config.rendering import to_environ
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.worker.consume.gate import Gate
from gonemaster_tasks.worker.execute.fork_server import ForkServer, ForkServerLost
from gonemaster_tasks.worker.execute.runner import Listeners, RunOutcome, TestOrder, Usage
from gonemaster_tasks.worker.execute.running import RunningJob

log = logging.getLogger(__name__)

_AT_ONCE = 4  # Child processes of one worker process.
_GRACE_S = 10.0  # Added to the deadline of the run, for the scoring.
START_S = 60.0  # The limit until the first line.
AGAIN_S = 1.0  # The pause after a failed start, which limits the repetitions.
_PIECE = 1 << 20
_MIN_TIMEOUT_S = 0.001
_CHECK_INTERVAL_S = 0.1
_ROOM_S = 30.0  # The time for which a job with a child process waits for another job to end.


class IsolatedRunFailed(Exception):
    """The engine raised in the child process; the text becomes that of the failed run."""


class IsolatedProcessEnded(Exception):
    """The child process ended or was killed without a result; the text says how."""


class IsolatedProcessLost(Exception):
    """The child process did not reach its first line, or its server ended: not the fault of the job."""


class Isolation:
    """Runs jobs alone from their second start on, because any job of a process may have ended it.

    `server` forks the processes, which open no database: `scoring` returns the configuration in effect for a run.
    """

    def __init__(
        self, server: ForkServer | None = None, scoring: Callable[[], ScoringConfig] = lambda: DEFAULT_CONFIG
    ) -> None:
        self._server = server
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
            IsolatedRunFailed, IsolatedProcessEnded, IsolatedProcessLost.
        """
        if not self._places.acquire(blocking=False):
            gate.yield_slot(running.job_id)
            if not _unless_stopped(running, self._places.acquire):
                return None
            self._reclaim_slot(running, gate)
        try:
            return self._run(order, running, listeners, settings)
        except IsolatedProcessLost:
            time.sleep(AGAIN_S)
            raise
        finally:
            self._places.release()

    def stop(self) -> None:
        """End the server; no job may be running."""
        if self._server is not None:
            self._server.stop()

    def _run(
        self, order: TestOrder, running: RunningJob, listeners: Listeners, settings: Settings
    ) -> RunOutcome | None:
        with self._connect() as connection:
            running.bind(partial(_hang_up, connection))
            answers = _ChildReader(connection, listeners, stall_s=settings.stall_timeout_seconds, on_usage=self._add)
            answers.send(_message(order, self._scoring(), settings))
            reason = answers.follow(limit_s=order.deadline_s + _GRACE_S)
        if answers.outcome is not None:
            return answers.outcome
        if running.stopped:
            return None
        if answers.error:
            raise IsolatedRunFailed(answers.error)
        if reason:
            raise IsolatedProcessEnded(reason)
        if answers.status is None or not answers.has_started:
            raise IsolatedProcessLost
        raise IsolatedProcessEnded(Text("the process that ran the test {how}", how=_describe_exit(answers.status)))

    def _connect(self) -> socket.socket:
        try:
            if self._server is None:
                raise ForkServerLost
            return self._server.connect()
        except ForkServerLost as error:
            # A process with threads cannot fork another one safely: its supervisor starts it again.
            log.critical("the server of job processes ended, process exits")
            os.kill(os.getpid(), signal.SIGTERM)
            raise IsolatedProcessLost from error

    def _add(self, usage: Usage) -> None:
        with self._counting:
            self._usage += usage

    def _reclaim_slot(self, running: RunningJob, gate: Gate) -> None:
        """Wait until no more jobs are in flight than allowed; time-limited, as the limit may become zero."""
        # One job at a time waits here, otherwise each would wait for the others.
        if not _unless_stopped(running, self._returning.acquire):
            return
        try:
            gate.reclaim_slot(running.job_id)
            until = time.monotonic() + _ROOM_S
            while gate.over_limit() and not running.stopped and time.monotonic() < until:
                time.sleep(_CHECK_INTERVAL_S)
        finally:
            self._returning.release()


def _unless_stopped(running: RunningJob, acquire: Callable[..., bool]) -> bool:
    """Acquire a lock or semaphore; return False if the job is stopped first."""
    while not acquire(timeout=_CHECK_INTERVAL_S):
        if running.stopped:
            return False
    return True


def _message(order: TestOrder, scoring: ScoringConfig, settings: Settings) -> bytes:
    skew_s = time.time() - utcnow().timestamp()  # The skew of this host also applies to the child.
    about = {"order": asdict(order), "scoring": scoring.as_dict(), "skew_s": skew_s}
    return json.dumps({**about, "settings": to_environ(settings)}).encode() + b"\n"


def _hang_up(connection: socket.socket) -> None:
    """End the child: the server kills it."""
    with suppress(OSError):  # It has ended.
        connection.shutdown(socket.SHUT_RDWR)


class _ChildReader:
    """Reads the messages of a child process, line by line: progress, entries, the outcome, or a heartbeat."""

    def __init__(
        self, connection: socket.socket, listeners: Listeners, *, stall_s: float, on_usage: Callable[[Usage], None]
    ) -> None:
        self._connection = connection
        self._listeners = listeners
        self._stall_s = stall_s
        self._on_usage = on_usage
        self.has_started = False
        self.outcome: RunOutcome | None = None
        self.error = ""
        self.status: int | None = None  # The exit status of a child that ended without a result.

    def send(self, message: bytes) -> None:
        """Send the order to the child; a child that has already ended does not read it."""
        self._connection.settimeout(START_S)
        with suppress(OSError):
            self._connection.sendall(message)

    def follow(self, *, limit_s: float) -> str:
        """Read until the end; return why the child must be killed, empty if it ended, did not start or has answered.

        The limit counts from the first line of the child.
        """
        buffer, until, timeout_s, heard_at = b"", math.inf, START_S, time.monotonic()
        while self.outcome is None and not self.error and self.status is None:
            now = time.monotonic()
            if now > until:
                return Text("the process that ran the test did not end in time")
            if now > heard_at + timeout_s:
                if not self.has_started:
                    return ""
                return Text(
                    "the process that ran the test made no progress for {idle_s} s",
                    idle_s=format(timeout_s, "g"),
                )
            self._connection.settimeout(max(_MIN_TIMEOUT_S, min(until, heard_at + timeout_s) - now))
            try:
                piece = self._connection.recv(_PIECE)
            except TimeoutError:
                continue
            except OSError:
                return ""
            if not piece:
                return ""
            timeout_s, heard_at = self._stall_s, time.monotonic()
            until = min(until, heard_at + limit_s)
            *lines, buffer = (buffer + piece).split(b"\n")
            for line in lines:
                self._take(json.loads(line))
        return ""

    def _take(self, message: dict[str, Any]) -> None:
        match message:
            case {"alive": True}:
                self.has_started = True
            case {"progress": percent}:
                self._listeners.on_progress(percent)
            case {"entry": fields}:
                self._listeners.on_entry(EntryRecord(*fields))
            case {"found": found}:
                if self._listeners.on_found:
                    self._listeners.on_found(found)
            case {"log": line}:
                self._listeners.on_log(line)
            case {"usage": counted}:
                self._on_usage(Usage(**counted))
            case {"outcome": fields}:
                entries = [EntryRecord(*entry) for entry in fields.pop("entries")]
                self.outcome = RunOutcome(entries=entries, **fields)
            case {"error": text}:
                self.error = text
            case {"ended": status}:
                self.status = status


def _describe_exit(status: int) -> str:
    return (
        Text("ended by signal {signal}", signal=-status)
        if status < 0
        else Text("ended with the status {status}", status=status)
    )
