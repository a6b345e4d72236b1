"""Rehearsals of Registry System Testing: their state, from their jobs, and their report, from their runs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.errors import ApiError
from gonemaster_api.queries.jobs.jobs import progress_of
from gonemaster_api.state import State
from gonemaster_db.core.errors import DocumentDamaged
from gonemaster_db.models import Job, JobStatus, RstCheck, Run, RunStatus
from gonemaster_db.runs.run_documents import entries_of, read_stored_runs
from gonemaster_db.service.rst_checks import get_check, jobs_of_checks, list_checks
from gonemaster_engine.rst.document import RstInput, parse_input
from gonemaster_engine.rst.html import html_page
from gonemaster_engine.rst.rehearsal import rst_policy
from gonemaster_engine.rst.report import RstReport, TldRun, build_report
from gonemaster_engine.rst.text import text_lines
from gonemaster_engine.texts import Text
from gonemaster_tasks.control.verdicts import as_reported

Found = Mapping[str, Job | Run]


def new_check_document(check: RstCheck, jobs: Sequence[Job]) -> dict[str, Any]:
    """Return the document of a check whose jobs have just been queued."""
    tlds = [{"name": job.domain, "job_id": job.id, "status": job.status.value, "progress": 0} for job in jobs]
    return _document(check, tlds, "queued")


def read_checks(state: State, *, limit: int, offset: int) -> dict[str, Any]:
    """Return a page of checks, newest first, without results."""
    with state.store.read_only() as session:
        page = list_checks(session, limit=limit, offset=offset)
        found = jobs_of_checks(session, [job_id for check in page.items for job_id in check.job_ids])
    return {"items": [_state_document(state, check, found) for check in page.items], "total": page.total}


def read_check(state: State, check_id: str) -> dict[str, Any]:
    """Return a check, with its result if all its jobs have finished. Raises RstCheckNotFound."""
    with state.store.read_only() as session:
        check = get_check(session, check_id)
        found = jobs_of_checks(session, check.job_ids)
        document = _state_document(state, check, found)
        if document["state"] == "finished":
            report = _report(session, check, found)
            document |= {"result": report.result.value, "error_codes": report.codes}
    return document


def read_report(state: State, check_id: str, *, shape: str, locale: str) -> Any:
    """Return the report of a check: a document, or the text of a page or a text file.

    Raises:
        RstCheckNotFound: there is no such check.
        ApiError: 409 not_finished.
    """
    with state.store.read_only() as session:
        check = get_check(session, check_id)
        found = jobs_of_checks(session, check.job_ids)
        if any(isinstance(item, Job) for item in found.values()):
            raise ApiError(409, "not_finished", Text("the rehearsal has not finished"))
        report = _report(session, check, found, locale=locale)
    if shape == "html":
        return html_page(report, locale=locale)
    if shape == "txt":
        return "\n".join(text_lines(report, locale=locale)) + "\n"
    return report.as_dict(locale=locale)


def inputs_of(check: RstCheck) -> RstInput:
    """Return the stored input parameters."""
    return parse_input(json.loads(check.inputs))


def _state_document(state: State, check: RstCheck, found: Found) -> dict[str, Any]:
    tlds = []
    for job_id in check.job_ids:
        item = found.get(job_id)
        status = item.status.value if item else "deleted"
        name = item.domain if item else ""
        progress = progress_of(state, item) if item else 100
        tlds.append({"name": name, "job_id": job_id, "status": status, "progress": progress})
    jobs = [item for job_id in check.job_ids if isinstance(item := found.get(job_id), Job)]
    if not jobs:
        return _document(check, tlds, "finished")
    is_started = len(jobs) < len(check.job_ids) or any(job.status is JobStatus.RUNNING for job in jobs)
    return _document(check, tlds, "running" if is_started else "queued")


def _document(check: RstCheck, tlds: list[dict[str, Any]], state: str) -> dict[str, Any]:
    fields = {"id": check.id, "created_at": check.created_at, "state": state, "tlds": tlds}
    return {**fields, "result": None, "error_codes": []}


def _report(session: Session, check: RstCheck, found: Found, *, locale: str = "en") -> RstReport:
    inputs = inputs_of(check)
    stored = read_stored_runs(session, check.job_ids)
    runs = {}
    for tld, job_id in zip(inputs.tlds, check.job_ids, strict=True):
        run = found.get(job_id)
        if not isinstance(run, Run):
            runs[tld.name] = TldRun((), problem="no_run")
            continue
        try:
            entries = [as_reported(row) for row in entries_of(session, stored[job_id])] if job_id in stored else []
        except DocumentDamaged:
            entries = []
        runs[tld.name] = TldRun(entries, run.started_at, run.finished_at, problem=_problem(run, is_empty=not entries))
    return build_report(inputs, runs, rst_policy(), locale=locale)


def _problem(run: Run, *, is_empty: bool) -> str:
    """Return why a run has no result; empty if it has one."""
    if run.status is RunStatus.SUCCEEDED:
        return "no_run" if is_empty else ""
    return "run_canceled" if run.status is RunStatus.CANCELED else "run_failed"
