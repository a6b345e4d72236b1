"""Rendering of a picture as SVG: for a page, with links and the page's style classes, or as a separate document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gonemaster_engine.trustchain.diagram.layout import (
    BOX_HEIGHT,
    HEADING,
    WIDTH,
    Placed,
    PlacedBand,
    PlacedBox,
    Point,
    Polyline,
    place,
)
from gonemaster_engine.trustchain.diagram.marks import Mark
from gonemaster_engine.trustchain.diagram.model import Band, Picture
from gonemaster_engine.trustchain.diagram.style import STYLE
from gonemaster_engine.trustchain.diagram.svg import Markup, element, line_of_text, text, text_width
from gonemaster_engine.trustchain.diagram.texts import DiagramTexts

_NAMESPACE = "http://www.w3.org/2000/svg"
_MARGIN, _TITLE_HEIGHT, _LINE_HEIGHT, _LEGEND_WIDTH = 12, 62, 15, 120
_SCALE = 1.5  # scale of a file, for which no page sets the display size
_NAME_LENGTH = 32  # longer zone names are shortened in the middle
_RADIUS = 8  # radius of corners
_ICONS = {  # 16 by 16
    Mark.OK: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zM4.1 8.3l2.9 2.9 5-5-1.3-1.3L7 8.6 5.4 7z",
    Mark.WARN: (
        "M6.8 1.9a1.4 1.4 0 0 1 2.4 0l6.2 10.6a1.4 1.4 0 0 1-1.2 2.1H1.8a1.4 1.4 0 0 1-1.2-2.1z"
        "M7.1 5.2v4.6h1.8V5.2zM7.1 11v1.8h1.8V11z"
    ),
    Mark.BAD: (
        "M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1zM5 6.3 6.7 8 5 9.7 6.3 11 8 9.3 9.7 11 11 9.7 9.3 8 11 6.3 9.7 5"
        " 8 6.7 6.3 5z"
    ),
    Mark.NONE: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zM8 2.8a5.2 5.2 0 1 0 0 10.4A5.2 5.2 0 0 0 8 2.8zM5 7.1h6v1.8H5z",
    Mark.UNKNOWN: (
        "M5 1.5h6A3.5 3.5 0 0 1 14.5 5v6a3.5 3.5 0 0 1-3.5 3.5H5A3.5 3.5 0 0 1 1.5 11V5A3.5 3.5 0 0 1 5 1.5z"
        "M5.2 6.3h1.7a1.1 1.1 0 1 1 1.7.9C7.5 7.9 7.1 8.4 7.1 9.6h1.8c0-.6.2-.8.8-1.2A2.8 2.8 0 1 0 5.2 6.3z"
        "M7.1 10.7h1.8v1.8H7.1z"
    ),
}
_CROSS, _QUESTION = "M-2.2-2.2 2.2 2.2M2.2-2.2-2.2 2.2", "M-1.6-1.2A1.6 1.6 0 1 1 .6.3Q0 .6 0 1.1M0 2.7v.1"


def inline(picture: Picture, words: DiagramTexts, *, prefix: str, chosen: str | None) -> Markup:
    """Draw the picture for a page: without style, each box a link to `#` and its ID.

    The `chosen` box is highlighted.
    """
    placed = place(picture)
    bottom, end = _end(picture, words, placed.height)
    title, description = f"{prefix}-title", f"{prefix}-description"
    return element(
        "svg",
        (
            ("class", "chain"),
            ("viewBox", f"0 0 {WIDTH} {bottom:g}"),
            ("role", "group"),
            ("aria-labelledby", title),
            ("aria-describedby", description),
        ),
        element("title", (("id", title),), text(picture.title)),
        element("desc", (("id", description),), text(picture.summary)),
        *map(_background, placed.bands),
        *_lines(placed),
        *(part for band in placed.bands for part in _linked_parts(band, chosen)),
        *end,
    )


def standalone(picture: Picture, words: DiagramTexts) -> Markup:
    """Draw the picture as a document with its own style, a heading and the time, without links."""
    placed = place(picture, top=_TITLE_HEIGHT)
    bottom, end = _end(picture, words, placed.height)
    width, height = WIDTH + 2 * _MARGIN, bottom + 2 * _MARGIN
    return element(
        "svg",
        (
            ("xmlns", _NAMESPACE),
            ("class", "chain"),
            ("width", f"{width * _SCALE:g}"),
            ("height", f"{height * _SCALE:g}"),
            ("viewBox", f"{-_MARGIN} {-_MARGIN} {width} {height:g}"),
            ("role", "img"),
            ("aria-labelledby", "title"),
            ("aria-describedby", "description"),
        ),
        element("title", (("id", "title"),), text(picture.title)),
        element("desc", (("id", "description"),), text(picture.summary)),
        element("style", (), Markup(STYLE)),  # contains no XML special characters
        element("rect", (("class", "paper"), ("x", -_MARGIN), ("y", -_MARGIN), ("width", "100%"), ("height", "100%"))),
        *_heading(picture, words),
        *map(_background, placed.bands),
        *_lines(placed),
        *(part for band in placed.bands for part in _plain_parts(band)),
        *end,
    )


def _heading(picture: Picture, words: DiagramTexts) -> Iterator[Markup]:
    yield line_of_text(words.label("heading"), x=0, y=14, size=10.5, width=WIDTH, css="t2")
    yield line_of_text(picture.zone, x=0, y=32, size=15, width=WIDTH, css="tt", max_characters=_NAME_LENGTH)
    yield _icon(picture.mark, 0, 40)
    subtitle = ", ".join(filter(None, (picture.status, picture.checked_at)))
    yield line_of_text(subtitle, x=20, y=51, size=10.5, width=WIDTH - 20, css="t2")


def _background(placed: PlacedBand) -> Markup:
    shape = (("x", 1), ("y", placed.y), ("width", WIDTH - 2), ("height", placed.height), ("rx", 10))
    return element("rect", (("class", "zone"), *shape))


def _linked_parts(placed: PlacedBand, chosen: str | None) -> Iterator[Markup]:
    """Yield the head of a band and its boxes in reading order, each as a link."""
    about = placed.band.about
    if about.word:
        label = ", ".join(filter(None, (placed.band.name, about.word)))
        yield element("a", (("href", f"#{about.id}"), ("aria-label", label)), *_head(placed))
    else:
        yield element("g", (), *_head(placed))
    for box in placed.boxes.values():
        about = box.box.about
        attributes = (("href", f"#{about.id}"), ("aria-label", _spoken_text(box)))
        yield element("a", attributes, *_box(box, is_chosen=about.id == chosen))


def _plain_parts(placed: PlacedBand) -> Iterator[Markup]:
    yield element("g", (), *_head(placed))
    for box in placed.boxes.values():
        yield element("g", (), *_box(box, is_chosen=False))


def _head(placed: PlacedBand) -> Iterator[Markup]:
    band, y = placed.band, placed.y
    yield element("title", (), text(band.name))
    place_ = (("x", 1), ("y", y), ("width", WIDTH - 2), ("height", HEADING))
    yield element("rect", (*place_, ("fill", "none"), ("pointer-events", "all")))  # makes the whole area clickable
    if band.about.word:
        yield line_of_text(band.about.word, x=20, y=y + 23, size=10.5, width=88, css="t2")
        yield _icon(band.about.mark, 330, y + 11)
    yield line_of_text(band.name, x=323, y=y + 23, size=13, width=208, css="tz", max_characters=_NAME_LENGTH)
    for number, reason in enumerate(band.reasons):
        yield line_of_text(reason, x=20, y=y + 38 + 14 * number, size=10.5, width=WIDTH - 40, css="t2")


def _spoken_text(placed: PlacedBox) -> str:
    box = placed.box
    return ", ".join((box.label, box.note, box.about.zone, box.about.word))


def _box(placed: PlacedBox, *, is_chosen: bool) -> Iterator[Markup]:
    box, middle = placed.box, placed.x + placed.width / 2
    css = " ".join(("node", box.mark.value, *(["on"] if is_chosen else [])))
    shape = (("x", placed.x), ("y", placed.y), ("width", placed.width), ("height", BOX_HEIGHT), ("rx", 8))
    yield element("title", (), text(_spoken_text(placed)))
    yield element("rect", (("class", css), *shape))
    width = placed.width - 8
    yield line_of_text(box.label, x=middle, y=placed.y + 17, size=12, width=width, css="mid", max_characters=24)
    yield line_of_text(box.note, x=middle, y=placed.y + 31, size=10.5, width=width, css="mid t2", max_characters=24)


def _lines(placed: Placed) -> Iterator[Markup]:
    for line in placed.lines:
        yield element("path", (("class", f"edge {line.mark.value}"), ("d", _path(line))))
    for line in placed.lines:
        if line.tip:
            yield element("path", (("class", f"tip {line.mark.value}"), ("d", _tip(line.points))))
        if line.sign:
            yield _sign(line.mark, line.sign)


def _path(line: Polyline) -> str:
    """Return the path through the points with rounded corners, which ends at the start of the tip."""
    points = list(line.points)
    if line.tip:
        (x, y), (_, before_y) = points[-1], points[-2]
        points[-1] = (x - 5, y) if before_y == y else (x, y - 5)
    return "".join(_steps(points))


def _steps(points: Sequence[Point]) -> Iterator[str]:
    yield f"M{_at(points[0])}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(_RADIUS, _length(before, corner) / 2, _length(corner, after) / 2)
        yield f"L{_at(_towards(corner, before, radius))}Q{_at(corner)} {_at(_towards(corner, after, radius))}"
    yield f"L{_at(points[-1])}"


def _at(point: Point) -> str:
    return f"{point[0]:g} {point[1]:g}"


def _length(start: Point, end: Point) -> float:
    return abs(start[0] - end[0]) + abs(start[1] - end[1])  # all lines are horizontal or vertical


def _towards(start: Point, end: Point, distance: float) -> Point:
    length = _length(start, end) or 1
    return tuple(a + (b - a) * distance / length for a, b in zip(start, end, strict=True))  # type: ignore[return-value]


def _tip(points: Sequence[Point]) -> str:
    (x, y), (_, before_y) = points[-1], points[-2]
    return f"M{x:g} {y:g}l-6-4v8z" if before_y == y else f"M{x:g} {y:g}l-4-6h8z"


def _sign(mark: Mark, point: Point) -> Markup:
    shape = _CROSS if mark is Mark.BAD else _QUESTION
    return element(
        "g",
        (("class", f"sign {mark.value}"), ("transform", f"translate({_at(point)})")),
        element("circle", (("r", 5.5),)),
        element("path", (("d", shape),)),
    )


def _icon(mark: Mark, x: float, y: float) -> Markup:
    place_ = f"translate({x:g} {y:g}) scale(.875)"
    attributes = (("class", f"icon {mark.value}"), ("fill-rule", "evenodd"), ("transform", place_), ("d", _ICONS[mark]))
    return element("path", attributes)


def _end(picture: Picture, words: DiagramTexts, y: float) -> tuple[float, list[Markup]]:
    """Draw the legend of the line types and the notes about missing parts; return it with its lower edge."""
    drawn, x, y = [], 2.0, y + 18.5
    for mark in _marks_in(picture):
        label = words.label(f"edge_{mark.value}")
        width = min(text_width(label, 10.5) + 8, _LEGEND_WIDTH)
        if x + 26 + width > WIDTH:
            x, y = 2.0, y + _LINE_HEIGHT
        drawn.append(element("path", (("class", f"edge {mark.value}"), ("d", f"M{x:g} {y - 3.5:g}h22"))))
        drawn.append(line_of_text(label, x=x + 27, y=y, size=10.5, width=_LEGEND_WIDTH, css="t2"))
        x += 27 + width + 8
    for remark in picture.problems:
        y += _LINE_HEIGHT
        drawn.append(line_of_text(remark, x=2, y=y, size=10.5, width=WIDTH - 4, css="t2"))
    return y + 4, drawn


def _marks_in(picture: Picture) -> list[Mark]:
    found = {mark for band in picture.bands for mark in _marks_of(band)}
    return [mark for mark in Mark if mark in found]


def _marks_of(band: Band) -> Iterator[Mark]:
    yield from (box.mark for box in band.boxes)
    for bundle in filter(None, (band.keys, band.data, band.below)):
        yield from (end.mark for end in (*bundle.sources, *bundle.targets))
        yield bundle.mark
