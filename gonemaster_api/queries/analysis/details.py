"""Single objects of a snapshot as documents, with their related objects.

The domains of an object are paged; other lists have the first MAX_LISTED items, and the counts have their lengths.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Any

from gonemaster_api.errors import BadRequest
from gonemaster_api.queries.analysis.documents import domain_reference, row_document
from gonemaster_api.queries.analysis.lists import SPECS
from gonemaster_api.queries.analysis.reading import ViewReading
from gonemaster_api.rest.paging import MAX_LIMIT, slice_of
from gonemaster_db.analysis.views.rows import (
    find_row,
    find_rows,
    page_of_members,
    rows_at,
)
from gonemaster_db.core.levels import worst
from gonemaster_db.models import (
    SnapshotAsn,
    SnapshotDomain,
    SnapshotEndpoint,
    SnapshotNameserver,
    SnapshotPrefix,
    SnapshotTag,
    SnapshotTestcase,
)
from gonemaster_engine.errors import InvalidDomain
from gonemaster_engine.names import normalize_domain
from gonemaster_engine.profile.zonemaster_tags import engine_tag
from gonemaster_engine.texts import Text, text_of

MAX_LISTED = MAX_LIMIT
_HIGHEST_ASN = 2**32 - 1
_MAX_ASN_LENGTH = 12
_ESCAPED = re.compile(r"(?=.*\\)[!-~]{1,1016}")  # at most 254 octets, some of them written as \DDD

Query = Mapping[str, Any]


def read_nameserver(reading: ViewReading, name: str, query: Query) -> dict[str, Any]:
    """Return a name server with its addresses, ASes and domains. Raises BadRequest, NotFound."""
    name = named_server(name, code="invalid_nameserver")
    row = _find(reading, SnapshotNameserver, "name server", name, name=name)
    document = row_document(reading, "nameserver", row)
    document |= {"latency_ipv4": row.latency_ipv4, "latency_ipv6": row.latency_ipv6}
    document["addresses"] = _listed(reading, "nameserver", row, "endpoint")
    document["asns"] = _listed(reading, "nameserver", row, "asn", partial(_asn_reference, reading))
    return _with_domains(reading, document, "nameserver", [row.position], query)


def read_endpoint(reading: ViewReading, address: str, query: Query) -> dict[str, Any]:
    """Return an address of a name server with its domains.

    Raises:
        BadRequest: invalid_address; missing_nameserver if several have the address, listed in details.nameservers.
        NotFound: no name server has the address.
    """
    key = {"address": canonical_address(address)}
    if query.get("nameserver"):
        key["nameserver"] = named_server(query["nameserver"], code="invalid_nameserver")
    rows = find_rows(reading.session, SnapshotEndpoint, reading.view_id, address_order=_order(key["address"]))
    rows = [row for row in rows if row.nameserver == key.get("nameserver", row.nameserver)]
    if len(rows) > 1:
        names = [row.nameserver for row in rows[:MAX_LISTED]]
        text = Text("{count} name servers have the address; specify one of them", count=len(rows))
        raise BadRequest("missing_nameserver", text, details={"nameservers": names})
    row = reading.require(rows[0] if rows else None, "address of a name server", key["address"])
    document = row_document(reading, "endpoint", row)
    return _with_domains(reading, document, "endpoint", [row.position], query)


def read_asn(reading: ViewReading, asn: str, query: Query) -> dict[str, Any]:
    """Return an AS with its name servers, prefixes and domains. Raises BadRequest, NotFound."""
    row = _find(reading, SnapshotAsn, "AS", asn, asn=asn_of(asn))
    document = row_document(reading, "asn", row)
    document["nameservers"] = _listed(reading, "asn", row, "nameserver", _nameserver_reference)
    document["prefixes"] = _listed(reading, "asn", row, "prefix", _prefix_reference)
    return _with_domains(reading, document, "asn", [row.position], query)


def read_prefix(reading: ViewReading, query: Query) -> dict[str, Any]:
    """Return a prefix with its addresses, ASes and domains. Raises BadRequest, NotFound."""
    prefix = canonical_prefix(query["prefix"])
    row = _find(reading, SnapshotPrefix, "prefix", prefix, prefix=prefix)
    document = row_document(reading, "prefix", row)
    document["addresses"] = _listed(reading, "prefix", row, "endpoint")
    document["asns"] = _listed(reading, "prefix", row, "asn", partial(_asn_reference, reading))
    return _with_domains(reading, document, "prefix", [row.position], query)


def read_tag(reading: ViewReading, tag: str, query: Query) -> dict[str, Any]:
    """Return a message tag with its domains, across all its test cases. Raises NotFound."""
    rows = find_rows(reading.session, SnapshotTag, reading.view_id, tag=engine_tag(tag.upper()))
    first = reading.require(rows[0] if rows else None, "message tag", tag)
    document = {
        "tag": first.tag,
        "module": first.module,
        "level": worst(row.level for row in rows),
        "occurrence_count": sum(row.occurrence_count for row in rows),
        "testcases": [row_document(reading, "tag", row) for row in rows],
    }
    return _with_domains(reading, document, "tag", [row.position for row in rows], query)


def read_testcase(reading: ViewReading, query: Query) -> dict[str, Any]:
    """Return a test case with its message tags and domains. Raises NotFound."""
    module, testcase = query["module"].upper(), query["testcase"].lower()
    row = _find(reading, SnapshotTestcase, "test case", f"{module} {testcase}", module=module, testcase=testcase)
    document = row_document(reading, "testcase", row)
    tags = find_rows(reading.session, SnapshotTag, reading.view_id, module=module, testcase=testcase)
    document["tags"] = [row_document(reading, "tag", tag) for tag in tags]
    return _with_domains(reading, document, "testcase", [row.position], query)


def named(text: str, *, code: str) -> str:
    """Return a name in canonical form. Raises BadRequest with the given code."""
    try:
        return normalize_domain(text)
    except InvalidDomain as error:
        raise BadRequest(code, text_of(error)) from error


def named_server(text: str, *, code: str) -> str:
    """Return a name server's name in its stored form; the engine escapes octets that are not allowed in domain names.

    Raises:
        BadRequest: the name is invalid; the error has the given code.
    """
    return text.lower() if _ESCAPED.fullmatch(text) else named(text, code=code)


def canonical_address(text: str) -> str:
    """Return an address in canonical form. Raises BadRequest."""
    try:
        address = ip_address(text)
    except ValueError as error:
        raise BadRequest("invalid_address", Text("must be an IPv4 or IPv6 address")) from error
    if getattr(address, "scope_id", None):
        raise BadRequest("invalid_address", Text("must be an address without a zone identifier"))
    return str(address)


def canonical_prefix(text: str) -> str:
    """Return a prefix in canonical form. Raises BadRequest."""
    try:
        if "/" not in text:
            raise ValueError("no length")
        return str(ip_network(text))
    except ValueError as error:
        raise BadRequest("invalid_prefix", Text("must be a prefix such as 192.0.2.0/24 or 2001:db8::/32")) from error


def asn_of(text: str) -> int:
    """Return the number of an AS from text with or without the prefix `AS`. Raises BadRequest."""
    digits = text[:_MAX_ASN_LENGTH].upper().removeprefix("AS")
    if len(text) > _MAX_ASN_LENGTH or not (digits.isascii() and digits.isdigit()) or int(digits) > _HIGHEST_ASN:
        raise BadRequest(
            "invalid_asn",
            Text("must be a number from 0 to {highest_asn}, with or without AS before it", highest_asn=_HIGHEST_ASN),
        )
    return int(digits)


def _order(address: str) -> bytes:
    parsed = ip_address(address)
    return bytes([parsed.version]) + parsed.packed


def _find(reading: ViewReading, model: Any, kind: str, shown: object, **keys: Any) -> Any:
    return reading.require(find_row(reading.session, model, reading.view_id, **keys), kind, shown)


def _listed(
    reading: ViewReading, owner: str, row: Any, member: str, shown: Callable[[Any], dict[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """Return the first related objects of one kind, by default in the form used in lists."""
    positions, _ = page_of_members(reading.session, reading.view_id, owner, [row.position], member, limit=MAX_LISTED)
    rows = rows_at(reading.session, SPECS[member].model, reading.view_id, positions)
    return [shown(row) if shown else row_document(reading, member, row) for row in rows]


def _with_domains(
    reading: ViewReading, document: dict[str, Any], owner: str, positions: Sequence[int], query: Query
) -> dict[str, Any]:
    """Add a page of the domains of the objects at some positions to a document, and the number of all domains."""
    part = slice_of(query)
    found, total = page_of_members(
        reading.session, reading.view_id, owner, positions, "domain", limit=part.limit, offset=part.offset
    )
    domains = [
        domain_reference(reading, row) for row in rows_at(reading.session, SnapshotDomain, reading.view_id, found)
    ]
    paging = {"domains": domains, "limit": part.limit, "offset": part.offset}
    return reading.head | document | {"domain_count": total} | paging


def _asn_reference(reading: ViewReading, row: Any) -> dict[str, Any]:
    return {"asn": row.asn, "label": reading.as_label(row.label, row.asn), "domain_count": row.domain_count}


def _nameserver_reference(row: Any) -> dict[str, Any]:
    return {"nameserver": row.name, "domain_count": row.domain_count}


def _prefix_reference(row: Any) -> dict[str, Any]:
    return {"prefix": row.prefix, "family": row.family, "domain_count": row.domain_count}
