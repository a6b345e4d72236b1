"""Routes of cohorts and their snapshots.

Every path may omit the cohort (`/analysis/domains`), which selects the default cohort, and the snapshot
(`/analysis/cohorts/{tag}/domains`), which selects the cohort's default snapshot. The API document has full paths.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import dns.version
from flask import Blueprint as PlainBlueprint
from flask.views import MethodView

from gonemaster_api.public.analysis import comparison_schemas, schemas
from gonemaster_api.public.analysis import query_schemas as schemas_of_queries
from gonemaster_api.public.analysis.responses import (
    LIST_MAX_AGE,
    cohort_response,
    comparison_response,
    default_response,
    view_response,
    view_response_with,
)
from gonemaster_api.queries.analysis import details
from gonemaster_api.queries.analysis.comparisons import read_diff, wanted_slugs
from gonemaster_api.queries.analysis.domain_detail import read_domain_detail
from gonemaster_api.queries.analysis.lists import read_list
from gonemaster_api.queries.analysis.overview import (
    read_catalog,
    read_cohort,
    read_cohorts,
    read_overview,
    read_snapshot,
    read_snapshots,
)
from gonemaster_api.queries.analysis.reading import limited_session
from gonemaster_api.queries.analysis.registry_card import read_registry_card
from gonemaster_api.queries.analysis.report import read_report
from gonemaster_api.queries.analysis.trends import read_history_of, read_trends
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.rest.paging import PagingSchema
from gonemaster_api.state import state
from gonemaster_engine.version import __version__

View = TypeVar("View", bound=type[MethodView])

_COHORT = "cohort_not_found"
_SNAPSHOT = "cohort_not_found, snapshot_not_found"
_OBJECT = f"{_SNAPSHOT}, not_found"
_PAGE = "invalid_limit, invalid_offset, invalid_cursor"
_LIST = f"invalid_search, invalid_sort, {_PAGE}, ..."
_LATE = "request_timeout, store_unavailable; without a tag also no_selectable_cohorts, no_default_cohort"

blueprint = Blueprint(
    "public_analysis", __name__, url_prefix="/analysis", description="Public cohorts and their snapshots"
)


def _registered(full: str, *short: str) -> Callable[[View], View]:
    """Serve a view at its full path, which is in the API document, and at its shorter paths."""

    def register(view: View) -> View:
        blueprint.route(full)(view)
        for number, rule in enumerate(short):
            endpoint = f"{view.__name__}_short{number}"
            PlainBlueprint.add_url_rule(blueprint, rule, endpoint, view.as_view(endpoint))
        return view

    return register


def cohort_route(rule: str) -> Callable[[View], View]:
    """Serve a view of a cohort, at paths with and without the cohort."""
    return _registered(f"/cohorts/<tag>{rule}", rule)


def snapshot_route(rule: str) -> Callable[[View], View]:
    """Serve a view of a snapshot, at paths with and without cohort and snapshot."""
    short = (f"/cohorts/<tag>{rule}", f"/snapshots/<slug>{rule}", rule)
    return _registered(f"/cohorts/<tag>/snapshots/<slug>{rule}", *short)


@blueprint.route("/catalog")
class Catalog(MethodView):
    """The catalogue."""

    @blueprint.response(200, schemas.AnalysisCatalogSchema)
    @blueprint.refuses(_500="invalid_catalog", _503=f"no_selectable_cohorts, no_default_cohort, {_LATE}")
    def get(self) -> Any:
        """List the public cohorts and name the default cohort."""
        with limited_session(state()) as session:
            return read_catalog(state(), session)


@blueprint.route("/version")
class Version(MethodView):
    """Versions."""

    @blueprint.response(200, schemas.AnalysisVersionSchema)
    def get(self) -> dict[str, str]:
        """Show the versions of this server and of its DNS library."""
        return {"gonemaster": __version__, "engine": __version__, "dns": dns.version.version}


@blueprint.route("/cohorts")
class Cohorts(MethodView):
    """List of cohorts."""

    @blueprint.response(200, schemas.AnalysisCohortSchema(many=True))
    @blueprint.refuses(_503="request_timeout, store_unavailable")
    def get(self) -> Any:
        """List the public cohorts."""
        with limited_session(state()) as session:
            return read_cohorts(session)


@blueprint.route("/cohorts/<tag>")
class CohortByTag(MethodView):
    """One cohort."""

    @blueprint.response(200, schemas.AnalysisCohortDetailSchema)
    @blueprint.refuses(_404=_COHORT, _503=_LATE)
    def get(self, tag: str) -> Any:
        """Show a cohort with the counts of its default snapshot."""
        return default_response(tag, read_cohort)


@cohort_route("/snapshots")
class Snapshots(MethodView):
    """List of snapshots."""

    @blueprint.response(200, schemas.AnalysisSnapshotListSchema)
    @blueprint.refuses(_404=_COHORT, _503=_LATE)
    def get(self, tag: str | None = None) -> Any:
        """List the snapshots of a cohort, newest first."""
        return cohort_response(tag, read_snapshots, caching=LIST_MAX_AGE)


@_registered("/cohorts/<tag>/snapshots/<slug>", "/snapshots/<slug>")
class SnapshotBySlug(MethodView):
    """One snapshot."""

    @blueprint.response(200, schemas.AnalysisSnapshotDetailSchema)
    @blueprint.refuses(_404=_SNAPSHOT, _503=_LATE)
    def get(self, slug: str, tag: str | None = None) -> Any:
        """Show a snapshot with its aggregates."""
        return view_response(tag, slug, read_snapshot)


@snapshot_route("/overview")
class Overview(MethodView):
    """Overview of a snapshot."""

    @blueprint.response(200, schemas.AnalysisOverviewSchema)
    @blueprint.refuses(_404=_SNAPSHOT, _503=_LATE)
    def get(self, tag: str | None = None, slug: str | None = None) -> Any:
        """Show totals, top lists and distributions of a snapshot."""
        return view_response(tag, slug, read_overview)


@snapshot_route("/domains")
class SnapshotDomains(MethodView):
    """Domains of a snapshot."""

    @blueprint.arguments(schemas_of_queries.DomainListQuerySchema, location="query")
    @blueprint.response(200, schemas.AnalysisDomainListSchema)
    @blueprint.refuses(_400=_LIST, _404=_SNAPSHOT, _429="rate_limited", _503=_LATE)
    def get(self, query: dict[str, Any], tag: str | None = None, slug: str | None = None) -> Any:
        """List the domains of a snapshot."""
        return view_response(tag, slug, lambda view: read_list(view, "domain", query))


@snapshot_route("/domains/<path:domain>")
class DomainByName(MethodView):
    """One domain of a snapshot."""

    @blueprint.response(200, schemas.AnalysisDomainDetailSchema)
    @blueprint.refuses(_400="invalid_domain", _404=_OBJECT, _503=_LATE)
    def get(self, domain: str, tag: str | None = None, slug: str | None = None) -> Any:
        """Show a domain with its name servers, addresses, message tags, entries and registration data."""
        registry = partial(read_registry_card, name=domain)
        return view_response_with(tag, slug, registry, lambda view: read_domain_detail(view, domain))


@snapshot_route("/nameservers")
class Nameservers(MethodView):
    """Name servers of a snapshot."""

    @blueprint.arguments(schemas_of_queries.NameserverListQuerySchema, location="query")
    @blueprint.response(200, schemas.AnalysisNameserverListSchema)
    @blueprint.refuses(_400=_LIST, _404=_SNAPSHOT, _503=_LATE)
    def get(self, query: dict[str, Any], tag: str | None = None, slug: str | None = None) -> Any:
        """List the name servers of a snapshot."""
        return view_response(tag, slug, lambda view: read_list(view, "nameserver", query))


@snapshot_route("/nameservers/<path:name>")
class NameserverByName(MethodView):
    """One name server of a snapshot."""

    @blueprint.arguments(PagingSchema, location="query")
    @blueprint.response(200, schemas.AnalysisNameserverDetailSchema)
    @blueprint.refuses(_400=f"invalid_nameserver, {_PAGE}", _404=_OBJECT, _503=_LATE)
    def get(self, query: dict[str, Any], name: str, tag: str | None = None, slug: str | None = None) -> Any:
        """Show a name server with its addresses, ASes and domains."""
        return view_response(tag, slug, lambda view: details.read_nameserver(view, name, query))


@snapshot_route("/endpoints")
class Endpoints(MethodView):
    """Name server addresses of a snapshot."""

    @blueprint.arguments(schemas_of_queries.EndpointListQuerySchema, location="query")
    @blueprint.response(200, schemas.AnalysisEndpointListSchema)
    @blueprint.refuses(_400=_LIST, _404=_SNAPSHOT, _503=_LATE)
    def get(self, query: dict[str, Any], tag: str | None = None, slug: str | None = None) -> Any:
        """List the name server addresses of a snapshot."""
        return view_response(tag, slug, lambda view: read_list(view, "endpoint", query))


@snapshot_route("/endpoints/<address>")
class EndpointByAddress(MethodView):
    """One name server address of a snapshot."""

    @blueprint.arguments(schemas_of_queries.EndpointQuerySchema, location="query")
    @blueprint.response(200, schemas.AnalysisEndpointDetailSchema)
    @blueprint.refuses(
        _400=f"invalid_address, invalid_nameserver, missing_nameserver, {_PAGE}", _404=_OBJECT, _503=_LATE
    )
    def get(self, query: dict[str, Any], address: str, tag: str | None = None, slug: str | None = None) -> Any:
        """Show a name server address with its domains."""
        return view_response(tag, slug, lambda view: details.read_endpoint(view, address, query))


@snapshot_route("/asns")
class Asns(MethodView):
    """Autonomous systems of a snapshot."""

    @blueprint.arguments(schemas_of_queries.AsnListQuerySchema, location="query")
    @blueprint.response(200, schemas.AnalysisAsnListSchema)
    @blueprint.refuses(_400=_LIST, _404=_SNAPSHOT, _503=_LATE)
    def get(self, query: dict[str, Any], tag: str | None = None, slug: str | None = None) -> Any:
        """List the autonomous systems of a snapshot."""
        return view_response(tag, slug, lambda view: read_list(view, "asn", query))


@snapshot_route("/asns/<asn>")
class AsnByNumber(MethodView):
    """One autonomous system of a snapshot."""

    @blueprint.arguments(PagingSchema, location="query")
    @blueprint.response(200, schemas.AnalysisAsnDetailSchema)
    @blueprint.refuses(_400=f"invalid_asn, {_PAGE}", _404=_OBJECT, _503=_LATE)
    def get(self, query: dict[str, Any], asn: str, tag: str | None = None, slug: str | None = None) -> Any:
        """Show an autonomous system with its name servers, prefixes and domains."""
        return view_response(tag, slug, lambda view: details.read_asn(view, asn, query))


@snapshot_route("/prefixes")
class Prefixes(MethodView):
    """Prefixes of a snapshot."""

    @blueprint.arguments(schemas_of_queries.PrefixListQuerySchema, location="query")
    @blueprint.response(200, schemas.AnalysisPrefixListSchema)
    @blueprint.refuses(_400=_LIST, _404=_SNAPSHOT, _503=_LATE)
    def get(self, query: dict[str, Any], tag: str | None = None, slug: str | None = None) -> Any:
        """List the prefixes of a snapshot."""
        return view_response(tag, slug, lambda view: read_list(view, "prefix", query))


@snapshot_route("/prefix")
class Prefix(MethodView):
    """One prefix of a snapshot."""

    @blueprint.arguments(schemas_of_queries.PrefixQuerySchema, location="query")
    @blueprint.response(200, schemas.AnalysisPrefixDetailSchema)
    @blueprint.refuses(_400=f"missing_prefix, invalid_prefix, {_PAGE}", _404=_OBJECT, _503=_LATE)
    def get(self, query: dict[str, Any], tag: str | None = None, slug: str | None = None) -> Any:
        """Show a prefix with its addresses, ASes and domains."""
        return view_response(tag, slug, lambda view: details.read_prefix(view, query))


@snapshot_route("/tags")
class MessageTags(MethodView):
    """Message tags of a snapshot."""

    @blueprint.arguments(schemas_of_queries.TagListQuerySchema, location="query")
    @blueprint.response(200, schemas.AnalysisTagListSchema)
    @blueprint.refuses(_400=_LIST, _404=_SNAPSHOT, _503=_LATE)
    def get(self, query: dict[str, Any], tag: str | None = None, slug: str | None = None) -> Any:
        """List the message tags of a snapshot, by test case."""
        return view_response(tag, slug, lambda view: read_list(view, "tag", query))


@snapshot_route("/tags/<message_tag>")
class MessageTagByName(MethodView):
    """One message tag of a snapshot."""

    @blueprint.arguments(PagingSchema, location="query")
    @blueprint.response(200, schemas.AnalysisTagDetailSchema)
    @blueprint.refuses(_400=_PAGE, _404=_OBJECT, _503=_LATE)
    def get(self, query: dict[str, Any], message_tag: str, tag: str | None = None, slug: str | None = None) -> Any:
        """Show a message tag with its domains."""
        return view_response(tag, slug, lambda view: details.read_tag(view, message_tag, query))


@snapshot_route("/testcases")
class SnapshotTestcases(MethodView):
    """Test cases of a snapshot."""

    @blueprint.arguments(schemas_of_queries.TestcaseListQuerySchema, location="query")
    @blueprint.response(200, schemas.AnalysisTestcaseListSchema)
    @blueprint.refuses(_400=_LIST, _404=_SNAPSHOT, _503=_LATE)
    def get(self, query: dict[str, Any], tag: str | None = None, slug: str | None = None) -> Any:
        """List the test cases of a snapshot that have findings."""
        return view_response(tag, slug, lambda view: read_list(view, "testcase", query))


@snapshot_route("/testcase")
class Testcase(MethodView):
    """One test case of a snapshot."""

    @blueprint.arguments(schemas_of_queries.SnapshotTestcaseQuerySchema, location="query")
    @blueprint.response(200, schemas.AnalysisTestcaseDetailSchema)
    @blueprint.refuses(_400=f"missing_module, missing_testcase, {_PAGE}", _404=_OBJECT, _503=_LATE)
    def get(self, query: dict[str, Any], tag: str | None = None, slug: str | None = None) -> Any:
        """Show a test case with its message tags and domains."""
        return view_response(tag, slug, lambda view: details.read_testcase(view, query))


@cohort_route("/trends")
class Trends(MethodView):
    """Trends of a cohort."""

    @blueprint.arguments(schemas_of_queries.TrendsQuerySchema, location="query")
    @blueprint.response(200, schemas.AnalysisTrendsSchema)
    @blueprint.refuses(_400="invalid_category, invalid_from, invalid_to, invalid_time_range", _404=_COHORT, _503=_LATE)
    def get(self, query: dict[str, Any], tag: str | None = None) -> Any:
        """Show the number of domains by key of a category for each snapshot."""
        return cohort_response(tag, lambda cohort, snapshots: read_trends(cohort, snapshots, query))


@cohort_route("/history")
class ObjectHistory(MethodView):
    """History of one object of a cohort."""

    @blueprint.arguments(schemas_of_queries.HistoryQuerySchema, location="query")
    @blueprint.response(200, schemas.AnalysisHistorySchema)
    @blueprint.refuses(_400="missing_entity, invalid_entity, missing_key, invalid_key", _404=_COHORT, _503=_LATE)
    def get(self, query: dict[str, Any], tag: str | None = None) -> Any:
        """Show the state of a name server, AS, message tag or domain in each snapshot."""
        return cohort_response(tag, lambda cohort, snapshots: read_history_of(cohort, snapshots, query))


@cohort_route("/diff")
class SnapshotDiff(MethodView):
    """Differences between two snapshots."""

    @blueprint.arguments(schemas_of_queries.SnapshotDiffQuerySchema, location="query")
    @blueprint.response(200, comparison_schemas.AnalysisDiffSchema)
    @blueprint.refuses(
        _400=f"missing_snapshots, invalid_granularity, {_PAGE}", _404=_SNAPSHOT, _429="rate_limited", _503=_LATE
    )
    def get(self, query: dict[str, Any], tag: str | None = None) -> Any:
        """List the domains or message tags that differ between two snapshots."""
        return comparison_response(tag, wanted_slugs(query), partial(read_diff, query))


@cohort_route("/report")
class Report(MethodView):
    """Report about two snapshots."""

    @blueprint.arguments(schemas_of_queries.ReportQuerySchema, location="query")
    @blueprint.response(200, comparison_schemas.AnalysisReportSchema)
    @blueprint.refuses(
        _400=f"missing_snapshots, invalid_min_cluster, invalid_max_spread, {_PAGE}",
        _404=_OBJECT,
        _429="rate_limited",
        _503=_LATE,
    )
    def get(self, query: dict[str, Any], tag: str | None = None) -> Any:
        """Report what changed between two snapshots, and which changes are due to the measurement."""
        return comparison_response(tag, wanted_slugs(query), partial(read_report, query))
