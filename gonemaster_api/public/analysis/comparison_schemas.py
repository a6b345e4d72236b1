"""Schemas of the differences between two snapshots in the public analysis."""

from typing import Any

import marshmallow as ma

from gonemaster_api.public.analysis.query_schemas import GRANULARITIES
from gonemaster_api.public.analysis.schemas import AnalysisDomainReferenceSchema
from gonemaster_api.rest.fields import Instant, level_of
from gonemaster_api.v1.causes.schemas import CauseDomainsSchema
from gonemaster_db.analysis.comparison import ChangeCategory
from gonemaster_db.analysis.tag_changes import TagClass

_fields = ma.fields
_CLASSES = list(map(str, TagClass))
_CHANGES = ["appeared", "cleared", "level_changed", "domains_changed"]
_CATEGORIES = [category.name.lower() for category in ChangeCategory]


def _text(**options: Any) -> _fields.String:
    return _fields.String(required=True, **options)


def _number(**options: Any) -> _fields.Integer:
    return _fields.Integer(required=True, **options)


def _version(**options: Any) -> _fields.String:
    return _fields.String(required=True, allow_none=True, **options)


def _counts(**options: Any) -> _fields.Dict:
    return _fields.Dict(keys=_fields.String(), values=_fields.Integer(), required=True, **options)


def _many(schema: type[ma.Schema]) -> Any:
    return _fields.List(_fields.Nested(schema), required=True)


class AnalysisSideSchema(ma.Schema):
    """One of the two snapshots."""

    slug = _text()
    label = _text()
    captured_at = Instant(required=True)
    first_run_at = Instant(required=True, allow_none=True)
    last_run_at = Instant(required=True, allow_none=True)
    domain_count = _number()


class AnalysisEngineDeltaSchema(ma.Schema):
    """The engine versions of the two snapshots."""

    from_engine_version = _version()
    to_engine_version = _version()
    crossed_engine_versions = _fields.Boolean(required=True)
    engine_version_unknown = _fields.Boolean(required=True, metadata={"description": "or a snapshot has several"})


# `from` and `class` are Python keywords, so fields of these names need a schema built from a dictionary.
_Heading = ma.Schema.from_dict(
    {
        "dataset_tag": _text(),
        "from": _fields.Nested(AnalysisSideSchema, required=True),
        "to": _fields.Nested(AnalysisSideSchema, required=True),
    },
    name="_Heading",
)
_Classified = ma.Schema.from_dict(
    {"change": _text(metadata={"enum": _CHANGES}), "class": _text(metadata={"enum": _CLASSES})}, name="_Classified"
)


class AnalysisDomainPairSchema(ma.Schema):
    """A domain in both snapshots."""

    domain = _text()
    from_score = _fields.Integer(required=True, allow_none=True)
    to_score = _fields.Integer(required=True, allow_none=True)
    from_grade = _fields.String(required=True, allow_none=True)
    to_grade = _fields.String(required=True, allow_none=True)
    from_level = level_of(allow_none=True)
    to_level = level_of(allow_none=True)


class AnalysisTagChangeSchema(ma.Schema):
    """A message tag that changed; a null level means that it is absent."""

    tag = _text()
    module = _text()
    testcase = _text()
    from_level = level_of(allow_none=True)
    to_level = level_of(allow_none=True)
    from_domain_count = _number()
    to_domain_count = _number()
    domain_delta = _number()


class AnalysisCauseDomainSchema(ma.Schema):
    """A domain of both snapshots whose root causes differ."""

    domain = _text()
    appeared = _fields.List(_fields.String(), required=True, metadata={"description": "worst first"})
    cleared = _fields.List(_fields.String(), required=True, metadata={"description": "worst first"})


class AnalysisGradeChangeSchema(ma.Schema):
    """Number of domains whose grade changed from one value to another."""

    from_grade = _fields.String(required=True, allow_none=True)
    to_grade = _fields.String(required=True, allow_none=True)
    count = _number()


_OF_DOMAINS = {"description": "with granularity `domains`"}
_OF_CAUSES = {"description": "with granularity `causes`"}
_PAGED = {"description": "with granularity `domains` and `causes`"}
_OF_TAGS = {"description": "with granularity `tags`"}


