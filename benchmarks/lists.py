"""Each list of the HTTP contract (sections 2.3, 3 and 4) with each filter and sort, as requests on a seeded store."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from urllib.parse import urlencode

from benchmarks.seed import BEGIN, SEED, SWEEP, Size, batch_id, name_of, templates
from gonemaster_db.repositories.batch_comparison import ChangeKind
from gonemaster_db.repositories.domain_list import SORTS as DOMAIN_SORTS
from gonemaster_db.repositories.sort_keys import SORTS

SMALL = batch_id(3)
Query = Mapping[str, str]
Filters = dict[str, Query]


@dataclass(frozen=True)
class Probe:
    """One list with some filters and one sort. The group names the endpoint."""

    group: str
    path: str
    query: Query

    @property
    def url(self) -> str:
        return f"/api/v1{self.path}" + (f"?{urlencode(self.query)}" if self.query else "")


def probes(size: Size) -> Iterator[Probe]:
    """Yield all of them; cheap ones too, since a plan is cheap only until it changes."""
    yield from _sorted("/jobs", job_filters(size), SORTS)
    for batch in (SWEEP, SMALL):
        yield from _sorted(f"/batches/{batch}", batch_filters(size), SORTS, group="/batches/{id}")
        yield from _tag_values(batch)
    yield from _sorted("/runs", run_filters(size), SORTS)
    for domain_id in (7, 20):
        yield from _sorted(f"/domains/{domain_id}/runs", {"": {}}, SORTS, group="/domains/{id}/runs")
    yield from _sorted("/domains", domain_filters(), DOMAIN_SORTS)
    of_tag = {name: query for name, query in domain_filters().items() if "tag" not in query}
    for tag in ("half", "rare"):
        yield from _sorted(f"/tags/{tag}/domains", of_tag, DOMAIN_SORTS, group="/tags/{name}/domains")
        yield Probe("/tags/{name}/summary", f"/tags/{tag}/summary", {})
    yield from _entries(size)
    yield from _differences(size)
    yield from _few()


def pairs_of_filters(size: Size) -> Iterator[Probe]:
    """Yield lists with two filters, each pair with a sort of chance: no one promised these, but they are asked for."""
    rng = random.Random(SEED)
    for path, filters, sorts in (
        ("/jobs", job_filters(size), tuple(SORTS)),
        ("/runs", run_filters(size), tuple(SORTS)),
        ("/domains", domain_filters(), tuple(DOMAIN_SORTS)),
        ("/entries", entry_filters(size), ()),
    ):
        for one, other in combinations([query for query in filters.values() if len(query) == 1], 2):
            if not one.keys() & other.keys():
                yield Probe(f"{path}, two filters", path, {**one, **other, **_chosen(rng, sorts)})


def _chosen(rng: random.Random, sorts: tuple[str, ...]) -> Query:
    return {"sort": rng.choice(sorts)} if sorts else {}


def _sorted(path: str, filters: Filters, sorts: Mapping[str, object], *, group: str = "") -> Iterator[Probe]:
    """Yield each filter with each sort, and a later page in the order that is the default."""
    for query in filters.values():
        for sort in sorts:
            yield Probe(group or path, path, {**query, "sort": sort})
        yield Probe(group or path, path, {**query, "offset": "5000"})


def moments(size: Size) -> tuple[str, str]:
    """A quarter and a half of the time that the runs span."""
    return _instant(BEGIN + timedelta(minutes=size.runs // 4)), _instant(BEGIN + timedelta(minutes=size.runs // 2))


def _instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


STATUSES = ("queued", "running", "succeeded", "failed", "canceled", "expired", "paused")
LEVELS = ("DEBUG3", "DEBUG2", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL")
_NAMES: Filters = {
    "a quarter": {"domain": "shop"},
    "few": {"domain": name_of(4)[1:9]},
    "one letter": {"domain": "a"},
    "nearly none": {"domain": name_of(4)},
    "none": {"domain": "nowhere"},
}


def job_filters(size: Size) -> Filters:
    return batch_filters(size) | {
        "sweep": {"batch_id": SWEEP},
        "small batch": {"batch_id": SMALL},
        "no batch": {"batch_id": "batch_none"},
        "batch and domain": {"batch_id": SWEEP, "domain": "mail"},
        "batch, status, severity": {"batch_id": SWEEP, "status": "succeeded", "severity": "errors_only"},
    }


def batch_filters(size: Size) -> Filters:
    after, before = moments(size)
    return {
        "": {},
        **{status: {"status": status} for status in STATUSES},
        **{f"domain: {name}": query for name, query in _NAMES.items()},
        "warnings": {"severity": "warnings_plus"},
        "errors": {"severity": "errors_only"},
        "after": {"created_after": after},
        "before": {"created_before": before},
        "range": {"created_after": after, "created_before": before},
    }


def run_filters(size: Size) -> Filters:
    after, before = moments(size)
    return {
        "": {},
        "half": {"tag": "half"},
        "rare": {"tag": "rare"},
        "no tag": {"tag": "nothing"},
        "event of all": {"event_tag": usual_tag()},
        "event of some": {"event_tag": some_tag()},
        "no event": {"event_tag": "NO_SUCH_TAG"},
        **{f"domain: {name}": query for name, query in _NAMES.items()},
        "exact": {"domain_exact": name_of(20)},
        "no domain": {"domain_exact": "nowhere.example"},
        "sweep": {"batch": SWEEP},
        "small batch": {"batch": SMALL},
        "no batch": {"batch": "batch_none"},
        **{status: {"status": status} for status in ("succeeded", "failed", "canceled", "expired")},
        **{level: {"level": level} for level in LEVELS},
        **{f"grade {grade}": {"grade": grade} for grade in "ABCDFX"},
        "after": {"finished_after": after},
        "before": {"finished_before": before},
        "range": {"finished_after": after, "finished_before": before},
        "tag and status": {"tag": "half", "status": "failed"},
        "batch and level": {"batch": SWEEP, "level": "ERROR"},
    }


def domain_filters() -> Filters:
    return {
        "": {},
        "half": {"tag": "half"},
        "rare": {"tag": "rare"},
        "no tag": {"tag": "nothing"},
        "untagged": {"tag": "__none__"},
        **{f"name: {name}": {"name": query["domain"]} for name, query in _NAMES.items()},
        **{level: {"level": level} for level in LEVELS},
        **{f"from {level}": {"min_level": level} for level in ("WARNING", "ERROR", "CRITICAL")},
        "tag and level": {"tag": "half", "min_level": "ERROR"},
        "tag and name": {"tag": "half", "name": "city"},
    }


def entry_filters(size: Size) -> Filters:
    return {
        "": {},
        "run": {"run": middle_run(size)},
        "domain": {"domain": "7"},
        "half": {"tag": "half"},
        "rare": {"tag": "rare"},
        "no tag": {"tag": "nothing"},
        "module": {"module": "dnssec"},
        "no module": {"module": "nothing"},
        "testcase": {"testcase": "DNSSEC10"},
        "no testcase": {"testcase": "nothing01"},
        "tag of all": {"entry_tag": usual_tag()},
        "tag of some": {"entry_tag": some_tag()},
        "no message tag": {"entry_tag": "NO_SUCH_TAG"},
        **{level: {"level": level} for level in LEVELS},
        "latest": {"latest": "true"},
        "sweep": {"batch": SWEEP},
        "small batch": {"batch": SMALL},
        "batch and level": {"batch": SWEEP, "level": "ERROR"},
        "latest and level": {"latest": "true", "level": "ERROR"},
        "latest and tag": {"latest": "true", "entry_tag": some_tag()},
        "latest and domain tag": {"latest": "true", "tag": "half"},
        "module and level": {"module": "DNSSEC", "level": "ERROR"},
        "testcase and batch": {"testcase": "dnssec10", "batch": SMALL},
    }


def _entries(size: Size) -> Iterator[Probe]:
    for query in entry_filters(size).values():
        yield Probe("/entries", "/entries", query)
        yield Probe("/entries", "/entries", {**query, "after": f"{middle_run(size)}.0"})
        yield Probe("/entries", "/entries", {**query, "offset": "5000"})


def _tag_values(batch: str) -> Iterator[Probe]:
    group, path = "/batches/{id}/tag-values", f"/batches/{batch}/tag-values"
    for tag in (some_tag(), usual_tag(), "NO_SUCH_TAG"):
        asked = {"tag": tag, "arg": "address"}
        yield Probe(group, path, asked)
        yield Probe(group, path, {**asked, "weight_by_score": "true"})
        yield Probe(group, path, {**asked, "min_count": "5", "limit": "500"})


def _differences(size: Size) -> Iterator[Probe]:
    """Yield a large batch against a small one, both ways: most domains are in one of them only."""
    group = "/batches/{id}/diff/{id}"
    for path in (f"/batches/{SWEEP}/diff/{SMALL}", f"/batches/{SMALL}/diff/{SWEEP}"):
        for level in LEVELS:
            yield Probe(group, path, {"min_level": level})
            yield Probe(group, path, {"min_level": level, "after": name_of(size.domains // 2)})
        for kind in ChangeKind:
            yield Probe(group, path, {"kind": kind.value})
        yield Probe(group, path, {"limit": "500"})


def _few() -> Iterator[Probe]:
    yield Probe("/batches", "/batches", {})
    yield Probe("/batches", "/batches", {"limit": "100", "offset": "450"})
    for label in ("ent", "list3", "nothing"):
        yield Probe("/batches", "/batches", {"label": label, "limit": "100"})
    for tag in ("tenth", "all", "list200"):
        yield Probe("/tags/{name}/batches", f"/tags/{tag}/batches", {})
    for paging in ({}, {"limit": "500"}, {"offset": "200"}):
        yield Probe("/tags", "/tags", paging)


def middle_run(size: Size) -> str:
    return f"job_{size.runs // 2:019d}"


def usual_tag() -> str:
    return templates(random.Random(SEED))[0].tag


def some_tag() -> str:
    return templates(random.Random(SEED))[-1].tag
