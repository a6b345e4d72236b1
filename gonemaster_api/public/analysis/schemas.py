"""Schemas of snapshots and their objects in the public analysis."""

from typing import Any

import marshmallow as ma

from gonemaster_api.queries.analysis.registry_card import STATES
from gonemaster_api.rest.fields import Instant, level_of
from gonemaster_api.rest.paging import page_schema
from gonemaster_api.v1.jobs.measure_schemas import NameserverTimingSchema
from gonemaster_db.analysis.models.cohorts import MaterializationStatus

TONES = ("ok", "notice", "warning", "error", "critical", "neutral")

_fields = ma.fields


def _required(field: type[_fields.Field[Any]], **options: Any) -> Any:
    return field(required=True, **options)


def _nullable(field: type[_fields.Field[Any]], **options: Any) -> Any:
    return field(required=True, allow_none=True, **options)


def _nested(schema: type[ma.Schema], **options: Any) -> Any:
    return _fields.Nested(schema, required=True, **options)


def _many(schema: type[ma.Schema], **options: Any) -> Any:
    return _fields.List(_fields.Nested(schema), required=True, **options)


class AnalysisSnapshotSchema(ma.Schema):
    """A snapshot."""

    slug = _required(_fields.String)
    label = _required(_fields.String)
    description = _required(_fields.String)
    captured_at = _required(Instant)
    first_run_at = _nullable(Instant)
    last_run_at = _nullable(Instant)
    run_count = _required(_fields.Integer)
    domain_count = _required(_fields.Integer)
    profile_name = _required(_fields.String)
    engine_version = _nullable(_fields.String, metadata={"description": "null if unknown"})
    mixed_engine_version = _required(_fields.Boolean)
    tag_view_min_level = level_of(metadata={"description": "lowest level of the findings in it"})
    vocabulary_available = _required(_fields.Boolean)
    is_default = _required(_fields.Boolean)


class AnalysisSnapshotListSchema(ma.Schema):
    """The snapshots of a cohort, newest first; at most 500."""

    dataset_tag = _required(_fields.String)
    label = _required(_fields.String)
    snapshots = _many(AnalysisSnapshotSchema)


class AnalysisBucketSchema(ma.Schema):
    """The domains that have one key of a category."""

    key = _required(_fields.String)
    label = _required(_fields.String)
    tone = _required(_fields.String, metadata={"enum": list(TONES)})
    count = _required(_fields.Integer)
    order = _required(_fields.Integer)


class AnalysisDistributionSchema(ma.Schema):
    """Distribution of the domains over the keys of a category."""

    category = _required(_fields.String)
    label = _required(_fields.String)
    description = _required(_fields.String)
    order = _required(_fields.Integer)
    buckets = _many(AnalysisBucketSchema)


class AnalysisTotalsSchema(ma.Schema):
    """Number of objects of each kind."""

    domain_count = _required(_fields.Integer)
    nameserver_count = _required(_fields.Integer)
    endpoint_count = _required(_fields.Integer)
    asn_count = _required(_fields.Integer)
    prefix_count = _required(_fields.Integer)


class AnalysisOverviewBodySchema(ma.Schema):
    """Totals, top lists and distributions."""

    totals = _nested(AnalysisTotalsSchema)
    top_tags = _required(_fields.List, cls_or_instance=_fields.Dict())
    top_nameservers = _required(_fields.List, cls_or_instance=_fields.Dict())
    top_asns = _required(_fields.List, cls_or_instance=_fields.Dict())
    fact_distributions = _many(AnalysisDistributionSchema)


class _CohortHead(ma.Schema):
    dataset_tag = _required(_fields.String)
    label = _required(_fields.String)
    description = _required(_fields.String)
    is_default = _required(_fields.Boolean)


class _Materialized(ma.Schema):
    materialization_status = _required(_fields.String, metadata={"enum": list(map(str, MaterializationStatus))})
    last_materialized_at = _nullable(Instant)


class AnalysisOverviewSchema(_CohortHead, _Materialized):
    """The overview of a snapshot."""

    status = _required(_fields.String, metadata={"enum": ["ok"]})
    snapshot = _nested(AnalysisSnapshotSchema)
    overview = _nested(AnalysisOverviewBodySchema)


class AnalysisCohortSchema(_CohortHead):
    """A public cohort."""

    sort_order = _required(_fields.Integer)
    default_snapshot = _nullable(_fields.String, metadata={"description": "slug of the snapshot that is shown first"})
    snapshot_count = _required(_fields.Integer)


