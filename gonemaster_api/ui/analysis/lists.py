"""The seven lists of a snapshot, with search, sorting, filters and export."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import Blueprint, Response, request, url_for

from gonemaster_api.errors import ApiError
from gonemaster_api.public.analysis import query_schemas as schemas
from gonemaster_api.queries.analysis.lists import SPECS, read_list
from gonemaster_api.queries.analysis.reading import ViewReading
from gonemaster_api.rest.paging import page_document, slice_of
from gonemaster_api.ui.analysis.columns import LISTS, sortable
from gonemaster_api.ui.analysis.frame import previous_snapshot, read_view, render_view
from gonemaster_api.ui.analysis.sentences import read_tag_changes
from gonemaster_api.ui.shell.forms.forms import PageQuery, problem_of, read_query
from gonemaster_api.ui.shell.tables.csv_files import csv_file
from gonemaster_api.ui.shell.texts.languages import gettext, mark
from gonemaster_api.ui.shell.texts.sentences import tag_sentence

SIZES = (25, 50, 100, 250, 500)
_MIN_SAMPLES = 10  # With fewer responses, the latency is not meaningful.

blueprint = Blueprint("ui_analysis_lists", __name__, url_prefix="/analysis")

KINDS: Mapping[str, tuple[str, str, type[ma.Schema]]] = {
    "domain": ("domains", mark("Domains"), schemas.DomainListQuerySchema),
    "nameserver": ("nameservers", mark("Name servers"), schemas.NameserverListQuerySchema),
    "endpoint": ("addresses", mark("Name server addresses"), schemas.EndpointListQuerySchema),
    "asn": ("networks", mark("Networks"), schemas.AsnListQuerySchema),
    "prefix": ("prefixes", mark("Prefixes"), schemas.PrefixListQuerySchema),
    "tag": ("findings", mark("Findings"), schemas.TagListQuerySchema),
    "testcase": ("testcases", mark("Test cases"), schemas.TestcaseListQuerySchema),
}
_API = {
    "domain": "SnapshotDomains", "nameserver": "Nameservers", "endpoint": "Endpoints", "asn": "Asns",
    "prefix": "Prefixes", "tag": "MessageTags", "testcase": "SnapshotTestcases",
}  # fmt: skip


@blueprint.get("/domains")
def domains() -> Response:
    """List domains."""
    return _list("domain")


@blueprint.get("/nameservers")
def nameservers() -> Response:
    """List name servers."""
    return _list("nameserver")


@blueprint.get("/addresses")
def addresses() -> Response:
    """List name server addresses."""
    return _list("endpoint")


@blueprint.get("/networks")
def networks() -> Response:
    """List autonomous systems."""
    return _list("asn")


@blueprint.get("/prefixes")
def prefixes() -> Response:
    """List prefixes."""
    return _list("prefix")


@blueprint.get("/findings")
def findings() -> Response:
    """List message tags."""
    return _list("tag")


@blueprint.get("/testcases")
def testcases() -> Response:
    """List test cases."""
    return _list("testcase")


def _list(kind: str) -> Response:
    path, title, schema = KINDS[kind]
    query = read_query(schema, limit=50)
    if request.args.get("format") == "csv":
        return _csv(kind, path, query)
    cells = sortable(kind, SPECS[kind].names)
    # Pages of invalid queries are not cached: a cache would store them with status 200.
    return render_view(
        kind,
        "analysis/list.html",
        lambda view: {"list": _read(view, kind, query), "status": query.status},
        kind=kind,
        title=gettext(title),
        cells=cells,
        query=query,
        sizes=SIZES,
        least_samples=_MIN_SAMPLES,
        api=_api_address(kind),
    )


def _read(view: ViewReading, kind: str, query: PageQuery) -> dict[str, Any]:
    try:
        found = read_list(view, kind, query.values)
        return found if kind != "tag" else found | {"items": _explained(view, found["items"])}
    except ApiError as error:
        query.problems.append(problem_of(error))
        return page_document([], 0, slice_of(query.values)) | {"sort": query.values["sort"]}


def _explained(view: ViewReading, tags: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add to each message tag its sentence, its share of domains and its change since the previous snapshot."""
    before = previous_snapshot(view)
    changes = read_tag_changes(view, before)
    return [
        tag
        | {
            "sentence": tag_sentence(tag["tag"], tag["module"]),
            "whole": view.shown.domain_count,
            "trend": changes.get((tag["tag"], tag["testcase"]), 0) if before else None,
        }
        for tag in tags
    ]


def _api_address(kind: str) -> str:
    """Return the URL of the same list as JSON."""
    chosen: dict[str, Any] = {
        name: text for name, text in request.args.items() if text and name in KINDS[kind][2]().fields
    }  # Only known parameters: url_for reserves others, such as _external.
    tag, slug = request.args.get("cohort"), request.args.get("snapshot")
    short: dict[tuple[bool, bool], tuple[str, dict[str, Any]]] = {
        (True, True): ("", {"tag": tag, "slug": slug}),
        (True, False): ("_short0", {"tag": tag}),
        (False, True): ("_short1", {"slug": slug}),
        (False, False): ("_short2", {}),
    }
    suffix, names = short[bool(tag), bool(slug)]
    return url_for(f"public_analysis.{_API[kind]}{suffix}", **{**chosen, **names})


def _csv(kind: str, path: str, query: PageQuery) -> Response:
    """Return the page as CSV with at most 500 rows; escape cells that a spreadsheet would evaluate."""
    found = read_view(lambda view: read_list(view, kind, query.values))
    fields = [cell.field for cell in LISTS[kind] if cell.kind not in ("share", "trend")]
    if kind in ("tag", "testcase"):
        fields.insert(0, "module")
    if kind == "asn":
        fields.insert(1, "label")
    rows = ([_text(item.get(name)) for name in fields] for item in found["items"])
    return csv_file(f"{found['dataset_tag']}-{found['snapshot']}-{path}", fields, rows)


def _text(value: Any) -> Any:
    return " ".join(value) if isinstance(value, list) else value
