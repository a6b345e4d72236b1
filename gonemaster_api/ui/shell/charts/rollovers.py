"""The timeline of a key rollover as a picture: the DS records, the keys on each server, and what caches may have."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gonemaster_api.ui.shell.texts.formats import aware

MOST_STATES = 200  # the newest ones are drawn
_MOST_BANDS, _MOST_LANES, _TICKS = 4, 12, 4
_TOP, _HEADING, _LANE, _BAR, _PAD, _BETWEEN = 24, 26, 20, 12, 8, 10
_SHORTEST = 3.0  # width of a bar that is too short to be seen
_MARK_SPACE = 26.0  # closer numbers of steps are merged
_LEAST_AHEAD_S, _AHEAD = 600, 0.5  # how far after the last sample deadlines are drawn, in seconds and in shares
_CACHED = ("dnskey", "signatures", "ds")
_OWN_ROLE = {(True, True): "CSK", (True, False): "KSK", (False, True): "ZSK", (False, False): "ZSK"}

WIDE, NARROW = (720, 150), (344, 88)
"""Width and width of the labels of a picture, in its own units: for a window, and for a phone."""


@dataclass(frozen=True)
class SpanBar:
    """A time in which something holds. `kind`: ds, published, keys, zone, both (the key signs both) or cached."""

    x: float
    width: float
    kind: str


@dataclass(frozen=True)
class Lane:
    """The bars of one key, or of one cached record set."""

    name: str
    y: int
    bars: Sequence[SpanBar]


@dataclass(frozen=True)
class TimelineBand:
    """Lanes with a common heading. `servers` have the same states; the bands of the parent and of caches have none."""

    kind: str  # ds, servers or caches
    servers: Sequence[tuple[str, str]]
    lanes: Sequence[Lane]
    y: int
    height: int
    faults: Sequence[float] = ()


@dataclass(frozen=True)
class RolloverPicture:
    """The placed picture. `marks` are the numbers of steps, `more` the servers that it does not show."""

    width: int
    height: int
    labels: int
    bands: Sequence[TimelineBand]
    ticks: Sequence[tuple[float, datetime]]
    marks: Sequence[tuple[float, str]]
    end_of_samples: float
    more: int


@dataclass(frozen=True)
class StateGroup:
    """Servers with the same states at all times, for the list: the keys by span, None without an answer."""

    servers: tuple[tuple[str, str], ...]
    history: tuple[Mapping[str, str] | None, ...]  # what each key does: published, keys, zone or both


def timeline_of(document: dict[str, Any], size: tuple[int, int] = WIDE) -> RolloverPicture | None:
    """Return the picture of a document of `GET /watches/{id}/rollover`; None without a sample."""
    spans = document["spans"][-MOST_STATES:]
    return _Drawing(document | {"spans": spans}, *size).timeline() if spans else None


def groups_of(spans: Sequence[Mapping[str, Any]]) -> list[StateGroup]:
    """Return the servers, grouped by equal states at all times; the largest group first."""
    seen: dict[tuple[str, str], list[Mapping[str, str] | None]] = defaultdict(lambda: [None] * len(spans))
    for number, span in enumerate(spans):
        for server in span["state"]["servers"]:
            seen[server["ns"], server["address"]][number] = _use_of_keys(server)
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for server, history in seen.items():
        groups[repr(history)].append(server)
    found = [StateGroup(tuple(sorted(each)), tuple(seen[each[0]])) for each in groups.values()]
    return sorted(found, key=lambda group: (-len(group.servers), group.servers))


def _use_of_keys(server: Mapping[str, Any]) -> dict[str, str]:
    uses = {}
    for key in server["keys"]:
        signs = (key in server["signing_keys"], key in server["signing_zone"])
        uses[key] = {(True, True): "both", (True, False): "keys", (False, True): "zone"}.get(signs, "published")
    return uses


def names_of_keys(spans: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the names of all keys, such as `KSK 12345`, in the order in which they appear."""
    facts = {key["id"]: key for span in spans for key in span["state"]["keys"]}
    uses: dict[str, set[str]] = defaultdict(set)
    for group in groups_of(spans):
        for state in group.history:
            for key, use in (state or {}).items():
                uses[key].add(use)
    algorithms = {key["algorithm"] for key in facts.values()}
    names = {}
    for key, fact in facts.items():
        signs_zone = bool(uses[key] & {"zone", "both"})
        role = _OWN_ROLE[fact["is_sep"] or "both" in uses[key], signs_zone]
        names[key] = f"{role} {fact['tag']}" + (f"/{fact['algorithm']}" if len(algorithms) > 1 else "")
    return names


