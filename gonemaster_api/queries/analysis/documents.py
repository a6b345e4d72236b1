"""Objects of frozen views as documents."""

from collections.abc import Mapping
from typing import Any

from gonemaster_api.queries.analysis.reading import Reading
from gonemaster_db.analysis.categories import BY_NAME, DNSKEY_ALGO_WEAKEST, DNSSEC_POSTURE
from gonemaster_db.analysis.public_snapshots import PublicSnapshot

_COUNTS = ("domain_count", "address_count", "nameserver_count", "prefix_count", "ipv4_count", "ipv6_count")
_LATENCY = ("latency_p50_ms", "latency_p95_ms", "latency_samples")
_MEMBERS: Mapping[str, tuple[str, ...]] = {
    "domain": (
        "worst_level", "nameserver_count", "endpoint_count", "asn_count", "prefix_count", "operator", "operator_asn",
        "finished_at", "ipv4_ns_count", "ipv6_ns_count",
    ),
    "nameserver": (
        "domain_count", "endpoint_count", "ipv4_count", "ipv6_count", "asn_count", "operator", "operator_asn",
        "query_count", *_LATENCY,
    ),
    "endpoint": ("nameserver", "address", "family", "domain_count", "asn", "prefix", *_LATENCY),
    "asn": ("asn", "label", *_COUNTS, *_LATENCY),
    "prefix": ("prefix", "family", "domain_count", "address_count", "asn", "asn_label"),
    "tag": ("tag", "module", "testcase", "level", "domain_count", "occurrence_count"),
    "testcase": ("module", "testcase", "domain_count", "entry_count", "worst_level"),
}  # fmt: skip


def row_document(reading: Reading, kind: str, row: Any) -> dict[str, Any]:
    """Return an object in the form used in lists."""
    document = {name: getattr(row, name) for name in _MEMBERS[kind]} | _as_labels(reading, kind, row)
    if kind == "domain":
        return {"domain": row.name} | _scores(reading, row) | document | _dnssec(row)
    if kind == "nameserver":
        return {"nameserver": row.name} | document
    if kind == "endpoint":
        return document | {"asn_label": reading.as_label(row.operator, row.asn)}
    return document


def _as_labels(reading: Reading, kind: str, row: Any) -> dict[str, Any]:
    if kind in ("domain", "nameserver"):
        return {"operator": reading.as_label(row.operator, row.operator_asn)}
    if kind == "asn":
        return {"label": reading.as_label(row.label, row.asn)}
    return {"asn_label": reading.as_label(row.asn_label, row.asn)} if kind == "prefix" else {}


def domain_reference(reading: Reading, row: Any) -> dict[str, Any]:
    """Return a domain in the form used in lists of other objects."""
    return {"domain": row.name} | _scores(reading, row) | {"worst_level": row.worst_level}


def _scores(reading: Reading, row: Any) -> dict[str, Any]:
    return {"score": row.score, "grade": row.grade} if reading.shows_scores else {"score": None, "grade": None}


def _dnssec(row: Any) -> dict[str, Any]:
    weakest, posture = row.dnskey_algo_weakest, row.dnssec_posture
    algorithm = None if weakest is None else BY_NAME[DNSKEY_ALGO_WEAKEST].describe(str(weakest))
    described = BY_NAME[DNSSEC_POSTURE].describe(posture)
    return {
        "dnskey_algo_weakest": weakest,
        "dnskey_algo_weakest_label": algorithm and algorithm.label,
        "dnskey_algo_weakest_tone": algorithm and algorithm.tone,
        "dnskey_count": row.dnskey_count,
        "dnssec_posture": posture,
        "dnssec_posture_label": described.label,
        "dnssec_posture_tone": described.tone,
    }


def snapshot_document(snapshot: PublicSnapshot) -> dict[str, Any]:
    """Return the document of a snapshot."""
    return {
        "slug": snapshot.slug,
        "label": snapshot.label,
        "description": snapshot.description,
        "captured_at": snapshot.captured_at,
        "first_run_at": snapshot.first_run_at,
        "last_run_at": snapshot.last_run_at,
        "run_count": snapshot.run_count,
        "domain_count": snapshot.domain_count,
        "profile_name": snapshot.profile_name,
        "engine_version": snapshot.engine_version or None,
        "mixed_engine_version": snapshot.mixed_engine_version,
        "tag_view_min_level": snapshot.tag_view_min_level,
        "vocabulary_available": snapshot.vocabulary_id is not None,
        "is_default": snapshot.is_default,
    }
