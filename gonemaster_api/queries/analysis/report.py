"""Report about two snapshots: the changes, and whether the domains or the measurement caused them."""

from collections.abc import Mapping, Sequence
from typing import Any

from gonemaster_api.errors import NotFound
from gonemaster_api.queries.analysis.comparisons import change_kind, engine_delta, heading, tag_document, values_of
from gonemaster_api.queries.analysis.reading import Reading
from gonemaster_api.queries.causes import cause_changes
from gonemaster_api.rest.paging import slice_of
from gonemaster_db.analysis.clusters import Cluster
from gonemaster_db.analysis.comparison import Moved
from gonemaster_db.analysis.public_snapshots import PublicSnapshot
from gonemaster_db.analysis.tag_changes import Levels, TagKey, TagRules, read_rules
from gonemaster_db.analysis.views.rows import read_members_of, values_at
from gonemaster_db.models import SnapshotTag
from gonemaster_engine.scoring.config import ScoringConfig
from gonemaster_engine.scoring.rule import FIRST_RULE
from gonemaster_tasks.control.comparisons import read_comparison

MAX_CLUSTERS = 100  # The response has only the largest clusters.
_TAG_COLUMNS = ("tag", "module", "testcase", "level")


def read_report(
    query: Mapping[str, Any], reading: Reading, before: PublicSnapshot, after: PublicSnapshot, config: ScoringConfig
) -> dict[str, Any]:
    """Return the report about two snapshots.

    Raises:
        NotFound: scores are not public.
    """
    if not reading.shows_scores:
        raise NotFound("public report (scores are not public)", "")
    found = read_comparison(reading.state.store, reading.session, before, after, config)
    rules, part = read_rules(reading.session, before, after), slice_of(query)
    clusters = _chosen(found.clusters, query["min_cluster"], query["max_spread"])
    moved = found.moved_page(part.limit, part.offset)
    return heading(reading, before, after) | {
        "engine": engine_delta(before, after),
        "vocabulary": _vocabulary_delta(rules),
        "scoring_config_changed": _scoring_changed(before, after),
        "tag_floor": rules.floor,
        "totals": found.totals,
        "tags": [
            tag_document(change)
            | {
                "change": change_kind(change.was, change.now),
                "class": change.tag_class.value,
                "domains_appeared": change.appeared,
                "domains_cleared": change.cleared,
            }
            for change in found.tags
        ],
        "causes": cause_changes(found.causes),
        "domains": moved_domains(reading, before, after, moved, rules),
        "domain_total": found.moved_total,
        "clusters": _clusters(reading, after, clusters[:MAX_CLUSTERS]),
        "cluster_total": len(clusters),
        "limit": part.limit,
        "offset": part.offset,
    }


def read_movers(
    reading: Reading, before: PublicSnapshot, after: PublicSnapshot, config: ScoringConfig, *, maximum: int
) -> tuple[list[dict[str, Any]], int]:
    """Return the domains whose scores fell and rose most, `maximum` of each, and the number of all changed domains.

    This is faster than a report, which also reads all tags and clusters.
    """
    found = read_comparison(reading.state.store, reading.session, before, after, config)
    rules, total = read_rules(reading.session, before, after), found.moved_total
    last = max(maximum, total - maximum)
    moved = [*found.moved_page(maximum, 0), *(found.moved_page(maximum, last) if last < total else ())]
    return moved_domains(reading, before, after, moved, rules), total


def _scoring_changed(before: PublicSnapshot, after: PublicSnapshot) -> str:
    """Return `true`, `false` or `unknown`."""
    if not before.scoring_config_hash or not after.scoring_config_hash:
        return "unknown"
    was, now = ((each.scoring_config_hash, each.score_rule or FIRST_RULE) for each in (before, after))
    return "true" if was != now else "false"


