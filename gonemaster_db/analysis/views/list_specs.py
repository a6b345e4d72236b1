"""The lists of a view: their tables, sorts and filters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from sqlalchemy import ColumnElement, String, cast, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from gonemaster_db.models import (
    SnapshotAsn,
    SnapshotDomain,
    SnapshotEndpoint,
    SnapshotNameserver,
    SnapshotPrefix,
    SnapshotTag,
    SnapshotTestcase,
)
from gonemaster_db.runs.causes import sets_with

OK = "OK"  # pseudo-level for domains without findings at NOTICE and above
_LOWEST = "NOTICE"  # levels below it count as OK

Condition = ColumnElement[bool]
Column = InstrumentedAttribute[Any]


class ascii_lower(GenericFunction[str]):  # noqa: N801  # a function of SQL
    """An SQL function that lowercases only ASCII letters, like lower() in SQLite."""

    inherit_cache = True
    type = String()


@compiles(ascii_lower, "postgresql")
def _on_postgres(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f'lower(({compiler.process(element.clauses, **options)}) COLLATE "C")'


@compiles(ascii_lower, "duckdb")
def _on_duckdb(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    """Compile to lower() for texts of ASCII only, because translate() is much slower."""
    text = compiler.process(element.clauses, **options)
    other = f"translate({text}, '{ascii_uppercase}', '{ascii_lowercase}')"
    return f"(CASE WHEN strlen({text}) = length({text}) THEN lower({text}) ELSE {other} END)"


@compiles(ascii_lower)
def _compile_default(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"lower({compiler.process(element.clauses, **options)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewFilter:
    """A filter of a list, which ignores fields that do not apply to it; `search` is a substring in lower-case ASCII."""

    search: str = ""
    min_level: str | None = None
    worst_level: str | None = None
    grade: str | None = None
    dnssec_posture: str | None = None
    cause: str | None = None
    min_latency_samples: int = 0
    hides_labels: bool = False  # the search ignores labels of ASes


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort order; equal rows are in order of position, and rows without a value come last in both directions."""

    column: Column | None
    descending: bool
    is_counted: bool


