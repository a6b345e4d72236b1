"""The trend of a cohort over its snapshots, for one category of facts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from gonemaster_api.errors import ApiError
from gonemaster_api.public.analysis.query_schemas import TrendsQuerySchema
from gonemaster_api.queries.analysis.reading import Reading, reading
from gonemaster_api.queries.analysis.trends import read_trends
from gonemaster_api.state import state
from gonemaster_api.ui.analysis.frame import Frame, render_cohort
from gonemaster_api.ui.shell.forms.forms import PageQuery, problem_of, read_query
from gonemaster_api.ui.shell.tables.csv_files import csv_file
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_db.analysis.categories import CAUSE, GRADE, SHOWN

_TONES = ("ok", "notice", "warning", "error", "critical")
SCALES = ("share", "count")

blueprint = Blueprint("ui_analysis_courses", __name__, url_prefix="/analysis")


@dataclass(frozen=True)
class TrendChart:
    """The data of a trends chart: columns of shares or counts, with a focus on one key."""

    trend: Mapping[str, Any]
    scale: str
    focus: str

    @property
    def keys(self) -> list[str]:
        """The keys, in the order of the category."""
        return list(self.trend["key_meta"])

    @property
    def columns(self) -> list[list[tuple[str, float]]]:
        """The segments of each column, bottom first."""
        return [[(self.tone(key), value) for key, value in self._values(point)] for point in self.trend["points"]]

    @property
    def line(self) -> list[float | None]:
        """The values of the key in focus; a snapshot without facts is a gap."""
        return [
            dict(self._values(point)).get(self.focus, 0.0) if point["payload"] else None
            for point in self.trend["points"]
        ]

    def tone(self, key: str) -> str:
        """Return the CSS class of a key."""
        tone = str(self.trend["key_meta"][key]["tone"])
        return tone if tone in _TONES else "none"

    def _values(self, point: Mapping[str, Any]) -> list[tuple[str, float]]:
        is_multiple = self.trend["category"] == CAUSE  # A domain has several causes.
        whole = (point["domain_count"] if is_multiple else sum(point["payload"].values())) or 1
        factor = 100 / whole if self.scale == "share" else 1.0
        return [(key, point["payload"].get(key, 0) * factor) for key in self.keys]

    @property
    def marks(self) -> list[tuple[str, str]]:
        """The changes of the engine and of the grading rule: position in percent from the left, and label."""
        points, found = self.trend["points"], []
        for index in range(1, len(points)):
            old, new = points[index - 1]["engine_version"], points[index]["engine_version"]
            if old and new and old != new:
                text = _("engine %(old)s to %(new)s", old=old, new=new)
                found.append((f"{100 * index / len(points):.1f}", text))
            if self.trend["category"] == GRADE and points[index - 1]["score_rule"] != points[index]["score_rule"]:
                found.append((f"{100 * index / len(points):.1f}", _("new grading rule")))
        return found

    @property
    def movers(self) -> list[tuple[str, int, int]]:
        """The keys with the largest changes between the last two snapshots: key, before, now."""
        points = self.trend["points"]
        if len(points) < len("ab"):
            return []
        pairs = [(key, points[-2]["payload"].get(key, 0), points[-1]["payload"].get(key, 0)) for key in self.keys]
        changed = [pair for pair in pairs if pair[1] != pair[2]]
        return sorted(changed, key=lambda pair: -abs(pair[2] - pair[1]))[:5]


@blueprint.get("/trends")
def trends() -> Response:
    """Show the trend of a category, or return it as CSV."""
    query = read_query(TrendsQuerySchema)
    if request.args.get("format") == "csv":
        return _csv(query)
    return render_cohort("trends", "analysis/trends.html", lambda found, frame: _read(found, frame, query))


def _read(found: Reading, frame: Frame, query: PageQuery) -> dict[str, Any]:
    try:
        trend = read_trends(found, frame.snapshots, query.values)
    except ApiError as error:
        query.problems.append(problem_of(error))
        trend = read_trends(found, frame.snapshots, TrendsQuerySchema().load({}))
    scale, focus = request.args.get("scale", ""), request.args.get("focus", "")
    focus = focus if focus in trend["key_meta"] else _default_focus(trend)
    chart = TrendChart(trend, scale if scale in SCALES else SCALES[0], focus)
    shown = [(category.name, category.label) for category in SHOWN if found.shows_scores or category.name != GRADE]
    return {"trend": trend, "chart": chart, "categories": shown, "query": query, "status": query.status}


def _default_focus(trend: Mapping[str, Any]) -> str:
    """Return the most common cause now, since columns of causes would not add up; empty for other categories."""
    payload = trend["points"][-1]["payload"] if trend["category"] == CAUSE and trend["points"] else {}
    return max(payload, key=lambda key: payload[key], default="")


def _csv(query: PageQuery) -> Response:
    with reading(state(), request.args.get("cohort") or None) as found:
        trend = read_trends(found, found.snapshots(), query.values)
        tag = found.cohort.source_tag
    columns = ["snapshot", "captured_at", "engine_version", "domain_count", *trend["key_meta"]]
    rows = (
        [
            *(point["slug"], point["captured_at"].isoformat(), point["engine_version"], point["domain_count"]),
            *(point["payload"].get(key, 0) for key in trend["key_meta"]),
        ]
        for point in trend["points"]
    )
    return csv_file(f"{tag}-{trend['category']}", columns, rows)
