"""Runs: finished tests, and their entries."""

from typing import Any, Unpack

from gonemaster_client.calls.description import Call, Pages, get
from gonemaster_client.documents import Entry, JobResult, Run, RunDifference
from gonemaster_client.parameters import GetEntries, GetRuns, GetRunsRunIdDiffOtherId


def search(**query: Unpack[GetRuns]) -> Pages[Run]:
    """List runs, by default the most recently finished first."""
    return Pages(get("/runs", query=query))


def show(run_id: str) -> Call[Run]:
    """Show a run with its effective profile."""
    return get("/runs/{}", run_id)


def result(run_id: str, *, locale: str = "en") -> Call[JobResult]:
    """Show the result of a run."""
    return get("/runs/{}/result", run_id, query={"locale": locale})


def diff(run_id: str, other_id: str, **query: Unpack[GetRunsRunIdDiffOtherId]) -> Call[RunDifference]:
    """Compare the findings of two runs."""
    return get("/runs/{}/diff/{}", run_id, other_id, query=query)


def entries(**query: Unpack[GetEntries]) -> Pages[Entry]:
    """List entries of many runs."""
    return Pages(get("/entries", query=query), is_after=True)


def entries_as_csv(**query: Unpack[GetEntries]) -> Call[Any]:
    """Describe the download of all matching entries as CSV, for `Client.download`."""
    return get("/entries", query={**query, "format": "csv"})
