"""Schemas of the query parameters of the public analysis."""

from typing import Any

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.queries.analysis.lists import SPECS
from gonemaster_api.rest.fields import LevelName, QueryInteger
from gonemaster_api.rest.paging import MAX_LIMIT, PagingSchema
from gonemaster_api.rest.parsing import QuerySchema
from gonemaster_db.analysis.categories import BY_NAME, DNSSEC_POSTURE, SEVERITY
from gonemaster_db.analysis.histories import HistoryKind
from gonemaster_db.analysis.views.list_specs import OK
from gonemaster_db.core.levels import LEVELS
from gonemaster_engine.findings.causes.registry import RULE_BY_ID

_MAX_LENGTH = 255
_MAX_GRADE_LENGTH = 8
_MAX_SAMPLES = 2**31 - 1

GRANULARITIES = ("domains", "tags", "causes")
_SEARCH = {"description": "part of a name; ASCII letters in any case"}


def _sort(kind: str) -> ma.fields.String:
    spec = SPECS[kind]
    return ma.fields.String(load_default=spec.default_sort, validate=validate.OneOf(spec.names))


def _text(description: str, **options: Any) -> ma.fields.String:
    return ma.fields.String(validate=validate.Length(1, _MAX_LENGTH), metadata={"description": description}, **options)


class ListQuerySchema(PagingSchema):
    """A page of a list."""

    search = ma.fields.String(load_default="", validate=validate.Length(max=_MAX_LENGTH), metadata=_SEARCH)


class _Levels(ListQuerySchema):
    min_level = LevelName(metadata={"description": "at this level or above"})
    worst_level = LevelName(
        levels=(OK, *LEVELS), metadata={"description": "exactly at this level; OK means below NOTICE or no findings"}
    )


class _Latencies(ListQuerySchema):
    min_latency_samples = QueryInteger(
        load_default=0,
        validate=validate.Range(0, _MAX_SAMPLES),
        metadata={"description": "minimum number of answers behind a response time"},
    )


class DomainListQuerySchema(_Levels):
    """The domains to list."""

    grade = ma.fields.String(validate=validate.Length(1, _MAX_GRADE_LENGTH))
    dnssec_posture = ma.fields.String(validate=validate.OneOf(tuple(BY_NAME[DNSSEC_POSTURE].keys)))
    cause = ma.fields.String(validate=validate.OneOf(list(RULE_BY_ID)), metadata={"description": "a root cause"})
    sort = _sort("domain")


class NameserverListQuerySchema(_Latencies):
    """The name servers to list."""

    sort = _sort("nameserver")


class EndpointListQuerySchema(_Latencies):
    """The name server addresses to list."""

    sort = _sort("endpoint")


class AsnListQuerySchema(_Latencies):
    """The ASes to list."""

    sort = _sort("asn")


class PrefixListQuerySchema(ListQuerySchema):
    """The prefixes to list."""

    sort = _sort("prefix")


class TagListQuerySchema(_Levels):
    """The message tags to list."""

    sort = _sort("tag")


class TestcaseListQuerySchema(_Levels):
    """The test cases to list."""

    __test__ = False
    sort = _sort("testcase")


class EndpointQuerySchema(PagingSchema):
    """Name server to select if several name servers have the address."""

    nameserver = _text("required if several name servers have the address")


class PrefixQuerySchema(PagingSchema):
    """Prefix to show."""

    prefix = _text("such as 192.0.2.0/24", required=True)


class SnapshotTestcaseQuerySchema(PagingSchema):
    """Test case to show."""

    __test__ = False
    module = _text("such as DNSSEC", required=True)
    testcase = _text("such as dnssec01", required=True)


class TrendsQuerySchema(QuerySchema):
    """Category and period of the trends."""

    category = ma.fields.String(load_default=SEVERITY, validate=validate.OneOf(tuple(BY_NAME)))
    begin = _text("first snapshot: slug, date or time", data_key="from")
    end = _text("last snapshot: slug, date or time", data_key="to")


class HistoryQuerySchema(QuerySchema):
    """Object whose history to show."""

    entity = ma.fields.String(required=True, validate=validate.OneOf(tuple(map(str, HistoryKind))))
    key = _text("name, AS number or message tag", required=True)


class PairQuerySchema(PagingSchema):
    """The two snapshots of a cohort to compare."""

    limit = QueryInteger(load_default=MAX_LIMIT, validate=validate.Range(1, MAX_LIMIT))
    begin = _text("slug of the earlier snapshot; required", data_key="from")
    end = _text("slug of the later snapshot; required", data_key="to")


class SnapshotDiffQuerySchema(PairQuerySchema):
    """The kind of object to compare."""

    granularity = ma.fields.String(load_default="domains", validate=validate.OneOf(GRANULARITIES))


class ReportQuerySchema(PairQuerySchema):
    """Limits that define a cluster."""

    min_cluster = QueryInteger(load_default=3, validate=validate.Range(1, 500))
    max_spread = QueryInteger(load_default=3, validate=validate.Range(1, 100))
