"""Routes of the caller, and of login and logout in a browser."""

from typing import Any

from flask import Response, jsonify
from flask.views import MethodView

from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.state import state
from gonemaster_api.v1.session.schemas import NewSessionSchema, WhoamiSchema
from gonemaster_api.web.logins import Caller, caller, log_in, log_out, set_cookie

blueprint = Blueprint("session", __name__, description="Login, logout, and the identity of the caller")


@blueprint.route("/whoami")
class Whoami(MethodView):
    """The caller."""

    @blueprint.response(200, WhoamiSchema)
    @blueprint.refuses(_429="rate_limited")
    def get(self) -> Any:
        """Show whether requests need a token, and whether this request has a valid token."""
        response = jsonify(caller(state()).document())
        response.cache_control.no_store = True
        return response


@blueprint.route("/session")
class Session(MethodView):
    """The session of a browser."""

    @blueprint.arguments(NewSessionSchema)
    @blueprint.response(200, WhoamiSchema)
    @blueprint.refuses(_400="missing_token, invalid_token", _401="unauthorized", _429="rate_limited")
    def post(self, request_body: dict[str, Any]) -> Response:
        """Log in: the cookie `gm_admin` replaces the token for twelve hours."""
        who, value = log_in(state(), request_body["token"])
        return set_cookie(jsonify(who.document()), state(), value)

    @blueprint.response(200, WhoamiSchema)
    def delete(self) -> Response:
        """Log out: end the session and remove the cookie."""
        shared = state()
        log_out(shared)
        return set_cookie(jsonify(Caller(shared.keyring.mode()).document()), shared, "")
