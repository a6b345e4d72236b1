"""Jobs of the public API, identified only by their public ids."""

import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from http import HTTPStatus
from typing import Any

import structlog

from gonemaster_api.errors import ApiError, NotFound
from gonemaster_api.queries.jobs.jobs import progress_of
from gonemaster_api.queries.runs.results import not_finished, parts_for_public
from gonemaster_api.state import State
from gonemaster_db.core.errors import DocumentDamaged, JobNotFound
from gonemaster_db.core.ids import is_public_id
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.models import Job, Run
from gonemaster_db.queue.jobs import find_by_public_id
from gonemaster_db.runs.entries import entries_of_run
from gonemaster_db.runs.run_documents import kept_of
from gonemaster_db.runs.runs import get_dnssec_chain
from gonemaster_engine.findings.messages import best_locale
from gonemaster_engine.run.as_names import HIGHEST_ASN
from gonemaster_engine.texts import Text
from gonemaster_engine.version import __version__
from gonemaster_tasks.config.scoring import current_scoring

MAX_ASNS = 32
_NUMBER = re.compile(r"\b\d{1,10}\b", re.ASCII)

log = structlog.get_logger(__name__)


def find_public(state: State, public_id: str) -> Job | Run:
    """Return the job or run with a public id.

    Raises:
        NotFound: the id is unknown or is not a public id.
    """
    if not is_public_id(public_id):
        raise NotFound("job", public_id)
    try:
        with state.store.read_only() as session:
            return find_by_public_id(session, public_id)
    except JobNotFound as error:
        raise NotFound("job", public_id) from error


def find_public_run(state: State, public_id: str) -> Run:
    """Return the run of a finished job.

    Raises:
        NotFound: no such job.
        ApiError: 404 not_found, the job is not finished.
    """
    found = find_public(state, public_id)
    if isinstance(found, Job):
        raise not_finished(found)
    return found


def public_job_document(state: State, item: Job | Run) -> dict[str, Any]:
    """Return the public document of a job."""
    document = {
        "public_id": item.public_id,
        "domain": item.domain,
        "status": item.status.value,
        "progress": progress_of(state, item),
    }
    return document | ({"finished_at": item.finished_at} if isinstance(item, Run) else {})


def result_version(state: State, run: Run, *, locale: str) -> str:
    """Return a version that changes with the public result of a run."""
    scoring = current_scoring(state.store, state.settings)
    shown, chain = parts_for_public(state.settings), state.settings.show_dnssec_chain_public
    with state.store.read_only() as session:
        kept = kept_of(session, run)
    return _version(run, best_locale(locale), scoring.fingerprint, *shown, chain, kept)


def read_public_chain(state: State, public_id: str) -> tuple[str, Any]:
    """Return the version and the document of the DNSSEC chain of trust of a job.

    Raises:
        NotFound: no such job, or chains are not public.
        ApiError: 404 no_chain_data, the job has no chain (yet); 500 lookup_failed, the chain cannot be read.
    """
    if not state.settings.show_dnssec_chain_public:
        raise NotFound("DNSSEC chain", public_id)
    found = find_public(state, public_id)
    chain = _stored_chain(state, found) if isinstance(found, Run) else None
    if chain is None:
        text = Text("the job has no DNSSEC chain, or is not finished")
        raise ApiError(HTTPStatus.NOT_FOUND, "no_chain_data", text, headers={"Cache-Control": "no-store"})
    return _version(found, "chain"), chain


def _stored_chain(state: State, run: Run) -> Any | None:
    try:
        with state.store.read_only() as session:
            return get_dnssec_chain(session, run.id)
    except DocumentDamaged as error:
        log.error("DNSSEC chain cannot be read", run_id=run.id, error=str(error))
        text = Text("the DNSSEC chain of the job cannot be read")
        raise ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "lookup_failed", text) from error


def read_asns(state: State, public_id: str) -> list[int]:
    """Return the AS numbers in the entries of a finished job, at most 32, ascending.

    Raises:
        NotFound: no such job, or AS names are not public.
        ApiError: 404 not_found, the job is not finished.
    """
    if not state.settings.show_asn_names_public:
        raise NotFound("AS names", public_id)
    run = find_public_run(state, public_id)
    with state.store.read_only() as session:
        return asns_of(entries_of_run(session, run.id))


def asns_of(entries: Iterable[EntryRecord]) -> list[int]:
    """Return the AS numbers in the arguments of entries, at most 32, ascending."""
    return sorted({asn for entry in entries for asn in _asns_in(entry.args)})[:MAX_ASNS]


def _asns_in(args: Mapping[str, Any]) -> Iterator[int]:
    given = [args.get("asn"), *(args["asns"] if isinstance(args.get("asns"), list) else [args.get("asns")])]
    for value in given:
        numbers = map(int, _NUMBER.findall(value)) if isinstance(value, str) else [value]
        yield from (number for number in numbers if type(number) is int and 0 <= number <= HIGHEST_ASN)


def _version(run: Job | Run, *values: object) -> str:
    digest = blake2b(digest_size=12)
    for value in (__version__, run.id, *values):
        digest.update(f"{value}\0".encode())
    return digest.hexdigest()
