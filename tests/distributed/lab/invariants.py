"""The invariants that must hold after each fault, and the figures that describe how well the service continued."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import func, select

from gonemaster_db.core.errors import StoreError
from gonemaster_db.core.session import Store
from gonemaster_db.models import Domain, Job, Run, RunStatus
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.queues import TIERS
from tests.distributed.lab.load import Accepted, Load, Said
from tests.distributed.lab.services import Lab
from tests.support.rows import written_entries
from tests.support.standin_worker import ENTRIES
from tests.support.workers import wait_until

PATIENCE_S = 300  # only ends a hang
PERSON_WAITS_S = 5.0
"""After this delay a waiting interactive job must start elsewhere, before any batch job."""


@dataclass(frozen=True)
class Times:
    """When a fault was injected, and when it ended, by the monotonic clock; None if it is permanent."""

    moments: tuple[float, ...]  # several if it was repeated
    over: float | None

    @property
    def began(self) -> float:
        """Return the first time."""
        return self.moments[0]

    def since_last(self, at: float) -> float:
        """Return the seconds since the last injection of the fault."""
        return at - max((moment for moment in self.moments if moment <= at), default=self.began)


@dataclass(frozen=True)
class Allowed:
    """The losses that a promotion may cause, and the hosts that cannot respond."""

    lost_claims: int = 0  # repeated starts of a job, possible because a claim does not wait for a standby
    lag: tuple[float, float] = (0.0, 0.0)  # from when to when the standby received nothing
    suspended: bool = False  # no job can start until the fault is over: the turns of waiting jobs count from then
    silent: frozenset[str] = frozenset()  # hosts of the API that the fault affects
    failed: frozenset[str] = frozenset()  # jobs that must fail, because each ends its worker


@dataclass(frozen=True)
class Verdict:
    """The findings. Times in seconds, from the fault unless stated otherwise."""

    jobs: int
    lost: int  # accepted, and without a run; except those that no standby had
    given_up: int  # accepted while the standby that was promoted later received nothing, and without a run
    doubled: int  # unreported runs, and runs with results of, or starts by, more than one claim
    failed: int
    again: int  # restarted jobs
    last_again_s: float | None
    standstill_s: float  # the longest time without a start while jobs waited
    after_over_s: float  # the part of it after the end of the fault
    person_s: float  # the longest wait of an interactive job, from acceptance to first start
    any_s: float
    refused_s: float  # the longest time until a submission was accepted
    out_of_turn: int  # starts of batch jobs while an interactive job had waited longer than PERSON_WAITS_S
    said: Mapping[str, float]  # kinds of issues, and the seconds until each was first seen
    sound_s: float | None  # when health was good again, after the end of the fault or else after its start
    slowest_queue_s: float  # the longest response time of GET /queue; ANSWER_S without a response
    machine_late_s: float  # how long this machine, under other load, delayed a thread that was ready

    @property
    def breaches(self) -> list[str]:
        """Return the invariants that do not hold."""
        found = {"lost": self.lost, "doubled": self.doubled, "failed": self.failed, "out of turn": self.out_of_turn}
        return [f"{count} {what}" for what, count in found.items() if count]


def wait_for_end(lab: Lab, before: set[str]) -> dict[str, Run]:
    """Wait until no job and no message is left; return the new runs."""
    store, broker = lab.store(), lab.broker()
    try:
        wait_until(lambda: _all_ended(store), within_s=PATIENCE_S, what="end of all jobs")
        wait_until(lambda: _messages(broker) == 0, within_s=PATIENCE_S, what="no message left")
        return {run_id: run for run_id, run in read_runs(store).items() if run_id not in before}
    finally:
        store.close()
        broker.close()


def known_runs(store: Store) -> set[str]:
    """Return the ids of all runs, also of a database that is not migrated yet."""
    with store.read_only() as session:
        return set(session.scalars(select(Run.id)))


def read_runs(store: Store) -> dict[str, Run]:
    """Return all runs."""
    with store.read_only() as session:
        return {run.id: run for run in session.scalars(select(Run))}


def judge(lab: Lab, load: Load, runs: Mapping[str, Run], times: Times, allowed: Allowed) -> Verdict:
    """Compare the accepted jobs with the runs."""
    accepted = {job.job_id: job for job in load.accepted}
    starts: dict[str, list[float]] = defaultdict(list)
    for start in lab.starts():
        starts[start["job_id"]].append(start["steady"])
    waits = {job.job_id: starts[job.job_id][0] - job.accepted for job in load.accepted if starts[job.job_id]}
    persons = {job.job_id for job in load.accepted if not job.of_batch}
    gap, after = _standstill(load.accepted, starts, times)
    store = lab.store()
    doubled = len(runs.keys() - accepted.keys()) + _written_twice(store, runs, starts, allowed.lost_claims)
    store.close()
    missing = accepted.keys() - runs.keys()
    given_up = {job_id for job_id in missing if allowed.lag[0] <= accepted[job_id].accepted <= allowed.lag[1]}
    again = [times.since_last(found[1]) for job_id, found in starts.items() if job_id in accepted and len(found) > 1]
    heard = [said for said in load.said if said.api not in allowed.silent]
    said, sound = _heard(heard, times)
    return Verdict(
        jobs=len(accepted),
        lost=len(missing) - len(given_up),
        given_up=len(given_up),
        doubled=doubled,
        failed=sum((run.status is RunStatus.SUCCEEDED) is (job_id in allowed.failed) for job_id, run in runs.items()),
        again=len(again),
        last_again_s=max(again, default=None),
        standstill_s=gap,
        after_over_s=after,
        person_s=max((wait for job_id, wait in waits.items() if job_id in persons), default=0),
        any_s=max(waits.values(), default=0),
        refused_s=max(job.accepted - job.first_sent for job in load.accepted),
        out_of_turn=_out_of_turn(load.accepted, starts, times.over if allowed.suspended and times.over else 0.0),
        said=said,
        sound_s=sound,
        slowest_queue_s=max((said.queue_took_s for said in heard), default=0),
        machine_late_s=load.late_s,
    )


def _all_ended(store: Store) -> bool:
    try:
        with store.read_only() as session:
            return not session.scalar(select(func.count()).select_from(Job))
    except StoreError:  # a connection from before the fault
        return False


def _messages(broker: Broker) -> int | None:
    """Count the remaining messages in the broker; None if it does not answer yet."""
    with suppress(BrokerUnavailable):
        return sum(map(broker.lists.depth, TIERS)) + len(broker.unacked.held_since())
    return None


def _written_twice(
    store: Store, runs: Mapping[str, Run], starts: Mapping[str, Sequence[float]], lost_claims: int
) -> int:
    """Count the runs with entries of two results, the domains with two runs, and starts without a claim."""
    entries = written_entries(store)
    with store.read_only() as session:
        several = session.scalar(select(func.count()).select_from(Domain).where(Domain.run_count > 1)) or 0
    wrong = sum(run.status is RunStatus.SUCCEEDED and entries.get(run_id) != ENTRIES for run_id, run in runs.items())
    unclaimed = sum(len(starts.get(run_id, ())) > run.attempt + lost_claims for run_id, run in runs.items())
    return several + wrong + unclaimed


def _standstill(
    accepted: Sequence[Accepted], starts: Mapping[str, Sequence[float]], times: Times
) -> tuple[float, float]:
    """Return the longest time without a start while a job waited, and the part of it after the end of the fault."""
    waited = [(job.accepted, starts[job.job_id][0]) for job in accepted if starts.get(job.job_id)]
    all_starts = sorted(at for found in starts.values() for at in found if at > times.began)
    longest, until = 0.0, times.began
    for before, at in pairwise([times.began, *all_starts]):
        since = min((taken for taken, first in waited if first >= at and taken < at), default=at)
        if at - max(before, since) > longest:
            longest, until = at - max(before, since), at
    return longest, min(longest, max(until - times.over, 0.0)) if times.over is not None else 0.0


def _out_of_turn(accepted: Sequence[Accepted], starts: Mapping[str, Sequence[float]], since: float = 0.0) -> int:
    """Count the first starts of batch jobs since that time while an interactive job had waited too long."""
    late = [
        (max(job.accepted, since) + PERSON_WAITS_S, starts[job.job_id][0])
        for job in accepted
        if not job.of_batch and starts.get(job.job_id)
    ]
    firsts = [starts[job.job_id][0] for job in accepted if job.of_batch and starts.get(job.job_id)]
    return sum(any(too_long < at < until for too_long, until in late) for at in firsts)


def _heard(said: Sequence[Said], times: Times) -> tuple[dict[str, float], float]:
    """Return when each new kind of issue was first seen, and when the last one disappeared."""
    known = {kind for heard in said if heard.at < times.began for kind in heard.kinds}
    first: dict[str, float] = {}
    end = last = times.over or times.began
    for heard in sorted(said, key=lambda heard: heard.at):
        for kind in heard.kinds - known:
            first.setdefault(kind, heard.at - times.began)
            last = max(last, heard.at)
    return first, last - end
