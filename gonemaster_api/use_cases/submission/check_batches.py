"""Batches of checks before delegation: JSON lines, each with a domain, its name servers and its DS records.

All lines are validated before anything is stored. Memory holds the names of the domains, to find duplicates; the
validated jobs are in a temporary file, from which they are stored in chunks.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

import marshmallow as ma
import msgspec
import structlog
from sqlalchemy.orm import Session

from gonemaster_api.errors import ApiError, BadRequest
from gonemaster_api.rest.idempotency import Keep
from gonemaster_api.rest.parsing import parse_json, refusal_of_schema
from gonemaster_api.state import State
from gonemaster_api.use_cases.submission.checks import check_parent, delegation_of, read_policy
from gonemaster_api.use_cases.submission.name_set import NameSet
from gonemaster_api.use_cases.submission.traced import about_request
from gonemaster_db.core.records import NewBatch, NewJob
from gonemaster_db.models import Priority
from gonemaster_engine.policies.policy import Policy
from gonemaster_engine.texts import Text, joined
from gonemaster_tasks.control.submit import SubmittedBatch, check_options, submit_batch
from gonemaster_tasks.reference_data.tlds import current_tlds

_LEAST_LINE = len('{"domain":"a","nameservers":[{"ns":"a"}]}')
MAX_LINE = 64 * 1024  # bytes; 32 name servers and 32 DS records take less than 10 KiB
_ENCODER, _DECODER = msgspec.json.Encoder(), msgspec.json.Decoder()


def submit_checks(
    state: State, blocks: Iterable[bytes], query: Mapping[str, Any], *, size: int, schema: ma.Schema, keep: Keep
) -> dict[str, Any]:
    """Queue a batch of checks and return the response; `keep` stores the response in the same transaction.

    `size` is the largest size of the body in bytes.

    Raises:
        BadRequest: as for a single check, with the number of the line; missing_domain, duplicate_domain,
            batch_too_large. Nothing was written.
    """
    policy = read_policy(state, query["policy"])
    names = NameSet(min(state.settings.max_batch_size, size // _LEAST_LINE) + 1)
    with tempfile.TemporaryFile() as jobs:
        _write_jobs(state, blocks, policy, schema, names, jobs)
        if not names:
            raise BadRequest("missing_domain", Text("the body has no lines"))
        common = about_request(len(names))
        check_options(jobs.tell(), len(names))

        def write(session: Session, submitted: SubmittedBatch) -> None:
            keep(session, _answer(submitted))

        batch = NewBatch(domain_count=len(names), name=query["name"], description=query["description"])
        submitted = submit_batch(state.queue, batch, _new_jobs(names, jobs, common), write=write)
    structlog.contextvars.bind_contextvars(batch_id=submitted.batch.id)
    return _answer(submitted)


def _answer(submitted: SubmittedBatch) -> dict[str, Any]:
    return {
        "batch_id": submitted.batch.id,
        "job_ids": list(submitted.job_ids),
        "job_count": submitted.job_count,
        "duplicate_count": 0,
        "duplicates": [],
        "invalid_count": 0,
        "invalid": [],
    }


def _new_jobs(names: NameSet, jobs: IO[bytes], common: Mapping[str, str]) -> Iterator[NewJob]:
    jobs.seek(0)
    for domain, options in zip(names, jobs, strict=True):
        yield NewJob(domain, priority=Priority.BATCH, config={**_DECODER.decode(options), **common})


def _write_jobs(
    state: State, blocks: Iterable[bytes], policy: Policy, schema: ma.Schema, names: NameSet, jobs: IO[bytes]
) -> None:
    """Add the name of each job to `names`, and write its options to `jobs` as a line of JSON.

    Raises:
        BadRequest: a line is invalid; the details name it.
    """
    maximum = state.settings.max_batch_size
    with state.store.read_only() as session:
        tlds = current_tlds(session).names
    for number, line in enumerate(lines_of(blocks), 1):
        if not line.strip():
            continue
        try:
            delegation = delegation_of(state, _load(line, schema), policy)
            check_parent(state, tlds, delegation.domain)
            if not names.add(delegation.domain):
                text = Text("{domain} is on an earlier line, too", domain=delegation.domain)
                raise BadRequest("duplicate_domain", text, details={"domain": delegation.domain})
        except ApiError as error:
            raise _at_line(number, error) from error
        jobs.write(_ENCODER.encode(delegation.options.config) + b"\n")
        if len(names) > maximum:
            raise BadRequest(
                "batch_too_large",
                Text("a batch can have at most {limit} domains", limit=maximum),
                details={"limit": maximum},
            )


def _load(line: bytes, schema: ma.Schema) -> Mapping[str, Any]:
    if len(line) > MAX_LINE:
        raise BadRequest("invalid_json", Text("a line can have at most {limit} bytes", limit=MAX_LINE))
    document = parse_json([line])
    try:
        loaded: Mapping[str, Any] = schema.load(document)
    except ma.ValidationError as error:
        raise refusal_of_schema(error, schema) from error
    return loaded


def _at_line(number: int, error: ApiError) -> BadRequest:
    message = joined(": ", (Text("line {number}", number=number), error.message))
    return BadRequest(error.code, message, details={**(error.details or {}), "line": number})


def lines_of(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a body that arrives in blocks; a line above the limit is cut, and then refused."""
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
        if len(rest) > MAX_LINE:
            rest = rest[: MAX_LINE + 1]
    if rest:
        yield rest
