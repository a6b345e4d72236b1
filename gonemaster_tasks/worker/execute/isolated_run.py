"""The process of one job: it reads an order from a socket and writes its findings, one JSON object per line."""

import asyncio
import ctypes
import faulthandler
import json
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog

from gonemaster_db.core.records import EntryRecord
from gonemaster_engine.scoring.config import ScoringConfig, parse_config
from gonemaster_tasks.broker.politeness import RedisLeaseClient
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.logging import log_as_set
from gonemaster_tasks.config.rendering import secrets_of
from gonemaster_tasks.config.settings import FixedSettings, Settings
from gonemaster_tasks.errors import TasksError
from gonemaster_tasks.logs import JobLineHandler
from gonemaster_tasks.worker.execute.engine_runner import EngineRunner
from gonemaster_tasks.worker.execute.runner import Listeners, Runner, RunOutcome, TestOrder, UsesNetwork, log_fields

_MEMORY = 2 << 30  # Address space; a run and the interpreter with its libraries each need a tenth.
_TICK_S = 1.0
_NICE = 10  # The process of a batch job leaves the processor to normal runs.
_PR_SET_PDEATHSIG = 1


class AnswerWriter:
    """Writes messages to the worker, from any thread; this process ends if the worker is no longer running."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def write(self, **message: Any) -> None:
        """Write one message."""
        try:
            self._connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            os._exit(1)


def main(connection: socket.socket, make_runner: Callable[[ScoringConfig], Runner] | None = None) -> int:
    """Run the test of the order; return the exit status. `make_runner` replaces the engine."""
    answers = AnswerWriter(connection)
    answers.write(alive=True)  # From now on the start counts as an attempt.
    _set_limits()
    faulthandler.enable()
    with connection.makefile("rb") as lines:
        text = lines.readline()
    if not text:  # The worker has ended.
        return 1
    message = json.loads(text)
    try:
        settings = load_settings({}, message["settings"])
    except TasksError as error:
        sys.stderr.write(f"gonemaster worker: {error}\n")
        return 2
    log_as_set(settings)
    JobLineHandler(lambda _, line: answers.write(log=line), secrets=secrets_of(settings))
    order, scoring = TestOrder(**message["order"]), parse_config(message["scoring"])
    if not order.is_urgent:
        os.nice(_NICE)
    structlog.contextvars.bind_contextvars(job_id=order.job_id, **log_fields(None, order.config))
    runner = make_runner(scoring) if make_runner else _engine(settings, scoring, skew_s=message["skew_s"])
    try:
        outcome = asyncio.run(_test(runner, order, answers))
        if isinstance(runner, UsesNetwork):
            answers.write(usage=asdict(runner.usage()))
        answers.write(outcome=_as_message(outcome))
    except Exception as error:  # noqa: BLE001 - any error is reported to the worker, which may still have memory
        answers.write(error=f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
    return 0


def _engine(settings: Settings, scoring: ScoringConfig, *, skew_s: float) -> EngineRunner:
    lease_client = RedisLeaseClient(settings.broker_url)
    live, clock = FixedSettings(settings), lambda: time.time() - skew_s
    return EngineRunner(live, lambda: scoring, lease_client=lease_client, clock=clock)


async def _test(runner: Runner, order: TestOrder, answers: AnswerWriter) -> RunOutcome:
    """Run the test, and report each second to the worker that the event loop is responsive."""
    with _ticking(answers):
        await runner.open()
        try:
            return await runner.run(order, _listeners(answers, is_followed=order.is_urgent))
        finally:
            await runner.close()


@contextmanager
def _ticking(answers: AnswerWriter) -> Iterator[None]:
    ticking = asyncio.create_task(_tick(answers))
    try:
        yield
    finally:
        ticking.cancel()


async def _tick(answers: AnswerWriter) -> None:
    while True:
        answers.write(alive=True)
        await asyncio.sleep(_TICK_S)


def _listeners(answers: AnswerWriter, *, is_followed: bool) -> Listeners:
    return Listeners(
        on_progress=lambda percent: answers.write(progress=percent),
        on_entry=lambda entry: answers.write(entry=_fields(entry)),
        on_found=(lambda found: answers.write(found=found)) if is_followed else None,
    )


def _as_message(outcome: RunOutcome) -> dict[str, Any]:
    return {
        "entries": [_fields(entry) for entry in outcome.entries],
        "effective_profile": outcome.effective_profile,
        "nameserver_timings": list(outcome.nameserver_timings),
        "dnssec_chain": outcome.dnssec_chain,
        "score": outcome.score,
        "grade": outcome.grade,
    }


def _fields(entry: EntryRecord) -> list[Any]:
    return [entry.timestamp, entry.module, entry.testcase, entry.tag, entry.level, dict(entry.args)]


def _set_limits() -> None:
    """Limit the memory, exit with the worker, and be the first process that the kernel kills if memory is short."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