def _vocabulary_delta(rules: TagRules) -> dict[str, Any] | None:
    """Compare the vocabularies; return None if one is missing."""
    earlier, later = rules.earlier, rules.later
    if earlier is None or later is None:
        return None
    moved = sorted(key for key in earlier.keys() & later.keys() if earlier[key] != later[key])
    return {
        "added": _vocabulary_tags(later, sorted(later.keys() - earlier.keys())),
        "removed": _vocabulary_tags(earlier, sorted(earlier.keys() - later.keys())),
        "level_changed": [
            {"module": key[0], "tag": key[1], "from_level": earlier[key], "to_level": later[key]} for key in moved
        ],
    }


def _vocabulary_tags(levels: Levels, keys: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"module": key[0], "tag": key[1], "level": levels[key]} for key in keys]


def _chosen(clusters: Sequence[Cluster], min_size: int, max_spread: int) -> list[Cluster]:
    return [
        cluster for cluster in clusters if cluster.size >= min_size and cluster.maximum - cluster.minimum <= max_spread
    ]


def _clusters(reading: Reading, after: PublicSnapshot, clusters: Sequence[Cluster]) -> list[dict[str, Any]]:
    names = values_of(reading, after, {position for cluster in clusters for position in cluster.domains})
    return [
        {
            "direction": "improved" if cluster.minimum > 0 else "regressed",
            "keys": [{"key": key, "value": value} for key, value in cluster.keys],
            "domain_count": cluster.size,
            "min_delta": cluster.minimum,
            "max_delta": cluster.maximum,
            "domains": [names[position]["name"] for position in cluster.domains],
        }
        for cluster in clusters
    ]


def moved_domains(
    reading: Reading, before: PublicSnapshot, after: PublicSnapshot, moved: Sequence[Moved], rules: TagRules
) -> list[dict[str, Any]]:
    """Return domains whose scores changed, with their changed tags."""
    old = values_of(reading, before, [domain.before for domain in moved])
    new = values_of(reading, after, [domain.after for domain in moved])
    was = _levels_of_tags(reading, before, [domain.before for domain in moved], rules)
    now = _levels_of_tags(reading, after, [domain.after for domain in moved], rules)
    return [
        {
            "domain": old[domain.before]["name"],
            "from_score": old[domain.before]["score"],
            "to_score": new[domain.after]["score"],
            "from_grade": old[domain.before]["grade"],
            "to_grade": new[domain.after]["grade"],
            "delta": domain.delta,
            "explained": domain.explained,
            "unexplained": domain.delta - domain.explained,
            "category": domain.category.name.lower(),
            "tags": _changed_tags(was.get(domain.before, {}), now.get(domain.after, {}), rules),
        }
        for domain in moved
    ]


def _changed_tags(was: Mapping[TagKey, str], now: Mapping[TagKey, str], rules: TagRules) -> list[dict[str, Any]]:
    found = []
    for key in sorted({*was, *now}):
        old, new = was.get(key), now.get(key)
        if old != new:
            head = {"tag": key.tag, "module": key.module, "testcase": key.testcase, "change": change_kind(old, new)}
            tag_class = rules.classify(key, old, new)
            found.append({**head, "class": tag_class.value, "from_level": old, "to_level": new})
    return found


def _levels_of_tags(
    reading: Reading, snapshot: PublicSnapshot, positions: Sequence[int], rules: TagRules
) -> dict[int, dict[TagKey, str]]:
    """Return the tags of some domains with their levels, from the lowest reported level up."""
    members = read_members_of(reading.session, snapshot.view_id, "domain", positions, "tag")
    tag_positions = {position for tags in members.values() for position in tags}
    rows = values_at(reading.session, SnapshotTag, snapshot.view_id, tag_positions, _TAG_COLUMNS)
    known = {
        position: (TagKey(row["tag"], row["module"], row["testcase"]), row["level"])
        for position, row in rows.items()
        if rules.is_shown(row["level"])
    }
    return {position: dict([known[tag] for tag in tags if tag in known]) for position, tags in members.items()}
