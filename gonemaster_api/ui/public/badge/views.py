"""The badge of a domain: grade and date of its newest public test, as an image for other websites."""

from http import HTTPStatus

from flask import Blueprint, Response, redirect, render_template, request, url_for

from gonemaster_api.errors import NotFound
from gonemaster_api.queries.runs.badges import Badge, find_badge_run, read_badge
from gonemaster_api.state import state
from gonemaster_api.use_cases.submission.jobs import read_name
from gonemaster_db.runs.runs import get_run

blueprint = Blueprint("ui_public_badge", __name__, url_prefix="/badge")

_AGE = "public, max-age=300"
_AGE_OF_NONE = "public, max-age=60"
_COLOURS = {  # White text has a contrast of at least 6:1 on each colour.
    "A+": "#126b4f",
    "A": "#0b5c43",
    "B": "#1f4f86",
    "C": "#6b4800",
    "D": "#97231a",
    "F": "#6a1450",
}


@blueprint.get("/<domain>.svg")
def show(domain: str) -> Response:
    """Render the badge, which is the same in all languages."""
    shared = state()
    try:
        run_id, version = find_badge_run(shared, read_name(domain))
        tag = f'W/"{version}"'
        known = {given.partition(":")[0] for given in request.if_none_match.as_set(include_weak=True)}
        if request.if_none_match.star_tag or version in known:
            return _with_headers(Response(status=HTTPStatus.NOT_MODIFIED), tag)
        image = shared.responses.find((version, request.path, b""))
        if image is None:
            image = _image(read_badge(shared, run_id))
            shared.responses.keep((version, request.path, b""), image)
    except NotFound as error:
        error.headers = {**(error.headers or {}), "Cache-Control": _AGE_OF_NONE}
        raise
    return _with_headers(Response(image, mimetype="image/svg+xml"), tag)


@blueprint.get("/<domain>")
def newest(domain: str) -> Response:
    """Redirect to the newest public result of a domain, the one that its badge shows."""
    shared = state()
    run_id, _version = find_badge_run(shared, read_name(domain))
    with shared.store.read_only() as session:
        public_id = get_run(session, run_id).public_id
    found: Response = redirect(url_for("ui_public_result.show", public_id=public_id), Response=Response)  # type: ignore[assignment]
    found.headers["Cache-Control"] = _AGE_OF_NONE
    return found


def _image(badge: Badge) -> bytes:
    colour = _COLOURS.get(badge.grade, "#46504a")
    return render_template("public/badge/badge.svg", badge=badge, colour=colour).encode()


def _with_headers(response: Response, tag: str) -> Response:
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = _AGE
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
