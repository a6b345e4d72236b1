"""Configuration of Sphinx for the documentation site; docs/site/__main__.py starts it."""

import os
from pathlib import Path

from gonemaster_engine.version import __version__

_HERE = Path(__file__).resolve().parent

project = "gonemaster"
author = "the gonemaster authors"
release = os.environ.get("SITE_VERSION") or __version__
version = release
language = "en"
extensions = ["myst_parser", "sphinx_design"]
source_suffix = {".md": "markdown"}
root_doc = "index"
nitpicky = True
# The slugs of headings are those of the pages of a repository, so one link works in both.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "attrs_inline"]
# A page starts with its title even if it is a fragment of another one.
suppress_warnings = ["myst.header"]
highlight_language = "text"
numfig = False

html_theme = "pydata_sphinx_theme"
html_title = f"gonemaster {release}"
html_static_path = [str(_HERE / "static")]
html_favicon = str(_HERE.parents[1] / "gonemaster_api/static/icon.svg")
html_context = {"default_mode": "auto"}
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_use_index = False
html_last_updated_fmt = None
# Pages of findings are reached from their lists: a sidebar of 600 entries would be useless.
html_sidebars = {"index": [], "tags/*": [], "causes/*": [], "test-cases/*": [], "search": []}
html_theme_options = {
    "navbar_start": ["navbar-logo", "version-switcher"],
    "navbar_end": ["theme-switcher"],
    "logo": {"text": "gonemaster"},
    "switcher": {"json_url": "../switcher.json", "version_match": release},
    "check_switcher": False,
    "header_links_before_dropdown": 7,
    "navigation_depth": 2,
    "collapse_navigation": True,
    "show_nav_level": 1,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
