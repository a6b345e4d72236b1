"""Differences between two snapshots as documents."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gonemaster_api.errors import BadRequest
from gonemaster_api.queries.analysis.reading import Reading
from gonemaster_api.queries.causes import cause_changes, only_in
from gonemaster_api.rest.paging import Slice, slice_of
from gonemaster_db.analysis.comparison import TagChange
from gonemaster_db.analysis.comparisons import StoredComparison
from gonemaster_db.analysis.public_snapshots import PublicSnapshot
from gonemaster_db.analysis.views.rows import values_at
from gonemaster_db.models import SnapshotDomain
from gonemaster_db.runs.causes import read_cause_sets
from gonemaster_engine.scoring.config import ScoringConfig
from gonemaster_engine.texts import Text
from gonemaster_tasks.control.comparisons import read_comparison

_SHOWN = ("name", "score", "grade", "worst_level")

Values = Mapping[int, Mapping[str, Any]]


def wanted_slugs(query: Mapping[str, Any]) -> tuple[str, str]:
    """Return the slugs of the earlier and the later snapshot. Raises BadRequest."""
    if not query.get("begin") or not query.get("end"):
        raise BadRequest(
            "missing_snapshots", Text("from and to are required: the slugs of two snapshots of the cohort")
        )
    return query["begin"], query["end"]


def read_diff(
    query: Mapping[str, Any], reading: Reading, before: PublicSnapshot, after: PublicSnapshot, config: ScoringConfig
) -> dict[str, Any]:
    """Return the domains, message tags or root causes that differ."""
    found = read_comparison(reading.state.store, reading.session, before, after, config)
    document = heading(reading, before, after) | engine_delta(before, after) | {"granularity": query["granularity"]}
    if query["granularity"] == "tags":
        return document | _tags(found.tags)
    if query["granularity"] == "causes":
        return document | _causes(reading, before, after, found, slice_of(query))
    return document | _domains(reading, before, after, found, slice_of(query))


def heading(reading: Reading, before: PublicSnapshot, after: PublicSnapshot) -> dict[str, Any]:
    """Return the compared snapshots."""
    return {"dataset_tag": reading.cohort.source_tag, "from": _side(before), "to": _side(after)}


def engine_delta(before: PublicSnapshot, after: PublicSnapshot) -> dict[str, Any]:
    """Compare the engine versions; the version is unknown if a snapshot has several versions."""
    known = all(snapshot.engine_version and not snapshot.mixed_engine_version for snapshot in (before, after))
    return {
        "from_engine_version": before.engine_version or None,
        "to_engine_version": after.engine_version or None,
        "crossed_engine_versions": known and before.engine_version != after.engine_version,
        "engine_version_unknown": not known,
    }


def _side(snapshot: PublicSnapshot) -> dict[str, Any]:
    names = ("slug", "label", "captured_at", "first_run_at", "last_run_at", "domain_count")
    return {name: getattr(snapshot, name) for name in names}


def _domains(
    reading: Reading, before: PublicSnapshot, after: PublicSnapshot, found: StoredComparison, part: Slice
) -> dict[str, Any]:
    grades = found.grade_changed if reading.shows_scores else []
    lists: dict[str, Sequence[Any]] = {
        "added": found.added, "removed": found.removed, "grade_changed": grades, "level_changed": found.level_changed,
    }  # fmt: skip
    pages = {name: rows[part.offset : part.offset + part.limit] for name, rows in lists.items()}
    pairs = [*pages["grade_changed"], *pages["level_changed"]]
    old = values_of(reading, before, [*pages["removed"], *(first for first, _ in pairs)])
    new = values_of(reading, after, [*pages["added"], *(second for _, second in pairs)])
    return {
        "counts": {name: len(rows) for name, rows in lists.items()},
        "grade_changes": found.totals["grade_changes"] if reading.shows_scores else [],
        "added": [_single(new[position]) for position in pages["added"]],
        "removed": [_single(old[position]) for position in pages["removed"]],
        "grade_changed": [_pair(old[first], new[second]) for first, second in pages["grade_changed"]],
        "level_changed": [_pair(old[first], new[second]) for first, second in pages["level_changed"]],
        "limit": part.limit,
        "offset": part.offset,
    }


def _causes(
    reading: Reading, before: PublicSnapshot, after: PublicSnapshot, found: StoredComparison, part: Slice
) -> dict[str, Any]:
    pairs = found.causes_changed[part.offset : part.offset + part.limit]
    causes = cause_changes(found.causes)
    counts = {"causes": len(causes), "domains": len(found.causes_changed)}
    domains = cause_pairs(reading, before, after, pairs)
    return {"counts": counts, "causes": causes, "domains": domains, "limit": part.limit, "offset": part.offset}


def cause_pairs(
    reading: Reading, before: PublicSnapshot, after: PublicSnapshot, pairs: Sequence[tuple[int, ...]]
) -> list[dict[str, Any]]:
    """Return domains of both snapshots by their positions, with the root causes that appeared and were cleared."""
    names = ("name", "cause_set_id")
    old, new = (
        values_at(reading.session, SnapshotDomain, side.view_id, [pair[place] for pair in pairs], names)
        for place, side in enumerate((before, after))
    )
    sets = read_cause_sets(reading.session, (row["cause_set_id"] for row in (*old.values(), *new.values())))
    domains = []
    for first, second in pairs:
        was, now = sets.get(old[first]["cause_set_id"]), sets.get(new[second]["cause_set_id"])
        domains.append({"domain": old[first]["name"], "appeared": only_in(now, was), "cleared": only_in(was, now)})
    return domains


def single_domains(reading: Reading, snapshot: PublicSnapshot, positions: Sequence[int]) -> list[dict[str, Any]]:
    """Return domains of one snapshot."""
    found = values_of(reading, snapshot, positions)
    return [_single(found[position]) for position in positions]


def level_pairs(
    reading: Reading, before: PublicSnapshot, after: PublicSnapshot, pairs: Sequence[tuple[int, ...]]
) -> list[dict[str, Any]]:
    """Return domains of both snapshots by their positions."""
    old = values_of(reading, before, [pair[0] for pair in pairs])
    new = values_of(reading, after, [pair[1] for pair in pairs])
    return [_pair(old[first], new[second]) for first, second in pairs]


def values_of(reading: Reading, snapshot: PublicSnapshot, positions: Iterable[int]) -> Values:
    """Return the public values of the domains at some positions."""
    found = values_at(reading.session, SnapshotDomain, snapshot.view_id, positions, _SHOWN)
    if reading.shows_scores:
        return found
    hidden = {"score": None, "grade": None}
    return {position: {**values, **hidden} for position, values in found.items()}


def _single(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"domain": values["name"], **{name: values[name] for name in _SHOWN[1:]}}


def _pair(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "domain": old["name"],
        "from_score": old["score"],
        "to_score": new["score"],
        "from_grade": old["grade"],
        "to_grade": new["grade"],
        "from_level": old["worst_level"],
        "to_level": new["worst_level"],
    }


def _tags(changes: Sequence[TagChange]) -> dict[str, Any]:
    found: dict[str, list[dict[str, Any]]] = {"appeared": [], "cleared": [], "level_changed": []}
    for change in changes:
        kind = change_kind(change.was, change.now)
        if kind in found:
            found[kind].append(tag_document(change))
    return {"counts": {name: len(rows) for name, rows in found.items()}, **found}


def change_kind(was: str | None, now: str | None) -> str:
    """Return the kind of a level change; None means absent."""
    if was is None:
        return "appeared"
    if now is None:
        return "cleared"
    return "domains_changed" if was == now else "level_changed"


def tag_document(change: TagChange) -> dict[str, Any]:
    """Return a changed tag with the numbers of affected domains."""
    return {
        "tag": change.key.tag,
        "module": change.key.module,
        "testcase": change.key.testcase,
        "from_level": change.was,
        "to_level": change.now,
        "from_domain_count": change.domains_before,
        "to_domain_count": change.domains_after,
        "domain_delta": change.domains_after - change.domains_before,
    }
