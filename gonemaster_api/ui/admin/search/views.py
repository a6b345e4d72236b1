"""The search over domains, tags, batches, runs, settings and pages; the script shows it as the command palette."""

from collections.abc import Iterator

from flask import Blueprint, Response, request, url_for

from gonemaster_api.queries.everything import search_everything
from gonemaster_api.queries.policies.documents import policy_names
from gonemaster_api.state import state
from gonemaster_api.ui.admin.settings.parts import tabs
from gonemaster_api.ui.shell.navigation import link_to, navigation_groups
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.formats import u_label
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_engine.errors import InvalidDomain
from gonemaster_engine.names import normalize_domain
from gonemaster_tasks.config.settings import BY_KEY

blueprint = Blueprint("ui_search", __name__)

_MAX_LENGTH = 253
_MAX_SETTINGS = 6

Links = list[tuple[str, str]]
"""Texts and URLs."""


@blueprint.get("/search")
def show() -> Response:
    """Show the results of a search, by kind."""
    text = request.args.get("q", "").strip()[:_MAX_LENGTH]
    groups = [(title, links) for title, links in _groups(text) if links]
    return page("admin/search/page.html", text=text, groups=groups)


def _groups(text: str) -> Iterator[tuple[str, Links]]:
    part = text.lower()
    pages = [(link.label, link.url) for _title, links in navigation_groups() for link in links]
    pages += [(label, url) for _key, label, url in tabs()]
    yield _("Pages"), [link for link in pages if part in link[0].lower()]
    if not text:
        return
    found = search_everything(state(), _stored(text))
    yield _("Domains"), _named("ui_domains.detail", "name", [(name, u_label(name)) for name in found.domains])
    yield _("Tags"), _named("ui_tags.detail", "name", [(name, name) for name in found.tags])
    yield _("Batches"), _named("ui_batches.detail", "batch_id", found.batches)
    yield _("Runs"), _named("ui_jobs.detail", "job_id", found.jobs)
    policies = [name for name in policy_names(state()) if part in name]
    yield _("Policies"), _named("ui_policies.detail", "name", [(name, name) for name in policies[:_MAX_SETTINGS]])
    if link_to("ui_settings.system"):
        keys = [key for key in BY_KEY if part in key][:_MAX_SETTINGS]
        yield _("Settings"), [(key, url_for("ui_settings.system", search=key)) for key in keys]
    if link_to("ui_test.show") and ("." in text or text in found.domains):
        # Without a dot, most typed text is a part of a name; a top-level domain can be typed with its dot.
        yield _("New test"), [(_("Test %(domain)s", domain=text), url_for("ui_test.show", domain=text))]


def _named(endpoint: str, argument: str, names: list[tuple[str, str]]) -> Links:
    return [
        (label, link_to(endpoint, **{argument: key})) for key, label in names if link_to(endpoint, **{argument: key})
    ]


def _stored(text: str) -> str:
    """Return a name as it is stored; other text unchanged."""
    try:
        return text if text.isascii() else normalize_domain(text)
    except InvalidDomain:
        return text
