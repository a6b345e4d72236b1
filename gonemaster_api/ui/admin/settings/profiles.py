"""Stored profiles: list, editor with differences and issues, repair, review, deletion."""

from flask import Blueprint, Response, request, url_for

from gonemaster_api.errors import BadRequest
from gonemaster_api.queries.profile_compatibility import compatibility_of
from gonemaster_api.queries.profiles import read_profile, read_profiles, server_default_profile
from gonemaster_api.queries.tags import read_tags_with_profiles
from gonemaster_api.state import state
from gonemaster_api.ui.admin.settings.parts import tabs
from gonemaster_api.ui.admin.settings.profile_editor import document_of, place, pretty, show_editor, version_of
from gonemaster_api.ui.shell.forms.confirmations import Confirmation
from gonemaster_api.ui.shell.forms.forms import SUMMARY, Form
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.formats import number
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.languages import mark, ngettext
from gonemaster_api.ui.shell.texts.notes import Note, register_notes, see_other
from gonemaster_api.use_cases.profiles import (
    remove_profile,
    repair_profile,
    replace_profile,
    review_all_profiles,
    review_profile,
    store_profile,
)
from gonemaster_api.web.actor import who
from gonemaster_db.core.errors import ProfileExists
from gonemaster_db.models import Profile
from gonemaster_engine.profile.repair import (
    add_missing_test_cases,
    add_missing_test_levels,
    reset_test_cases,
    reset_test_levels,
)

SHOWN = ("all", "public", "used")
_REPAIRS = {
    "add_missing_test_cases": add_missing_test_cases,
    "add_missing_test_levels": add_missing_test_levels,
    "reset_test_cases": reset_test_cases,
}

blueprint = Blueprint("ui_profiles", __name__)

register_notes(
    {
        "profile_stored": Note(mark("Profile saved.")),
        "profile_removed": Note(mark("Profile deleted.")),
        "profile_repaired": Note(mark("Profile repaired.")),
        "profile_reviewed": Note(mark("The profile is marked as reviewed with this version.")),
        "profile_unreviewed": Note(mark("The review mark of the profile is removed.")),
        "profiles_reviewed": Note(
            mark("One profile is marked as reviewed."), mark("%(num)s profiles are marked as reviewed.")
        ),
    }
)


@blueprint.get("/settings/profiles")
def show() -> Response:
    """List profiles by name, with their issues and the tags that use them."""
    search, which = request.args.get("q", "").strip()[:255], request.args.get("show", "all")
    used = read_tags_with_profiles(state())
    rows = [(profile, compatibility_of(profile), used.get(profile.id, [])) for profile in read_profiles(state())]
    counts = {
        "all": len(rows),
        "public": sum(profile.public for profile, _issues, _tags in rows),
        "used": sum(bool(tags) for _profile, _issues, tags in rows),
    }
    found = [row for row in rows if _matches(row[0], search) and _is_shown(row[0], row[2], which)]
    return page(
        "admin/settings/profiles.html",
        rows=found,
        counts=counts,
        search=search,
        which=which if which in SHOWN else "all",
        unfit=sum(not issues.compatible for _profile, issues, _tags in rows),
        tabs=tabs(),
    )


def _matches(profile: Profile, search: str) -> bool:
    return search.lower() in f"{profile.name}\n{profile.description}".lower()


def _is_shown(profile: Profile, tags: list[str], which: str) -> bool:
    return {"public": profile.public, "used": bool(tags)}.get(which, True)


@blueprint.get("/settings/profiles/new")
def new() -> Response:
    """Show an empty editor, or one filled in from the server default or from another profile (`from`)."""
    source = request.args.get("from", "")
    values = {"name": "", "description": "", "config": "{}"}
    if source == "default":
        values["config"] = pretty(server_default_profile(state()).config)
    elif source:
        other = read_profile(state(), _number(source))
        values = {
            "name": _("Copy of %(name)s", name=other.name),
            "description": other.description,
            "config": pretty(other.config),
        }
    return show_editor(Form(values=values), None)


