"""The metrics page (contract: ui.md 1.5), with the data of `GET /metrics`."""

import json

from flask import Blueprint, Response

from gonemaster_api.queries.metrics.responses import cached_document
from gonemaster_api.queries.metrics.trends import ALL_WINDOWS, LONG_WINDOWS
from gonemaster_api.state import state
from gonemaster_api.ui.admin.metrics.series import MetricsSeries
from gonemaster_api.ui.shell.forms.forms import read_query
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.languages import ngettext
from gonemaster_api.v1.metrics.schemas import MetricsQuerySchema
from gonemaster_api.web.exporter import LATENCY_BOUNDS_MS
from gonemaster_db.service.metrics.aggregation import DURATION_BOUNDS_MS

ROWS = (5, 20, 50, 100)

blueprint = Blueprint("ui_metrics", __name__)


@blueprint.get("/statistics")
def show() -> Response:
    """Show cards, charts and tables of one window."""
    query = read_query(MetricsQuerySchema, window="24h", limit_domains=5, limit_batches=5)
    document = json.loads(cached_document(state(), query.values | {"include": ["all"]}))
    window = query.values["window"]
    series = MetricsSeries.of(document["trends"]["windows"][window])
    return page(
        "admin/metrics/page.html",
        status=query.status,
        query=query,
        window=window,
        windows={name: _span(name) for name in ALL_WINDOWS},
        rows=ROWS,
        metrics=document,
        series=series,
        duration_bounds=DURATION_BOUNDS_MS,
        latency_bounds=LATENCY_BOUNDS_MS,
    )


def _span(window: str) -> str:
    """Return the length of a window in words, such as "7 days"."""
    length = int(window[:-1])
    return ngettext("%(num)s day", "%(num)s days", length) if window in LONG_WINDOWS else f"{length} h"
