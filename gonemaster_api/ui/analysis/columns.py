"""The columns of the lists: cell type and API sort key."""

from collections.abc import Mapping
from dataclasses import dataclass

from gonemaster_api.ui.shell.tables.tables import Column
from gonemaster_api.ui.shell.texts.languages import gettext, mark


@dataclass(frozen=True)
class Cell:
    """A column: the field of the API items, its title, and its format in `analysis/_cells.html`."""

    field: str
    title: str
    kind: str = "number"
    sort: str = ""
    style: str = ""
    only: bool = False

    @property
    def column(self) -> Column:
        """The header of the column."""
        numeric = self.kind in ("number", "score", "latency", "share", "trend")
        style = f"num {self.style}".strip() if numeric else self.style
        return Column(gettext(self.title), self.sort, style, "desc" if numeric or self.only else "asc", self.only)


_LATENCY = (
    Cell("latency_p50_ms", mark("Latency, p50"), "latency", "latency", "p2"),
    Cell("latency_p95_ms", mark("Latency, p95"), "latency", "", "p3"),
)
_DOMAINS = Cell("domain_count", mark("Domains"), "number", "domain_count")

LISTS: Mapping[str, tuple[Cell, ...]] = {
    "domain": (
        Cell("domain", mark("Domain"), "domain", "domain"),
        Cell("grade", mark("Grade"), "grade"),
        Cell("score", mark("Score"), "score", "score"),
        Cell("worst_level", mark("Worst level"), "level", "worst_level", only=True),
        Cell("dnssec_posture_label", mark("DNSSEC"), "word", "", "p2"),
        Cell("causes", mark("Root causes"), "causes", "", "p3"),
        Cell("nameserver_count", mark("Servers"), "number", "nameserver_count", "p4"),
        Cell("asn_count", mark("Networks"), "number", "asn_count", "p4"),
        Cell("operator", mark("Operator"), "operator", "", "p2"),
    ),
    "nameserver": (
        Cell("nameserver", mark("Name server"), "nameserver", "nameserver"),
        _DOMAINS,
        Cell("endpoint_count", mark("Addresses"), "number", "endpoint_count", "p2"),
        Cell("operator", mark("Operator"), "operator", "", "p2"),
        *_LATENCY,
    ),
    "endpoint": (
        Cell("address", mark("Address"), "endpoint", "address"),
        Cell("nameserver", mark("Name server"), "nameserver", "nameserver"),
        _DOMAINS,
        Cell("prefix", mark("Prefix"), "prefix", "prefix", "p3"),
        Cell("asn_label", mark("Network"), "operator", "operator", "p2"),
        *_LATENCY,
    ),
    "asn": (
        Cell("asn", mark("Network"), "asn", "asn"),
        _DOMAINS,
        Cell("nameserver_count", mark("Servers"), "number", "nameserver_count", "p2"),
        Cell("address_count", mark("Addresses"), "number", "address_count", "p2"),
        Cell("prefix_count", mark("Prefixes"), "number", "prefix_count", "p3"),
        *_LATENCY,
    ),
    "prefix": (
        Cell("prefix", mark("Prefix"), "prefix", "prefix"),
        _DOMAINS,
        Cell("address_count", mark("Addresses"), "number", "address_count"),
        Cell("asn_label", mark("Network"), "operator", "", "p2"),
    ),
    "tag": (
        Cell("tag", mark("Finding"), "tag", "tag"),
        Cell("level", mark("Level"), "level", "level"),
        _DOMAINS,
        Cell("share", mark("Share of domains"), "share"),
        Cell("trend", mark("Trend"), "trend", "", "p2"),
        Cell("occurrence_count", mark("Occurrences"), "number", "occurrence_count", "p2"),
    ),
    "testcase": (
        Cell("testcase", mark("Test case"), "testcase", "testcase"),
        Cell("worst_level", mark("Worst level"), "level", "worst_level"),
        _DOMAINS,
        Cell("entry_count", mark("Findings"), "number", "entry_count", "p2"),
    ),
}
# Items in lists of other objects have fewer fields.
REFERENCES: Mapping[str, tuple[Cell, ...]] = {
    "domain": (
        Cell("domain", mark("Domain"), "domain"),
        Cell("grade", mark("Grade"), "grade"),
        Cell("score", mark("Score"), "score"),
        Cell("worst_level", mark("Worst level"), "level"),
    ),
    "nameserver": (Cell("nameserver", mark("Name server"), "nameserver"), Cell("domain_count", mark("Domains"))),
    "endpoint": (
        Cell("address", mark("Address"), "endpoint"),
        Cell("nameserver", mark("Name server"), "nameserver", "", "p2"),
        Cell("asn_label", mark("Network"), "operator", "", "p2"),
        Cell("prefix", mark("Prefix"), "prefix", "", "p3"),
        Cell("latency_p50_ms", mark("Latency, p50"), "latency"),
    ),
    "asn": (Cell("asn", mark("Network"), "asn"), Cell("domain_count", mark("Domains"))),
    "prefix": (Cell("prefix", mark("Prefix"), "prefix"), Cell("domain_count", mark("Domains"))),
    "tag": (
        Cell("tag", mark("Finding"), "tag"),
        Cell("level", mark("Level"), "level"),
        Cell("domain_count", mark("Domains")),
    ),
}


def sortable(kind: str, names: tuple[str, ...]) -> tuple[Cell, ...]:
    """Return the columns of a list; columns that the API cannot sort by have no link."""
    return tuple(
        cell if f"{cell.sort}_desc" in names else Cell(cell.field, cell.title, cell.kind, "", cell.style)
        for cell in LISTS[kind]
    )
