"""The page of one test under its public ID: progress, then the result, or a page that says the result has expired."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request
from markupsafe import Markup

from gonemaster_api.errors import NotFound
from gonemaster_api.queries.jobs.found import read_found
from gonemaster_api.queries.jobs.jobs import progress_of
from gonemaster_api.queries.jobs.public_jobs import find_public, find_public_run, read_asns, result_version
from gonemaster_api.queries.runs.results import parts_for_public
from gonemaster_api.state import State, state
from gonemaster_api.ui.public.result.downloads import entries_as_csv, plain_text
from gonemaster_api.ui.public.result.pages import result_page
from gonemaster_api.ui.public.result.reading import Result, read_result
from gonemaster_api.ui.shell.charts.chains import svg_response
from gonemaster_api.ui.shell.charts.live import is_fast, live_test
from gonemaster_api.ui.shell.findings import level_filter
from gonemaster_api.ui.shell.page_cache import cached_page
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.languages import language
from gonemaster_api.ui.shell.urls import absolute, reduce_query
from gonemaster_api.use_cases.lookups import name_asns
from gonemaster_db.models import Job, Run
from gonemaster_db.runs.runs import list_public_runs

blueprint = Blueprint("ui_public_result", __name__, url_prefix="/result")

_AGE = "public, max-age=300"
_NEVER = "no-store"
_POLL_S = 2
_MAX_RUNS = 50
_BADGE = Markup('<a href="{}"><img src="{}" alt="DNS"></a>')  # Escapes the values it formats.


@blueprint.get("/<public_id>")
def show(public_id: str) -> Response:
    """Show the progress of a test, or its result."""
    shared = state()
    try:
        found = find_public(shared, public_id)
    except NotFound:
        return _not_available()
    return _progress(shared, found) if isinstance(found, Job) else _result(shared, found)


def _not_available() -> Response:
    response = page("public/result/gone.html", status=HTTPStatus.NOT_FOUND)
    return _uncached(response)


def _uncached(response: Response) -> Response:
    response.headers["Cache-Control"] = _NEVER
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _progress(shared: State, job: Job) -> Response:
    found = read_found(shared, job) if parts_for_public(shared.settings).timings else None
    response = page(
        "public/result/progress.html",
        job=job,
        percent=progress_of(shared, job),
        live=live_test(job.domain, found),
        every_s=1 if is_fast(job) else _POLL_S,
        address=absolute("ui_public_result.show", public_id=job.public_id),
    )
    return _uncached(response)


def _result(shared: State, run: Run) -> Response:
    chosen = level_filter(request.args.get("level", ""))
    reduce_query(level=chosen, lang=language() if "lang" in request.args else "")
    settings = shared.settings
    shown = (settings.exclude, settings.show_history_public, settings.show_asn_names_public, settings.retention_days)
    version = f"{result_version(shared, run, locale=language())} {shown!r}"
    return cached_page(version, lambda: _whole(read_result(shared, run), chosen), caching=_AGE)


def _whole(result: Result, level: str) -> Response:
    run = result.run
    address = absolute("ui_public_result.show", public_id=run.public_id)
    json = f"/pub/api/v1/jobs/{run.public_id}/result?locale={result.locale}"
    return result_page(result, level, address=address, json=json, badge=_badge(run.domain) if result.card else "")


def _badge(domain: str) -> str:
    """Return the HTML that embeds the badge of a domain on another website and links to the newest result."""
    newest, image = (absolute(f"ui_public_badge.{view}", domain=domain) for view in ("newest", "show"))
    return str(_BADGE.format(newest, image))


@blueprint.get("/<public_id>/networks")
def networks(public_id: str) -> Response:
    """Show the holders of the networks of the name servers; wait at most three seconds for the names."""
    shared = state()
    run = find_public_run(shared, public_id)
    document: dict[str, Any] = name_asns(shared, read_asns(shared, public_id))
    response = page("public/result/networks.html", run=run, networks=document["asns"], is_complete=document["complete"])
    return _uncached(response)


@blueprint.get("/<public_id>/history")
def history(public_id: str) -> Response:
    """List the public tests of the same domain, if the operator allows it."""
    shared = state()
    run = find_public_run(shared, public_id)
    if not shared.settings.show_history_public:
        raise NotFound("history", public_id)
    with shared.store.read_only() as session:
        runs = list_public_runs(session, run.domain_id, limit=_MAX_RUNS)
    shown = parts_for_public(shared.settings)
    return _uncached(page("public/result/history.html", run=run, runs=runs, with_grades=shown.score))


@blueprint.get("/<public_id>/chain.svg")
def chain(public_id: str) -> Response:
    """Return the diagram of the chain of trust as a file."""
    document = _result_of(public_id).chain_document
    if document is None:
        raise NotFound("DNSSEC chain", public_id)
    return _cached(svg_response(document))


@blueprint.get("/<public_id>/findings.csv")
def as_csv(public_id: str) -> Response:
    """Return all findings as CSV."""
    result = _result_of(public_id)
    return _file(entries_as_csv(result.findings), "text/csv", f"{public_id}.csv")


@blueprint.get("/<public_id>/findings.txt")
def as_text(public_id: str) -> Response:
    """Return all findings as text."""
    result = _result_of(public_id)
    grade = f"{result.card.grade} {result.card.score}/100" if result.card else ""
    address = absolute("ui_public_result.show", public_id=public_id)
    return _file(
        plain_text(result.run, result.findings, grade=grade, address=address), "text/plain", f"{public_id}.txt"
    )


def _result_of(public_id: str) -> Result:
    shared = state()
    return read_result(shared, find_public_run(shared, public_id))


def _file(text: str, mimetype: str, name: str) -> Response:
    response = Response(text, mimetype=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return _cached(response)


def _cached(response: Response) -> Response:
    response.headers["Cache-Control"] = _AGE
    response.headers["X-Robots-Tag"] = "noindex"
    response.vary.update(("Cookie", "Accept-Language"))
    return response
