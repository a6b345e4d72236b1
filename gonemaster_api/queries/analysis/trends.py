"""Development of a cohort over its snapshots: trends of a category, and the history of one object."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from gonemaster_api.errors import BadRequest
from gonemaster_api.queries.analysis.details import asn_of, named, named_server
from gonemaster_api.queries.analysis.reading import Reading
from gonemaster_api.queries.causes import CATEGORY_BY_NAME
from gonemaster_db.analysis.categories import GRADE
from gonemaster_db.analysis.histories import HistoryKind, read_distributions, read_history
from gonemaster_db.analysis.public_snapshots import PublicSnapshot
from gonemaster_engine.scoring.rule import FIRST_RULE
from gonemaster_engine.texts import Text, joined

_DATE_LENGTH = len("2026-01-31")


def read_trends(reading: Reading, snapshots: Sequence[PublicSnapshot], query: Mapping[str, Any]) -> dict[str, Any]:
    """Return the number of domains by key of a category for each snapshot, oldest first.

    Raises:
        BadRequest: invalid_from, invalid_to, invalid_time_range; invalid_category if scores are not public.
    """
    category = CATEGORY_BY_NAME[query["category"]]
    if category.name == GRADE and not reading.shows_scores:
        raise BadRequest("invalid_category", Text("grades are not public here"))
    chosen = _within(snapshots, query.get("begin"), query.get("end"))
    stored = read_distributions(reading.session, [snapshot.view_id for snapshot in chosen])
    points = [_point(snapshot, _payload(stored.get(snapshot.view_id), category.name)) for snapshot in chosen]
    keys = {key for point in points for key in point["payload"]}
    described = {key: category.describe(key) for key in keys}
    shown = sorted(described.values(), key=lambda fact: (fact.order, fact.key))
    return {
        "dataset_tag": reading.cohort.source_tag,
        "category": category.name,
        "label": category.label,
        "description": category.description,
        "points": points,
        "key_meta": {fact.key: {"label": fact.label, "tone": fact.tone, "order": fact.order} for fact in shown},
    }


def _point(snapshot: PublicSnapshot, payload: Mapping[str, int]) -> dict[str, Any]:
    names = ("slug", "label", "captured_at", "first_run_at", "last_run_at", "mixed_engine_version", "domain_count")
    shown = {name: getattr(snapshot, name) for name in names}
    rule = snapshot.score_rule or FIRST_RULE
    return shown | {"engine_version": snapshot.engine_version or None, "score_rule": rule, "payload": payload}


def _payload(stored: str | None, category: str) -> dict[str, int]:
    found: Mapping[str, dict[str, int]] = json.loads(stored) if stored else {}
    return found.get(category, {})


def read_history_of(reading: Reading, snapshots: Sequence[PublicSnapshot], query: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of one object in each snapshot, oldest first.

    Raises:
        BadRequest: invalid_key.
    """
    kind = HistoryKind(query["entity"])
    key = _key(kind, query["key"])
    found = read_history(reading.session, [snapshot.view_id for snapshot in snapshots], kind, key)
    names = ("domain_count", "latency_p50_ms", *(("score", "grade") if reading.shows_scores else ()))
    points = []
    for snapshot in reversed(snapshots):
        series = found.get(snapshot.view_id)
        head = {"slug": snapshot.slug, "captured_at": snapshot.captured_at, "present": series is not None}
        empty = dict.fromkeys(("domain_count", "latency_p50_ms", "score", "grade"))
        points.append(head | empty | {name: series[name] for name in names if series and name in series})
    return {"dataset_tag": reading.cohort.source_tag, "entity": kind.value, "key": str(key), "points": points}


def _key(kind: HistoryKind, text: str) -> str | int:
    if kind is HistoryKind.ASN:
        try:
            return asn_of(text)
        except BadRequest as error:
            raise BadRequest("invalid_key", joined(": ", ("key", error.message))) from error
    if kind is HistoryKind.NAMESERVER:
        return named_server(text, code="invalid_key")
    return text.upper() if kind is HistoryKind.TAG else named(text, code="invalid_key")


def _within(snapshots: Sequence[PublicSnapshot], begin: str | None, end: str | None) -> list[PublicSnapshot]:
    """Return the snapshots of a range, oldest first; bounds are slugs, dates or times, both inclusive."""
    first = None if begin is None else _instant(snapshots, begin, "from")
    last = None if end is None else _instant(snapshots, end, "to")
    if first is not None and last is not None and first > last:
        raise BadRequest("invalid_time_range", Text("from is after to"))
    return [
        snapshot
        for snapshot in reversed(snapshots)
        if (first or _time(snapshot)) <= _time(snapshot) <= (last or _time(snapshot))
    ]


def _time(snapshot: PublicSnapshot) -> datetime:
    return snapshot.first_run_at or snapshot.captured_at


def _instant(snapshots: Sequence[PublicSnapshot], text: str, name: str) -> datetime:
    for snapshot in snapshots:
        if snapshot.slug == text:
            return _time(snapshot)
    try:
        found = datetime.fromisoformat(text)
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        whole_day = timedelta(days=1) - timedelta.resolution
        return found.astimezone(UTC) + (whole_day if name == "to" and len(text) == _DATE_LENGTH else timedelta())
    except (ValueError, OverflowError) as error:
        raise BadRequest(
            f"invalid_{name}", Text("{name} must be the slug of a snapshot, a date or a time", name=name)
        ) from error
