"""A domain of a snapshot as a document, with its findings and, while its run is stored, its entries."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import structlog

from gonemaster_api.queries.analysis.details import named
from gonemaster_api.queries.analysis.documents import row_document
from gonemaster_api.queries.analysis.reading import ViewReading
from gonemaster_api.queries.runs.entry_documents import entry_documents
from gonemaster_db.analysis.views.rows import find_row, read_members, rows_at
from gonemaster_db.core.errors import DocumentDamaged
from gonemaster_db.models import Keep, SnapshotDomain, SnapshotEndpoint, SnapshotNameserver, SnapshotTag
from gonemaster_db.runs.run_documents import StoredRun, entries_of, read_stored_runs
from gonemaster_engine.findings.messages import DEFAULT_LOCALE

_ENTRIES_FROM = "INFO"

log = structlog.get_logger(__name__)


def read_domain_detail(reading: ViewReading, name: str, *, locale: str = DEFAULT_LOCALE) -> dict[str, Any]:
    """Return a domain with its name servers, addresses, message tags, entries and timings, without registration data.

    Raises:
        BadRequest: invalid_domain.
        NotFound: the domain is not in the snapshot.
    """
    row = find_domain(reading, name)
    document = reading.head | row_document(reading, "domain", row) | _servers(reading, row)
    document["causes"] = reading.causes([row]).get(row.cause_set_id)
    tags = rows_at(reading.session, SnapshotTag, reading.view_id, _members(reading, row, "tag"))
    document["tags"] = [{name: getattr(tag, name) for name in ("tag", "module", "testcase", "level")} for tag in tags]
    return document | _run_details(reading, row.run_id, locale)


def find_domain(reading: ViewReading, name: str) -> Any:
    """Return the row of a domain. Raises BadRequest, NotFound."""
    name = named(name, code="invalid_domain")
    row = find_row(reading.session, SnapshotDomain, reading.view_id, name=name)
    return reading.require(row, "domain in the snapshot", name)


def _members(reading: ViewReading, row: Any, member: str) -> Sequence[int]:
    return read_members(reading.session, reading.view_id, "domain", row.position, member)


def _servers(reading: ViewReading, row: Any) -> dict[str, Any]:
    """Return name servers and addresses of a domain, from its delegation and its zone."""
    session, view_id = reading.session, reading.view_id
    names = rows_at(session, SnapshotNameserver, view_id, _members(reading, row, "nameserver"))
    endpoints = rows_at(session, SnapshotEndpoint, view_id, _members(reading, row, "endpoint"))
    silent = set(_members(reading, row, "unreachable"))
    of_server: defaultdict[str, list[Any]] = defaultdict(list)
    of_address: dict[bytes, list[Any]] = {}
    for endpoint in endpoints:
        of_server[endpoint.nameserver].append(endpoint)
        of_address.setdefault(endpoint.address_order, []).append(endpoint)
    return {
        "nameservers": [_server(name.name, of_server[name.name]) for name in names],
        "addresses": [_address(reading, of_address[key], silent) for key in sorted(of_address)],
    }


def _server(name: str, endpoints: Sequence[Any]) -> dict[str, Any]:
    document = {
        "nameserver": name,
        "ipv4_count": sum(endpoint.family == 4 for endpoint in endpoints),
        "ipv6_count": sum(endpoint.family == 6 for endpoint in endpoints),
        "addresses": [endpoint.address for endpoint in endpoints],
    }
    return document if endpoints else document | {"status": "unresolved"}


def _address(reading: ViewReading, endpoints: Sequence[Any], silent: set[int]) -> dict[str, Any]:
    """Return an address; it is unreachable if it did not respond for any of its name server names."""
    first = endpoints[0]
    document = {"address": first.address, "family": first.family, "asn": first.asn, "prefix": first.prefix}
    document["asn_label"] = reading.as_label(first.operator, first.asn)
    answered = any(endpoint.position not in silent for endpoint in endpoints)
    return document if answered else document | {"status": "unreachable"}


def _run_details(reading: ViewReading, run_id: str, locale: str) -> dict[str, Any]:
    """Return the data that are available only until the run is purged."""
    run = read_stored_runs(reading.session, [run_id]).get(run_id)
    if run is None or run.document is None or run.kept is Keep.FACTS:
        return {"entries": None}
    found: dict[str, Any] = {"entries": _entries(reading, run, locale)}
    if reading.shows_timings and run.document.nameserver_timings is not None:
        found["nameserver_timings"] = run.document.nameserver_timings
    return found


def _entries(reading: ViewReading, run: StoredRun, locale: str) -> list[dict[str, Any]] | None:
    try:
        found = entries_of(reading.session, run, min_level=_ENTRIES_FROM)
    except DocumentDamaged as error:
        log.error("entries of a domain not readable, omitted", job_id=run.id, error=str(error))
        return None
    return [entry.as_dict() for entry in entry_documents(found, locale=locale)]
