"""Jobs: tests of single domains."""

from typing import Unpack

from gonemaster_client.calls.description import Call, Pages, Stream, change, get, path_of, submission
from gonemaster_client.documents import Job, JobResult, Operation, PurgedJobs
from gonemaster_client.parameters import GetJobs, NewJob


def create(*, key: str = "", **request: Unpack[NewJob]) -> Call[Job]:
    """Queue a test of one domain; with the same `key`, the server returns the first job again."""
    return submission("/jobs", body=request, key=key)


def search(**query: Unpack[GetJobs]) -> Pages[Job]:
    """List waiting, running and finished jobs."""
    return Pages(get("/jobs", query=query))


def show(job_id: str) -> Call[Job]:
    """Show a job."""
    return get("/jobs/{}", job_id)


def result(job_id: str, *, locale: str = "en") -> Call[JobResult]:
    """Show the result of a finished job."""
    return get("/jobs/{}/result", job_id, query={"locale": locale})


def events(job_id: str) -> Stream:
    """Follow a job until it has finished."""
    return Stream(path_of("/jobs/{}/events", job_id))


def cancel(job_id: str) -> Call[Job]:
    """Cancel a job; a finished job is unchanged."""
    return change("POST", "/jobs/{}/cancel", job_id)


def purge(*, older_than_days: int = 0) -> Call[PurgedJobs | Operation]:
    """Delete the runs that finished before a number of days; 0 is the setting of the server."""
    return change("POST", "/jobs/purge", body={"older_than_days": older_than_days})
