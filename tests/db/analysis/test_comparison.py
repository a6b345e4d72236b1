"""Comparisons of random snapshots agree with a Python implementation that does not use views, on both databases."""

import random
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from gonemaster_db.analysis import comparisons
from gonemaster_db.analysis.clusters import MAX_SHOWN
from gonemaster_db.analysis.column_views.capture import FileStorage
from gonemaster_db.analysis.comparison import explained_change
from gonemaster_db.analysis.public_snapshots import PublicSnapshot, find_public_cohort, find_public_snapshot
from gonemaster_db.core.errors import TimeLimitExceeded
from gonemaster_db.core.levels import LEVELS, SEVERITIES
from gonemaster_db.core.session import Store
from gonemaster_db.models import CohortSnapshot, SnapshotComparison, SnapshotView
from gonemaster_engine.entries import Level
from gonemaster_engine.scoring.config import DEFAULT_CONFIG, ScoringConfig, parse_config
from gonemaster_engine.scoring.score import CAP_UNDER_CRITICAL
from gonemaster_tasks.control.comparisons import prepare_comparisons, read_comparison
from tests.support.analysis_world import (
    Chance,
    Derived,
    DomainFacts,
    Finding,
    SnapshotFacts,
    make_cohort,
    make_snapshot,
    vocabulary_of,
)

Pair = tuple[SnapshotFacts, SnapshotFacts]
Sides = tuple[FileStorage | None, FileStorage | None]


def rank(level: str) -> int:
    return LEVELS.index(level)


def round_half_away(points: float) -> int:
    return int(abs(points) + 0.5 + 1e-9) * (1 if points >= 0 else -1)


class Reference:
    """Two snapshots compared according to the contract."""

    def __init__(self, before: SnapshotFacts, after: SnapshotFacts, config: ScoringConfig = DEFAULT_CONFIG) -> None:
        self.sides = (before, after)
        self.config = config
        self.floor = max(before.floor, after.floor, key=rank)
        self.old, self.new = ({domain.name: domain for domain in side.domains} for side in self.sides)
        self.common = sorted(self.old.keys() & self.new.keys())

    def level(self, side: int, domain: DomainFacts, finding: Finding) -> str | None:
        level = self.sides[side].levels[finding] if finding in domain.findings else None
        return level if level is not None and rank(level) >= rank(self.floor) else None

    def changes(self, name: str) -> dict[Finding, tuple[str | None, str | None]]:
        old, new = self.old[name], self.new[name]
        pairs = {one: (self.level(0, old, one), self.level(1, new, one)) for one in {*old.findings, *new.findings}}
        return {one: pair for one, pair in pairs.items() if pair[0] != pair[1]}

    def why(self, finding: Finding, was: str | None, now: str | None) -> str:
        if any(side.vocabulary is None for side in self.sides):
            return "unknown"
        earlier, later = ((side.vocabulary or {}).get(finding[1], {}).get(finding[0]) for side in self.sides)
        if was is None and now is not None and earlier is None and later is not None:
            return "new_in_engine"
        if was is not None and now is None and earlier is not None and later is None:
            return "removed_from_engine"
        if earlier is None or later is None or earlier == later:
            return "cohort_change"
        expected = tuple(level if rank(level) >= rank(self.floor) else None for level in (earlier, later))
        return "level_reclassified" if (was, now) == expected else "cohort_change"

    def explained(self, name: str) -> int:
        weights = self.config.category_weights
        lost = 0.0
        for (tag, module, _), (was, now) in self.changes(name).items():
            category = self.config.category_of(module)
            if category is not None:
                costs = [0 if level is None else self.config.penalty(tag, Level[level]) for level in (was, now)]
                lost += (costs[1] - costs[0]) * weights[category]
        points = round(lost, 6) / sum(weights.values())
        earlier, later = self.old[name], self.new[name]
        assert earlier.score is not None
        assert later.score is not None
        match earlier.worst_level == "CRITICAL", later.worst_level == "CRITICAL":
            case False, False:
                return -round_half_away(points)
            case False, True:
                return round_half_away(min(earlier.score - points, CAP_UNDER_CRITICAL) - earlier.score)
            case True, False:
                return round_half_away(later.score - min(later.score + points, CAP_UNDER_CRITICAL))
        return sorted((0, later.score - earlier.score, -round_half_away(points)))[1]

    def category(self, name: str) -> str:
        classes = {self.why(one, *pair) for one, pair in self.changes(name).items()}
        if not classes or "unknown" in classes:
            return "unknown"
        real, measured = "cohort_change" in classes, bool(classes - {"cohort_change"})
        return "mixed" if real and measured else "real" if real else "measurement"

    def cause_changes(self) -> dict[str, tuple[int, int, int, int]]:
        """Return the domains before, after, appeared and cleared of each changed cause."""
        old, new = (Counter(one for each in side.domains for one in each.causes or ()) for side in self.sides)
        pairs = [(set(self.old[name].causes or ()), set(self.new[name].causes or ())) for name in self.causes_changed()]
        appeared = Counter(one for was, now in pairs for one in now - was)
        cleared = Counter(one for was, now in pairs for one in was - now)
        changed = {*appeared, *cleared, *(one for one in {*old, *new} if old[one] != new[one])}
        return {one: (old[one], new[one], appeared[one], cleared[one]) for one in changed}

    def causes_changed(self) -> list[str]:
        known = [(name, self.old[name].causes, self.new[name].causes) for name in self.common]
        return [name for name, was, now in known if None not in (was, now) and was != now]

    def moved(self) -> list[tuple[str, int, int, str]]:
        found = []
        for name in self.common:
            was, now = self.old[name].score, self.new[name].score
            if was is not None and now is not None and (now != was or self.explained(name)):
                found.append((name, now - was, self.explained(name), self.category(name)))
        return sorted(found, key=lambda one: (one[1], one[0]))

    def deltas(self) -> dict[str, int]:
        return {name: delta for name, delta, _, _ in self.moved() if delta}

    def clusters(self) -> dict[tuple[str, ...], set[tuple[str, str]]]:
        """Return the keys of each group of domains that moved in one direction."""
        derived, deltas = Derived(self.sides[1]), self.deltas()
        groups: dict[tuple[str, str], set[str]] = defaultdict(set)
        for name in deltas:
            domain = self.new[name]
            for kind in ("nameserver", "asn", "prefix"):
                for key in derived.of("domain", name, kind):
                    groups[kind, str(key)].add(name)
            groups["dnssec_posture", domain.posture].add(name)
            if domain.weakest is not None:
                groups["dnskey_algo_weakest", str(domain.weakest)].add(name)
            if domain.software:
                groups["software_version", domain.software].add(name)
        merged: dict[tuple[str, ...], set[tuple[str, str]]] = defaultdict(set)
        for key, names in groups.items():
            if len({deltas[name] > 0 for name in names}) == 1:
                merged[tuple(sorted(names))].add(key)
        return merged