@blueprint.post("/settings/profiles/new")
def create() -> Response:
    """Create a profile; or only compare it, or remove values equal to the default."""
    form = Form.sent()
    document = document_of(form)
    if form["do"] != "save" or document is None:
        return show_editor(form, None)
    try:
        stored = store_profile(state(), document, who=who())
    except (ProfileExists, BadRequest) as error:
        place(form, error)
        return show_editor(form, None)
    return see_other(url_for("ui_profiles.detail", profile_id=stored.id), "profile_stored")


@blueprint.get("/settings/profiles/<int:profile_id>")
def detail(profile_id: int) -> Response:
    """Show a profile in the editor."""
    profile = read_profile(state(), profile_id)
    values = {
        "name": profile.name,
        "description": profile.description,
        "config": pretty(profile.config),
        "version": version_of(profile),
    }
    return show_editor(Form(values=values, lists={"public": ["yes"] if profile.public else []}), profile)


@blueprint.post("/settings/profiles/<int:profile_id>")
def change(profile_id: int) -> Response:
    """Save a profile, unless another user saved it after the page was loaded."""
    profile, form = read_profile(state(), profile_id), Form.sent()
    document = document_of(form)
    if form["do"] != "save" or document is None:
        return show_editor(form, profile)
    if form["version"] != version_of(profile):
        form.fail(
            SUMMARY,
            _("Another user saved this profile in the meantime. Save again to overwrite that version."),
            "conflict",
        )
        form.values["version"] = version_of(profile)
        return show_editor(form, profile)
    try:
        replace_profile(state(), profile_id, document, who=who())
    except (ProfileExists, BadRequest) as error:
        place(form, error)
        return show_editor(form, profile)
    return see_other(url_for("ui_profiles.detail", profile_id=profile_id), "profile_stored")


@blueprint.post("/settings/profiles/<int:profile_id>/repair")
def repair(profile_id: int) -> Response:
    """Repair a profile, or set or clear its review."""
    operation, module = request.form.get("op", ""), request.form.get("module", "")
    back = url_for("ui_profiles.detail", profile_id=profile_id)
    if operation in ("mark_reviewed", "clear_reviewed"):
        reviewed = operation == "mark_reviewed"
        review_profile(state(), profile_id, reviewed=reviewed, who=who())
        return see_other(back, "profile_reviewed" if reviewed else "profile_unreviewed")
    if operation == "reset_test_levels" and module:
        repair_profile(state(), profile_id, operation, lambda config: reset_test_levels(config, module), who=who())
    elif operation in _REPAIRS:
        repair_profile(state(), profile_id, operation, _REPAIRS[operation], who=who())
    else:
        raise BadRequest("invalid_op", _("Invalid repair operation: %(op)s", op=operation[:100]))
    return see_other(back, "profile_repaired")


@blueprint.post("/settings/profiles/review")
def review_all() -> Response:
    """Mark all profiles as reviewed."""
    return see_other(url_for("ui_profiles.show"), "profiles_reviewed", n=review_all_profiles(state(), who=who()))


@blueprint.route("/settings/profiles/<int:profile_id>/delete", methods=["GET", "POST"])
def delete(profile_id: int) -> Response:
    """Delete a profile after a confirmation."""
    profile, tags = read_profile(state(), profile_id), read_tags_with_profiles(state()).get(profile_id, [])
    confirmation = Confirmation(
        title=_("Delete profile %(name)s?", name=profile.name),
        button=_("Delete profile %(name)s", name=profile.name),
        back=url_for("ui_profiles.detail", profile_id=profile_id),
        text=_("Waiting jobs with this profile will use the server default."),
        facts=[(_("Tags with this profile"), number(len(tags)))],
        kept=_("Runs keep their results and their effective profile."),
        weight="tick" if tags else "plain",
        tick=ngettext("One tag loses its profile.", "%(num)s tags lose their profile.", len(tags)),
    ).unless_confirmed()
    if confirmation:
        return confirmation
    remove_profile(state(), profile_id, who=who())
    return see_other(url_for("ui_profiles.show"), "profile_removed")


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    raise BadRequest("invalid_id", _("A profile ID must be a number."))
