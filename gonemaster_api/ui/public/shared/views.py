"""One result for everyone who has a link to it, until the link expires or is revoked."""

from flask import Blueprint, Response, jsonify, request, url_for

from gonemaster_api.errors import ApiError
from gonemaster_api.queries.runs.results import parts_for_public, result_document
from gonemaster_api.queries.runs.shares import read_shared
from gonemaster_api.state import state
from gonemaster_api.ui.public.result.pages import result_page
from gonemaster_api.ui.public.result.reading import read_result
from gonemaster_api.ui.shell.findings import level_filter
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.languages import language
from gonemaster_api.ui.shell.urls import absolute

blueprint = Blueprint("ui_public_shared", __name__, url_prefix="/shared")


@blueprint.get("/<secret>")
def show(secret: str) -> Response:
    """Show the result that a link shares."""
    shared = state()
    try:
        share, run = read_shared(shared, secret)
    except ApiError as error:
        return _private(page("public/shared/gone.html", status=error.status, code=error.code))
    result = read_result(shared, run, shared_until=share.expires_at)
    return _private(
        result_page(
            result,
            level_filter(request.args.get("level", "")),
            address=absolute("ui_public_shared.show", secret=secret),
            json=url_for("ui_public_shared.as_json", secret=secret, lang=result.locale),
        )
    )


@blueprint.get("/<secret>/result.json")
def as_json(secret: str) -> Response:
    """Return the result that a link shares as JSON, in the form of the public API without IDs."""
    shared = state()
    share, run = read_shared(shared, secret)
    finished = read_result(shared, run, shared_until=share.expires_at).finished
    document = result_document(shared, finished, locale=language(), shown=parts_for_public(shared.settings))
    for name in ("job_id", "batch_id", "has_dnssec_chain"):
        document.pop(name, None)
    response = jsonify(document)
    response.headers["Content-Disposition"] = f'attachment; filename="{run.domain}.json"'
    return _private(response)


def _private(response: Response) -> Response:
    """Keep a page out of caches and search engines, and its URL out of the requests to other websites."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