def severity(domain: DomainFacts) -> str:
    return domain.worst_level if domain.worst_level in SEVERITIES else "OK"


def random_pair(seed: int) -> Pair:
    chance, rng = Chance(seed), random.Random(seed)
    before = chance.snapshot(rng.choice([0, 1, 12, 40]))
    after = chance.later(before, floor=rng.choice(["NOTICE", "WARNING"]))
    if rng.random() < 0.2:
        after = replace(after, vocabulary=None)
    elif rng.random() < 0.7:  # one engine, of the earlier or the later snapshot, knows fewer tags
        dropped = rng.sample(sorted(before.levels), 3)
        side = rng.choice([before, after])
        known = vocabulary_of({one: level for one, level in side.levels.items() if one not in dropped})
        if side is before:
            return replace(before, vocabulary=known), after
        return before, replace(after, vocabulary=known)
    return before, after


def offered(store: Store, pair: Pair, sides: Sides = (None, None)) -> tuple[PublicSnapshot, PublicSnapshot]:
    cohort_id = make_cohort(store)
    for side, files in zip(pair, sides, strict=True):
        make_snapshot(store, cohort_id, side, files=files)
    with store.read_only() as session:
        cohort = find_public_cohort(session, "se")
        found = [find_public_snapshot(session, cohort, side.slug) for side in pair]
    return found[0], found[1]


@pytest.mark.parametrize("seed", range(6))
def test_comparison_agrees_with_python(store: Store, sides: Sides, seed: int) -> None:
    pair = random_pair(seed)
    before, after = offered(store, pair, sides)
    reference = Reference(*pair)
    for _ in ("made", "stored"):
        with store.read_only() as session:
            found = read_comparison(store, session, before, after, DEFAULT_CONFIG)
            check(found, reference, pair)
    with store.read_only() as session:
        assert session.scalar(select(func.count()).select_from(SnapshotComparison)) == 1


