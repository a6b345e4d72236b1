"""Checks of delegations before they are published."""

from dataclasses import replace
from typing import Unpack

from gonemaster_client.calls.description import Call, get, submission
from gonemaster_client.documents import BatchAccepted, BatchVerdict, Check
from gonemaster_client.parameters import CheckRequest, GetChecksBatchBatchId, PostChecksBatch

_ANSWER_S = 45.0  # the longest deadline, and time for the answer
_LARGE_BATCH_S = 300.0
_JSON_LINES = "application/jsonl"


def check(*, key: str = "", **request: Unpack[CheckRequest]) -> Call[Check]:
    """Check a delegation and wait for the verdict; with the same `key`, the server returns the first one again."""
    return replace(submission("/check", body=request, key=key), least_timeout_s=_ANSWER_S)


def check_many(lines: bytes, *, key: str = "", **query: Unpack[PostChecksBatch]) -> Call[BatchAccepted]:
    """Queue a batch of checks; `lines` has one JSON object per line."""
    call: Call[BatchAccepted] = submission("/checks/batch", body=lines, key=key)
    return replace(call.with_query(**query), content_type=_JSON_LINES, least_timeout_s=_LARGE_BATCH_S)


def verdicts(batch_id: str, **query: Unpack[GetChecksBatchBatchId]) -> Call[BatchVerdict]:
    """Judge the runs of a batch by a policy; `Client.download` returns one JSON object per line."""
    return get("/checks/batch/{}", batch_id, query=query)
