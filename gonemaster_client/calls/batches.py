"""Batches: tests of many domains in one submission."""

from dataclasses import replace
from typing import Unpack

from gonemaster_client.calls.description import Call, Pages, Stream, change, get, path_of, submission
from gonemaster_client.documents import (
    BatchAccepted,
    BatchDetail,
    BatchDiff,
    BatchSummary,
    CanceledBatch,
    DeletePreview,
    DomainDifference,
    Job,
    Operation,
)
from gonemaster_client.parameters import GetBatches, GetBatchesBatchId, GetBatchesBatchIdDiffOtherId, NewBatch

_LARGE_BATCH_S = 300.0  # a million names take half a minute on a small machine


def create(*, key: str = "", **request: Unpack[NewBatch]) -> Call[BatchAccepted]:
    """Queue tests of many domains; with the same `key`, the server returns the first batch again."""
    return submission("/jobs/batch", body=request, key=key)


def create_from_json(body: bytes, *, key: str = "") -> Call[BatchAccepted]:
    """Queue tests of many domains; `body` is the request as JSON, which takes less memory than a list of names."""
    return replace(submission("/jobs/batch", body=body, key=key), least_timeout_s=_LARGE_BATCH_S)


def search(**query: Unpack[GetBatches]) -> Pages[BatchSummary]:
    """List batches, newest first."""
    return Pages(get("/batches", query=query))


def show(batch_id: str) -> Call[BatchDetail]:
    """Show the progress of a batch, with its first job."""
    return get("/batches/{}", batch_id, query={"limit": 1})


def jobs(batch_id: str, **query: Unpack[GetBatchesBatchId]) -> Pages[Job]:
    """List the jobs of a batch."""
    return Pages(get("/batches/{}", batch_id, query=query))


def events(batch_id: str) -> Stream:
    """Follow the counts of a batch until all its jobs have finished."""
    return Stream(path_of("/batches/{}/events", batch_id))


def cancel(batch_id: str) -> Call[CanceledBatch | Operation]:
    """Cancel all waiting and running jobs of a batch; a large batch is canceled by an operation."""
    return change("POST", "/batches/{}/cancel", batch_id)


def preview_removal(batch_id: str) -> Call[DeletePreview]:
    """Count what the removal of a batch would delete."""
    return get("/batches/{}/delete-preview", batch_id)


def remove(batch_id: str) -> Call[None]:
    """Cancel unfinished jobs, and delete the batch with its runs and entries."""
    return change("DELETE", "/batches/{}", batch_id)


def diff(batch_id: str, other_id: str, **query: Unpack[GetBatchesBatchIdDiffOtherId]) -> Call[BatchDiff]:
    """Compare two batches; this is the first page, which has the counts."""
    return get("/batches/{}/diff/{}", batch_id, other_id, query=query)


def differences(batch_id: str, other_id: str, **query: Unpack[GetBatchesBatchIdDiffOtherId]) -> Pages[DomainDifference]:
    """List the domains whose runs differ."""
    return Pages(diff(batch_id, other_id, **query), is_after=True)
