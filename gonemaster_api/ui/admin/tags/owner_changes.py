"""Changes to a tag that need the scope admin: its profile, the purge of its runs, its deletion."""

from flask import Blueprint, Response, url_for

from gonemaster_api.queries.tags import count_runs_of_tag, read_tag
from gonemaster_api.state import state
from gonemaster_api.ui.admin.numbers import whole
from gonemaster_api.ui.admin.tags.views import detail_with
from gonemaster_api.ui.shell.forms.confirmations import Confirmation
from gonemaster_api.ui.shell.forms.forms import Form
from gonemaster_api.ui.shell.texts.formats import number
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.languages import mark, ngettext
from gonemaster_api.ui.shell.texts.notes import Note, register_notes, see_other
from gonemaster_api.use_cases.tags import purge_tag, remove_tag, set_tag_profile
from gonemaster_api.web.actor import who
from gonemaster_db.core.errors import ProfileNotFound, TagInUse
from gonemaster_db.models import Operation

blueprint = Blueprint("ui_tag_owner", __name__)

register_notes(
    {
        "tag_profile_set": Note(mark("Tests of domains with this tag now use the profile.")),
        "tag_profile_cleared": Note(mark("The tag no longer has a default profile.")),
        "tag_purged": Note(mark("%(num)s run deleted."), mark("%(num)s runs deleted.")),
        "tag_deleted": Note(mark("Tag deleted.")),
    }
)


@blueprint.post("/tags/<name>/profile")
def profile(name: str) -> Response:
    """Set the default profile; an empty choice clears it."""
    sent = Form.sent()
    text = sent["profile_id"]
    number_of = whole(text)
    if text and not (isinstance(number_of, int) and number_of > 0):
        sent.fail("profile_id", _("Choose a profile from the list."), "invalid_profile_id")
        return detail_with(name, sent)
    try:
        set_tag_profile(state(), name, number_of if isinstance(number_of, int) else None, who=who())
    except ProfileNotFound:
        sent.fail("profile_id", _("This profile no longer exists."), "profile_not_found")
        return detail_with(name, sent)
    return see_other(url_for("ui_tags.detail", name=name), "tag_profile_set" if text else "tag_profile_cleared")


@blueprint.route("/tags/<name>/purge", methods=["GET", "POST"])
def purge(name: str) -> Response:
    """Delete all runs of the tag's domains, in two steps."""
    runs = count_runs_of_tag(state(), name)
    back = url_for("ui_tags.detail", name=name)
    question = Confirmation(
        title=_("Delete all runs of the tag %(tag)s?", tag=name),
        text=_(
            "This cannot be undone. The results, scores and history of its domains are deleted. Waiting jobs "
            "are not affected."
        ),
        facts=[(_("Runs"), number(runs)), (_("Domains"), number(read_tag(state(), name)["domain_count"]))],
        kept=_("domains, the tag and its members, analysis snapshots."),
        weight="tick",
        tick=ngettext("Yes, this %(num)s run", "Yes, all %(num)s runs", runs, num=number(runs)),
        button=ngettext("Delete %(num)s run", "Delete %(num)s runs", runs, num=number(runs)),
        keep=_("Keep runs"),
        back=back,
    )
    if confirmation := question.unless_confirmed():
        return confirmation
    done = purge_tag(state(), name, who=who())
    if isinstance(done, Operation):
        return see_other(url_for("ui_operations.detail", operation_id=done.id), "operation")
    return see_other(back, "tag_purged", n=done)


@blueprint.route("/tags/<name>/delete", methods=["GET", "POST"])
def delete(name: str) -> Response:
    """Delete a tag; keep its domains and their runs."""
    members = read_tag(state(), name)["domain_count"]
    question = Confirmation(
        title=_("Delete the tag %(tag)s?", tag=name),
        text=_("The tag is removed from its domains. Its schedule is deleted."),
        facts=[(_("Domains"), number(members))],
        kept=_("domains, runs, batches."),
        weight="tick",
        tick=ngettext(
            "Yes, remove the tag from %(num)s domain",
            "Yes, remove the tag from %(num)s domains",
            members,
            num=number(members),
        ),
        button=_("Delete tag"),
        keep=_("Keep tag"),
        back=url_for("ui_tags.detail", name=name),
    )
    if confirmation := question.unless_confirmed():
        return confirmation
    try:
        remove_tag(state(), name, who=who())
    except TagInUse:
        return question.ask(_("A cohort uses this tag (tag_in_use). Delete the cohort first."))
    return see_other(url_for("ui_tags.show"), "tag_deleted")
