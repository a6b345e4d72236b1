"""Policies: list, page with suites and versions, comparison, editor, deletion."""

from flask import Blueprint, Response, request, url_for

from gonemaster_api.errors import BadRequest, Conflict
from gonemaster_api.queries.policies.documents import (
    ListedPolicy,
    policy_names,
    read_policies,
    read_policy,
    read_version,
    read_versions,
)
from gonemaster_api.state import state
from gonemaster_api.ui.admin.settings.parts import tabs
from gonemaster_api.ui.admin.settings.policy_editor import (
    brief,
    checked_policy_of,
    compared,
    place,
    show_editor,
    source_of,
    values_of,
)
from gonemaster_api.ui.shell.forms.confirmations import Confirmation
from gonemaster_api.ui.shell.forms.forms import Form
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.formats import number
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.languages import mark
from gonemaster_api.ui.shell.texts.notes import Note, register_notes, see_other
from gonemaster_api.use_cases.policies.changes import delete_policy, refuse_bundled, replace_policy, store_policy
from gonemaster_api.web.actor import who
from gonemaster_db.core.errors import PolicyExists

SHOWN = ("all", "bundled", "own")

blueprint = Blueprint("ui_policies", __name__)

register_notes(
    {
        "policy_stored": Note(mark("Policy saved.")),
        "policy_removed": Note(mark("Policy deleted.")),
    }
)


@blueprint.get("/settings/policies")
def show() -> Response:
    """List the bundled policies, then the stored ones by name."""
    search, which = request.args.get("q", "").strip()[:255], request.args.get("show", "all")
    rows = read_policies(state())
    bundled = sum(found.is_bundled for found in rows)
    return page(
        "admin/settings/policies.html",
        rows=[found for found in rows if _matches(found, search, which)],
        counts={"all": len(rows), "bundled": bundled, "own": len(rows) - bundled},
        search=search,
        which=which if which in SHOWN else "all",
        tabs=tabs(),
    )


def _matches(found: ListedPolicy, search: str, which: str) -> bool:
    is_shown = {"bundled": found.is_bundled, "own": not found.is_bundled}.get(which, True)
    return is_shown and search.lower() in f"{found.name}\n{found.description}".lower()


@blueprint.get("/settings/new-policy")
def new() -> Response:
    """Show an empty editor, or one filled in from another policy (`from`)."""
    return show_editor(source_of(request.args.get("from", "")[:64]), None)


@blueprint.post("/settings/new-policy")
def create() -> Response:
    """Store a policy; or only validate it."""
    form = Form.sent()
    checked = checked_policy_of(form)
    if form["do"] != "save" or checked is None:
        return show_editor(form, None, checked)
    try:
        stored = store_policy(state(), checked.as_dict(), who=who())
    except (PolicyExists, BadRequest) as error:
        place(form, error)
        return show_editor(form, None)
    return see_other(url_for("ui_policies.detail", name=stored.name), "policy_stored")


@blueprint.get("/settings/policies/<name>")
def detail(name: str) -> Response:
    """Show a policy, or an older version of it, with its suites and versions."""
    version = request.args.get("version", "")[:32]
    shown = read_version(state(), name, version) if version else read_policy(state(), name)
    versions = read_versions(state(), name)
    return page("admin/settings/policy.html", shown=shown, versions=versions, tabs=tabs(), text_of=brief)


@blueprint.get("/settings/policies/<name>/compare")
def compare(name: str) -> Response:
    """Compare two versions of a policy (`from`, `to`), or a policy with another one (`other`)."""
    versions = read_versions(state(), name)
    after = read_version(state(), name, _version("to")) if _version("to") else versions[0]
    if other := request.args.get("other", "")[:64]:
        before = read_policy(state(), other)
    elif _version("from"):
        before = read_version(state(), name, _version("from"))
    else:
        before = versions[min(1, len(versions) - 1)]
    return page(
        "admin/settings/policy_versions.html",
        name=name,
        versions=[each.version for each in versions],
        names=[each for each in policy_names(state()) if each != name],
        other=other,
        tabs=tabs(),
        text_of=brief,
        **compared(before, after),
    )


def _version(parameter: str) -> str:
    return request.args.get(parameter, "")[:32]


@blueprint.get("/settings/policies/<name>/edit")
def edit(name: str) -> Response:
    """Show the editor of a stored policy."""
    current = _own(name)
    return show_editor(Form(values=values_of(current)), current)


@blueprint.post("/settings/policies/<name>/edit")
def change(name: str) -> Response:
    """Store a new version, unless another user stored one after the page was loaded; or only validate it."""
    current, form = _own(name), Form.sent()
    checked = checked_policy_of(form, name=name)
    if form["do"] != "save" or checked is None:
        return show_editor(form, current, checked)
    try:
        replace_policy(state(), name, checked.as_dict(), after=form["after"] or None, who=who())
    except (BadRequest, Conflict) as error:
        place(form, error)
        return show_editor(form, current, checked)
    return see_other(url_for("ui_policies.detail", name=name), "policy_stored")


@blueprint.route("/settings/policies/<name>/delete", methods=["GET", "POST"])
def delete(name: str) -> Response:
    """Delete a policy after a confirmation."""
    _own(name)
    confirmation = Confirmation(
        title=_("Delete policy %(name)s?", name=name),
        button=_("Delete policy %(name)s", name=name),
        back=url_for("ui_policies.detail", name=name),
        text=_("Schedules with this policy will not run until they have another one."),
        facts=[(_("Versions"), number(len(read_versions(state(), name))))],
        kept=_("Runs keep their verdicts, and waiting jobs still use the policy."),
    ).unless_confirmed()
    if confirmation:
        return confirmation
    delete_policy(state(), name, who=who())
    return see_other(url_for("ui_policies.show"), "policy_removed")


def _own(name: str) -> ListedPolicy:
    """Return the current version of a stored policy. Raises NotFound; Conflict: policy_bundled."""
    refuse_bundled(name)
    return read_policy(state(), name)
