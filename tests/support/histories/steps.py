"""The steps of a history: each is taken in the real store and in the reference, and the results are compared.

Actions of clients go through the API; actions of workers and timers go through the functions that they use.
"""

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from operator import itemgetter
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from gonemaster_api.state import NAME
from gonemaster_db.batches.batch_statistics import build_statistics
from gonemaster_db.core.errors import JobStateError
from gonemaster_db.core.ids import batch_key
from gonemaster_db.core.json_text import dump_json
from gonemaster_db.core.records import RunRecord
from gonemaster_db.core.session import Store
from gonemaster_db.domains.domains import refresh_domains
from gonemaster_db.models import RunStatus
from gonemaster_db.queue.jobs import claim_job
from gonemaster_db.runs.graduation import (
    cancel_waiting_jobs,
    expire_jobs,
    graduate_job,
    requeue_job,
)
from gonemaster_db.runs.outcomes import purge_outcomes
from gonemaster_db.runs.runs import set_score
from tests.support.clocks import SetClock
from tests.support.histories import chance as material
from tests.support.histories.lists import job
from tests.support.histories.reference import Reference
from tests.support.histories.rows import BatchRow, JobRow, Line, RunRow, storable
from tests.support.histories.shapes import deletion_preview

_LEASE = timedelta(hours=1)
_PREFIX = "/api/v1"
_MAX_ATTEMPTS = 2


