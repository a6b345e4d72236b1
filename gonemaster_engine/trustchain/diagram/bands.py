"""Composition of the picture: its bands, their boxes, and the lines between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from gonemaster_engine.trustchain.diagram import facts, marks
from gonemaster_engine.trustchain.diagram.boxes import (
    Context,
    KeyBox,
    ds_boxes,
    ends_of,
    key_boxes,
    no_ds,
    no_keys,
    record_ends,
)
from gonemaster_engine.trustchain.diagram.marks import Mark
from gonemaster_engine.trustchain.diagram.model import Band, Box, Bundle, BundleEnd, Columns, NodeFacts, Picture
from gonemaster_engine.trustchain.diagram.reading import ChainView, DsView, Signature, ZoneView
from gonemaster_engine.trustchain.diagram.texts import DiagramTexts, instant

MAX_BOXES = 12  # per column
MAX_BANDS = 10
_FIRST_BANDS = 2  # these stay at the top if bands are left out
_MAX_REASONS = 2  # servers shown in a band; the facts list all of them
_OF_THE_WHOLE = {
    "secure": Mark.OK,
    "partial": Mark.WARN,
    "broken": Mark.BAD,
    "island": Mark.NONE,
    "unsigned": Mark.NONE,
    "indeterminate": Mark.UNKNOWN,
}


def picture_of(chain: ChainView, words: DiagramTexts, *, prefix: str) -> Picture:
    """Return the picture of a chain; the IDs of boxes start with `prefix`."""
    context = Context(chain, words, prefix)
    status = chain.status if chain.status in {*_OF_THE_WHOLE, "undelegated"} else "indeterminate"
    last = marks.for_status(chain.cuts[-1].status) if chain.cuts else Mark.UNKNOWN
    return Picture(
        zone=chain.zone,
        title=words.label("title", zone=chain.zone),
        summary=words.summary(status, chain.zone),
        status=words.label(f"status_{status}"),
        mark=_OF_THE_WHOLE.get(status, last),
        checked_at=words.label("checked_at", time=instant(chain.checked_at)) if chain.checked_at else "",
        bands=tuple(_fewer_bands(context, list(_bands(context)))),
        problems=(words.label("lists_cut"),) if chain.truncated else (),
    )


def _bands(context: Context) -> Iterator[Band]:
    cuts = context.chain.cuts
    keys = [key_boxes(context, position) for position in range(len(cuts))]
    ds = [ds_boxes(context, position) for position in range(len(cuts))]
    if cuts and _shows_anchors(context, keys[0]):
        yield _anchors(context, ds[0], keys[0])
    for position in range(len(cuts)):
        below = position + 1
        if below < len(cuts):
            yield _middle_band(context, position, keys[position], ds[below], keys[below])
        else:
            yield _tested(context, keys[position])


def _shows_anchors(context: Context, keys: Sequence[KeyBox]) -> bool:
    """Return whether the trust anchors of the first zone are shown: if DS records are supplied or wrong."""
    cut = context.chain.cuts[0]
    fits = any(key.key.name in cut.matched for key in keys)
    return context.chain.supplied or (cut.name == "." and bool(cut.ds) and not fits)


def _anchors(context: Context, ds: Sequence[tuple[DsView, Box]], keys: Sequence[KeyBox]) -> Band:
    name = context.words.label("supplied_ds" if context.chain.supplied else "anchors")
    about = NodeFacts(f"{context.prefix}-top", "zone", name, name, Mark.OK, "")
    column, below = _ds_column(context, 0, ds, keys)
    return Band(about, name, (), ((), (), column), below=below)


def _middle_band(
    context: Context,
    position: int,
    keys: Sequence[KeyBox],
    ds: Sequence[tuple[DsView, Box]],
    keys_below: Sequence[KeyBox],
) -> Band:
    below = context.chain.cuts[position + 1]
    column, ds_column = _ds_column(context, position + 1, ds, keys_below)
    signature_mark = marks.for_set(below.ds_signatures, context.chain.checked_at)
    targets = ends_of((box for _, box in ds), signature_mark) if signature_mark else ()
    return _zone(context, position, keys, column, _signed(context, keys, below.ds_signatures, targets), ds_column)


def _tested(context: Context, keys: Sequence[KeyBox]) -> Band:
    cut = context.chain.cuts[-1]
    found = list(record_ends(context))
    over_data = [signature for signature in cut.signatures if signature.covers != "DNSKEY"]
    targets = tuple(BundleEnd(box, mark) for box, mark in found if mark)
    column = _fewer(context, [box for box, _ in found], "records", len(context.chain.cuts) - 1)
    return _zone(context, len(context.chain.cuts) - 1, keys, column, _signed(context, keys, over_data, targets), None)


def _zone(
    context: Context,
    position: int,
    keys: Sequence[KeyBox],
    column: tuple[Box, ...],
    data: Bundle | None,
    below: Bundle | None,
) -> Band:
    cut = context.chain.cuts[position]
    entries = [each.box for each in keys if each.is_entry]
    others = [each.box for each in keys if not each.is_entry]
    over_keys = [each for each in cut.signatures if each.covers == "DNSKEY"]
    signature_mark = marks.for_set(over_keys, context.chain.checked_at)
    columns: Columns = (
        _fewer(context, entries if keys else [no_keys(context, position)], "keys", position),
        _fewer(context, others, "other-keys", position),
        column,
    )
    return Band(
        about=_about(context, position),
        name=context.words.label("root") if cut.name == "." else cut.name,
        reasons=tuple(map(context.words.reason, cut.reasons[:_MAX_REASONS])),
        columns=columns,
        keys=_signed(context, keys, over_keys, ends_of(others, signature_mark) if signature_mark else ()),
        data=data,
        below=below,
    )


def _about(context: Context, position: int) -> NodeFacts:
    chain, words = context.chain, context.words
    cut = chain.cuts[position]
    is_partial = context.is_tested(position) and chain.status == "partial"
    mark = Mark.WARN if is_partial else marks.for_status(cut.status)
    return NodeFacts(
        id=f"{context.prefix}-{position}",
        kind="zone",
        title=words.label("root") if cut.name == "." else cut.name,
        zone=cut.name,
        mark=mark,
        word=words.label("partial") if is_partial else words.mark(mark),
        notes=tuple(map(words.reason, cut.reasons[:MAX_BOXES])),
        facts=tuple(facts.for_zone(words, chain, cut)),
    )


def _signed(
    context: Context, keys: Sequence[KeyBox], rrsigs: Sequence[Signature], targets: tuple[BundleEnd, ...]
) -> Bundle | None:
    """Return the lines from signing keys to the sets that they signed, or None if there are none to draw."""
    if not targets or not rrsigs:
        return None
    at, shared = context.chain.checked_at, marks.best(end.mark for end in targets)
    by_key = marks.by_signer(rrsigs)
    marked_boxes = ((key.box, marks.for_signatures(by_key.get(key.key.name, ()), at)) for key in keys)
    return Bundle(tuple(BundleEnd(box, mark) for box, mark in marked_boxes if mark), targets, shared or Mark.UNKNOWN)


def _ds_column(
    context: Context, position: int, ds: Sequence[tuple[DsView, Box]], keys: Sequence[KeyBox]
) -> tuple[tuple[Box, ...], Bundle]:
    """Return the boxes of a zone's DS records, or their placeholder, and the lines from them to the zone's band."""
    cut = context.chain.cuts[position]
    boxes = [box for _, box in ds] or [no_ds(context, position)]
    column = _fewer(context, boxes, "ds", position)
    key_names = {key.key.name for key in keys}
    matching = [box for view, box in ds if view.verdict == "match" and view.of in key_names]
    if not matching:
        mark = _without_match(cut)
        return column, Bundle(ends_of(boxes, mark), (), mark)
    sources = tuple(BundleEnd(box, box.mark) for box in matching)
    mark = marks.best(box.mark for box in matching) or Mark.UNKNOWN
    named = (key.box for key in keys if key.key.name in cut.matched)
    return column, Bundle(sources, ends_of(named, mark), mark)


def _without_match(cut: ZoneView) -> Mark:
    mark = marks.for_status(cut.status)
    return Mark.OK if mark is Mark.OK and "anchor_assumed" in cut.reasons else mark


def _fewer(context: Context, boxes: Iterable[Box], kind: str, position: int) -> tuple[Box, ...]:
    """Return at most the number of boxes that a column holds; if some are left out, the last box states how many."""
    listed = list(boxes)
    if len(listed) <= MAX_BOXES:
        return tuple(listed)
    shown, left_out = listed[: MAX_BOXES - 1], listed[MAX_BOXES - 1 :]
    words = context.words
    more = context.box(
        f"{kind}-more",
        "more",
        words.label("more", count=len(left_out)),
        words.label("not_shown"),
        marks.worst({box.mark for box in left_out}),
        position=position,
        listed=[fact for box in left_out[:MAX_BOXES] for fact in facts.left_out(words, box.label, box.about.word)],
    )
    return (*shown, more)


def _fewer_bands(context: Context, bands: list[Band]) -> Iterator[Band]:
    """Yield at most the number of bands that a picture holds; if zones are left out, one band states how many."""
    if len(bands) <= MAX_BANDS:
        yield from bands
        return
    skipped = bands[_FIRST_BANDS : len(bands) - MAX_BANDS + _FIRST_BANDS + 1]
    yield from bands[: _FIRST_BANDS - 1]
    above = bands[_FIRST_BANDS - 1]
    yield replace(above, below=above.below and replace(above.below, targets=()))
    mark = marks.worst({band.about.mark for band in skipped})
    words = context.words
    text = words.label("zones_left_out", count=len(skipped))
    about = NodeFacts(f"{context.prefix}-left-out", "more", text, "", mark, words.mark(mark))
    below = skipped[-1].below
    yield Band(about, text, (), ((), (), ()), below=below and replace(below, sources=()))
    yield from bands[_FIRST_BANDS + len(skipped) :]
