"""Cancel and rerun apply to all jobs that a filter of the list matches."""

import pytest
from sqlalchemy import select

from gonemaster_db.core.filters import JobFilter
from gonemaster_db.models import AuditLine, Job, RunStatus
from gonemaster_db.runs.runs import get_run
from gonemaster_tasks.control import matching
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.errors import NothingToRerun
from tests.support.rows import NOON, claim, make_run, queue_job, record


def test_a_filter_survives_the_row_of_an_operation() -> None:
    job_filter = JobFilter(domain="a", status="queued", created_before=NOON)
    assert matching.filter_of(matching.parameters_of(job_filter)) == job_filter
    assert matching.filter_of({}) == JobFilter()


def test_what_matches_is_canceled_and_nothing_else(parts: QueueParts) -> None:
    first, second = (queue_job(parts.store, f"{name}.mine").id for name in ("a", "b"))
    running = claim(parts.store, queue_job(parts.store, "c.mine").id)
    other = queue_job(parts.store, "d.other").id
    done = matching.cancel_matching(parts, JobFilter(domain="mine"), who="ops")
    assert (done.canceled, done.stopping) == (2, 1)
    with parts.store.read_only() as session:
        assert {get_run(session, job_id).status for job_id in (first, second)} == {RunStatus.CANCELED}
        left = {job.id: job for job in session.scalars(select(Job))}
        (line,) = session.scalars(select(AuditLine).where(AuditLine.action == "jobs.cancel"))
    assert left.keys() == {running.id, other}
    assert left[running.id].cancel_requested_at is not None
    assert (line.who, line.details) == ("ops", {"domain": "mine"})


def test_runs_that_match_are_tested_again_with_their_options(parts: QueueParts) -> None:
    options = {"ipv6_disabled": True}
    failed = make_run(parts.store, "a.example", record(status=RunStatus.FAILED), config=options)
    make_run(parts.store, "a.other")
    made = matching.rerun_matching(parts, JobFilter(domain="a.", status="failed"), who="ops")
    assert made.job_count == 1
    with parts.store.read_only() as session:
        (job,) = session.scalars(select(Job))
        assert (job.domain, job.config, job.batch_id) == (failed.domain, options, made.batch.id)
    again = matching.rerun_listed(parts, [failed.id, "job_none"], who="ops")
    assert again.job_count == 1
    with pytest.raises(NothingToRerun):
        matching.rerun_listed(parts, ["job_none"], who="ops")
    with pytest.raises(NothingToRerun):
        matching.rerun_matching(parts, JobFilter(severity="errors_only"), who="ops")
