"""Each list of the HTTP contract (sections 2.3, 3 and 4) with each filter and sort, as requests to a seeded store."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from urllib.parse import urlencode

from benchmarks.seed import BEGIN, SEED, SWEEP, TAGS, Size, batch_id, name_of
from gonemaster_db.batches.batch_comparison import ChangeKind
from gonemaster_db.batches.batches import BATCH_SORTS
from gonemaster_db.domains.domain_list import SORTS as DOMAIN_SORTS
from gonemaster_db.runs.sort_keys import SORTS

SMALL = batch_id(3)
MESSAGE_TAGS = {
    "INFO, all runs": "B01_PARENT_FOUND",
    "INFO, half": "IPV4_DIFFERENT_ASN",
    "INFO, 3 in 1,000": "SOA_MNAME",
    "NOTICE, most": "DS19_BLOCKLIST_NOT_FOUND",
    "WARNING, half": "IPV4_ONE_ASN",
    "WARNING, 2 in 100": "IS_NOT_AUTHORITATIVE",
    "ERROR, 1 in 1,000": "DS16_CDS_WITHOUT_DNSKEY",
    "none": "NO_SUCH_TAG",
}
VALUES = {
    "few values, all runs": ("B01_PARENT_FOUND", "domain"),
    "another value in each run": ("ONE_SOA_RNAME", "rname"),
    "many values, half of the runs": ("IPV4_ONE_ASN", "asn"),
    "lists of values": ("N10_EDNS_VERSION_OK", "addresses"),
    "2 runs in 100": ("IS_NOT_AUTHORITATIVE", "address"),
    "no such argument": ("CN01_OK_UDP", "nothing"),
    "no such tag": ("NO_SUCH_TAG", "address"),
}
"""Message tags and arguments, by the property that makes them easy or hard to count."""
Query = Mapping[str, str]
Filters = dict[str, Query]


@dataclass(frozen=True)
class Probe:
    """One list with some filters and one sort. The group names the endpoint."""

    group: str
    path: str
    query: Query
    base: str = "/api/v1"

    @property
    def url(self) -> str:
        return f"{self.base}{self.path}" + (f"?{urlencode(self.query)}" if self.query else "")


def probes(size: Size) -> Iterator[Probe]:
    """Yield all probes, including cheap ones, since a changed plan can make them slow."""
    yield from _sorted("/jobs", job_filters(size), SORTS)
    for batch in (SWEEP, SMALL):
        yield from _sorted(f"/batches/{batch}", batch_filters(size), SORTS, group="/batches/{id}")
        yield from _tag_values(batch)
    yield from _sorted("/runs", run_filters(size), SORTS)
    for domain_id in (7, 20):
        yield from _sorted(f"/domains/{domain_id}/runs", {"": {}, **_VERDICT}, SORTS, group="/domains/{id}/runs")
    yield from _sorted("/domains", domain_filters(), DOMAIN_SORTS)
    of_tag = {name: query for name, query in domain_filters().items() if "tag" not in query}
    for tag in ("half", "rare"):
        yield from _sorted(f"/tags/{tag}/domains", of_tag, DOMAIN_SORTS, group="/tags/{name}/domains")
        if TAGS[tag] <= size.domains:  # a tag without domains has no summary
            yield Probe("/tags/{name}/summary", f"/tags/{tag}/summary", {})
    yield from _entries(size)
    yield from _differences(size)
    yield from _single(size)
    yield from _few()


def pairs_of_filters(size: Size) -> Iterator[Probe]:
    """Yield lists with two filters and a random sort: clients use them, although the contract does not promise them."""
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


def _sorted(path: str, filters: Filters, sorts: Iterable[str], *, group: str = "") -> Iterator[Probe]:
    """Yield each filter with each sort, and a later page in the default order."""
    for query in filters.values():
        for sort in sorts:
            yield Probe(group or path, path, {**query, "sort": sort})
        yield Probe(group or path, path, {**query, "offset": "5000"})
        yield Probe(group or path, path, {**query, "limit": "500", "offset": "50000"})


def moments(size: Size) -> tuple[str, str]:
    """Return the times after a quarter and a half of the period of the runs."""
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


_COURSE: Filters = {
    "longer half": {"min_duration_ms": "3300"},
    "slow": {"min_duration_ms": "10000"},  # 1 in some 1,000; the longest run takes 18 s
    "none is as slow": {"min_duration_ms": "86400000"},
    "started": {"min_attempts": "1"},
    "repeated": {"min_attempts": "2"},
}


# The generated runs have no policies.
_FAILED = {"verdict": "fail"}
_VERDICT: Filters = {"policy": {"policy": "registration"}, "verdict": _FAILED}


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
        **_VERDICT,
        **_COURSE,
    }


def run_filters(size: Size) -> Filters:
    after, before = moments(size)
    return {
        "": {},
        "half": {"tag": "half"},
        "rare": {"tag": "rare"},
        "no tag": {"tag": "nothing"},
        **{f"event: {name}": {"event_tag": tag} for name, tag in MESSAGE_TAGS.items()},
        **{f"domain: {name}": query for name, query in _NAMES.items()},
        **_COURSE,
        "exact": {"domain_exact": name_of(20)},
        "no domain": {"domain_exact": "nowhere.example"},
        "sweep": {"batch": SWEEP},
        "small batch": {"batch": SMALL},
        "no batch": {"batch": "batch_none"},
        **{status: {"status": status} for status in ("succeeded", "failed", "canceled", "expired")},
        **{level: {"level": level} for level in LEVELS},
        **{f"grade {grade}": {"grade": grade} for grade in "ABCDFX"},
        **_VERDICT,
        "cause": {"cause": "server_silent"},  # the generated runs have no causes
        "after": {"finished_after": after},
        "before": {"finished_before": before},
        "range": {"finished_after": after, "finished_before": before},
        "tag and status": {"tag": "half", "status": "failed"},
        "batch and level": {"batch": SWEEP, "level": "ERROR"},
        "batch and rare event": {"batch": SMALL, "event_tag": MESSAGE_TAGS["WARNING, 2 in 100"]},
        "batch and usual event": {"batch": SWEEP, "event_tag": MESSAGE_TAGS["INFO, half"]},
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
        "cause": {"cause": "server_silent"},
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
        **{f"tag: {name}": {"entry_tag": tag} for name, tag in MESSAGE_TAGS.items()},
        **{level: {"level": level} for level in LEVELS},
        "latest": {"latest": "true"},
        "sweep": {"batch": SWEEP},
        "small batch": {"batch": SMALL},
        "batch and level": {"batch": SWEEP, "level": "ERROR"},
        "latest and level": {"latest": "true", "level": "ERROR"},
        **{f"latest, tag: {name}": {"latest": "true", "entry_tag": tag} for name, tag in MESSAGE_TAGS.items()},
        **{f"sweep, tag: {name}": {"batch": SWEEP, "entry_tag": tag} for name, tag in MESSAGE_TAGS.items()},
        **{f"small batch, tag: {name}": {"batch": SMALL, "entry_tag": tag} for name, tag in MESSAGE_TAGS.items()},
        **{f"half, tag: {name}": {"tag": "half", "entry_tag": tag} for name, tag in MESSAGE_TAGS.items()},
        **{f"rare, tag: {name}": {"tag": "rare", "entry_tag": tag} for name, tag in MESSAGE_TAGS.items()},
        "run and level": {"run": middle_run(size), "level": "WARNING"},
        "domain and tag": {"domain": "7", "entry_tag": MESSAGE_TAGS["INFO, all runs"]},
        "latest and domain tag": {"latest": "true", "tag": "half"},
        "module and level": {"module": "DNSSEC", "level": "ERROR"},
        "testcase and batch": {"testcase": "dnssec10", "batch": SMALL},
    }


def _entries(size: Size) -> Iterator[Probe]:
    for query in entry_filters(size).values():
        yield Probe("/entries", "/entries", query)
        yield Probe("/entries", "/entries", {**query, "after": f"{middle_run(size)}.0"})
        yield Probe("/entries", "/entries", {**query, "offset": "5000"})
        yield Probe("/entries", "/entries", {**query, "limit": "500", "offset": "99000"})


def _tag_values(batch: str) -> Iterator[Probe]:
    group, path = "/batches/{id}/tag-values", f"/batches/{batch}/tag-values"
    for tag, arg in VALUES.values():
        asked = {"tag": tag, "arg": arg}
        yield Probe(group, path, asked)
        yield Probe(group, path, {**asked, "weight_by_score": "true"})
        yield Probe(group, path, {**asked, "min_count": "5", "limit": "500"})


def _differences(size: Size) -> Iterator[Probe]:
    """Yield comparisons of a large batch with a small one, in both directions: most domains are in only one of them."""
    group = "/batches/{id}/diff/{id}"
    for path in (f"/batches/{SWEEP}/diff/{SMALL}", f"/batches/{SMALL}/diff/{SWEEP}"):
        for level in LEVELS:
            yield Probe(group, path, {"min_level": level})
            yield Probe(group, path, {"min_level": level, "after": name_of(size.domains // 2)})
        for kind in ChangeKind:
            yield Probe(group, path, {"kind": kind.value})
        yield Probe(group, path, {"limit": "500"})


def _single(size: Size) -> Iterator[Probe]:
    """Yield the reads of a single run, in the old and the new half of the store."""
    for number in (size.runs // 7, size.runs // 2, size.runs - 1):
        for part in ("", "/result", "/dnssec-chain"):
            yield Probe(f"/runs/{{id}}{part}", f"/runs/{run_id(number)}{part}", {})
        yield Probe("/jobs/{id}/result", f"/jobs/{run_id(number)}/result", {})


def _few() -> Iterator[Probe]:
    yield Probe("/batches", "/batches", {})
    yield Probe("/batches", "/batches", {"limit": "100", "offset": "450"})
    words = ("ent", "list3", "nothing")
    for query in (*({"label": word} for word in words), *({"search": word} for word in (*words, "batch_")), _FAILED):
        for sort in BATCH_SORTS:
            yield Probe("/batches", "/batches", {**query, "sort": sort, "limit": "100"})
    for tag in ("tenth", "all", "list200"):
        for sort in BATCH_SORTS:
            yield Probe("/tags/{name}/batches", f"/tags/{tag}/batches", {"sort": sort})
        yield Probe("/tags/{name}/batches", f"/tags/{tag}/batches", _FAILED)
    for paging in ({}, {"limit": "500"}, {"offset": "200"}):
        yield Probe("/tags", "/tags", paging)


def middle_run(size: Size) -> str:
    return run_id(size.runs // 2)


def run_id(number: int) -> str:
    return f"job_{number:019d}"
