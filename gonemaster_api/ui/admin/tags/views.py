"""The list of tags, and the page of one tag with its domains, profile, batches, cohort and schedule."""

from typing import Any

from flask import Blueprint, Response

from gonemaster_api.errors import NotFound
from gonemaster_api.queries.batches.batches import read_batches
from gonemaster_api.queries.cohorts import read_cohorts
from gonemaster_api.queries.domains import read_domains
from gonemaster_api.queries.profiles import read_profiles
from gonemaster_api.queries.tags import count_tags, read_tag, read_tag_summary, read_tags
from gonemaster_api.rest.paging import PagingSchema, page_document, slice_of
from gonemaster_api.state import state
from gonemaster_api.ui.admin.batches.names import title_of
from gonemaster_api.ui.admin.batches.outcomes import grade_parts, level_parts
from gonemaster_api.ui.admin.schedules.stored import next_times, rule_in_words, schedule_of
from gonemaster_api.ui.shell.forms.forms import Form, read_query
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.languages import gettext, mark
from gonemaster_api.ui.shell.urls import here
from gonemaster_api.v1.domains.schemas import DomainsOfTagQuerySchema
from gonemaster_db.service.schedules import ScheduleTarget

blueprint = Blueprint("ui_tags", __name__)
PER_PAGE = 50
_EARLIER_BATCHES = 5
LEVELS = ("ok", "notice", "warning", "error", "critical")
FILTERS = ("name", "level", "min_level")
_FROM_LEVEL = (
    ("WARNING", mark("Warnings and above")),
    ("ERROR", mark("Errors and above")),
    ("CRITICAL", mark("Critical")),
)


@blueprint.get("/tags")
def show() -> Response:
    """List tags by name."""
    return show_with(Form())


def show_with(form: Form) -> Response:
    """Show the list with the form of a new tag."""
    query = read_query(PagingSchema, limit=PER_PAGE)
    listed = page_document(read_tags(state(), query.values), count_tags(state()), slice_of(query.values))
    profiles = {profile.id: profile.name for profile in read_profiles(state())}
    status = query.status if form.is_valid else form.status
    return page("admin/tags/list.html", status=status, query=query, listed=listed, form=form, profiles=profiles)


@blueprint.get("/tags/<name>")
def detail(name: str) -> Response:
    """Show a tag and a page of its domains."""
    return detail_with(name, Form())


def detail_with(name: str, form: Form) -> Response:
    """Show a tag with a submitted form."""
    shared = state()
    tag = read_tag(shared, name)
    query = read_query(DomainsOfTagQuerySchema, limit=PER_PAGE)
    listed = {"label": "", "limit": _EARLIER_BATCHES, "offset": 0}
    counts = _summary(name)
    schedule = schedule_of(ScheduleTarget(tag=name))
    return page(
        "admin/tags/detail.html",
        status=query.status if form.is_valid else form.status,
        tag=tag,
        query=query,
        form=form,
        domains=read_domains(shared, query.values, tag=name),
        hidden={key: query.values[key] for key in FILTERS if query.values.get(key)},
        counts=counts,
        levels=level_parts({level: getattr(counts, level) for level in LEVELS}) if counts else [],
        grades=grade_parts(counts.grades) if counts and shared.settings.show_score_admin else [],
        level_choices=_level_choices,
        profiles=[(str(profile.id), profile.name) for profile in read_profiles(shared)],
        batches=read_batches(shared, listed, tag=name),
        cohort=next((cohort for cohort in read_cohorts(shared) if cohort["source_tag"] == name), None),
        schedule=schedule,
        rule=rule_in_words(schedule) if schedule else "",
        times=next_times(schedule) if schedule else (),
        title_of=title_of,
    )


def _level_choices() -> list[tuple[str, str, str]]:
    """Return the choices above the list of domains: API value, label, URL."""
    choices = [("", gettext("All"), here(min_level=None, level=None))]
    return choices + [(level, gettext(text), here(min_level=level, level=None)) for level, text in _FROM_LEVEL]


def _summary(name: str) -> Any:
    """Return the counts of the newest runs, None if the tag has no domains."""
    try:
        return read_tag_summary(state(), name)
    except NotFound:
        return None
