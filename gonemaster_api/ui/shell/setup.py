"""Sets up the application for pages: template globals and filters, preferences, error pages."""

from typing import Any

from flask import Flask
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from gonemaster_api.errors import set_error_page
from gonemaster_api.ui.shell import navigation, scopes, themes, urls
from gonemaster_api.ui.shell.assets import register_assets
from gonemaster_api.ui.shell.charts import charts
from gonemaster_api.ui.shell.error_pages import error_page
from gonemaster_api.ui.shell.strip import queue_status
from gonemaster_api.ui.shell.tables.tables import column
from gonemaster_api.ui.shell.templates import Layout, TemplateEnvironment
from gonemaster_api.ui.shell.texts import languages, notes, words, zones
from gonemaster_api.ui.shell.texts.formats import FILTERS
from gonemaster_api.ui.shell.texts.hidden_characters import finalize
from gonemaster_api.ui.shell.texts.refusals import in_language
from gonemaster_api.ui.shell.views import blueprint
from gonemaster_db.core.clock import utcnow
from gonemaster_engine.version import __version__

_GLOBALS = {
    "here": urls.here,
    "local_path": urls.local_path,
    "this_path": urls.this_path,
    "full_url": urls.full_url,
    "help_of": urls.help_of,
    "utcnow": utcnow,
    "language": languages.language,
    "zone_name": zones.zone_name,
    "languages": languages.names_of_languages,
    "may": scopes.may,
    "can_post": scopes.can_post,
    "user": scopes.user,
    "theme": themes.theme,
    "next_theme": themes.next_theme,
    "has_keys": themes.has_keys,
    "current_note": notes.current_note,
    "queue_status": queue_status,
    "word": words.word,
    "in_language": in_language,
    "severity": words.severity,
    "column": column,
    "navigation_groups": navigation.navigation_groups,
    "link_to": navigation.link_to,
    "parts_of_bar": charts.parts_of_bar,
    "top_of": charts.top_of,
    "ticks": charts.ticks,
    "stacked_parts": charts.stacked,
    "path_of": charts.path,
    "last_point": charts.last_point,
    "lone_points": charts.lone_points,
    "bounds_of": charts.bounds,
    "version": __version__,
}


def register_shell(app: Flask) -> None:
    """Configure Jinja and register the views of language, theme and strip."""
    app.jinja_environment = TemplateEnvironment
    environment = app.jinja_env
    environment.finalize = finalize
    environment.add_extension("jinja2.ext.i18n")
    environment.add_extension(Layout)
    environment.newstyle_gettext = True  # type: ignore[attr-defined]  # of the extension
    environment.globals.update(_GLOBALS, gettext=_gettext, ngettext=_ngettext, _=_gettext)
    environment.filters.update(FILTERS)
    register_assets(app)
    app.register_blueprint(blueprint)
    set_error_page(app, error_page)


@pass_context
def _gettext(_context: Context, message: str, /, **values: Any) -> Markup:
    """Return a translated text as markup; its values are cleaned and escaped."""
    return Markup(languages.gettext(message)) % _safe(values)  # noqa: S704  # the texts are part of this project


@pass_context
def _ngettext(_context: Context, singular: str, plural: str, number: int, /, **values: Any) -> Markup:
    text = languages.translations().ngettext(singular, plural, number)
    return Markup(text) % _safe({"num": number, **values})  # noqa: S704


def _safe(values: dict[str, Any]) -> dict[str, Any]:
    return {name: finalize(value) for name, value in values.items()}
