"""The detail page of one object of a snapshot, with its history and related objects."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, abort, redirect, request, url_for

from gonemaster_api.public.analysis import query_schemas as schemas
from gonemaster_api.queries.analysis import details
from gonemaster_api.queries.analysis.domain_detail import find_domain, read_domain_detail
from gonemaster_api.queries.analysis.reading import ViewReading
from gonemaster_api.queries.analysis.registry_card import read_registry_card
from gonemaster_api.queries.analysis.trends import read_history_of
from gonemaster_api.queries.runs.results import read_finished_run
from gonemaster_api.rest.paging import PagingSchema, page_document, slice_of
from gonemaster_api.ui.analysis.columns import REFERENCES
from gonemaster_api.ui.analysis.frame import previous_snapshot, render_view
from gonemaster_api.ui.analysis.sentences import read_tag_changes, tag_advice
from gonemaster_api.ui.shell.causes import ShownCauses
from gonemaster_api.ui.shell.forms.forms import PageQuery, read_query
from gonemaster_api.ui.shell.texts.formats import duration, number, percent
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.languages import language
from gonemaster_api.ui.shell.texts.sentences import tag_sentence
from gonemaster_db.core.errors import DocumentDamaged, JobNotFound
from gonemaster_engine.findings.messages import best_locale
from gonemaster_engine.profile.zonemaster_tags import engine_tag

blueprint = Blueprint("ui_analysis_details", __name__, url_prefix="/analysis")

Read = Callable[[ViewReading, Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Section:
    """A list of related objects; the total may exceed the length of the list."""

    title: str
    kind: str
    items: list[Mapping[str, Any]]

    @property
    def cells(self) -> Any:
        """The columns of the list."""
        return REFERENCES[self.kind]


@blueprint.get("/domains/<path:name>")
def domain(name: str) -> Response:
    """Show a domain with its findings, name servers, entries and registration."""

    def read(view: ViewReading) -> dict[str, Any]:
        shown = read_domain_detail(view, name, locale=language()) | read_registry_card(view, name)
        elsewhere = [(_("IANA, root zone"), f"https://www.iana.org/domains/root/db/{quote(name)}.html")]
        links = [*(elsewhere if "." not in name else []), *_rdap(shown)]
        history = _history(view, "domain", name)
        return {"item": shown, "causes": _causes(view, name), "history": history, "links": links}

    return render_view("domain", "analysis/domain.html", read, changes=True)


def _causes(view: ViewReading, name: str) -> ShownCauses | None:
    """Return the root causes of the run of a domain with their remedies; None if the run was purged."""
    try:
        finished = read_finished_run(view.state, find_domain(view, name).run_id)
    except (JobNotFound, DocumentDamaged):
        return None
    return ShownCauses(finished, best_locale(language()))


def _rdap(shown: Mapping[str, Any]) -> list[tuple[str, str]]:
    url = shown.get("rdap_url")
    return [(_("RDAP"), url)] if url and url.startswith(("https://", "http://")) else []


@blueprint.get("/nameservers/<path:name>")
def nameserver(name: str) -> Response:
    """Show a name server."""

    def parts(shown: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "title": shown["nameserver"],
            "figures": [
                (_("Domains"), number(shown["domain_count"]), ""),
                (_("Addresses"), number(shown["endpoint_count"]), _families(shown)),
                *_latencies(shown),
            ],
            "sections": [
                Section(_("Addresses"), "endpoint", shown["addresses"]),
                Section(_("Networks"), "asn", shown["asns"]),
            ],
            "entity": ("nameserver", shown["nameserver"]),
        }

    return _detail("nameserver", lambda view, query: details.read_nameserver(view, name, query), parts)


@blueprint.get("/addresses/<address>")
def address(address: str) -> Response:
    """Show an address; if several name servers have it, `nameserver` selects one."""

    def parts(shown: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "title": shown["address"],
            "facts": shown["nameserver"],
            "figures": [
                (_("Domains"), number(shown["domain_count"]), ""),
                (_("Prefix"), shown["prefix"] or "–", "", "", "words"),
                _network(shown),
                *_latencies(shown),
            ],
            "links": [("RIPEstat", f"https://stat.ripe.net/{quote(shown['address'], safe='')}")],
        }

    return _detail(
        "endpoint",
        lambda view, query: details.read_endpoint(view, address, query),
        parts,
        schemas.EndpointQuerySchema,
    )


@blueprint.get("/networks/<asn>")
def network(asn: str) -> Response:
    """Show an autonomous system."""

    def parts(shown: Mapping[str, Any]) -> dict[str, Any]:
        title = f"AS{shown['asn']}"
        return {
            "title": title,
            "facts": shown["label"] if shown["label"] != title else "",
            "figures": [
                (_("Domains"), number(shown["domain_count"]), ""),
                (_("Name servers"), number(shown["nameserver_count"]), ""),
                (_("Addresses"), number(shown["address_count"]), _families(shown)),
                *_latencies(shown),
            ],
            "sections": [
                Section(_("Name servers"), "nameserver", shown["nameservers"]),
                Section(_("Prefixes"), "prefix", shown["prefixes"]),
            ],
            "entity": ("asn", str(shown["asn"])),
            "links": [("RIPEstat", f"https://stat.ripe.net/AS{shown['asn']}")],
        }

    return _detail("asn", lambda view, query: details.read_asn(view, asn, query), parts)


@blueprint.get("/prefix")
def prefix() -> Response:
    """Show a prefix. The query string names it, because it contains a slash."""

    def parts(shown: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "title": shown["prefix"],
            "figures": [
                (_("Domains"), number(shown["domain_count"]), ""),
                (_("Addresses"), number(shown["address_count"]), ""),
                _network(shown),
            ],
            "sections": [
                Section(_("Addresses"), "endpoint", shown["addresses"]),
                Section(_("Networks"), "asn", shown["asns"]),
            ],
            "links": [("RIPEstat", f"https://stat.ripe.net/{quote(shown['prefix'], safe='')}")],
        }

    if not request.args.get("prefix"):
        abort(HTTPStatus.BAD_REQUEST, _("Invalid prefix in the URL."))
    return _detail("prefix", details.read_prefix, parts, schemas.PrefixQuerySchema)


@blueprint.get("/findings/<message_tag>")
def finding(message_tag: str) -> Response:
    """Show a message tag over all its test cases; redirect from a former name of the tag or Zonemaster's."""
    if (tag := engine_tag(message_tag)) != message_tag:
        args: dict[str, Any] = {**request.args, "message_tag": tag}
        return redirect(url_for("ui_analysis_details.finding", **args), HTTPStatus.MOVED_PERMANENTLY, Response=Response)  # type: ignore[return-value]  # redirect() returns this class

    def parts(shown: Mapping[str, Any]) -> dict[str, Any]:
        change = shown["change"]
        trend = (
            ""
            if change is None
            else _("%(n)s more than last time", n=number(change))
            if change > 0
            else _("%(n)s fewer than last time", n=number(-change))
            if change
            else _("unchanged")
        )
        return {
            "title": shown["tag"],
            "heading": tag_sentence(shown["tag"], shown["module"]).removesuffix("."),
            "facts": f"{shown['tag']}, {shown['module']}",
            "level": shown["level"],
            "advice": tag_advice(shown["tag"], shown["module"]),
            "figures": [
                (_("Domains"), number(shown["domain_count"]), trend),
                (_("Share of domains"), percent(shown["domain_count"], shown["whole"], 1), ""),
                (_("Occurrences"), number(shown["occurrence_count"]), ""),
            ],
            "sections": [Section(_("By test case"), "tag", shown["testcases"])] if len(shown["testcases"]) > 1 else [],
            "entity": ("tag", shown["tag"]),
            "is_tag": True,
        }

    def read(view: ViewReading, query: Mapping[str, Any]) -> dict[str, Any]:
        found = details.read_tag(view, message_tag, query)
        before = previous_snapshot(view)
        changes = read_tag_changes(view, before)
        mine = [change for (name, _case), change in changes.items() if name == found["tag"]]
        return found | {"whole": view.shown.domain_count, "change": sum(mine) if before else None}

    return _detail("tag", read, parts)