class AnalysisCatalogSchema(ma.Schema):
    """All public cohorts."""

    default_tag = _required(_fields.String)
    cohorts = _many(AnalysisCohortSchema)
    selector_enabled = _required(_fields.Boolean, metadata={"description": "there are several cohorts"})
    backend_supported = _required(_fields.Boolean)
    vantage_label = _fields.String(metadata={"description": "where the measurements were made"})


class AnalysisCohortDetailSchema(AnalysisCohortSchema, _Materialized):
    """A cohort with the counts of its default snapshot."""

    status = _required(_fields.String, metadata={"enum": ["ok", "no_snapshot"]})
    snapshot = _fields.Nested(AnalysisSnapshotSchema, required=True, allow_none=True)
    counts = _fields.Nested(AnalysisTotalsSchema, required=True, allow_none=True)
    fact_distributions = _many(AnalysisDistributionSchema)


class AnalysisSnapshotDetailSchema(AnalysisSnapshotSchema):
    """A snapshot with its aggregates."""

    dataset_tag = _required(_fields.String)
    aggregates = _required(
        _fields.Dict,
        keys=_fields.String(),
        metadata={
            "description": "`overview_v2` with totals and top lists, and each fact category with its distribution"
        },
    )


class AnalysisVersionSchema(ma.Schema):
    """Versions."""

    gonemaster = _required(_fields.String)
    engine = _required(_fields.String)
    dns = _required(_fields.String, metadata={"description": "version of dnspython"})


class AnalysisDomainReferenceSchema(ma.Schema):
    """A domain as other objects list it; without score and grade if they are not public."""

    domain = _required(_fields.String)
    score = _nullable(_fields.Integer)
    grade = _nullable(_fields.String)
    worst_level = level_of(allow_none=True)


class AnalysisDomainSchema(AnalysisDomainReferenceSchema):
    """A domain in a snapshot."""

    nameserver_count = _required(_fields.Integer)
    endpoint_count = _required(_fields.Integer)
    asn_count = _required(_fields.Integer)
    prefix_count = _required(_fields.Integer)
    operator = _required(_fields.String)
    operator_asn = _nullable(_fields.Integer)
    finished_at = _required(Instant)
    ipv4_ns_count = _required(_fields.Integer)
    ipv6_ns_count = _required(_fields.Integer)
    dnskey_algo_weakest = _nullable(_fields.Integer)
    dnskey_algo_weakest_label = _nullable(_fields.String)
    dnskey_algo_weakest_tone = _nullable(_fields.String, metadata={"enum": [*TONES, None]})
    dnskey_count = _nullable(_fields.Integer)
    dnssec_posture = _required(_fields.String)
    dnssec_posture_label = _required(_fields.String)
    dnssec_posture_tone = _required(_fields.String, metadata={"enum": list(TONES)})
    causes = _nullable(
        _fields.List,
        cls_or_instance=_fields.String(),
        metadata={"description": "root causes, worst first; null if they are unknown"},
    )


class _LatencyFields(ma.Schema):
    latency_p50_ms = _nullable(_fields.Float)
    latency_p95_ms = _nullable(_fields.Float)
    latency_samples = _required(_fields.Integer, metadata={"description": "number of answers measured"})


class _Announced(ma.Schema):
    family = _required(_fields.Integer, metadata={"enum": [4, 6]})
    asn = _nullable(_fields.Integer)
    asn_label = _required(_fields.String)
    prefix = _required(_fields.String, metadata={"description": "empty if unknown"})


class AnalysisAsnReferenceSchema(ma.Schema):
    """An AS as listed by other objects."""

    asn = _required(_fields.Integer)
    label = _required(_fields.String)
    domain_count = _required(_fields.Integer)


class AnalysisNameserverReferenceSchema(ma.Schema):
    """A name server as listed by other objects."""

    nameserver = _required(_fields.String)
    domain_count = _required(_fields.Integer)


class AnalysisPrefixReferenceSchema(ma.Schema):
    """A prefix as listed by other objects."""

    prefix = _required(_fields.String)
    family = _required(_fields.Integer, metadata={"enum": [4, 6]})
    domain_count = _required(_fields.Integer)


class AnalysisNameserverSchema(AnalysisNameserverReferenceSchema, _LatencyFields):
    """A name server."""

    endpoint_count = _required(_fields.Integer)
    ipv4_count = _required(_fields.Integer)
    ipv6_count = _required(_fields.Integer)
    asn_count = _required(_fields.Integer)
    operator = _required(_fields.String, metadata={"description": "label of its ASes; Multiple if they differ"})
    operator_asn = _nullable(_fields.Integer)
    query_count = _required(_fields.Integer)