def check(found: comparisons.StoredComparison, reference: Reference, pair: Pair) -> None:
    old, new = (Derived(side) for side in pair)
    names = old.keys["domain"], new.keys["domain"]
    assert [names[1][one] for one in found.added] == sorted(reference.new.keys() - reference.old.keys())
    assert [names[0][one] for one in found.removed] == sorted(reference.old.keys() - reference.new.keys())
    for pairs, value in ((found.grade_changed, lambda domain: domain.grade), (found.level_changed, severity)):
        expected = [name for name in reference.common if value(reference.old[name]) != value(reference.new[name])]
        assert [(names[0][one], names[1][other]) for one, other in pairs] == [(name, name) for name in expected]
    moved = found.moved_page(10**6, 0)
    actual = [(names[1][one.after], one.delta, one.explained, one.category.name.lower()) for one in moved]
    assert actual == reference.moved()
    assert [found.moved_page(1, place)[0] for place in range(found.moved_total)] == moved
    check_totals(found.totals, reference)
    check_tags(found, reference, old, new)
    changed = {one.cause: (one.domains_before, one.domains_after, one.appeared, one.cleared) for one in found.causes}
    assert changed == reference.cause_changes()
    assert [names[0][one] for one, _ in found.causes_changed] == reference.causes_changed()
    clusters = {
        tuple(names[1][one] for one in group.domains): {tuple(key) for key in group.keys} for group in found.clusters
    }
    assert clusters == {names[:MAX_SHOWN]: keys for names, keys in reference.clusters().items()}
    sizes = [group.size for group in found.clusters]
    assert sizes == sorted(sizes, reverse=True)


def check_totals(totals: Any, reference: Reference) -> None:
    scored = [(reference.old[name].score, reference.new[name].score) for name in reference.common]
    deltas = [new - old for old, new in scored if old is not None and new is not None]
    assert totals["improved"] == sum(delta > 0 for delta in deltas)
    assert totals["regressed"] == sum(delta < 0 for delta in deltas)
    assert totals["identical_score"] == sum(delta == 0 for delta in deltas)
    assert (totals["common"], totals["compared"]) == (len(reference.common), len(deltas))
    for side, domains in (("from", reference.old), ("to", reference.new)):
        scores = [domain.score for domain in domains.values() if domain.score is not None]
        assert totals[f"{side}_mean_score"] == (round(sum(scores) / len(scores), 2) if scores else None)
        assert totals[f"{side}_grades"] == Counter(domain.grade for domain in domains.values() if domain.grade)
        assert totals[f"{side}_domain_count"] == len(domains)
    categories = Counter(category for _, _, _, category in reference.moved())
    assert {name: count for name, count in totals["domain_categories"].items() if count} == categories
    assert sum(one["count"] for one in totals["grade_changes"]) == sum(
        reference.old[name].grade != reference.new[name].grade for name in reference.common
    )


def check_tags(found: comparisons.StoredComparison, reference: Reference, old: Derived, new: Derived) -> None:
    expected = {}
    for finding in {*old.keys["tag"], *new.keys["tag"]}:
        levels = []
        for side, derived in zip(reference.sides, (old, new), strict=True):
            level = side.levels[finding] if finding in derived.places["tag"] else None
            levels.append(level if level and rank(level) >= rank(reference.floor) else None)
        changes = [reference.changes(name).get(finding, ("", "")) for name in reference.common]
        appeared = sum(was is None for was, _ in changes)
        cleared = sum(now is None for _, now in changes)
        if levels[0] != levels[1] or appeared or cleared:
            sizes = [
                len(derived.of("tag", finding, "domain")) if level else 0
                for derived, level in zip((old, new), levels, strict=True)
            ]
            expected[finding] = (*levels, *sizes, appeared, cleared, reference.why(finding, levels[0], levels[1]))
    actual = {
        (one.key.tag, one.key.module, one.key.testcase): (
            one.was, one.now, one.domains_before, one.domains_after, one.appeared, one.cleared, one.tag_class.value,
        )
        for one in found.tags
    }  # fmt: skip
    assert actual == expected