@blueprint.get("/testcase")
def testcase() -> Response:
    """Show a test case; the query parameters `module` and `testcase` name it."""

    def parts(shown: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "title": shown["testcase"],
            "facts": shown["module"],
            "level": shown["worst_level"],
            "figures": [
                (_("Domains"), number(shown["domain_count"]), ""),
                (_("Findings"), number(shown["entry_count"]), ""),
            ],
            "sections": [Section(_("Findings"), "tag", shown["tags"])],
        }

    if not request.args.get("module") or not request.args.get("testcase"):
        abort(HTTPStatus.BAD_REQUEST, _("Invalid test case in the URL."))
    return _detail("testcase", details.read_testcase, parts, schemas.SnapshotTestcaseQuerySchema)


def _detail(
    kind: str, read: Read, parts: Callable[[Mapping[str, Any]], dict[str, Any]], schema: Any = PagingSchema
) -> Response:
    query = read_query(schema, limit=50)
    if query.problems:
        abort(HTTPStatus.BAD_REQUEST, query.problems[0].text)

    def rendered(view: ViewReading) -> dict[str, Any]:
        shown = read(view, query.values)
        values = {
            "sections": [],
            "links": [],
            "facts": "",
            "level": None,
            "is_tag": False,
            "heading": "",
            "advice": "",
        } | parts(shown)
        entity = values.pop("entity", None)
        values["history"] = _history(view, *entity) if entity else []
        return values | {"item": shown, "domains": _page_of_domains(shown, query)}

    return render_view(kind, "analysis/detail.html", rendered, kind=kind, cells=REFERENCES["domain"])


def _page_of_domains(shown: Mapping[str, Any], query: PageQuery) -> dict[str, Any]:
    return page_document(list(shown["domains"]), shown["domain_count"], slice_of(query.values))


def _history(view: ViewReading, entity: str, key: str) -> list[dict[str, Any]]:
    """Return the history of an object, with the time of each snapshot."""
    snapshots = view.snapshots()
    measured = {snapshot.slug: snapshot.first_run_at or snapshot.captured_at for snapshot in snapshots}
    points = read_history_of(view, snapshots, {"entity": entity, "key": key})["points"]
    return [point | {"measured_at": measured[point["slug"]]} for point in points]


def _network(shown: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    number_of = f"AS{shown['asn']}" if shown["asn"] else ""
    return _("Network"), shown["asn_label"] or "–", number_of, "", "words"


def _families(shown: Mapping[str, Any]) -> str:
    return _("%(ipv4)s IPv4, %(ipv6)s IPv6", ipv4=number(shown["ipv4_count"]), ipv6=number(shown["ipv6_count"]))


def _latencies(shown: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    if shown.get("latency_p50_ms") is None:
        return []
    p95, samples = duration(shown["latency_p95_ms"] / 1000), number(shown["latency_samples"])
    below = _("p95 %(p95)s, %(n)s responses", p95=p95, n=samples)
    return [(_("Latency, p50"), duration(shown["latency_p50_ms"] / 1000), below)]