class _Drawing:
    """Places the parts of a picture from top to bottom."""

    def __init__(self, document: Mapping[str, Any], width: int, labels: int) -> None:
        self._document, self._spans = document, document["spans"]
        self._width, self._labels = width, labels
        first, last = _seconds(self._spans[0]["first_at"]), _seconds(self._spans[-1]["last_at"])
        ahead = max((last - first) * _AHEAD, _LEAST_AHEAD_S)
        ends = [_seconds(each["until"]) for each in document["deadlines"]]
        self._first, self._last = first, last
        self._end = max(min(max(ends, default=last), last + ahead), last, first + 60)

    def timeline(self) -> RolloverPicture:
        groups = groups_of(self._spans)
        bands: list[TimelineBand] = []
        y = _TOP
        for kind, servers, lanes, faults in self._bands(groups[:_MOST_BANDS]):
            placed = [Lane(name, y + _HEADING + _LANE * n, bars) for n, (name, bars) in enumerate(lanes)]
            height = _HEADING + _LANE * len(placed) + _PAD
            bands.append(TimelineBand(kind, servers, placed, y, height, faults))
            y += height + _BETWEEN
        more = sum(len(group.servers) for group in groups[_MOST_BANDS:])
        ticks = [self._first + (self._end - self._first) * n / _TICKS for n in range(_TICKS + 1)]
        return RolloverPicture(
            self._width,
            y,
            self._labels,
            bands,
            [(self._x(at), datetime.fromtimestamp(at, tz=aware(self._spans[0]["first_at"]).tzinfo)) for at in ticks],
            list(self._marks()),
            self._x(self._last),
            more,
        )

    def _bands(
        self, groups: Sequence[StateGroup]
    ) -> Iterator[tuple[str, Sequence[tuple[str, str]], Sequence[tuple[str, Sequence[SpanBar]]], Sequence[float]]]:
        ds = self._lanes([{_name_of_ds(text): "ds" for text in span["state"]["ds"]} for span in self._spans])
        yield "ds", (), ds, ()
        names = names_of_keys(self._spans)
        for group in groups:
            states = [{names[key]: use for key, use in (state or {}).items()} for state in group.history]
            order = list(names.values())
            lanes = sorted(self._lanes(states), key=lambda lane: order.index(lane[0]))
            yield "servers", group.servers, lanes, self._faults_of(group)
        caches = [(cached, list(self._caches(cached))) for cached in _CACHED]
        if lanes := [(cached, bars) for cached, bars in caches if bars]:
            yield "caches", (), lanes, ()

    def _lanes(self, states: Sequence[Mapping[str, str]]) -> list[tuple[str, list[SpanBar]]]:
        """Return a lane for each key; equal states of neighbouring spans share a bar."""
        keys = dict.fromkeys(key for state in states for key in state)
        return [(key, list(self._bars([state.get(key) for state in states]))) for key in list(keys)[:_MOST_LANES]]

    def _bars(self, uses: Sequence[str | None]) -> Iterator[SpanBar]:
        start = 0
        for number in range(1, len(uses) + 1):
            if number < len(uses) and uses[number] == uses[start]:
                continue
            if use := uses[start]:
                until = self._spans[number]["first_at"] if number < len(uses) else self._spans[-1]["last_at"]
                yield self._bar(_seconds(self._spans[start]["first_at"]), _seconds(until), use)
            start = number

    def _caches(self, cached: str) -> Iterator[SpanBar]:
        for each in self._document["deadlines"]:
            if each["cached"] == cached and _seconds(each["until"]) > self._first:
                yield self._bar(_seconds(each["since"]), min(_seconds(each["until"]), self._end), "cached")

    def _faults_of(self, group: StateGroup) -> list[float]:
        addresses = {address for _, address in group.servers}
        found = {_seconds(each["at"]) for each in self._document["faults"] if each["address"] in addresses}
        return [self._x(at) for at in sorted(found) if at >= self._first]

    def _marks(self) -> Iterator[tuple[float, str]]:
        """Yield the numbers of steps; those that would overlap are merged."""
        pending: list[tuple[float, int]] = []
        for number, step in enumerate(self._document["steps"], 1):
            x = self._x(max(_seconds(step["at"]), self._first))
            if pending and x - pending[0][0] > _MARK_SPACE:
                yield _merged(pending)
                pending = []
            pending.append((x, number))
        if pending:
            yield _merged(pending)

    def _bar(self, start: float, end: float, kind: str) -> SpanBar:
        x = self._x(max(start, self._first))
        return SpanBar(x, max(round(self._x(end) - x, 1), _SHORTEST), kind)

    def _x(self, at: float) -> float:
        room = self._width - self._labels - _SHORTEST - 8
        return round(self._labels + room * (at - self._first) / (self._end - self._first), 1)


def _merged(marks: Sequence[tuple[float, int]]) -> tuple[float, str]:
    first, last = marks[0][1], marks[-1][1]
    return marks[0][0], str(first) if first == last else f"{first}–{last}"


def _name_of_ds(text: str) -> str:
    return f"DS {text.split()[0]}"


def _seconds(moment: datetime | str) -> float:
    return aware(moment).timestamp()


def transfers_of(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return how the transfers of a state ended, by server, with the keys whose signatures are wrong."""
    return [
        {
            **{name: server[name] for name in ("ns", "address")},
            "outcome": "complete" if server.get("is_transferred") else server.get("transfer", ""),
            "keys": [*server.get("orphans", ()), *server.get("invalid", ())],
        }
        for server in state["servers"]
    ]


def listed_states(spans: Sequence[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """Return each state for the list: its times, the DS records, and for each group of servers the use of its keys."""
    names, groups = names_of_keys(spans), groups_of(spans)
    for number, span in enumerate(spans):
        states = [(group.servers, group.history[number]) for group in groups]
        yield {
            **{name: span[name] for name in ("first_at", "last_at", "samples")},
            "ds": sorted({_name_of_ds(text) for text in span["state"]["ds"]}),
            "servers": [
                (servers, None if state is None else [(names[key], use) for key, use in state.items()])
                for servers, state in states
            ],
        }