@pytest.mark.parametrize(
    ("scores", "critical", "points", "explained"),
    [
        ((95, 10), (False, True), 0.0, -85),  # the cap
        ((95, 8), (False, True), 4.0, -85),  # the penalties of other tags do not reach below the cap
        ((95, 4), (False, True), 91.0, -91),  # these do
        ((10, 95), (True, False), 0.0, 85),
        ((10, 95), (True, False), -3.0, 85),
        ((3, 40), (True, False), -37.0, 37),
        ((10, 10), (True, True), 40.0, 0),
        ((10, 6), (True, True), 40.0, -4),
        ((90, 85), (False, False), 4.6, -5),
    ],
)
def test_a_change_to_or_from_critical_isexplained_change(
    scores: tuple[int, int], critical: tuple[bool, bool], points: float, explained: int
) -> None:
    assert explained_change(scores, critical, points, CAP_UNDER_CRITICAL) == explained


@pytest.fixture
def pair(store: Store, files: FileStorage | None) -> tuple[PublicSnapshot, PublicSnapshot]:
    chance = Chance(5)
    before = chance.snapshot()
    return offered(store, (before, chance.later(before)), (files, files))


def stored(store: Store) -> list[SnapshotComparison]:
    with store.read_only() as session:
        return list(session.scalars(select(SnapshotComparison).order_by(SnapshotComparison.id)))


def compare(store: Store, pair: tuple[PublicSnapshot, PublicSnapshot], config: ScoringConfig = DEFAULT_CONFIG) -> Any:
    with store.read_only() as session:
        return read_comparison(store, session, *pair, config)


def test_another_scoring_replaces_the_comparison(store: Store, pair: tuple[PublicSnapshot, PublicSnapshot]) -> None:
    compare(store, pair)
    config = parse_config({"severity_penalties": {"NOTICE": 10, "WARNING": 20, "ERROR": 40}})
    compare(store, pair, config)
    assert len(stored(store)) == 1
    again = [one.explained for one in compare(store, pair).moved_page(1000, 0)]
    other = [one.explained for one in compare(store, pair, config).moved_page(1000, 0)]
    assert again != other


def test_removing_a_view_removes_its_comparisons(store: Store, pair: tuple[PublicSnapshot, PublicSnapshot]) -> None:
    compare(store, pair)
    with store.transaction() as session:
        session.get_one(CohortSnapshot, pair[1].id).view_id = None
        session.flush()
        session.execute(delete(SnapshotView).where(SnapshotView.id == pair[1].view_id))
    assert stored(store) == []


def test_number_of_comparisons_is_bounded(
    store: Store, pair: tuple[PublicSnapshot, PublicSnapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparisons, "MAX_COMPARISONS", 2)
    before, after = pair
    for one in (pair, (after, before), (before, before)):
        compare(store, one)
    assert [(row.from_view_id, row.to_view_id) for row in stored(store)] == [
        (after.view_id, before.view_id),
        (before.view_id, before.view_id),
    ]


def test_comparison_with_itself_is_empty(store: Store, pair: tuple[PublicSnapshot, PublicSnapshot]) -> None:
    found = compare(store, (pair[0], pair[0]))
    lists = (found.added, found.removed, found.grade_changed, found.level_changed, found.tags, found.clusters)
    assert (*map(len, lists), found.moved_total) == (0,) * 7


def test_captured_snapshot_is_compared_with_its_neighbours(
    store: Store, pair: tuple[PublicSnapshot, PublicSnapshot]
) -> None:
    expected = [(pair[0].view_id, pair[1].view_id)]
    for one in pair:
        assert prepare_comparisons(store, one.id, DEFAULT_CONFIG) == 1
        assert [(row.from_view_id, row.to_view_id) for row in stored(store)] == expected
    with store.transaction() as session:
        session.get_one(CohortSnapshot, pair[0].id).is_public = False
    assert prepare_comparisons(store, pair[0].id, DEFAULT_CONFIG) == 0
    assert prepare_comparisons(store, pair[1].id, DEFAULT_CONFIG) == 0
    assert prepare_comparisons(store, 10**6, DEFAULT_CONFIG) == 0


def test_comparison_respects_the_time_limit(store: Store, pair: tuple[PublicSnapshot, PublicSnapshot]) -> None:
    def compare_late() -> None:
        with store.read_only_within(timedelta(microseconds=1)) as session:
            read_comparison(store, session, *pair, DEFAULT_CONFIG)

    with pytest.raises(TimeLimitExceeded):
        compare_late()
    assert compare(store, pair).moved_total > 0  # the lock was released
