"""The positions of bands, boxes and lines; the width of the picture is 360 units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

from gonemaster_engine.trustchain.diagram.marks import Mark
from gonemaster_engine.trustchain.diagram.model import Band, Box, Bundle, BundleEnd, Picture

WIDTH = 360
BOX_HEIGHT = 40
_COLUMNS = ((20, 92), (134, 90), (246, 92))  # left edge and width
_KEYS_LINE, _DATA_LINE = 122, 234  # common lines between the columns
_LEFT_LINE, _RIGHT_LINE = 10, 349  # common lines at the edges, which connect bands
_PITCH = 48  # distance between boxes
HEADING, _REASON, _FOOT = 36, 14, 12  # parts of a band's height
_GAP = 36  # distance between bands
_BELOW_BOXES = 5  # distance between the last box of the second column and a line that passes below it

Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Polyline:
    """A line with corners; its end may have a tip, and a sign marks a problem."""

    points: tuple[Point, ...]
    mark: Mark
    tip: bool = False
    sign: Point | None = None


@dataclass(frozen=True, slots=True)
class PlacedBox:
    """A box and its upper left corner."""

    box: Box
    x: float
    y: float
    width: float

    @property
    def middle(self) -> float:
        """The height at which lines meet the box."""
        return self.y + BOX_HEIGHT / 2

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.width


@dataclass(slots=True)
class PlacedBand:
    """A band with its upper edge, its height and its placed boxes."""

    band: Band
    y: float
    height: float
    boxes: dict[str, PlacedBox] = field(default_factory=dict)  # by id

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Placed:
    """All parts of a picture in drawing order."""

    bands: tuple[PlacedBand, ...]
    lines: tuple[Polyline, ...]
    height: float


def place(picture: Picture, *, top: float = 1) -> Placed:
    """Place all parts of a picture, starting at the height `top`."""
    bands = []
    y = top
    for band in picture.bands:
        placed = _place_band(band, y)
        bands.append(placed)
        y = placed.bottom + _GAP
    lines = [line for band in bands for line in _within(band)]
    for above, below in pairwise(bands):
        lines += _between(above, below)
    return Placed(tuple(bands), tuple(lines), y - _GAP if bands else top)


def _place_band(band: Band, y: float) -> PlacedBand:
    rows = max(map(len, band.columns))
    heading = HEADING + _REASON * len(band.reasons)
    placed = PlacedBand(band, y, heading + (rows * _PITCH - (_PITCH - BOX_HEIGHT) + _FOOT if rows else 0))
    for (x, width), column in zip(_COLUMNS, band.columns, strict=True):
        start = y + heading + (rows - len(column)) * _PITCH / 2
        for row, box in enumerate(column):
            placed.boxes[box.about.id] = PlacedBox(box, x, start + row * _PITCH, width)
    return placed


def _within(band: PlacedBand) -> Iterator[Polyline]:
    if band.band.keys:
        yield from _bundle(band, band.band.keys, _KEYS_LINE)
    if band.band.data:
        yield from _bundle(band, band.band.data, _DATA_LINE)


def _bundle(band: PlacedBand, bundle: Bundle, x: float) -> Iterator[Polyline]:
    """Yield the lines of a bundle: from each source to a common line, and from there to each target."""
    sources, targets = _drawn(band, bundle.sources), _drawn(band, bundle.targets)
    if not targets:
        return
    heights = [place.middle for _, place in targets]
    for end, place in sources:
        height, points = _to_common_line(band, place, x)
        heights.append(height)
        sign = _sign(end.mark, (place.right + 5, place.middle))
        yield Polyline(points, end.mark, sign=sign)
    if max(heights) > min(heights):
        yield Polyline(((x, min(heights)), (x, max(heights))), bundle.mark)
    for end, place in targets:
        sign = None if any(each.mark is end.mark for each, _ in sources) else _sign(end.mark, (x, place.middle))
        yield Polyline(((x, place.middle), (place.x, place.middle)), end.mark, tip=True, sign=sign)


def _to_common_line(band: PlacedBand, place: PlacedBox, x: float) -> tuple[float, tuple[Point, ...]]:
    """Return the height at which a line from a box meets the common line, and its points; it passes below boxes."""
    if x == _DATA_LINE and place.x == _COLUMNS[0][0] and band.band.columns[1]:
        channel, below = _KEYS_LINE - 5, band.bottom - _FOOT + _BELOW_BOXES
        start = place.middle + BOX_HEIGHT / 4
        return below, ((place.right, start), (channel, start), (channel, below), (x, below))
    return place.middle, ((place.right, place.middle), (x, place.middle))


def _between(above: PlacedBand, below: PlacedBand) -> Iterator[Polyline]:
    """Yield the lines along the edges from the DS records in a band to the keys in the next band."""
    bundle = above.band.below
    if bundle is None:
        return
    level = above.bottom + _GAP / 2
    sources, targets = _drawn(above, bundle.sources), _drawn(below, bundle.targets)
    for end, place in sources:
        yield Polyline(((place.right, place.middle), (_RIGHT_LINE, place.middle)), end.mark)
    if sources:
        start: tuple[Point, ...] = ((_RIGHT_LINE, min(place.middle for _, place in sources)), (_RIGHT_LINE, level))
    else:
        start = ((WIDTH / 2, above.bottom), (WIDTH / 2, level))
    sign = _sign(bundle.mark, (WIDTH / 2 if sources else WIDTH / 3, level))
    if not targets:
        middle = _COLUMNS[0][0] + _COLUMNS[0][1] / 2
        yield Polyline((*start, (middle, level), (middle, below.y)), bundle.mark, tip=True, sign=sign)
        return
    last = max(place.middle for _, place in targets)
    for end, place in targets:
        if place.middle < last:
            yield Polyline(((_LEFT_LINE, place.middle), (place.x, place.middle)), end.mark, tip=True)
        else:
            points = (*start, (_LEFT_LINE, level), (_LEFT_LINE, last), (place.x, last))
            yield Polyline(points, end.mark, tip=True, sign=sign)


def _drawn(band: PlacedBand, ends: Iterable[BundleEnd]) -> list[tuple[BundleEnd, PlacedBox]]:
    """Return the ends whose boxes are in the band; some boxes may have been left out."""
    return [(end, band.boxes[end.box.about.id]) for end in ends if end.box.about.id in band.boxes]


def _sign(mark: Mark, point: Point) -> Point | None:
    return point if mark in {Mark.BAD, Mark.UNKNOWN} else None
