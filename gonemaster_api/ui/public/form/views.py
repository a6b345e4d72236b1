"""The public form: show it, fill it in from the parent zone, and submit a test.

Rows are added by GET requests, so that the form works without a script.
"""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request, url_for
from sqlalchemy.orm import Session

from gonemaster_api.errors import ApiError
from gonemaster_api.state import State, state
from gonemaster_api.ui.public.form.checking import FieldProblem, check, refused
from gonemaster_api.ui.public.form.choices import algorithms, digest_types
from gonemaster_api.ui.public.form.typed_fields import MAX_ROWS, DsRow, NameserverRow, TypedFields, read_typed
from gonemaster_api.ui.shell.forms.typed_names import reverse_zone_of, without_url
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.languages import mark
from gonemaster_api.ui.shell.texts.notes import Note, register_notes, see_other
from gonemaster_api.use_cases.lookups import look_up_public_delegation
from gonemaster_api.use_cases.submission.public import public_targets_are_guarded, submit_public_job
from gonemaster_db.domains.profiles import list_profiles
from gonemaster_engine.names import host_of_url
from gonemaster_engine.testcases.catalogue import cases

blueprint = Blueprint("ui_public", __name__)

register_notes(
    {"domain_of_url": Note(mark("You entered a URL or an email address. Its domain is tested."), level="notice")}
)

_WWW = "www."


@blueprint.get("/")
def show() -> Response:
    """Show the form with the fields of the query string, and with a row added or removed on request."""
    change = request.args.get("change", "")
    return _form(_changed(read_typed(request.args), change), added=change.removeprefix("add-"), is_open=bool(change))


@blueprint.get("/fetch")
def fetch() -> Response:
    """Show the form with the name servers and DS records of the parent zone."""
    typed = read_typed(request.args)
    try:
        found = look_up_public_delegation(state(), without_url(typed.domain))
    except ApiError as error:
        return _form(typed, refused(error), status=error.status, headers=error.headers, is_open=True)
    filled = replace(
        typed,
        nameservers=tuple(NameserverRow(row["ns"], row.get("ip", "")) for row in found["nameservers"][:MAX_ROWS]),
        ds=tuple(
            DsRow(*(str(record[name]) for name in ("keytag", "algorithm", "digtype", "digest")))
            for record in found["ds_records"][:MAX_ROWS]
        ),
    )
    nothing = not (filled.nameservers or filled.ds)
    text = _("The parent zone has no name servers for this domain.") if nothing else ""
    return _form(filled, {"nameservers": FieldProblem(text, "")} if nothing else {}, is_open=True)


@blueprint.post("/")
def submit() -> Response:
    """Queue the test and redirect to its page."""
    shared, typed = state(), read_typed(request.form).without_empty_rows()
    checked = check(typed, guarded=public_targets_are_guarded(shared.settings))
    if checked.problems:
        return _form(typed, checked.problems, status=HTTPStatus.BAD_REQUEST)
    try:
        job = submit_public_job(shared, checked.request, keep=_store_no_response)
    except ApiError as error:
        return _form(typed, refused(error), status=error.status, headers=error.headers)
    target = url_for("ui_public_result.show", public_id=job["public_id"])
    return see_other(target, "domain_of_url") if host_of_url(typed.domain) else see_other(target)


def _store_no_response(_session: Session, _document: Mapping[str, Any]) -> None:
    """Store no response: a form has no Idempotency-Key."""


def _changed(typed: TypedFields, change: str) -> TypedFields:
    """Return the form with a row added (`add-ns`, `add-ds`) or removed (`drop-ns-2` removes the third row)."""
    action, _dash, number = change.rpartition("-")
    if change == "add-ns":
        return replace(typed, nameservers=(*typed.nameservers, NameserverRow())[:MAX_ROWS])
    if change == "add-ds":
        return replace(typed, ds=(*typed.ds, DsRow())[:MAX_ROWS])
    index = int(number) if number.isascii() and number.isdigit() and len(number) <= 2 else MAX_ROWS
    if action == "drop-ns":
        return replace(typed, nameservers=typed.nameservers[:index] + typed.nameservers[index + 1 :])
    if action == "drop-ds":
        return replace(typed, ds=typed.ds[:index] + typed.ds[index + 1 :])
    return typed


def _form(
    typed: TypedFields,
    problems: Mapping[str, FieldProblem] | None = None,
    *,
    status: int = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
    added: str = "",
    is_open: bool = False,
) -> Response:
    problems = problems or {}
    response = page(
        "public/form/page.html",
        status=status,
        typed=typed,
        nameservers=typed.nameservers or (NameserverRow(),),
        records=typed.ds or (DsRow(),),
        problems=problems,
        added=added,
        profiles=_profiles(state()),
        algorithms=algorithms,
        digest_types=digest_types,
        parent=parent_of_host(typed.domain),
        reverse_zone=reverse_zone_of(typed.domain) if "domain" in problems else "",
        case_count=len(cases()),
        is_open=is_open or typed.has_options or bool(problems.keys() - {"domain", ""}),
    )
    response.headers.update(headers or {})
    return response


def _profiles(shared: State) -> list[tuple[str, str, str]]:
    with shared.store.read_only() as session:
        found = list_profiles(session, public_only=True)
        return [(str(profile.id), profile.name, profile.description) for profile in found]


def parent_of_host(domain: str) -> str:
    """Return the domain of a host name such as `www.example.com` or of a URL; empty for other text."""
    if host := host_of_url(domain):
        return parent_of_host(host)
    name = domain.strip().removesuffix(".")
    rest = name[len(_WWW) :] if name.lower().startswith(_WWW) else ""
    return rest if "." in rest else ""
