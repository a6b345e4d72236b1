"""The load during a fault: a batch, clients that submit single jobs, and clients that poll the health."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from tests.distributed.lab.services import Lab
from tests.distributed.lab.web import Api
from tests.support.workers import wait_until

_PATIENCE_S = 300  # only ends a hang
_PAUSE_S = 0.3  # delay before a client tries again
_BETWEEN_S = 0.5  # two jobs of one client
_LOOK_S = 1.0
ANSWER_S = 5.0
"""How long a health client waits. `GET /queue` must answer within 2 s even if other services are unavailable."""
_TICK_S = 0.1


@dataclass(frozen=True)
class Accepted:
    """A job whose id a client received. Times are those of this machine's monotonic clock, in seconds."""

    job_id: str
    of_batch: bool
    first_sent: float
    accepted: float


@dataclass(frozen=True)
class Said:
    """The response of one API host at one time: kinds of issues, or the code of an error."""

    at: float
    api: str
    kinds: frozenset[str]
    queue_took_s: float  # GET /queue


@dataclass
class Load:
    """The load of one trial; its domains have the unique prefix `prefix`."""

    lab: Lab
    prefix: str
    accepted: list[Accepted] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)  # unexpected responses
    late_s: float = 0.0  # the longest time for which this machine delayed a thread of ours that was ready
    _stopping: threading.Event = field(default_factory=threading.Event)
    _silent: threading.Event = field(default_factory=threading.Event)
    _persons: list[threading.Thread] = field(default_factory=list)
    _watchers: list[threading.Thread] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    def start(self, batch: int, *, each_ms: int = 1000) -> None:
        """Submit a batch; at each host of the API, one client submits jobs and another one polls the health."""
        domains = [f"{self.prefix}b{number}-{each_ms}.test" for number in range(batch)]
        started_at = time.monotonic()
        answer = self.lab.apis[0].post("/jobs/batch", {"domains": domains}, within_s=60, key=f"{self.prefix}batch")
        assert answer.status in (201, 202), answer
        now = time.monotonic()
        self.accepted += [Accepted(job_id, True, started_at, now) for job_id in answer.document["job_ids"]]
        for number in range(len(self.lab.apis)):
            self._persons.append(_thread(self._be_person, number))
            self._watchers.append(_thread(self._watch, self.lab.apis[number]))
        self._watchers.append(_thread(self._watch_the_machine))

    def submit(self, number: int = 0, *, name: str = "", patience_s: float = _PATIENCE_S) -> Accepted:
        """Act as a client that submits a job at one host, then at the next, until it is accepted.

        The name of a deadly job says what it does to its worker (`standin_worker`).
        """
        domain = f"{name or f'{self.prefix}p{next(self._numbers)}'}-200.test"
        name = f"{self.prefix}{name}" if name else domain
        apis = self.lab.apis
        first = time.monotonic()
        for attempt in count():
            api = apis[(number + attempt) % len(apis)]
            answer = api.post("/jobs", {"domain": domain}, within_s=5, key=name)
            now = time.monotonic()
            if answer.status == 201:
                done = Accepted(answer.document["id"], False, first, now)
                self.accepted.append(done)
                return done
            if answer.status not in (0, 409, 503):
                self.faults.append(f"a submission was answered with {answer.status} {answer.code}")
            if now - first > patience_s:
                raise AssertionError(f"not accepted within {patience_s} s, at last: {answer}")
            time.sleep(_PAUSE_S)
        raise AssertionError  # pragma: no cover - count() has no end

    def stop_submitting(self) -> None:
        """Wait until the submitting clients have finished their current jobs."""
        self._stopping.set()
        for thread in self._persons:
            thread.join(_PATIENCE_S)
            assert not thread.is_alive(), "a person still waits for an answer"

    def stop_watching(self) -> None:
        """Stop polling the health."""
        self._silent.set()
        for thread in self._watchers:
            thread.join(_PATIENCE_S)

    def wait_for_starts(self, starts: int) -> None:
        """Wait until a number of these jobs have started."""
        wait_until(lambda: self.started() >= starts, within_s=_PATIENCE_S, what=f"{starts} starts")

    def started(self) -> int:
        """Count the starts of these jobs."""
        return sum(start["domain"].startswith(self.prefix) for start in self.lab.starts())

    def _be_person(self, number: int) -> None:
        while not self._stopping.wait(_BETWEEN_S):
            try:
                self.submit(number)
            except Exception as error:  # noqa: BLE001 - an exception in a thread has no caller
                self.faults.append(repr(error))

    def _watch(self, api: Api) -> None:
        while not self._silent.wait(_LOOK_S):
            health, queue = (api.get(path, within_s=ANSWER_S) for path in ("/queue/health", "/queue"))
            known = health.status == 200
            code = health.code if health.status else f"no answer of {api.name}"
            kinds = {issue["kind"] for issue in health.document["issues"]} if known else {code}
            self.said.append(Said(time.monotonic(), api.name, frozenset(kinds), queue.took_s))

    def _watch_the_machine(self) -> None:
        """Record the other load of this machine: it delays everything here."""
        while not self._silent.is_set():
            before = time.monotonic()
            time.sleep(_TICK_S)
            self.late_s = max(self.late_s, time.monotonic() - before - _TICK_S)


def _thread(target: Callable[..., None], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=target, args=arguments, daemon=True)
    thread.start()
    return thread
