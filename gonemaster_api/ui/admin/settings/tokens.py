"""Admin tokens: list, create and revoke."""

from datetime import timedelta
from http import HTTPStatus

from flask import Blueprint, Response, g, url_for

from gonemaster_api.auth.listing import ListedToken
from gonemaster_api.errors import Conflict
from gonemaster_api.queries.tokens import find_token, find_tokens, token_document
from gonemaster_api.state import state
from gonemaster_api.ui.admin.settings.parts import tabs
from gonemaster_api.ui.shell.forms.confirmations import Confirmation
from gonemaster_api.ui.shell.forms.forms import SUMMARY, Form
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.formats import ago
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.languages import mark
from gonemaster_api.ui.shell.texts.notes import Note, register_notes, see_other
from gonemaster_api.use_cases.tokens import create_token, remove_token
from gonemaster_api.v1.tokens.schemas import NewTokenSchema
from gonemaster_api.web.actor import who
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import TokenExists
from gonemaster_tasks.config.credential_types import Scope

blueprint = Blueprint("ui_tokens", __name__)
_DAYS = ("7", "30", "90", "365")

register_notes({"token_revoked": Note(mark("Token revoked. All processes reject it within a second."))})


@blueprint.get("/settings/tokens")
def show() -> Response:
    """List the tokens, with the form for another one."""
    first = state().keyring.mode() == "open"
    return _page(Form({"scopes": Scope.ADMIN if first else Scope.READ, "days": "90"}))


@blueprint.post("/settings/tokens")
def create() -> Response:
    """Create a token, and show it on the page of this response only."""
    form = Form.sent()
    document = form.check(NewTokenSchema, {"label": form["label"], "scopes": [form["scopes"]]})
    if form["days"] in _DAYS:
        document["expires_at"] = utcnow() + timedelta(days=int(form["days"]))
    elif form["days"]:
        form.fail("days", _("Choose one of the periods."), "invalid_expires_at")
    if not form.is_valid:
        return _page(form)
    try:
        secret, _token = create_token(state(), document, who=who())
    except TokenExists:
        form.fail("label", _("Another token has this label."), "token_exists")
    except Conflict as error:
        form.fail(SUMMARY, error.message, error.code)
    else:
        response = _page(Form({"scopes": Scope.READ, "days": "90"}), secret=secret, status=HTTPStatus.CREATED)
        response.headers["Cache-Control"] = "no-store"
        return response
    return _page(form)


@blueprint.route("/settings/tokens/<token_id>/delete", methods=["GET", "POST"])
def delete(token_id: str) -> Response:
    """Revoke a token after a confirmation."""
    token = find_token(state(), token_id)
    notes = [_("You are logged in with this token: the next page asks for another one.")] if _is_own(token) else []
    if "configuration" in token.sources:
        notes.append(_("The configuration contains this token. It stays revoked; remove it there, too."))
    confirmation = Confirmation(
        title=_("Revoke the token %(name)s?", name=token.label or token.id),
        button=_("Revoke token"),
        keep=_("Keep token"),
        back=url_for("ui_tokens.show"),
        text=_("All processes reject the token within a second, end its sessions and close its event streams."),
        facts=[(_("Last use"), ago(token.last_used_at) if token.last_used_at else _("never"))],
        notes=notes,
    ).unless_confirmed()
    if confirmation:
        return confirmation
    remove_token(state(), token_id, who=who())
    return see_other(url_for("ui_tokens.show"), "token_revoked")


def _page(form: Form, *, secret: str = "", status: int | None = None) -> Response:
    scopes = (
        (Scope.READ.value, _("read: jobs, results, queue, analysis")),
        (Scope.OPERATE.value, _("operate: also submit, cancel, pause, tag, schedule, watch")),
        (Scope.ADMIN.value, _("admin: also change settings, profiles and tokens, delete, publish")),
    )
    periods = [(days, _("in %(days)s days", days=days)) for days in _DAYS]
    return page(
        "admin/settings/tokens.html",
        status=status or form.status,
        form=form,
        secret=secret,
        tokens=[(token_document(token), _is_own(token)) for token in find_tokens(state())],
        scopes=scopes,
        periods=[*periods, ("", _("never"))],
        tabs=tabs(),
        is_open=state().keyring.mode() == "open",
    )


def _is_own(token: ListedToken) -> bool:
    identity = g.get("identity")
    return identity is not None and identity.token.digest == token.digest
