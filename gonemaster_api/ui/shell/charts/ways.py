"""The way to a zone: the zones from the root down with the name servers that were asked, their state and time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gonemaster_db.core.records import EntryRecord

WIDTH = 640
_MOST_BOXES, _MOST_ROWS = 4, 4
_COLUMNS = (190, 412)
_NAME, _LINE, _PAD, _GAP, _BETWEEN = 24, 18, 21, 12, 37
_OWN = frozenset({"ADDRESS", "CONNECTIVITY", "DELEGATION", "NAMESERVER"})
_REFUSING = frozenset({"BASIC", "CONNECTIVITY", "DELEGATION"})  # they query what each server of the zone must answer
_STATES = {"ok": "ok", "unreachable": "warning", "unresolved": "error", "asking": "none", "waiting": "none"}
_OF_RUNNING = {"ok": "ok", "silent": "unreachable", "asking": "asking", "none": "waiting"}


@dataclass(frozen=True)
class WayRow:
    """One address of a server: its state (`ok`, `warning`, `error` or `none`) and its median in milliseconds.

    `status` is that of its timing, or the RCODE of an answer that should have been NOERROR.
    """

    address: str
    state: str
    median_ms: float | None
    status: str


@dataclass(frozen=True)
class WayBox:
    """A server and its addresses; without a name it represents `more` further servers."""

    name: str
    rows: Sequence[WayRow]
    x: int
    y: int
    more: int = 0

    @property
    def state(self) -> str:
        """The worst state of its addresses."""
        order = ("none", "ok", "warning", "error")
        return max((row.state for row in self.rows), key=order.index, default="none")

    @property
    def shown(self) -> Sequence[WayRow]:
        """The addresses in the picture."""
        return () if self.more else self.rows[:_MOST_ROWS]

    @property
    def height(self) -> int:
        """The height of the box."""
        return _NAME + _LINE * max(1, len(self.shown))


@dataclass(frozen=True)
class WayBand:
    """A zone and its servers; `y` is the top of its band."""

    zone: str
    boxes: Sequence[WayBox]
    servers: Sequence[WayBox]  # those that are known by name, for the list
    y: int
    more: int = 0  # further servers, unknown by name

    @property
    def height(self) -> int:
        """The height of the band."""
        return max((box.y + box.height for box in self.boxes), default=self.y + _NAME) + _PAD - self.y


def way_of(
    domain: str, entries: Iterable[EntryRecord], timings: Iterable[Mapping[str, Any]] | None, chain: Any | None = None
) -> Sequence[WayBand]:
    """Return the bands of a finished test; none without timings.

    The chain of trust names the zones from the root down and their servers. Without it, for example if the zone does
    not exist, the bands are the parent zone, if it was found, and the zone.
    """
    measured = {(row["nameserver"], row["address"]): row for row in timings or ()}
    if not measured:
        return ()
    entries = [*entries]
    refusing = {
        (entry.args.get("ns"), entry.args.get("address")): str(entry.args["rcode"])
        for entry in entries
        if entry.module in _REFUSING and "rcode" in entry.args
    }
    zones = list(_zones_of_chain(chain)) or _zones_of_entries(domain, entries, measured)
    known = zones[-1][1]
    for name, address in measured:  # a server without an address is only among the timings
        if not address:
            known.setdefault(name, [""])
    return _bands(
        (
            zone,
            {
                name: [_row(each, measured.get((name, each)), refusing.get((name, each))) for each in found]
                for name, found in servers.items()
            },
            0,
        )
        for zone, servers in zones
    )


def way_so_far(found: Mapping[str, Any]) -> Sequence[WayBand]:
    """Return the bands of a running test. Raises KeyError, TypeError or ValueError for an invalid document."""
    return _bands(
        (
            str(zone["zone"]),
            {
                str(server["ns"]): [_row_so_far(*address) for address in server["addresses"]]
                or [WayRow("", "error", None, "unresolved")]
                for server in zone["servers"]
            },
            int(zone["more"]),
        )
        for zone in found["zones"]
    )


def _zones_of_chain(chain: Any | None) -> Iterator[tuple[str, dict[str, list[str]]]]:
    for zone in (chain or {}).get("zones", ()):
        servers: dict[str, list[str]] = {}
        for server in zone.get("servers", ()):
            servers.setdefault(server["nameserver"], []).append(server["address"])
        if servers:
            yield zone["zone"], servers


def _zones_of_entries(
    domain: str, entries: Iterable[EntryRecord], measured: Iterable[tuple[str, str]]
) -> list[tuple[str, dict[str, list[str]]]]:
    parent, own = "", set[str]()
    above: dict[str, list[str]] = {}
    for entry in entries:
        if entry.tag == "B01_PARENT_FOUND":
            parent = str(entry.args.get("domain", ""))
            for server in _servers(entry):
                above.setdefault(server.get("ns", ""), []).append(server.get("address", ""))
        elif entry.module in _OWN:
            own |= {server["ns"] for server in _servers(entry) if "ns" in server}
    servers: dict[str, list[str]] = {}
    for name, address in measured:
        if name in own or not (own or name in above):
            servers.setdefault(name, []).append(address)
    return [*([(parent, above)] if above else ()), (domain, servers)]


def _servers(entry: EntryRecord) -> Iterator[Mapping[str, str]]:
    listed = entry.args.get("servers")
    for item in [entry.args, *(listed if isinstance(listed, list) else ())]:
        if isinstance(item, Mapping) and isinstance(item.get("ns"), str):
            yield item


def _bands(zones: Iterable[tuple[str, Mapping[str, Sequence[WayRow]], int]]) -> Sequence[WayBand]:
    """Place the zones below each other; each has its servers and the number of further servers."""
    bands: list[WayBand] = []
    y = 1
    for zone, servers, more in zones:
        band = _band(zone, servers, more, y)
        bands.append(band)
        y = band.y + band.height + _BETWEEN
    return bands


def _band(zone: str, servers: Mapping[str, Sequence[WayRow]], more: int, y: int) -> WayBand:
    every = [WayBox(name, rows, 0, 0) for name, rows in servers.items()]
    shown = every if len(every) + more <= _MOST_BOXES else every[: _MOST_BOXES - 1]
    rest = every[len(shown) :]
    if more := more + len(rest):
        shown = [*shown, WayBox("", [row for box in rest for row in box.rows], 0, 0, more=more)]
    placed, top = [], y + _PAD
    for start in range(0, len(shown), len(_COLUMNS)):
        pair = shown[start : start + len(_COLUMNS)]
        placed += [WayBox(box.name, box.rows, x, top, box.more) for box, x in zip(pair, _COLUMNS, strict=False)]
        top += max(box.height for box in pair) + _GAP
    return WayBand(zone, placed, every, y, more=more - len(rest))


def _row(address: str, timing: Mapping[str, Any] | None, rcode: str | None) -> WayRow:
    if rcode:
        return WayRow(address, "error", None, rcode)
    if timing is None:
        return WayRow(address, "none", None, "unresolved" if not address else "")
    status = str(timing.get("status", "ok"))
    median = timing.get("median_ms") if timing.get("median_ms") is not None else timing.get("avg_ms")
    return WayRow(address, _STATES.get(status, "ok"), median, status)


def _row_so_far(address: str, state: str, median_ms: float | None) -> WayRow:
    status = _OF_RUNNING[state]
    return WayRow(str(address), _STATES[status], None if median_ms is None else float(median_ms), status)
