"""The analysis pages, which show statistics over the domains of a cohort."""

from gonemaster_api.ui.analysis.details import blueprint as details
from gonemaster_api.ui.analysis.diff import blueprint as diff
from gonemaster_api.ui.analysis.lists import blueprint as lists
from gonemaster_api.ui.analysis.overview import blueprint as overview
from gonemaster_api.ui.analysis.trends import blueprint as trends

BLUEPRINTS = (overview, lists, details, trends, diff)
