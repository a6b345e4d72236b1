"""The comparison of two batches."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from gonemaster_api.queries.batches.batches import read_batch_progress, read_batches
from gonemaster_api.queries.batches.comparison import read_batch_diff
from gonemaster_api.queries.causes import ALL_CAUSES, cause_title
from gonemaster_api.state import state
from gonemaster_api.ui.admin.batches.names import title_of
from gonemaster_api.ui.shell.forms.forms import read_query
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.languages import language
from gonemaster_api.ui.shell.texts.words import word
from gonemaster_api.ui.shell.urls import here
from gonemaster_api.v1.comparison.schemas import KINDS, BatchDiffQuerySchema
from gonemaster_db.core.levels import SEVERITIES, worst

blueprint = Blueprint("ui_batch_comparison", __name__)
_OFFERED = 20
PER_PAGE = 50


@blueprint.get("/batches/<batch_id>/compare")
def choose(batch_id: str) -> Response:
    """Offer other batches of the same tag; with `with`, redirect to the comparison."""
    other = request.args.get("with", "").strip()
    if other:
        target = url_for("ui_batch_comparison.compare", batch_id=other, other_id=batch_id)
        return redirect(target, Response=Response)  # type: ignore[return-value]  # redirect() returns this class
    batch = read_batch_progress(state(), batch_id)
    query = {"label": "", "limit": _OFFERED + 1, "offset": 0}
    listed = read_batches(state(), query, tag=batch["tag"])
    others = [item for item in listed["items"] if item["batch_id"] != batch_id][:_OFFERED]
    return page("admin/batches/compare.html", batch=batch, others=others, title_of=title_of)


@blueprint.get("/batches/<batch_id>/diff/<other_id>")
def compare(batch_id: str, other_id: str) -> Response:
    """Show for each domain the findings that appeared, were cleared or changed from the first batch to the second."""
    query = read_query(BatchDiffQuerySchema, limit=PER_PAGE)
    found = read_batch_diff(state(), batch_id, other_id, query.values, locale=language())
    return page(
        "admin/batches/diff.html",
        status=query.status,
        query=query,
        found=found,
        before=title_of(read_batch_progress(state(), batch_id)),
        after=title_of(read_batch_progress(state(), other_id)),
        swapped=url_for("ui_batch_comparison.compare", batch_id=other_id, other_id=batch_id),
        next_page=here(after=found["next_after"]) if found.get("next_after") else "",
        first_page=here(after=None) if query.values["after"] else "",
        kinds_of=_kinds,
        levels_of=_levels,
        worst_of=_worst,
        title_of_cause=_title_of_cause,
        causes=[(cause, _title_of_cause(cause)) for cause in ALL_CAUSES],
    )


def _kinds(words: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return the choices of difference types: API value, label, URL."""
    return [(kind, words[kind], here(kind=kind, after=None)) for kind in KINDS]


def _worst(lines: Sequence[Any]) -> str:
    """Return the worst level of the findings, empty if there are no findings."""
    return worst(line.level for line in lines) or ""


def _title_of_cause(cause: str) -> str:
    return cause_title(cause, locale=language())


def _levels() -> list[tuple[str, str, str]]:
    """Return the choices for the minimum level."""
    return [(level, word(level), here(min_level=level, after=None)) for level in SEVERITIES]
