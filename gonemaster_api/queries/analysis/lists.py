"""Lists of a snapshot as documents."""

from collections.abc import Mapping
from typing import Any

from gonemaster_api.errors import BadRequest
from gonemaster_api.queries.analysis.documents import row_document
from gonemaster_api.queries.analysis.reading import ViewReading
from gonemaster_api.queries.searching import search_term
from gonemaster_api.rest.paging import page_document, slice_of
from gonemaster_db.analysis.views import list_specs
from gonemaster_db.analysis.views.list_specs import ListSpec, ViewFilter
from gonemaster_db.analysis.views.lists import list_rows
from gonemaster_engine.texts import Text

SPECS: Mapping[str, ListSpec] = {
    "domain": list_specs.DOMAINS,
    "nameserver": list_specs.NAMESERVERS,
    "endpoint": list_specs.ENDPOINTS,
    "asn": list_specs.ASNS,
    "prefix": list_specs.PREFIXES,
    "tag": list_specs.TAGS,
    "testcase": list_specs.TESTCASES,
}


def read_list(reading: ViewReading, kind: str, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of a list.

    Raises:
        BadRequest: invalid_sort or invalid_grade if scores or AS names are not public.
    """
    spec, part, sort = SPECS[kind], slice_of(query), query["sort"]
    _check_scores(reading, sort, query)
    if sort.startswith("operator_") and not reading.shows_asn_names:
        raise BadRequest("invalid_sort", Text("AS names are not public here"))
    criteria = ViewFilter(
        search=search_term(query.get("search", "")),
        min_level=query.get("min_level"),
        worst_level=query.get("worst_level"),
        grade=query.get("grade"),
        dnssec_posture=query.get("dnssec_posture"),
        cause=query.get("cause"),
        min_latency_samples=query.get("min_latency_samples", 0),
        hides_labels=not reading.shows_asn_names,
    )
    page = list_rows(
        reading.session, reading.view_id, spec, criteria=criteria, sort=sort, limit=part.limit, offset=part.offset
    )
    items = [row_document(reading, kind, row) for row in page.items]
    if kind == "domain":
        causes = reading.causes(page.items)
        items = [item | {"causes": causes.get(row.cause_set_id)} for item, row in zip(items, page.items, strict=True)]
    return reading.head | page_document(items, page.total, part) | {"sort": sort}


def _check_scores(reading: ViewReading, sort: str, query: Mapping[str, Any]) -> None:
    if reading.shows_scores:
        return
    if sort.startswith("score_"):
        raise BadRequest("invalid_sort", Text("scores are not public here"))
    if query.get("grade") is not None:
        raise BadRequest("invalid_grade", Text("grades are not public here"))
