"""Login with a token, and logout."""

from http import HTTPStatus

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from gonemaster_api.errors import ApiError
from gonemaster_api.state import state
from gonemaster_api.ui.shell.urls import local_path
from gonemaster_api.web.authentication import login_page
from gonemaster_api.web.logins import log_in, log_out, set_cookie

blueprint = Blueprint("login", __name__)


@blueprint.get("/login")
def page() -> str:
    """Ask for a token."""
    return render_template("login/page.html", problem="", target="/")


@blueprint.post("/login")
def enter() -> BaseResponse:
    """Create a session and redirect to the requested page."""
    shared = state()
    try:
        _, value = log_in(shared, request.form.get("token", "").strip())
    except ApiError as error:
        return login_page(error)
    return set_cookie(_to(local_path(request.form.get("next", ""))), shared, value)


@blueprint.post("/logout")
def leave() -> BaseResponse:
    """End the session and show the login page."""
    shared = state()
    log_out(shared)
    return set_cookie(_to("/login"), shared, "")


def _to(path: str) -> Response:
    return redirect(path, code=HTTPStatus.SEE_OTHER, Response=Response)  # type: ignore[return-value]  # redirect() returns this class