class AnalysisEndpointSchema(_Announced, _LatencyFields):
    """A name server address."""

    nameserver = _required(_fields.String)
    address = _required(_fields.String)
    domain_count = _required(_fields.Integer)


class AnalysisAsnSchema(AnalysisAsnReferenceSchema, _LatencyFields):
    """An autonomous system."""

    address_count = _required(_fields.Integer)
    nameserver_count = _required(_fields.Integer)
    prefix_count = _required(_fields.Integer)
    ipv4_count = _required(_fields.Integer)
    ipv6_count = _required(_fields.Integer)


class AnalysisPrefixSchema(_Announced, AnalysisPrefixReferenceSchema):
    """An announced prefix."""

    address_count = _required(_fields.Integer)


class AnalysisDomainTagSchema(ma.Schema):
    """A message tag that a domain has."""

    tag = _required(_fields.String)
    module = _required(_fields.String)
    testcase = _required(_fields.String)
    level = level_of()


class AnalysisTagSchema(AnalysisDomainTagSchema):
    """A message tag of a test case."""

    domain_count = _required(_fields.Integer)
    occurrence_count = _required(_fields.Integer)


class AnalysisTestcaseSchema(ma.Schema):
    """A test case."""

    __test__ = False
    module = _required(_fields.String)
    testcase = _required(_fields.String)
    domain_count = _required(_fields.Integer)
    entry_count = _required(_fields.Integer)
    worst_level = level_of()


def _list_of(item: type[ma.Schema], name: str) -> type[ma.Schema]:
    head = {key: _fields.String(required=True) for key in ("dataset_tag", "snapshot", "sort")}
    return page_schema(item, f"Analysis{name}", **head)


AnalysisDomainListSchema = _list_of(AnalysisDomainSchema, "Domain")
AnalysisNameserverListSchema = _list_of(AnalysisNameserverSchema, "Nameserver")
AnalysisEndpointListSchema = _list_of(AnalysisEndpointSchema, "Endpoint")
AnalysisAsnListSchema = _list_of(AnalysisAsnSchema, "Asn")
AnalysisPrefixListSchema = _list_of(AnalysisPrefixSchema, "Prefix")
AnalysisTagListSchema = _list_of(AnalysisTagSchema, "Tag")
AnalysisTestcaseListSchema = _list_of(AnalysisTestcaseSchema, "Testcase")


class _SnapshotFields(ma.Schema):
    dataset_tag = _required(_fields.String)
    snapshot = _required(_fields.String, metadata={"description": "slug"})


class _WithDomains(_SnapshotFields):
    domains = _many(AnalysisDomainReferenceSchema, metadata={"description": "one page; `domain_count` is the total"})
    limit = _required(_fields.Integer)
    offset = _required(_fields.Integer)


class AnalysisNameserverDetailSchema(AnalysisNameserverSchema, _WithDomains):
    """A name server with its addresses, ASes and domains."""

    latency_ipv4 = _nullable(_fields.Float, metadata={"description": "median over IPv4, milliseconds"})
    latency_ipv6 = _nullable(_fields.Float)
    addresses = _many(AnalysisEndpointSchema)
    asns = _many(AnalysisAsnReferenceSchema)


class AnalysisEndpointDetailSchema(AnalysisEndpointSchema, _WithDomains):
    """A name server address with its domains."""


class AnalysisAsnDetailSchema(AnalysisAsnSchema, _WithDomains):
    """An AS with its name servers, prefixes and domains; at most 500 name servers and prefixes."""

    nameservers = _many(AnalysisNameserverReferenceSchema)
    prefixes = _many(AnalysisPrefixReferenceSchema)


class AnalysisPrefixDetailSchema(AnalysisPrefixSchema, _WithDomains):
    """A prefix with its addresses, ASes and domains; at most 500 addresses."""

    addresses = _many(AnalysisEndpointSchema)
    asns = _many(AnalysisAsnReferenceSchema)


class AnalysisTagDetailSchema(_WithDomains):
    """A message tag with its domains, across all its test cases."""

    tag = _required(_fields.String)
    module = _required(_fields.String)
    level = level_of(metadata={"description": "the worst one"})
    domain_count = _required(_fields.Integer)
    occurrence_count = _required(_fields.Integer)
    testcases = _many(AnalysisTagSchema)


class AnalysisTestcaseDetailSchema(AnalysisTestcaseSchema, _WithDomains):
    """A test case with its message tags and domains."""

    tags = _many(AnalysisTagSchema)


class AnalysisDomainServerSchema(ma.Schema):
    """A name server of a domain."""

    nameserver = _required(_fields.String)
    ipv4_count = _required(_fields.Integer)
    ipv6_count = _required(_fields.Integer)
    addresses = _required(_fields.List, cls_or_instance=_fields.String())
    status = _fields.String(metadata={"enum": ["unresolved"], "description": "only if it has no address"})