class AnalysisDiffSchema(_Heading, AnalysisEngineDeltaSchema):  # type: ignore[misc, valid-type]  # built above
    """The differences; `limit` and `offset` apply to each list, and `counts` has the length of each list."""

    granularity = _text(metadata={"enum": list(GRANULARITIES)})
    counts = _counts()
    grade_changes = _fields.List(_fields.Nested(AnalysisGradeChangeSchema), metadata=_OF_DOMAINS)
    added = _fields.List(_fields.Nested(AnalysisDomainReferenceSchema), metadata=_OF_DOMAINS)
    removed = _fields.List(_fields.Nested(AnalysisDomainReferenceSchema), metadata=_OF_DOMAINS)
    grade_changed = _fields.List(_fields.Nested(AnalysisDomainPairSchema), metadata=_OF_DOMAINS)
    level_changed = _fields.List(
        _fields.Dict(),
        metadata={"description": "domains as in `grade_changed`, or message tags as in `appeared`; not with `causes`"},
    )
    appeared = _fields.List(_fields.Nested(AnalysisTagChangeSchema), metadata=_OF_TAGS)
    cleared = _fields.List(_fields.Nested(AnalysisTagChangeSchema), metadata=_OF_TAGS)
    causes = _fields.List(_fields.Nested(CauseDomainsSchema), metadata=_OF_CAUSES)
    domains = _fields.List(_fields.Nested(AnalysisCauseDomainSchema), metadata=_OF_CAUSES)
    limit = _fields.Integer(metadata=_PAGED)
    offset = _fields.Integer(metadata=_PAGED)


class AnalysisVocabularyTagSchema(ma.Schema):
    """A message tag that only one engine version knows."""

    module = _text()
    tag = _text()
    level = level_of()


class AnalysisVocabularyLevelSchema(ma.Schema):
    """A message tag whose level differs."""

    module = _text()
    tag = _text()
    from_level = level_of()
    to_level = level_of()


class AnalysisVocabularyDeltaSchema(ma.Schema):
    """Differences between the tables of levels."""

    added = _many(AnalysisVocabularyTagSchema)
    removed = _many(AnalysisVocabularyTagSchema)
    level_changed = _many(AnalysisVocabularyLevelSchema)


class AnalysisReportTotalsSchema(ma.Schema):
    """Numbers of domains; scores are compared for domains with a score in both snapshots."""

    from_domain_count = _number()
    to_domain_count = _number()
    common = _number()
    added = _number()
    removed = _number()
    compared = _number()
    improved = _number()
    regressed = _number()
    identical_score = _number()
    from_mean_score = _fields.Float(required=True, allow_none=True)
    to_mean_score = _fields.Float(required=True, allow_none=True)
    from_grades = _counts()
    to_grades = _counts()
    grade_changes = _many(AnalysisGradeChangeSchema)
    domain_categories = _counts()


class AnalysisReportTagSchema(AnalysisTagChangeSchema, _Classified):  # type: ignore[misc, valid-type]  # built above
    """A changed message tag with its class."""

    domains_appeared = _number(
        metadata={"description": "domains of both snapshots with this message tag only in the later one"}
    )
    domains_cleared = _number()


class AnalysisChangedTagSchema(_Classified):  # type: ignore[misc, valid-type]  # built above
    """A message tag that appeared, was cleared or changed its level at a domain."""

    tag = _text()
    module = _text()
    testcase = _text()
    from_level = level_of(allow_none=True)
    to_level = level_of(allow_none=True)


class AnalysisReportDomainSchema(ma.Schema):
    """A domain whose score or findings changed."""

    domain = _text()
    from_score = _number()
    to_score = _number()
    from_grade = _fields.String(required=True, allow_none=True)
    to_grade = _fields.String(required=True, allow_none=True)
    delta = _number()
    explained = _number(metadata={"description": "points lost or regained by its changed message tags"})
    unexplained = _number()
    category = _text(metadata={"enum": _CATEGORIES})
    tags = _many(AnalysisChangedTagSchema)


class AnalysisClusterKeySchema(ma.Schema):
    """A property that the domains of a cluster have in common."""

    key = _text(
        metadata={"enum": ["nameserver", "asn", "prefix", "dnssec_posture", "dnskey_algo_weakest", "software_version"]}
    )
    value = _text()


class AnalysisClusterSchema(ma.Schema):
    """Domains whose scores changed together; the first 25 are listed."""

    direction = _text(metadata={"enum": ["improved", "regressed"]})
    keys = _many(AnalysisClusterKeySchema)
    domain_count = _number()
    min_delta = _number()
    max_delta = _number()
    domains = _fields.List(_fields.String(), required=True)


class AnalysisReportSchema(_Heading):  # type: ignore[misc, valid-type]  # built above
    """The changes between two snapshots and their causes."""

    engine = _fields.Nested(AnalysisEngineDeltaSchema, required=True)
    vocabulary = _fields.Nested(
        AnalysisVocabularyDeltaSchema,
        required=True,
        allow_none=True,
        metadata={"description": "null where a snapshot has no vocabulary"},
    )
    scoring_config_changed = _text(metadata={"enum": ["true", "false", "unknown"]})
    tag_floor = level_of()
    totals = _fields.Nested(AnalysisReportTotalsSchema, required=True)
    tags = _many(AnalysisReportTagSchema)
    causes = _many(CauseDomainsSchema)
    domains = _many(AnalysisReportDomainSchema)
    domain_total = _number()
    clusters = _many(AnalysisClusterSchema)
    cluster_total = _number()
    limit = _number()
    offset = _number()
