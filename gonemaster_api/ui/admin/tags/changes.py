"""Changes to a tag and its domains."""

from collections.abc import Mapping

import marshmallow as ma
from flask import Blueprint, Response, request, url_for

from gonemaster_api.errors import ApiError, BadRequest
from gonemaster_api.queries.searching import name_part
from gonemaster_api.state import state
from gonemaster_api.ui.admin.batches.names import read_pasted
from gonemaster_api.ui.admin.tags.views import FILTERS, detail_with, show_with
from gonemaster_api.ui.shell.forms.confirmations import Confirmation
from gonemaster_api.ui.shell.forms.forms import Form, first_message
from gonemaster_api.ui.shell.texts.formats import number
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.languages import mark, ngettext
from gonemaster_api.ui.shell.texts.notes import Note, register_notes, see_other
from gonemaster_api.ui.shell.texts.refusals import in_language
from gonemaster_api.ui.shell.urls import local_path
from gonemaster_api.use_cases.tags import (
    add_domains_to_tag,
    change_description,
    count_members,
    make_tag,
    remove_domains_from_tag,
    remove_members,
)
from gonemaster_api.v1.domains.schemas import DomainsOfTagQuerySchema
from gonemaster_api.v1.tags.schemas import NewTagSchema, TagChangeSchema
from gonemaster_api.web.actor import who
from gonemaster_db.core.errors import TagExists
from gonemaster_db.core.filters import DomainFilter
from gonemaster_db.models import Operation

blueprint = Blueprint("ui_tag_changes", __name__)

register_notes(
    {
        "tag_made": Note(mark("Tag created.")),
        "tag_described": Note(mark("Description saved.")),
        "tag_filled": Note(mark("%(num)s domain added."), mark("%(num)s domains added.")),
        "tag_emptied": Note(
            mark("%(num)s domain removed from the tag."), mark("%(num)s domains removed from the tag.")
        ),
    }
)


@blueprint.post("/tags")
def create() -> Response:
    """Create a tag."""
    sent = Form.sent()
    document = sent.check(NewTagSchema, {"name": sent["name"], "description": sent["description"]})
    if sent.is_valid:
        try:
            make_tag(state(), document["name"], document["description"])
            return see_other(url_for("ui_tags.detail", name=document["name"]), "tag_made")
        except TagExists:
            sent.fail("name", _("A tag with this name already exists."), "tag_exists")
        except ApiError as error:
            sent.fail("name", error.message, error.code)
    return show_with(sent)


@blueprint.post("/tags/<name>/description")
def describe(name: str) -> Response:
    """Change the description."""
    sent = Form.sent()
    document = sent.check(TagChangeSchema, {"description": sent["description"]})
    if not sent.is_valid:
        return detail_with(name, sent)
    change_description(state(), name, document["description"])
    return see_other(url_for("ui_tags.detail", name=name), "tag_described")


@blueprint.post("/tags/<name>/domains")
def add(name: str) -> Response:
    """Add the pasted names after all of them have been validated."""
    sent = Form.sent()
    pasted = read_pasted(request.form.get("names", ""))
    try:
        add_domains_to_tag(state(), name, pasted.names)
    except ApiError as error:
        index = (error.details or {}).get("index")
        line = _("Line %(line)s: ", line=pasted.line_of(index)) if isinstance(index, int) else ""
        sent.fail("names", line + in_language(error.message), error.code)
        return detail_with(name, sent)
    return see_other(url_for("ui_tags.detail", name=name), "tag_filled", n=len(pasted.names))


@blueprint.post("/tags/<name>/domains/remove")
def remove(name: str) -> Response:
    """Remove the selected domains, or all domains that match the filter, from the tag; keep the domains and runs."""
    if request.form.get("all"):
        return _remove_all(name)
    names = request.form.getlist("domain")
    remove_domains_from_tag(state(), name, names)
    back = local_path(request.form.get("next") or url_for("ui_tags.detail", name=name))
    return see_other(back, "tag_emptied", n=len(names))


def _remove_all(name: str) -> Response:
    sent = {key: request.form[key] for key in FILTERS if request.form.get(key)}
    criteria = _filter_of(name, sent)
    total = count_members(state(), criteria)
    back = local_path(request.form.get("next") or url_for("ui_tags.detail", name=name))
    confirmation = Confirmation(
        title=_("Remove all matching domains from the tag %(tag)s?", tag=name),
        text=_("Large numbers are removed in steps, with progress shown."),
        facts=[(_("Domains"), number(total))],
        kept=_("domains and their runs."),
        weight="tick",
        tick=ngettext(
            "Yes, remove the tag from %(num)s domain",
            "Yes, remove the tag from %(num)s domains",
            total,
            num=number(total),
        ),
        button=ngettext("Remove %(num)s domain", "Remove %(num)s domains", total, num=number(total)),
        keep=_("Keep tag"),
        fields={"all": "yes", "next": back} | sent,
        back=back,
    ).unless_confirmed()
    if confirmation is not None:
        return confirmation
    done = remove_members(state(), criteria, who=who())
    if isinstance(done, Operation):
        return see_other(url_for("ui_operations.detail", operation_id=done.id), "operation")
    return see_other(back, "tag_emptied", n=done)


def _filter_of(name: str, sent: Mapping[str, str]) -> DomainFilter:
    """Return the filter that the form of the list carries. Raises BadRequest if it is invalid."""
    try:
        query = DomainsOfTagQuerySchema().load(sent)
    except ma.ValidationError as error:
        field, messages = next(iter(error.messages_dict.items()))
        raise BadRequest(f"invalid_{field}", f"{field}: {first_message(messages)}") from error
    return DomainFilter(
        domain_tag=name, **{key: query.get(key) for key in FILTERS} | {"name": name_part(query.get("name"))}
    )