class AnalysisDomainAddressSchema(_Announced):
    """An address of a domain's name servers."""

    address = _required(_fields.String)
    status = _fields.String(metadata={"enum": ["unreachable"], "description": "only if it did not answer"})


class AnalysisEntrySchema(AnalysisDomainTagSchema):
    """An entry of a domain's run, at INFO and above, in English."""

    args = _required(_fields.Dict)
    message = _required(_fields.String)
    reference = _required(_fields.String, allow_none=True, metadata={"format": "uri"})


class AnalysisRegistrySchema(ma.Schema):
    """The registration data of a domain from RDAP; null or empty if the registry does not publish the value."""

    state = _required(
        _fields.String,
        metadata={
            "enum": list(STATES),
            "description": "`pending`: requested, repeat the request later; "
            "`unavailable`: the registry has no service or it failed",
        },
    )
    fetched_at = _nullable(Instant)
    source_url = _nullable(_fields.String)
    handle = _nullable(_fields.String)
    status = _required(_fields.List, cls_or_instance=_fields.String())
    registrar = _nullable(_fields.String)
    registry_org = _nullable(_fields.String, metadata={"description": "of a top-level domain"})
    registered_at = _nullable(_fields.String, metadata={"format": "date-time"})
    expires_at = _nullable(_fields.String, metadata={"format": "date-time"})
    changed_at = _nullable(_fields.String, metadata={"format": "date-time"})
    nameservers = _required(_fields.List, cls_or_instance=_fields.String())
    delegation_signed = _nullable(_fields.Boolean)


class AnalysisDomainDetailSchema(AnalysisDomainSchema, _SnapshotFields):
    """A domain with its name servers, addresses, findings and registration data."""

    rdap_url = _nullable(_fields.String, metadata={"description": "null where external data are not enabled"})
    registry = _nullable(
        _fields.Nested,
        nested=AnalysisRegistrySchema,
        metadata={"description": "null where external data are not enabled; not frozen with the snapshot"},
    )

    nameservers = _many(AnalysisDomainServerSchema)
    addresses = _many(AnalysisDomainAddressSchema)
    tags = _many(AnalysisDomainTagSchema)
    entries = _fields.List(
        _fields.Nested(AnalysisEntrySchema),
        required=True,
        allow_none=True,
        metadata={"description": "null once the run is deleted"},
    )
    nameserver_timings = _fields.List(
        _fields.Nested(NameserverTimingSchema), metadata={"description": "absent where they are not public"}
    )


class AnalysisKeyMetaSchema(ma.Schema):
    """Label, tone and order of a category key."""

    label = _required(_fields.String)
    tone = _required(_fields.String, metadata={"enum": list(TONES)})
    order = _required(_fields.Integer)


class AnalysisTrendPointSchema(ma.Schema):
    """A snapshot in trends."""

    slug = _required(_fields.String)
    label = _required(_fields.String)
    captured_at = _required(Instant)
    first_run_at = _nullable(Instant)
    last_run_at = _nullable(Instant)
    domain_count = _required(_fields.Integer)
    engine_version = _nullable(_fields.String)
    mixed_engine_version = _required(_fields.Boolean)
    score_rule = _required(_fields.Integer, metadata={"description": "version of the rule of scores"})
    payload = _required(_fields.Dict, keys=_fields.String(), values=_fields.Integer())


class AnalysisTrendsSchema(ma.Schema):
    """Numbers of domains by key of a category, oldest snapshot first."""

    dataset_tag = _required(_fields.String)
    category = _required(_fields.String)
    label = _required(_fields.String)
    description = _required(_fields.String)
    points = _many(AnalysisTrendPointSchema)
    key_meta = _required(_fields.Dict, keys=_fields.String(), values=_fields.Nested(AnalysisKeyMetaSchema))


class AnalysisHistoryPointSchema(ma.Schema):
    """The state of the object in a snapshot; null if unknown."""

    slug = _required(_fields.String)
    captured_at = _required(Instant)
    present = _required(_fields.Boolean)
    domain_count = _nullable(_fields.Integer)
    latency_p50_ms = _nullable(_fields.Float)
    score = _nullable(_fields.Integer)
    grade = _nullable(_fields.String)


class AnalysisHistorySchema(ma.Schema):
    """The history of one object, oldest snapshot first."""

    dataset_tag = _required(_fields.String)
    entity = _required(_fields.String)
    key = _required(_fields.String)
    points = _many(AnalysisHistoryPointSchema)
