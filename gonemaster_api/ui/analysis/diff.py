"""The comparison of two snapshots: summary, grades before and after, domains, findings, clusters."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import Blueprint, Response, request
from marshmallow import validate

from gonemaster_api.errors import NotFound
from gonemaster_api.public.analysis.query_schemas import ReportQuerySchema, SnapshotDiffQuerySchema
from gonemaster_api.queries.analysis.changes import CHANGES, ChangeFilter, read_changes
from gonemaster_api.queries.analysis.comparisons import read_diff
from gonemaster_api.queries.analysis.reading import Reading, ViewReading, reading
from gonemaster_api.queries.analysis.report import read_report
from gonemaster_api.queries.causes import ALL_CAUSES
from gonemaster_api.queries.searching import search_term
from gonemaster_api.rest.paging import page_document, slice_of
from gonemaster_api.state import state
from gonemaster_api.ui.analysis.frame import Frame, render_cohort, snapshot_before
from gonemaster_api.ui.analysis.sentences import opening
from gonemaster_api.ui.analysis.words import cause_word, class_meaning
from gonemaster_api.ui.shell.forms.forms import PageQuery, read_query
from gonemaster_api.ui.shell.tables.csv_files import csv_file
from gonemaster_api.ui.shell.texts.languages import gettext, mark
from gonemaster_api.ui.shell.texts.sentences import tag_sentence
from gonemaster_db.analysis.public_snapshots import PublicSnapshot
from gonemaster_db.core.levels import SEVERITIES
from gonemaster_tasks.config.scoring import current_scoring

GRADES = ("A+", "A", "B", "C", "D", "F")
KINDS = {
    "moved": mark("Score"),
    "grade": mark("Grade"),
    "level": mark("Level"),
    "added": mark("Added"),
    "removed": mark("Removed"),
    "causes": mark("Root causes"),
    "tags": mark("Findings"),
}
_LISTS = {"grade": "grade_changed", "level": "level_changed", "added": "added", "removed": "removed"}
_MAX_CSV_ROWS = 10_000
_STRONG = ((0.02, 3), (0.004, 2))

blueprint = Blueprint("ui_analysis_diff", __name__, url_prefix="/analysis")


@blueprint.get("/diff")
def show() -> Response:
    """Compare two snapshots; by default the selected snapshot and the one before it."""
    query = read_query(ChangesQuerySchema, limit=50)
    if request.args.get("format") == "csv":
        return _csv(query)
    return render_cohort("diff", "analysis/diff.html", lambda found, frame: _read(found, frame, query))


class ChangesQuerySchema(ReportQuerySchema):
    """The filters of the list of changes."""

    search = ma.fields.String(load_default="", validate=validate.Length(max=253))
    operator = ma.fields.String(load_default="", validate=validate.Length(max=128))
    level = ma.fields.String(load_default="", validate=validate.OneOf(("", *SEVERITIES)))
    change = ma.fields.String(load_default="", validate=validate.OneOf(("", *CHANGES)))
    cause = ma.fields.String(load_default="", validate=validate.Length(max=64))
    real = ma.fields.String(load_default="", validate=validate.OneOf(("", "yes")))


def _criteria(query: PageQuery) -> ChangeFilter:
    values = query.values
    names = {name: values[name] for name in ("operator", "level", "change", "cause")}
    return ChangeFilter(search_term(values["search"]), real=values["real"] == "yes", **names)


def _csv(query: PageQuery) -> Response:
    """Return the filtered changes of one kind as CSV, with at most 10,000 rows."""
    with reading(state(), request.args.get("cohort") or None) as found:
        after = found.snapshot(query.values.get("end") or request.args.get("snapshot") or None)
        begin = query.values.get("begin")
        before = found.snapshot(begin) if begin else snapshot_before(found.snapshots(), after)
        if before is None:
            raise NotFound("snapshot", "")
        kind = request.args.get("kind", "")
        kind = kind if kind in KINDS else "tags"
        config = current_scoring(state().store, state().settings)
        rows, _total = read_changes(
            kind if found.shows_scores or kind not in ("moved", "grade") else "level", found, before, after, config,
            _criteria(query), sentence=tag_sentence, limit=_MAX_CSV_ROWS, offset=0,
        )  # fmt: skip
    fields = list(rows[0] if rows else {"domain": ""})
    table = ([_cell(row[name]) for name in fields] for row in rows)
    return csv_file(f"{before.slug}-{after.slug}-{kind}", fields, table)


def _cell(value: Any) -> Any:
    """Return a value of a CSV row; the causes or tags of a list are separated by commas."""
    return (
        ", ".join(one["tag"] if isinstance(one, dict) else one for one in value) if isinstance(value, list) else value
    )


def _read(found: Reading, frame: Frame, query: PageQuery) -> dict[str, Any]:
    begin, end = query.values.get("begin"), query.values.get("end")
    after = found.snapshot(end) if end else frame.shown
    before = found.snapshot(begin) if begin else frame.before
    if after is None or before is None or before.id == after.id:
        return {"before": before, "after": after, "query": query, "status": query.status, "kind": "", "parts": ()}
    config = current_scoring(state().store, state().settings)
    part = slice_of(query.values)
    shown = {"granularity": "domains", "limit": part.limit, "offset": part.offset}
    diff = read_diff(SnapshotDiffQuerySchema().load({}) | shown, found, before, after, config)
    report = read_report(query.values, found, before, after, config) if found.shows_scores else None
    by_cause = read_diff(shown | {"granularity": "causes"}, found, before, after, config)
    tags = report["tags"] if report else _flat(read_diff({"granularity": "tags"}, found, before, after, config))
    kinds = _kinds(diff, report, tags, by_cause)
    totals, kind = {key: count for key, _label, count in kinds}, request.args.get("kind", "")
    kind = kind if kind in totals else kinds[0][0]
    criteria = _criteria(query)
    rows, total = read_changes(
        kind, found, before, after, config, criteria, sentence=tag_sentence, limit=part.limit, offset=part.offset
    )
    view = ViewReading(state=found.state, session=found.session, cohort=found.cohort, shown=after)
    is_forward = (before.first_run_at or before.captured_at) < (after.first_run_at or after.captured_at)
    return {
        "before": before,
        "after": after,
        "sentences": opening(view, before) if is_forward else (),
        "class_meaning": class_meaning,
        "diff": diff,
        "causes": [cause | {"title": cause_word(cause["cause"])} for cause in by_cause["causes"]],
        "report": report,
        "matrix": _matrix(diff, report, after),
        "grades": GRADES,
        "kinds": kinds,
        "kind": kind,
        "list": page_document(rows, total, part),
        "criteria": criteria,
        "all_causes": [(cause, cause_word(cause)) for cause in ALL_CAUSES],
        "levels": (*reversed(SEVERITIES),),
        "query": query,
        "status": query.status,
    }


def _kinds(
    diff: Mapping[str, Any], report: Mapping[str, Any] | None, tags: list[Any], by_cause: Mapping[str, Any]
) -> list[tuple[str, str, int]]:
    counts = {key: diff["counts"][name] for key, name in _LISTS.items()} | {"tags": len(tags)}
    counts["causes"] = by_cause["counts"]["domains"]
    if report is None:
        del counts["grade"]
    else:
        counts["moved"] = report["domain_total"]
    return [(key, gettext(label), counts[key]) for key, label in KINDS.items() if key in counts]


def _flat(diff: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the changed tags of a diff in the form of a report, without the cause of the change."""
    kinds = ("appeared", "cleared", "level_changed")
    return [change | {"change": kind, "class": "unknown"} for kind in kinds for change in diff[kind]]


def _matrix(diff: Mapping[str, Any], report: Mapping[str, Any] | None, after: PublicSnapshot) -> list[Any]:
    """Return a row for each earlier grade, with the count and the CSS class for each later grade."""
    if report is None:
        return []
    moves = {(move["from_grade"], move["to_grade"]): move["count"] for move in diff["grade_changes"]}
    was = report["totals"]["from_grades"]
    lost = {grade: sum(count for (old, _new), count in moves.items() if old == grade) for grade in GRADES}
    rows = []
    for row, old in enumerate(GRADES):
        cells = []
        for column, new in enumerate(GRADES):
            count = max(0, was.get(old, 0) - lost[old]) if row == column else moves.get((old, new), 0)
            cells.append((new, count, _cell_class(row, column, count, max(1, after.domain_count))))
        rows.append((old, cells))
    return rows


def _cell_class(row: int, column: int, count: int, whole: int) -> str:
    if row == column:
        return "same"
    if not count:
        return ""
    strength = next((step for threshold, step in _STRONG if count / whole >= threshold), 1)
    return f"{'b' if column < row else 'w'}{strength}"