class History:
    """A real store behind a client, the reference, and the steps that change both in the same way."""

    def __init__(self, client: FlaskClient, stores: Sequence[Store], clock: SetClock, chance: Random) -> None:
        """Take the stores of two processes on one database; the first store is the client's."""
        self.client = client
        self._stores = stores
        self.clock = clock
        self.chance = chance
        self.reference = Reference()
        self.taken: list[str] = []
        self._forms = material.forms(chance)
        self._steps: Mapping[Callable[[], None], int] = {
            self.submit_job: 4,
            self.submit_batch: 4,
            self.submit_tag: 1,
            self.claim: 12,
            self.graduate: 14,
            self.graduate_lost_claim: 1,
            self.requeue: 2,
            self.hold_or_release: 1,
            self.cancel_job: 2,
            self.cancel_batch: 1,
            self.remove_waiting: 1,
            self.expire: 2,
            self.rerun: 1,
            self.late_score: 2,
            self.refresh: 1,
            self.build_statistics: 2,
            self.forget_outcomes: 1,
            self.change_batch: 1,
            self.delete_batch: 1,
            self.purge_old: 1,
            self.purge_tag: 1,
            self.tag_domains: 3,
            self.untag_domains: 1,
            self.make_tag: 1,
            self.delete_tag: 1,
            self.make_profile: 1,
            self.set_tag_profile: 1,
            self.delete_profile: 1,
        }

    @property
    def store(self) -> Store:
        """Return the store of a random process: each must see the changes of the other."""
        return self.chance.choice(self._stores)

    @property
    def now(self) -> datetime:
        """Return the time of the history."""
        return self.clock.now()

    def forget_recent(self) -> None:
        """Make the next response current: the rate and the workers behind estimates are looked up once a second."""
        self.client.application.extensions[NAME].recent.forget()

    def go(self, count: int) -> None:
        """Take a number of random steps, some time apart."""
        steps = list(self._steps)
        for step in self.chance.choices(steps, weights=list(self._steps.values()), k=count):
            self.pass_time()
            self.taken.append(step.__name__)
            step()

    def pass_time(self) -> None:
        """Advance the clock by seconds, rarely by days, and often not at all: equal times show how ties are sorted."""
        pause = self.chance.choices((0.0, 1.0, 0.000001, 37.123456, 3600.0, 100_000.0), (6, 6, 3, 6, 1, 0.3))[0]
        self.clock.advance(timedelta(seconds=pause))

    def call(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """Call the API; fail if the response has another status."""
        self.forget_recent()
        answer = self.client.open(_PREFIX + path, method=method, json=body)
        assert answer.status_code == status, (method, path, body, answer.status_code, answer.text)
        return answer.get_json(silent=True)

    def _sample(self, items: Any, most: int) -> list[Any]:
        listed = list(items)
        return self.chance.sample(listed, min(len(listed), self.chance.randint(1, most)))

    def _choice(self, items: Any) -> Any:
        listed = list(items)
        return self.chance.choice(listed) if listed else None

    # Submission.

    def submit_job(self) -> None:
        name, tags = self.chance.choice(material.NAMES), self._wanted_tags()
        body: dict[str, Any] = {"domain": name.upper() if self.chance.random() < 0.1 else name, "tags": list(tags)}
        profiles = self._choose_profile(body, [name], tags)
        if profiles is None:
            self.call("POST", "/jobs", body, status=400)
            return
        expires_at = self._expiry(body)
        found = self.call("POST", "/jobs", body, status=201)
        row = self._new_job(found["id"], name, profiles[name], tags, expires_at)
        assert found == job(row)
        if tags:
            self.reference.add_domain(name, at=self.now)
            self.reference.join(tags, [name], at=self.now)

    def submit_batch(self) -> None:
        names, tags = self._sample(material.NAMES, 14), self._wanted_tags()
        body = {"domains": names, "tags": list(tags), "description": self.chance.choice(("", "before the move"))}
        body["name"] = self.chance.choice(("", "Spring survey"))
        self._submit(body, names, tags, tag=tags[0] if tags else "")

    def submit_tag(self) -> None:
        tag = self._choice(tag for tag in self.reference.tags.values() if tag.members)
        if tag is not None:
            self._submit({"from_tag": tag.name}, sorted(tag.members), (), tag=tag.name)

    def _submit(self, body: dict[str, Any], names: list[str], tags: tuple[str, ...], *, tag: str) -> None:
        profiles = self._choose_profile(body, names, tags)
        if profiles is None:
            self.call("POST", "/jobs/batch", body, status=400)
            return
        body["snapshot_intent"] = self.chance.random() < 0.3
        expires_at = self._expiry(body)
        found = self.call("POST", "/jobs/batch", body, status=202)
        assert found["job_count"] == len(names)
        self._new_batch(
            found["batch_id"],
            tag,
            len(names),
            body.get("description", ""),
            body["snapshot_intent"],
            name=body.get("name", ""),
            tags=tags or ((tag,) if tag else ()),
        )
        for job_id, name in self.reference.in_turn(zip(found["job_ids"], names, strict=True), name=itemgetter(1)):
            self._new_job(job_id, name, profiles[name], tags, expires_at, batch_id=found["batch_id"])
        for each in tags:
            self.reference.add_tag(each, at=self.now)

    def _wanted_tags(self) -> tuple[str, ...]:
        return tuple(self._sample(material.TAGS, 2)) if self.chance.random() < 0.3 else ()

    def _choose_profile(
        self, body: dict[str, Any], names: list[str], tags: tuple[str, ...]
    ) -> dict[str, int | None] | None:
        """Choose a profile for each name: that of the request, else that of its tags; None if the tags have several."""
        if self.reference.profiles and self.chance.random() < 0.2:
            body["profile_id"] = self._choice(self.reference.profiles)
            return dict.fromkeys(names, body["profile_id"])
        found = {name: self.reference.default_profiles(name, tags) for name in names}
        if any(len(ids) > 1 for ids in found.values()):
            return None
        return {name: next(iter(ids), None) for name, ids in found.items()}

    def _expiry(self, body: dict[str, Any]) -> datetime | None:
        if self.chance.random() < 0.8:
            return None
        body["expires_in"] = self.chance.choice((1, 60, 4000))
        return self.now + timedelta(seconds=body["expires_in"])

    def _new_job(
        self,
        job_id: str,
        name: str,
        profile_id: int | None,
        tags: tuple[str, ...],
        expires_at: datetime | None,
        *,
        batch_id: str | None = None,
    ) -> JobRow:
        row = JobRow(
            id=job_id,
            domain=name,
            batch_id=batch_id,
            priority=0 if batch_id is None else 1,
            created_at=self.now,
            expires_at=expires_at,
            profile_id=profile_id,
            profile_name="" if profile_id is None else self.reference.profiles[profile_id],
            tags=tags,
        )
        self.reference.jobs[job_id] = row
        return row

    def _new_batch(
        self,
        batch_id: str,
        tag: str,
        count: int,
        description: str,
        intent: bool,
        *,
        tags: tuple[str, ...],
        name: str = "",
    ) -> None:
        self.reference.batches[batch_id] = BatchRow(
            id=batch_id,
            tag=tag,
            created_at=self.now,
            domain_count=count,
            description=description,
            snapshot_intent=intent,
            name=name,
            tags=tags,
        )

    def rerun(self) -> None:
        old = self._choice(self.reference.batches.values())
        if old is None:
            return
        only, path = self.chance.choice(("failed", "canceled", "all")), f"/batches/{old.id}/rerun"
        runs = sorted(self.reference.runs_of(old.id), key=lambda run: run.id)
        runs = [run for run in runs if only in ("all", run.status)]
        if not runs:
            self.call("POST", path, {"only": only}, status=409)
            return
        found = self.call("POST", path, {"only": only}, status=202)
        description = f"{only} of {old.id} again"
        self._new_batch(found["batch_id"], old.tag, len(runs), description, old.snapshot_intent, tags=old.tags)
        jobs = zip(found["job_ids"], runs, strict=True)
        for job_id, run in self.reference.in_turn(jobs, name=lambda pair: pair[1].domain):
            row = self._new_job(job_id, run.domain, None, run.job.tags, None, batch_id=found["batch_id"])
            row.profile_id, row.profile_name = run.job.profile_id, run.job.profile_name

    # Workers.

    def claim(self) -> None:
        ids = [row.id for row in self._sample(self.reference.jobs.values(), 25)]
        worker, now = self.chance.choice(("w1", "w2")), self.now
        if not ids:
            return
        with self.store.transaction() as session:
            found = [claim_job(session, job_id, worker=worker, now=now, lease=_LEASE) for job_id in ids]
        assert {row.id for row in found if row} == self.reference.claim(ids, worker=worker, now=now)

    def _running(self) -> list[JobRow]:
        return [row for row in self.reference.jobs.values() if row.status == "running"]

    def graduate(self) -> None:
        first = self._choice(self._running())
        if first is None:
            return
        jobs = [row for row in self._running() if row.worker == first.worker]
        endings = [self._ending(row) for row in self._sample(jobs, 14)]
        self.store.run_in_transaction(partial(_graduate, endings=endings))
        for run, _ in endings:
            self.reference.end(run)

    def graduate_lost_claim(self) -> None:
        row = self._choice(self._running())
        if row is None:
            return
        _, record = self._ending(row)
        with pytest.raises(JobStateError), self.store.transaction() as session:
            graduate_job(session, row.id, worker=row.worker, attempt=row.attempt + 1, record=record)

    def _ending(self, row: JobRow) -> tuple[RunRow, RunRecord]:
        status = self.chance.choices(tuple(RunStatus)[:3], (12, 1, 1))[0]
        if row.cancel_requested:
            status = RunStatus.CANCELED
        entries = material.result(self.chance, self._forms)
        has_score = status is RunStatus.SUCCEEDED and self.chance.random() < 0.7
        record = RunRecord(
            status=status,
            finished_at=self._end(),
            entries=entries,
            error="" if status is RunStatus.SUCCEEDED else self.chance.choice(("canceled", "März \0", "x" * 999)),
            effective_profile=material.effective_profile(self.chance),
            nameserver_timings=material.timings(self.chance),
            dnssec_chain=material.chain(self.chance, row.domain),
            score=self.chance.choice((0, 10, 55, 99, 100)) if has_score else None,
            grade=self.chance.choice(material.GRADES) if has_score else None,
            causes=self._causes() if has_score else None,
        )
        return _run_of(row, record), record

    def _causes(self) -> frozenset[str]:
        return frozenset(self.chance.sample(material.CAUSES, self.chance.randrange(3)))

    def _end(self) -> datetime:
        """Return a time at or before the present, often that of other runs."""
        minute = self.now.replace(second=0, microsecond=0)
        return self.chance.choice((self.now, self.now, self.now - timedelta(seconds=0.25), minute))

    def requeue(self) -> None:
        row = self._choice(self._running())
        if row is None:
            return
        now, released = self.now, self.chance.random() < 0.5
        failure = "" if released else "killed"
        with self.store.transaction() as session:
            requeue_job(
                session,
                row.id,
                worker=row.worker,
                attempt=row.attempt,
                now=now,
                max_attempts=_MAX_ATTEMPTS,
                released=released,
                failure=failure,
            )
        starts = row.attempt - row.releases
        if row.cancel_requested:
            self.reference.end(RunRow(job=row, status="canceled", error="canceled", finished=now))
        elif not released and starts >= _MAX_ATTEMPTS:
            error = f"killed (attempt {starts} of {_MAX_ATTEMPTS})"
            self.reference.end(RunRow(job=row, status="failed", error=error, finished=now))
        else:
            self.reference.back_to_queue(row, released=released)

    def late_score(self) -> None:
        """Store the score of a run without one, as a reader of an old run does."""
        run = self._choice(
            run for run in self.reference.runs.values() if run.score is None and run.status == "succeeded"
        )
        if run is None:
            return
        run.score, run.grade = self.chance.randrange(101), self.chance.choice(material.GRADES)
        run.causes = self._causes()
        with self.store.transaction() as session:
            set_score(session, run.id, score=run.score, grade=run.grade, causes=run.causes)

    def refresh(self) -> None:
        """Copy the newest runs into their domains again, as deletions do."""
        with self.store.transaction() as session:
            refresh_domains(session, [row.id for row in self.reference.domains.values() if row.id])

    def build_statistics(self) -> None:
        """Count the values of a finished batch, as maintenance does for a large batch."""
        batches = self.reference.batches
        done = self._choice(batch_id for batch_id in batches if not self.reference.jobs_of(batch_id))
        if done is not None:
            self.count_values(done)

    def count_values(self, batch_id: str) -> None:
        """Build the statistics of a finished batch."""
        assert build_statistics(self.store, batch_key(batch_id), now=self.clock.now) is not None

    def forget_outcomes(self) -> None:
        """Remove outcomes that no run uses any more, though processes have cached them."""
        created_before = self.now + timedelta(days=1)
        self.store.run_in_transaction(partial(purge_outcomes, created_before=created_before))

    # The queue.

    def hold_or_release(self) -> None:
        row = self._choice(row for row in self.reference.jobs.values() if row.waits)
        if row is None:
            return
        verb, row.status = ("hold", "paused") if row.status == "queued" else ("release", "queued")
        assert self.call("POST", f"/jobs/{row.id}/{verb}")["status"] == row.status

    def cancel_job(self) -> None:
        row = self._choice(self.reference.jobs.values())
        if row is None:
            return
        self.reference.cancel(row, now=self.now)
        found = self.call("POST", f"/jobs/{row.id}/cancel")
        assert found["status"] == ("canceled" if row.id in self.reference.runs else "running")

    def cancel_batch(self) -> None:
        batch = self._choice(self.reference.batches.values())
        if batch is None:
            return
        waiting, running = self.reference.cancel_batch(batch.id, "canceled", now=self.now)
        found = self.call("POST", f"/batches/{batch.id}/cancel")
        assert found == {"batch_id": batch.id, "canceled": waiting, "stopping": running}

    def remove_waiting(self) -> None:
        rows, now = self._sample(self.reference.jobs.values(), 5), self.now
        waiting = [row for row in rows if row.waits]
        with self.store.transaction() as session:
            ended = cancel_waiting_jobs(session, [row.id for row in rows], now=now, error="removed_from_queue")
        assert ended == sorted(row.id for row in waiting)
        self.reference.end_waiting(waiting, "canceled", "removed_from_queue", now=now)

    def expire(self) -> None:
        now = self.now
        with self.store.transaction() as session:
            ended = expire_jobs(session, now=now, limit=1000)
        assert sorted(ended) == self.reference.expire(now=now)

    # Batches and runs.

    def change_batch(self) -> None:
        batch = self._choice(self.reference.batches.values())
        if batch is not None:
            batch.snapshot_intent = not batch.snapshot_intent
            found = self.call("PATCH", f"/batches/{batch.id}", {"snapshot_intent": batch.snapshot_intent})
            assert found["snapshot_intent"] is batch.snapshot_intent

    def delete_batch(self) -> None:
        """Delete a batch: queued jobs are canceled first, running jobs prevent the deletion."""
        batch = self._choice(self.reference.batches.values())
        if batch is None:
            return
        assert self.call("GET", f"/batches/{batch.id}/delete-preview") == deletion_preview(self.reference, batch.id)
        _, running = self.reference.cancel_batch(batch.id, "deleted_by_admin", now=self.now)
        self.call("DELETE", f"/batches/{batch.id}", status=409 if running else 204)
        if not running:
            self.reference.delete_batch(batch.id)
            self.call("GET", f"/batches/{batch.id}", status=404)

    def purge_old(self) -> None:
        days = self.chance.choice((1, 2, 3, 5))
        found = self.call("POST", "/jobs/purge", {"older_than_days": days})
        assert found == {"purged_jobs": self.reference.purge_older(days, now=self.now)}

    def purge_tag(self) -> None:
        tag = self._choice(self.reference.tags)
        if tag is not None and self.chance.random() < 0.5:
            found = self.call("POST", f"/tags/{_quoted(tag)}/purge")
            assert found == {"purged_runs": self.reference.purge_tag(tag)}

    # Tags and profiles.

    def tag_domains(self) -> None:
        tag, names = self.chance.choice(material.TAGS), self._sample(material.NAMES, 6)
        self.call("POST", f"/tags/{_quoted(tag)}/domains", {"domains": names}, status=204)
        for name in names:
            self.reference.add_domain(name, at=None)
        self.reference.join([tag], names, at=None)

    def untag_domains(self) -> None:
        tag, names = self._choice(self.reference.tags.values()), self._sample(material.NAMES, 6)
        if tag is not None:
            self.call("DELETE", f"/tags/{_quoted(tag.name)}/domains", {"domains": names}, status=204)
            tag.members.difference_update(names)

    def make_tag(self) -> None:
        tag = self.chance.choice(material.TAGS)
        status = 409 if tag in self.reference.tags else 201
        self.call("POST", "/tags", {"name": tag, "description": "a set"}, status=status)
        if status == 201:
            self.reference.add_tag(tag, at=None).description = "a set"

    def delete_tag(self) -> None:
        tag = self._choice(self.reference.tags)
        if tag is not None:
            self.call("DELETE", f"/tags/{_quoted(tag)}", status=204)
            del self.reference.tags[tag]

    def make_profile(self) -> None:
        name = f"profile {len(self.taken)}"
        found = self.call("POST", "/profiles", {"name": name, "config": {}}, status=201)
        self.reference.profiles[found["id"]] = name

    def set_tag_profile(self) -> None:
        tag, profile_id = self._choice(self.reference.tags.values()), self._choice(self.reference.profiles)
        if tag is not None and profile_id is not None:
            self.call("PUT", f"/tags/{_quoted(tag.name)}/profile", {"profile_id": profile_id}, status=204)
            tag.profile_id = profile_id

    def delete_profile(self) -> None:
        profile_id = self._choice(self.reference.profiles)
        if profile_id is not None:
            self.call("DELETE", f"/profiles/{profile_id}", status=204)
            self.reference.delete_profile(profile_id)


def _graduate(session: Session, *, endings: Iterable[tuple[RunRow, RunRecord]]) -> None:
    for run, record in endings:
        job = run.job
        status = graduate_job(session, run.id, worker=job.worker, attempt=job.attempt, record=record)
        assert status == run.status


def _run_of(row: JobRow, record: RunRecord) -> RunRow:
    """Return the run that the store must contain after a graduation."""
    profile = record.effective_profile
    return RunRow(
        job=row,
        status=record.status.value,
        finished=record.finished_at,
        lines=[
            Line(round(each.timestamp, 3), each.module, each.testcase, each.tag, each.level, storable(each.args))
            for each in record.entries
        ],
        error=storable(record.error),
        score=record.score,
        grade=record.grade,
        causes=None if record.causes is None else frozenset(record.causes),
        timings=copy.deepcopy(record.nameserver_timings),
        chain=copy.deepcopy(record.dnssec_chain),
        effective_profile=profile if profile is None or isinstance(profile, str) else dump_json(profile),
    )


def _quoted(tag: str) -> str:
    return quote(tag, safe="")