@dataclass(frozen=True, slots=True)
class ListSpec:
    """A list; `sorts` are columns by name without direction, None for the order of positions.

    `counted` are sorts with an index and few values, so that counting each value finds the start of a page; `one_way`
    are sorts that only descend.
    """

    model: Any
    sorts: Mapping[str, Column | None]
    default_sort: str
    searched: Callable[[str], Condition]
    counted: frozenset[str] = frozenset()
    one_way: frozenset[str] = frozenset()
    level: Column | None = None
    has_grade: bool = False
    searched_without_labels: Callable[[str], Condition] | None = None
    samples: Column | None = None
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Build the names of sorts with their directions."""
        names = [f"{name}_{way}" for name in self.sorts for way in ("asc", "desc")]
        one_way = {f"{name}_asc" for name in self.one_way}
        object.__setattr__(self, "names", tuple(name for name in names if name not in one_way))

    def sort(self, name: str) -> Sort:
        """Return the sort with a name such as `score_asc`."""
        key, _, way = name.rpartition("_")
        return Sort(self.sorts[key], way == "desc", key in self.counted)

    def conditions(self, criteria: ViewFilter, sets: Sequence[int] | None = None) -> list[Condition]:
        """Return the conditions of a filter.

        `sets` are the IDs of the sets with its root cause, for views that are not in the database.
        """
        searched = (criteria.hides_labels and self.searched_without_labels) or self.searched
        found: list[Condition] = [searched(criteria.search)] if criteria.search else []
        if self.level is not None:
            found += _level_conditions(self.level, criteria)
        if self.has_grade and criteria.grade is not None:
            found.append(SnapshotDomain.grade == criteria.grade)
        if self.has_grade and criteria.dnssec_posture is not None:
            found.append(SnapshotDomain.dnssec_posture == criteria.dnssec_posture)
        if self.model is SnapshotDomain and criteria.cause is not None:
            found.append(SnapshotDomain.cause_set_id.in_(sets_with(criteria.cause) if sets is None else sets))
        if self.samples is not None and criteria.min_latency_samples:
            found.append(self.samples >= criteria.min_latency_samples)
        return found


def _level_conditions(column: Column, criteria: ViewFilter) -> list[Condition]:
    found: list[Condition] = []
    if criteria.min_level is not None:
        found.append(column >= criteria.min_level)
    if criteria.worst_level == OK:
        found.append(or_(column.is_(None), column < _LOWEST))
    elif criteria.worst_level is not None:
        found.append(column == criteria.worst_level)
    return found


def _within(*columns: Column) -> Callable[[str], Condition]:
    """Return a search in columns that are stored in lower case."""
    return lambda text: or_(*(column.contains(text, autoescape=True) for column in columns))


def _asn(asn: Column) -> Callable[[str], Condition]:
    """Return a search for a number with or without the prefix `as`."""
    return lambda text: cast(asn, String).contains(text.removeprefix("as"), autoescape=True)


def _asn_or_label(asn: Column, label: Column) -> Callable[[str], Condition]:
    """Return a search for a number or a label."""
    number = _asn(asn)
    return lambda text: or_(number(text), ascii_lower(label).contains(text, autoescape=True))


def _within_any_case(*columns: Column) -> Callable[[str], Condition]:
    return lambda text: or_(*(ascii_lower(column).contains(text, autoescape=True) for column in columns))


DOMAINS = ListSpec(
    SnapshotDomain,
    {
        "domain": None,
        "score": SnapshotDomain.score,
        "worst_level": SnapshotDomain.worst_level,
        "nameserver_count": SnapshotDomain.nameserver_count,
        "endpoint_count": SnapshotDomain.endpoint_count,
        "asn_count": SnapshotDomain.asn_count,
        "prefix_count": SnapshotDomain.prefix_count,
        "ipv4_ns_count": SnapshotDomain.ipv4_ns_count,
        "ipv6_ns_count": SnapshotDomain.ipv6_ns_count,
        "dnskey_count": SnapshotDomain.dnskey_count,
    },
    "domain_asc",
    _within(SnapshotDomain.name),
    counted=frozenset({"score", "worst_level", "nameserver_count", "endpoint_count", "asn_count", "prefix_count"}),
    one_way=frozenset({"worst_level"}),
    level=SnapshotDomain.worst_level,
    has_grade=True,
)
NAMESERVERS = ListSpec(
    SnapshotNameserver,
    {
        "nameserver": None,
        "domain_count": SnapshotNameserver.domain_count,
        "endpoint_count": SnapshotNameserver.endpoint_count,
        "latency": SnapshotNameserver.latency_p50_ms,
    },
    "domain_count_desc",
    _within(SnapshotNameserver.name),
    counted=frozenset({"domain_count", "endpoint_count"}),
    samples=SnapshotNameserver.latency_samples,
)
ENDPOINTS = ListSpec(
    SnapshotEndpoint,
    {
        "nameserver": None,
        "address": SnapshotEndpoint.address_order,
        "domain_count": SnapshotEndpoint.domain_count,
        "prefix": SnapshotEndpoint.prefix,
        "operator": SnapshotEndpoint.operator,
    },
    "domain_count_desc",
    _within(SnapshotEndpoint.nameserver, SnapshotEndpoint.address),
    counted=frozenset({"domain_count"}),
    samples=SnapshotEndpoint.latency_samples,
)
ASNS = ListSpec(
    SnapshotAsn,
    {
        "asn": None,
        "domain_count": SnapshotAsn.domain_count,
        "address_count": SnapshotAsn.address_count,
        "nameserver_count": SnapshotAsn.nameserver_count,
        "prefix_count": SnapshotAsn.prefix_count,
        "ipv4_count": SnapshotAsn.ipv4_count,
        "ipv6_count": SnapshotAsn.ipv6_count,
        "latency": SnapshotAsn.latency_p50_ms,
    },
    "domain_count_desc",
    _asn_or_label(SnapshotAsn.asn, SnapshotAsn.label),
    searched_without_labels=_asn(SnapshotAsn.asn),
    samples=SnapshotAsn.latency_samples,
)
PREFIXES = ListSpec(
    SnapshotPrefix,
    {"prefix": None, "domain_count": SnapshotPrefix.domain_count, "address_count": SnapshotPrefix.address_count},
    "domain_count_desc",
    _within_any_case(SnapshotPrefix.prefix, SnapshotPrefix.asn_label),
    searched_without_labels=_within_any_case(SnapshotPrefix.prefix),
    counted=frozenset({"domain_count", "address_count"}),
)
TAGS = ListSpec(
    SnapshotTag,
    {
        "tag": None,
        "level": SnapshotTag.level,
        "domain_count": SnapshotTag.domain_count,
        "occurrence_count": SnapshotTag.occurrence_count,
    },
    "domain_count_desc",
    _within_any_case(SnapshotTag.tag, SnapshotTag.module, SnapshotTag.testcase),
    level=SnapshotTag.level,
)
TESTCASES = ListSpec(
    SnapshotTestcase,
    {
        "testcase": None,
        "domain_count": SnapshotTestcase.domain_count,
        "entry_count": SnapshotTestcase.entry_count,
        "worst_level": SnapshotTestcase.worst_level,
    },
    "testcase_asc",
    _within_any_case(SnapshotTestcase.module, SnapshotTestcase.testcase),
    level=SnapshotTestcase.worst_level,
)
