"""The reference store: the state after a history, kept in dictionaries and changed step by step."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from tests.support.histories.rows import BatchRow, DomainRow, JobRow, RunRow, TagRow

T = TypeVar("T")


class Reference:
    """The expected content of the store. Jobs are in the order in which they were queued, the order of their tier."""

    def __init__(self) -> None:
        self.jobs: dict[str, JobRow] = {}
        self.runs: dict[str, RunRow] = {}
        self.batches: dict[str, BatchRow] = {}
        self.domains: dict[str, DomainRow] = {}
        self.tags: dict[str, TagRow] = {}
        self.profiles: dict[int, str] = {}
        self.removed: list[str] = []  # ids of deleted runs
        self.purged: list[RunRow] = []  # deleted runs that batches still count

    # Reading.

    def jobs_of(self, batch_id: str) -> list[JobRow]:
        return [job for job in self.jobs.values() if job.batch_id == batch_id]

    def runs_of(self, batch_id: str) -> list[RunRow]:
        return [run for run in self.runs.values() if run.batch_id == batch_id]

    def purged_of(self, batch_id: str) -> list[RunRow]:
        return [run for run in self.purged if run.batch_id == batch_id]

    def runs_of_domain(self, name: str) -> list[RunRow]:
        return [run for run in self.runs.values() if run.domain == name]

    def latest(self, name: str) -> RunRow | None:
        return max(self.runs_of_domain(name), key=lambda run: (run.finished, run.id), default=None)

    def queued(self, priority: int) -> list[JobRow]:
        return [job for job in self.jobs.values() if job.status == "queued" and job.priority == priority]

    def in_turn(self, jobs: Iterable[T], *, name: Callable[[T], str]) -> list[T]:
        """Return the queued jobs of a batch in order: domains that took 2 s or more are spread over the first half."""

        def durations_ms(job: T) -> int:
            newest = self.latest(name(job))
            duration_ms = newest.duration_ms if newest else None
            return duration_ms if duration_ms and duration_ms >= 2000 else 0

        ordered = list(jobs)
        long = sorted((job for job in ordered if durations_ms(job)), key=durations_ms, reverse=True)
        waiting = [job for job in ordered if not durations_ms(job)]
        every = max(1, len(ordered) // 2 // len(long)) if long else 1
        for number, job in enumerate(long):
            waiting.insert(number * every, job)
        return waiting

    def tags_of(self, name: str) -> list[str]:
        return sorted(tag.name for tag in self.tags.values() if name in tag.members)

    def default_profiles(self, name: str, tags: Iterable[str]) -> set[int]:
        """Return the profiles of the tags that a domain has or is about to join."""
        joined = {*self.tags_of(name), *tags}
        found = {self.tags[tag].profile_id for tag in joined if tag in self.tags}
        return {profile_id for profile_id in found if profile_id is not None}

    # Changing.

    def add_domain(self, name: str, *, at: datetime | None) -> None:
        self.domains.setdefault(name, DomainRow(name=name, created_at=at))

    def add_tag(self, name: str, *, at: datetime | None) -> TagRow:
        return self.tags.setdefault(name, TagRow(name=name, created_at=at))

    def join(self, tags: Iterable[str], names: Iterable[str], *, at: datetime | None) -> None:
        members = set(names)
        for tag in tags:
            self.add_tag(tag, at=at).members.update(members)

    def claim(self, job_ids: Iterable[str], *, worker: str, now: datetime) -> set[str]:
        """Start the queued jobs that have not expired; return their ids."""
        taken = [self.jobs[job_id] for job_id in job_ids if self._is_claimable(job_id, now)]
        for job in taken:
            job.status, job.worker, job.started_at = "running", worker, now
            job.attempt += 1
            job.cancel_requested = False
        return {job.id for job in taken}

    def _is_claimable(self, job_id: str, now: datetime) -> bool:
        job = self.jobs.get(job_id)
        return job is not None and job.status == "queued" and (job.expires_at is None or job.expires_at > now)

    def end(self, run: RunRow) -> None:
        """Turn a job into a run; its domain joins the tags of the job."""
        self.add_domain(run.domain, at=run.finished)
        self._keep(run)
        self.join(run.job.tags, [run.domain], at=run.finished)

    def end_waiting(self, jobs: Collection[JobRow], status: str, error: str, *, now: datetime) -> None:
        """Turn jobs that never ran into runs without a result."""
        for job in jobs:
            self.add_domain(job.domain, at=now)
            self._keep(RunRow(job=job, status=status, error=error, finished=now))

    def _keep(self, run: RunRow) -> None:
        del self.jobs[run.id]
        self.runs[run.id] = run

    def cancel(self, job: JobRow, *, now: datetime) -> None:
        if job.waits:
            self.end(RunRow(job=job, status="canceled", error="canceled", finished=now))
        else:
            job.cancel_requested = True

    def cancel_batch(self, batch_id: str, error: str, *, now: datetime) -> tuple[int, int]:
        """Cancel the unfinished jobs of a batch; return the number of queued and of running jobs."""
        jobs = self.jobs_of(batch_id)
        waiting = [job for job in jobs if job.waits]
        self.end_waiting(waiting, "canceled", error, now=now)
        for job in jobs:
            job.cancel_requested = True
        return len(waiting), len(jobs) - len(waiting)

    def back_to_queue(self, job: JobRow, *, released: bool) -> None:
        job.status, job.worker, job.started_at = "queued", "", None
        job.releases += released

    def expire(self, *, now: datetime) -> list[str]:
        due = [job for job in self.jobs.values() if job.waits and job.expires_at and job.expires_at <= now]
        self.end_waiting(due, "expired", "expired", now=now)
        return sorted(job.id for job in due)

    def purge_runs(self, runs: Collection[RunRow]) -> int:
        self.purged += runs
        return self.remove_runs(runs)

    def remove_runs(self, runs: Collection[RunRow]) -> int:
        for run in runs:
            del self.runs[run.id]
        self.removed += [run.id for run in runs]
        return len(runs)

    def purge_older(self, days: int, *, now: datetime) -> int:
        cutoff = now - timedelta(days=days)
        return self.purge_runs([run for run in self.runs.values() if run.finished < cutoff])

    def purge_tag(self, name: str) -> int:
        members = self.tags[name].members
        return self.purge_runs([run for run in self.runs.values() if run.domain in members])

    def delete_batch(self, batch_id: str) -> None:
        self.remove_runs(self.runs_of(batch_id))
        del self.batches[batch_id]

    def delete_profile(self, profile_id: int) -> None:
        del self.profiles[profile_id]
        for tag in self.tags.values():
            tag.profile_id = None if tag.profile_id == profile_id else tag.profile_id
        for job in (*self.jobs.values(), *(run.job for run in self.runs.values())):
            job.profile_id = None if job.profile_id == profile_id else job.profile_id
