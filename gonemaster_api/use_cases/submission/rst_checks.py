"""Submission of rehearsals of Registry System Testing: a check, and a single job for each TLD."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.errors import BadRequest, Unavailable
from gonemaster_api.queries.jobs.rst_checks import new_check_document
from gonemaster_api.rest.document_errors import refusal
from gonemaster_api.rest.idempotency import Keep
from gonemaster_api.state import State
from gonemaster_api.use_cases.submission.jobs import check_targets
from gonemaster_api.use_cases.submission.traced import about_request
from gonemaster_db.core.ids import new_rst_check_id
from gonemaster_db.core.records import NewJob
from gonemaster_db.models import Job, Priority
from gonemaster_db.service.rst_checks import add_check, count_unfinished
from gonemaster_engine.rst.document import RstInput, RstInputError, parse_input
from gonemaster_engine.rst.rehearsal import rst_policy
from gonemaster_engine.rst.tld import Tld
from gonemaster_engine.testcases.catalogue import select
from gonemaster_engine.texts import Text
from gonemaster_tasks.config.profiles import is_guarded
from gonemaster_tasks.control.submit import submit_jobs

MAX_UNFINISHED = 10  # checks; each has up to twenty jobs, and a job up to ten thousand queries


def submit_check(state: State, request: Mapping[str, Any], *, keep: Keep) -> dict[str, Any]:
    """Queue the jobs of a rehearsal and return its document; `keep` stores the response in the same transaction.

    Raises:
        BadRequest: invalid_rst_inputs, private_undelegated_ip, testcase_excluded; nothing was written.
        Unavailable: too_many_rst_checks; nothing was written.
    """
    try:
        inputs = parse_input(request["inputs"])
    except RstInputError as error:
        raise refusal("invalid_rst_inputs", error) from error
    _check_excluded(state)
    guarded = is_guarded(state.settings, (None, None))
    for tld in inputs.tlds:
        check_targets(_nameservers(tld), guarded=guarded)
    check_id, document = new_rst_check_id(), dict[str, Any]()

    def write(session: Session, jobs: Sequence[Job]) -> None:
        if count_unfinished(session) >= MAX_UNFINISHED:
            text = Text("{limit} rehearsals have not finished; try again later", limit=MAX_UNFINISHED)
            raise Unavailable("too_many_rst_checks", text)
        stored = json.dumps({**inputs.as_dict(), **dict.fromkeys(inputs.ignored)})
        check = add_check(session, check_id, job_ids=[job.id for job in jobs], inputs=stored, now=jobs[0].created_at)
        document.update(new_check_document(check, jobs))
        keep(session, document)

    submit_jobs(state.queue, [_job(inputs, tld, check_id) for tld in inputs.tlds], write=write)
    return document


def _check_excluded(state: State) -> None:
    """Refuse rehearsals if this server excludes test cases of RST: they could never pass."""
    excluded = {case.id for case in select(state.settings.exclude)} if state.settings.exclude else set()
    if missing := [case_id for case_id in rst_policy().cases if case_id in excluded]:
        text = Text("this server excludes {names}, which a rehearsal needs", names=", ".join(missing))
        raise BadRequest("testcase_excluded", text, details={"testcase": missing[0]})


def _nameservers(tld: Tld) -> list[dict[str, str]]:
    return [{"ns": server.name, "ip": address} for server in tld.servers for address in server.addresses]


def _job(inputs: RstInput, tld: Tld, check_id: str) -> NewJob:
    ds = [
        {"keytag": each.keytag, "algorithm": each.algorithm, "digtype": each.digtype, "digest": each.digest.lower()}
        for each in tld.ds
    ]
    config = {
        "rst": {"check": check_id, "inputs": inputs.of(tld)},
        "nameservers": _nameservers(tld),
        "ds": ds,
        "min_level": "INFO",  # the entry that says that a test case has finished
        "origin": "admin",
        **about_request(len(inputs.tlds)),
    }
    return NewJob(domain=tld.name, priority=Priority.NORMAL, config=config)
