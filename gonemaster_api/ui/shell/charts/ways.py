"""The way to a zone: the parent zone and the name servers that were asked, with state and response time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gonemaster_db.core.records import EntryRecord

WIDTH = 640
_MOST_BOXES, _MOST_ROWS = 4, 4
_COLUMNS = (190, 412)
_BOX_WIDTH, _NAME, _LINE, _PAD, _GAP, _BETWEEN = 212, 24, 18, 21, 12, 37
_OWN = frozenset({"ADDRESS", "CONNECTIVITY", "DELEGATION", "NAMESERVER"})
_STATES = {"ok": "ok", "unreachable": "warning", "unresolved": "error"}


@dataclass(frozen=True)
class WayRow:
    """One address of a server: its state (`ok`, `warning`, `error` or `none`) and its median in milliseconds."""

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
    servers: Sequence[WayBox]  # all of them, for the list
    y: int

    @property
    def height(self) -> int:
        """The height of the band."""
        return max((box.y + box.height for box in self.boxes), default=self.y + _NAME) + _PAD - self.y


def way_of(
    domain: str, entries: Iterable[EntryRecord], timings: Iterable[Mapping[str, Any]] | None
) -> Sequence[WayBand]:
    """Return the bands of the parent zone, if it was found, and of the zone; none without timings."""
    measured = {(row["nameserver"], row["address"]): row for row in timings or ()}
    if not measured:
        return ()
    parent, own = "", set[str]()
    above: dict[str, list[str]] = {}
    for entry in entries:
        if entry.tag == "B01_PARENT_FOUND":
            parent = str(entry.args.get("domain", ""))
            for server in _servers(entry):
                above.setdefault(server.get("ns", ""), []).append(server.get("address", ""))
        elif entry.module in _OWN:
            own |= {server["ns"] for server in _servers(entry) if "ns" in server}
    names = [name for name in dict.fromkeys(name for name, _ in measured) if name in own or name not in above]
    zones = [(parent, above)] if above else []
    zones.append((domain, {name: [address for ns, address in measured if ns == name] for name in names}))
    bands: list[WayBand] = []
    y = 1
    for zone, servers in zones:
        band = _band(zone, servers, measured, y)
        bands.append(band)
        y = band.y + band.height + _BETWEEN
    return bands


def _servers(entry: EntryRecord) -> Iterator[Mapping[str, str]]:
    listed = entry.args.get("servers")
    for item in [entry.args, *(listed if isinstance(listed, list) else ())]:
        if isinstance(item, Mapping) and isinstance(item.get("ns"), str):
            yield item


def _band(
    zone: str, servers: Mapping[str, Sequence[str]], measured: Mapping[tuple[str, str], Mapping[str, Any]], y: int
) -> WayBand:
    rows = {
        name: [_row(address, measured.get((name, address))) for address in found] for name, found in servers.items()
    }
    every = [WayBox(name, found, 0, 0) for name, found in rows.items()]
    shown = every if len(every) <= _MOST_BOXES else every[: _MOST_BOXES - 1]
    rest = every[len(shown) :]
    if rest:
        shown = [*shown, WayBox("", [row for box in rest for row in box.rows], 0, 0, more=len(rest))]
    placed, top = [], y + _PAD
    for start in range(0, len(shown), len(_COLUMNS)):
        pair = shown[start : start + len(_COLUMNS)]
        placed += [WayBox(box.name, box.rows, x, top, box.more) for box, x in zip(pair, _COLUMNS, strict=False)]
        top += max(box.height for box in pair) + _GAP
    return WayBand(zone, placed, every, y)


def _row(address: str, timing: Mapping[str, Any] | None) -> WayRow:
    if timing is None:
        return WayRow(address, "none", None, "")
    status = str(timing.get("status", "ok"))
    median = timing.get("median_ms") if timing.get("median_ms") is not None else timing.get("avg_ms")
    return WayRow(address, _STATES.get(status, "ok"), median, status)
