"""The verdicts of a batch by a policy, as JSON lines in order of ID; a run is judged when its line is read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from gonemaster_api.errors import Conflict
from gonemaster_api.queries.batches.export import JOBS_PER_READ
from gonemaster_api.queries.policies.documents import chosen_policy, submitted_policy
from gonemaster_api.queries.runs.checks import ORIGIN, CheckedDelegation, judged_document
from gonemaster_api.state import State
from gonemaster_db.batches.batch_jobs import sample_job
from gonemaster_db.batches.batches import get_batch
from gonemaster_db.core.errors import DocumentDamaged
from gonemaster_db.core.filters import JobFilter
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.models import Job, Keep, Run
from gonemaster_db.runs.job_walk import jobs_after
from gonemaster_db.runs.run_documents import StoredRun, entries_of, read_stored_runs
from gonemaster_engine.policies.policy import Policy
from gonemaster_engine.texts import Text
from gonemaster_tasks.control.jobs import POLICY

_RUNS_PER_READ = 50  # a document can have megabytes


@dataclass(frozen=True)
class VerdictExport:
    """The requested lines: `after` is the `run_id` of the last line that the client has."""

    batch_id: str
    policy: Policy
    run_with: Policy  # the policy of the submission
    locale: str
    after: str


def policies_of_batch(state: State, batch_id: str, chosen: str | None, default: str) -> tuple[Policy, Policy]:
    """Return the policy that judges a batch of checks, and that of its submission, which also judges without a choice.

    Raises:
        BadRequest: policy_not_found, invalid_policy.
        BatchNotFound: the batch does not exist.
        Conflict: not_checks, the batch was submitted otherwise, and may have run other test cases.
    """
    with state.store.read_only() as session:
        get_batch(session, batch_id)
        sample = sample_job(session, batch_id)
        if sample is not None and sample.config.get("origin") != ORIGIN:
            raise Conflict("not_checks", Text("the batch was not submitted as checks before delegation"))
        run_with = submitted_policy(session, sample.config[POLICY]) if sample else chosen_policy(session, default)
        return chosen_policy(session, chosen) if chosen else run_with, run_with


def verdict_lines(state: State, export: VerdictExport) -> Iterator[bytes]:
    """Yield a line for each job of a batch; no transaction is open while the client reads."""
    encoder, last = msgspec.json.Encoder(), export.after
    while items := _read(state, export, last):
        for start in range(0, len(items), _RUNS_PER_READ):
            part = items[start : start + _RUNS_PER_READ]
            yield b"".join(encoder.encode(line) + b"\n" for line in _lines(state, export, part))
        last = items[-1].id


def _read(state: State, export: VerdictExport, last: str) -> Sequence[Job | Run]:
    """Read the next jobs. Raises BatchNotFound if the batch was deleted: a partial file must not look complete."""
    with state.store.read_only() as session:
        items = jobs_after(session, JobFilter(batch_id=export.batch_id), last, limit=JOBS_PER_READ)
        if not items:
            get_batch(session, export.batch_id)
        return items


def _lines(state: State, export: VerdictExport, items: Sequence[Job | Run]) -> list[Mapping[str, Any]]:
    with state.store.read_only() as session:
        stored = read_stored_runs(session, [item.id for item in items if isinstance(item, Run)])
        entries = {run_id: _entries(session, run) for run_id, run in stored.items()}
    checked = CheckedDelegation("", export.policy, export.locale, export.run_with)
    lines: list[Mapping[str, Any]] = []
    for item in items:
        common = {"run_id": item.id, "domain": item.domain, "status": item.status.value}
        if isinstance(item, Run) and item.id in stored:
            of_item = replace(checked, domain=item.domain)
            common |= judged_document(state, item, of_item, entries[item.id], _timings(stored[item.id]))
        lines.append({"verdict": None, **common})
    return lines


def _entries(session: Session, run: StoredRun) -> Sequence[EntryRecord] | None:
    """Return the entries of a run, or None if they are damaged or not all kept."""
    if run.kept is not Keep.FULL:
        return None
    try:
        return entries_of(session, run)
    except DocumentDamaged:
        return None


def _timings(run: StoredRun) -> Sequence[Mapping[str, Any]] | None:
    return run.document.nameserver_timings if run.document else None
