"""`/robots.txt` and `/sitemap.xml`: search engines may read the public pages and the analysis only."""

from flask import Blueprint, Response, url_for
from markupsafe import escape

from gonemaster_api.errors import ApiError
from gonemaster_api.queries.analysis.overview import read_catalog
from gonemaster_api.state import state
from gonemaster_api.ui.analysis.frame import PAGES
from gonemaster_api.ui.shell.urls import absolute

blueprint = Blueprint("ui_public_crawlers", __name__)

_AGE = "public, max-age=3600"
# Query parameters of lists that are linked without them.
_OTHER_VIEWS = ("format", "limit", "offset", "search", "sort")


@blueprint.get("/robots.txt")
def robots() -> Response:
    """List the allowed paths (RFC 9309). Results are allowed, because link previews need them; they send `noindex`."""
    lines = ["User-agent: *"]
    if not state().settings.auth_protect_public:
        lines += [f"Allow: {url_for(page)}" for page in ("ui_public.show", "ui_analysis.show")]
        lines += ["Allow: /static/", *(f"Disallow: {url_for('ui_analysis.show')}*{name}=" for name in _OTHER_VIEWS)]
    lines.append("Disallow: /")
    if not state().settings.auth_protect_public:
        lines += ["", f"Sitemap: {absolute('ui_public_crawlers.sitemap')}"]
    return _cacheable("\n".join(lines) + "\n", "text/plain")


@blueprint.get("/sitemap.xml")
def sitemap() -> Response:
    """List the public pages, and the analysis pages if a snapshot exists."""
    pages = ["ui_public.show", "ui_public_about.show"]
    if _has_analysis():
        pages += [endpoint for _key, _label, endpoint, _letter in PAGES]
    rows = "".join(f"<url><loc>{escape(absolute(page))}</loc></url>\n" for page in pages)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    return _cacheable(f"{head}{rows}</urlset>\n", "application/xml")


def _cacheable(text: str, mimetype: str) -> Response:
    response = Response(text, mimetype=mimetype)
    response.headers["Cache-Control"] = _AGE
    return response


def _has_analysis() -> bool:
    shared = state()
    try:
        with shared.store.read_only() as session:
            catalog = read_catalog(shared, session)
    except ApiError:  # No cohort is public, or there are several and no default.
        return False
    return any(cohort["default_snapshot"] for cohort in catalog["cohorts"])
