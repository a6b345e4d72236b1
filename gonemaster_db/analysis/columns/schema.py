"""The schema of facts in columns, one row for each run; docs/reference/facts.md describes it.

A reader refuses files of another version. Additional columns keep the version, because readers select columns by name;
the version changes if a column is removed, renamed or has another meaning. pyarrow is imported with the first use,
because it is an extra.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

VERSION = 1
VERSION_KEY = "gonemaster.facts"


class ColumnsMissing(Exception):
    """pyarrow is not installed; the message says how to install it."""


class SchemaRefused(Exception):
    """A file is not Parquet, or has no facts of this version; the message names the file and both versions."""


@dataclass(frozen=True, slots=True)
class FactColumn:
    """A column or a field of a structure: its type, meaning and unit."""

    name: str
    type: str
    meaning: str
    unit: str = ""
    fields: tuple["FactColumn", ...] = field(default=())


COLUMNS = (
    FactColumn("domain", "text", "the tested domain, as A-labels without final dot; files are sorted by this column"),
    FactColumn("run_id", "text", "ID of the run"),
    FactColumn("batch_id", "text", "ID of its batch; null for a single test"),
    FactColumn("finished_at", "time", "end of the run", "UTC, microseconds"),
    FactColumn("duration_ms", "integer", "time from start to end", "ms"),
    FactColumn("score", "small", "score", "0 to 100"),
    FactColumn("grade", "text", "grade, from A+ to F"),
    FactColumn("worst_level", "text", "highest level of its entries: NOTICE, WARNING, ERROR, CRITICAL, or a lower one"),
    FactColumn("profile", "text", "name of the profile"),
    FactColumn("engine_version", "text", "version of the engine; empty if unknown"),
    FactColumn("causes", "texts", "root causes in alphabetical order; null if unknown"),
    FactColumn("nameserver_count", "small", "name servers of the zone", "number"),
    FactColumn("ipv4_ns_count", "small", "name servers with at least one IPv4 address", "number"),
    FactColumn("ipv6_ns_count", "small", "name servers with at least one IPv6 address", "number"),
    FactColumn("prefix_count", "small", "routed prefixes of their addresses", "number"),
    FactColumn(
        "findings", "list", "message tags at or above the minimum level", "", (
            FactColumn("module", "text", "module, in capital letters"),
            FactColumn("testcase", "text", "test case, in small letters"),
            FactColumn("tag", "text", "message tag"),
            FactColumn("level", "text", "level"),
            FactColumn("count", "integer", "entries of this kind", "number"),
        ),
    ),
    FactColumn(
        "endpoints", "list", "name servers with their addresses", "", (
            FactColumn("nameserver", "text", "host name of the name server"),
            FactColumn("address", "text", "IP address; empty if the name has none"),
            FactColumn("avg_ms", "float", "mean response time; null without a response", "ms"),
            FactColumn("min_ms", "float", "shortest response time", "ms"),
            FactColumn("max_ms", "float", "longest response time", "ms"),
            FactColumn("responses", "integer", "responses that were measured", "number"),
            FactColumn("unreachable", "flag", "the server was queried and did not respond"),
            FactColumn("source", "text", "origin of the times: timings, or entries if the run has no times"),
        ),
    ),
    FactColumn(
        "origins", "list", "origin of each address", "", (
            FactColumn("address", "text", "IP address"),
            FactColumn("asns", "integers", "AS numbers that announce it, in ascending order"),
            FactColumn("prefix", "text", "routed prefix; empty if unknown"),
            FactColumn("status", "text", "found, missing or failed"),
        ),
    ),
    FactColumn(
        "asns", "list", "ASes that host name servers", "", (
            FactColumn("asn", "integer", "AS number"),
            FactColumn("family", "small", "address family", "4 or 6"),
        ),
    ),
    FactColumn(
        "categories", "list", "facts by category, such as severity or dnssec_posture", "", (
            FactColumn("category", "text", "category"),
            FactColumn("key", "text", "key within the category"),
            FactColumn("value", "integer", "number of the fact, such as keys of an algorithm; null without a number"),
        ),
    ),
)  # fmt: skip

STORED = (
    FactColumn("domain_id", "integer", "ID of the domain in the database"),
    FactColumn("run_key", "integer", "key of the run in the database"),
    FactColumn("profile_id", "integer", "ID of the profile; null if it was deleted before the run"),
    FactColumn("effective_profile_id", "integer", "ID of the profile with all its defaults; null if unknown"),
    FactColumn("cause_set_id", "integer", "ID of the set of causes; null if unknown"),
    FactColumn("endpoint_count", "small", "addresses of name servers, counted for each name server", "number"),
    FactColumn("asn_count", "small", "ASes that host name servers", "number"),
    FactColumn(
        "projected_at", "time", "when the row was written; of several rows of a run the last counts",
        "UTC, microseconds",
    ),
)  # fmt: skip
"""Additional columns of the files of snapshots, which exports lack."""


def check_columns() -> None:
    """Check that pyarrow is installed.

    Raises:
        ColumnsMissing: it is not.
    """
    if find_spec("pyarrow") is None:
        raise ColumnsMissing("Parquet needs pyarrow: pip install 'gonemaster[analytics]'")


def arrow_schema(columns: Sequence[FactColumn] = COLUMNS) -> Any:
    """Return the schema as `pyarrow.Schema`, with meaning and unit of each column as metadata.

    Raises:
        ColumnsMissing: pyarrow is not installed.
    """
    check_columns()
    import pyarrow as pa

    fields = [_field(pa, column) for column in columns]
    return pa.schema(fields, metadata={VERSION_KEY: str(VERSION)})


def check_version(metadata: dict[bytes, bytes] | None, name: str) -> None:
    """Check the version in the metadata of a file.

    Raises:
        SchemaRefused: the file has no facts, or facts of another version.
    """
    found = (metadata or {}).get(VERSION_KEY.encode(), b"").decode("utf-8", "replace")
    if found != str(VERSION):
        what = f"has facts of version {found[:20]}" if found else "has no facts of gonemaster"
        raise SchemaRefused(f"{name} {what}; this release reads version {VERSION}")


def described() -> Iterator[tuple[str, FactColumn]]:
    """Yield each column and each field of a structure, with its full name such as `findings.tag`."""
    for column in (*COLUMNS, *STORED):
        yield column.name, column
        for part in column.fields:
            yield f"{column.name}.{part.name}", part


def _field(pa: Any, column: FactColumn) -> Any:
    about = {"meaning": column.meaning, **({"unit": column.unit} if column.unit else {})}
    return pa.field(column.name, _type(pa, column), metadata=about)


def _type(pa: Any, column: FactColumn) -> Any:
    simple = {
        "text": pa.string(),
        "texts": pa.list_(pa.string()),
        "integer": pa.int64(),
        "integers": pa.list_(pa.int64()),
        "small": pa.int16(),
        "float": pa.float32(),
        "flag": pa.bool_(),
        "time": pa.timestamp("us", tz="UTC"),
    }
    if column.type == "list":
        return pa.list_(pa.struct([_field(pa, part) for part in column.fields]))
    return simple[column.type]
