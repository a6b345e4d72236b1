"""The boxes of a chain: keys, DS records, signed records, and placeholders for missing ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gonemaster_engine.trustchain.diagram import facts, marks
from gonemaster_engine.trustchain.diagram.marks import Mark
from gonemaster_engine.trustchain.diagram.model import Box, BundleEnd, Fact, NodeFacts
from gonemaster_engine.trustchain.diagram.reading import ChainView, DsView, Key, ServerView, Signature, ZoneView
from gonemaster_engine.trustchain.diagram.texts import DiagramTexts, short_algorithm

_MAX_TYPES = 4  # types of signed records
_JOINED_TO_KEYS = frozenset(
    {"validates", "rrsig_expired", "rrsig_invalid"}
)  # statuses of names that the zone's own keys sign


@dataclass(frozen=True, slots=True)
class Context:
    """The data that all boxes of one picture share."""

    chain: ChainView
    words: DiagramTexts
    prefix: str

    def is_tested(self, position: int) -> bool:
        """Return whether the cut is the last one, the tested zone."""
        return position == len(self.chain.cuts) - 1

    def signatures_by_keys_at(self, position: int) -> tuple[Signature, ...]:
        """Return all signatures by keys of a cut, including those over DS records of the next cut."""
        below = () if self.is_tested(position) else self.chain.cuts[position + 1].ds_signatures
        return (*self.chain.cuts[position].signatures, *below)

    def box(
        self, id_: str, kind: str, label: str, note: str, mark: Mark, *, position: int, listed: Iterable[Fact] = ()
    ) -> Box:
        """Create a box."""
        about = NodeFacts(
            id=f"{self.prefix}-{position}-{id_}",
            kind=kind,
            title=label,
            zone=self.chain.cuts[position].name,
            mark=mark,
            word=self.words.mark(mark),
            note=note,
            facts=tuple(listed),
        )
        return Box(label, about)


@dataclass(frozen=True, slots=True)
class KeyBox:
    """A key with its box."""

    key: Key
    box: Box
    is_entry: bool  # whether it is in the first column


def key_boxes(context: Context, position: int) -> list[KeyBox]:
    """Return the keys of a cut in drawing order: keys with DS records, other signing keys, the rest."""
    cut = context.chain.cuts[position]
    rrsigs = marks.by_signer(context.signatures_by_keys_at(position))
    total = len(_answering(context.chain.child_servers, cut.keys)) if context.is_tested(position) else 0
    found = [
        _key_box(context, position, number, rrsigs=rrsigs.get(key.name, []), total=total)
        for number, key in enumerate(cut.keys)
    ]
    return sorted(found, key=lambda key_box: (key_box.key.name not in cut.matched, key_box.key.name not in rrsigs))


def _is_entry(cut: ZoneView, key: Key) -> bool:
    if key.sep or key.name in cut.matched:
        return True
    return key.name in cut.signers and not any(each.sep for each in cut.keys)


def _key_box(context: Context, position: int, number: int, *, rrsigs: Sequence[Signature], total: int) -> KeyBox:
    words, cut = context.words, context.chain.cuts[position]
    key = cut.keys[number]
    is_entry = _is_entry(cut, key)
    over_keys = [signature for signature in rrsigs if signature.covers == "DNSKEY"] if is_entry else []
    problem = _note(context, key, over_keys, total)
    mark = marks.for_keys(cut)
    role = _role(key, is_entry=is_entry, signs_data=any(signature.covers != "DNSKEY" for signature in rrsigs))
    is_anchor = cut.name == "." and key.name in cut.matched
    box = context.box(
        f"key-{number}",
        "key",
        words.label(role, key_tag=key.key_tag),
        problem or (words.label("anchor") if is_anchor else short_algorithm(key.algorithm, key.algorithm_name)),
        Mark.WARN if problem and mark is Mark.OK else mark,
        position=position,
        listed=facts.for_key(words, key, rrsigs, role=f"role_{role}", is_anchor=is_anchor, total=total),
    )
    return KeyBox(key, box, is_entry)


def _role(key: Key, *, is_entry: bool, signs_data: bool) -> str:
    if key.sep:
        return "csk" if signs_data else "ksk"
    return "key" if is_entry else "zsk"


def _note(context: Context, key: Key, over_keys: Sequence[Signature], total: int) -> str:
    """Return two or three words about a problem of a key; empty if there is none."""
    words = context.words
    if key.revoked:
        return words.label("revoked")
    if not key.zone_key:
        return words.label("not_zone_key")
    wrong = _signature_note(context, over_keys)
    if wrong:
        return wrong
    if key.servers and len(key.servers) < total:
        return words.label("some_servers", count=len(key.servers), total=total)
    return ""


def _signature_note(context: Context, rrsigs: Sequence[Signature]) -> str:
    words, at = context.words, context.chain.checked_at
    if marks.for_signatures(rrsigs, at) in {None, Mark.OK}:
        return ""
    if marks.differs(rrsigs):
        return words.label("signature_differs") if any(signature.verdict == "valid" for signature in rrsigs) else ""
    end = marks.ending(rrsigs, at)
    if end:
        return words.label("signature_ends", time=f"{end:%H:%M}")
    return words.coded("signature", rrsigs[0].verdict, short=True)


def _answering(servers: Iterable[ServerView], records: Iterable[Key | DsView]) -> set[str]:
    answering = {address for record in records for address in record.servers}
    return answering | {server.address for server in servers if server.status != "indeterminate"}


def ds_boxes(context: Context, position: int) -> list[tuple[DsView, Box]]:
    """Return the DS records of a cut in drawing order: those that match a key first."""
    cut = context.chain.cuts[position]
    total = len(_answering(context.chain.parent_servers, cut.ds)) if context.is_tested(position) else 0
    rrsigs = [(ds, _ds_box(context, position, number, total=total)) for number, ds in enumerate(cut.ds)]
    return sorted(rrsigs, key=lambda each: each[0].verdict != "match")


def _ds_box(context: Context, position: int, number: int, *, total: int) -> Box:
    words, cut = context.words, context.chain.cuts[position]
    ds = cut.ds[number]
    mark, problem = _ds_mark(context, cut, ds), ""
    if ds.verdict not in {"", "match"} and not _is_silent(cut):  # without keys, nothing is known about the record
        problem = words.coded("link", ds.verdict, short=True)
    elif ds.verdict == "match" and not (ds.signs or ds.of in cut.signers):
        problem = words.label("not_signing")
    elif ds.servers and len(ds.servers) < total:
        problem = words.label("some_servers", count=len(ds.servers), total=total)
        mark = Mark.WARN if mark is Mark.OK else mark
    return context.box(
        f"ds-{number}",
        "ds",
        words.label("ds", key_tag=ds.key_tag),
        problem or ds.digest_type_name or str(ds.digest_type),
        mark,
        position=position,
        listed=facts.for_ds(words, ds, cut.ds_signatures, total=total),
    )


def _ds_mark(context: Context, cut: ZoneView, ds: DsView) -> Mark:
    if _is_about_ds(cut.reasons):
        return marks.for_status(cut.status)  # the set as a whole is not trusted
    if ds.verdict == "match" and (ds.signs or ds.of in cut.signers):
        return Mark.OK  # the record is fine, even if the zone has other problems
    if cut.status == "secure":
        return Mark.UNKNOWN if ds.verdict in {"", "digest_unsupported"} else Mark.WARN
    return marks.for_status(cut.status)


def _is_about_ds(reasons: Iterable[str]) -> bool:
    return any(reason.startswith(("ds_signature_", "ds_unsigned", "parent_")) for reason in reasons)


def _is_silent(cut: ZoneView) -> bool:
    return not cut.keys and "dnskey_no_answer" in cut.reasons


def no_ds(context: Context, position: int) -> Box:
    """Return the placeholder for missing DS records."""
    words, cut = context.words, context.chain.cuts[position]
    if "ds_no_answer" in cut.reasons:
        return context.box("ds", "ds", words.label("no_response"), "DS", Mark.UNKNOWN, position=position)
    mark = marks.for_status(cut.status)
    if context.chain.supplied:
        note = "not_supplied"
    elif any(reason.startswith("parent_") for reason in cut.reasons):
        note = f"edge_{mark.value}"  # no proof is expected
    else:
        note = "proven" if "ds_missing" in cut.reasons else "not_proven"
    return context.box("ds", "ds", words.label("no_ds"), words.label(note), mark, position=position)


def no_keys(context: Context, position: int) -> Box:
    """Return the placeholder for missing keys."""
    words, cut = context.words, context.chain.cuts[position]
    if "dnskey_no_answer" in cut.reasons:
        return context.box("keys", "key", words.label("no_response"), "DNSKEY", Mark.UNKNOWN, position=position)
    mark = marks.for_status(cut.status)
    return context.box("keys", "key", words.label("no_keys"), words.label("not_signed"), mark, position=position)


def record_ends(context: Context) -> Iterator[tuple[Box, Mark | None]]:
    """Yield the sets that the keys of the tested zone sign, with the mark of their signatures.

    The mark of a set without signatures is None.
    """
    cut = context.chain.cuts[-1]
    if cut.keys:
        kinds = list(dict.fromkeys(each.covers for each in cut.signatures if each.covers != "DNSKEY"))
        for number, kind in enumerate(kinds[:_MAX_TYPES] or ["SOA"]):
            yield _records(context, number, kind, [each for each in cut.signatures if each.covers == kind])
    yield from _names(context)


def _records(context: Context, number: int, kind: str, rrsigs: Sequence[Signature]) -> tuple[Box, Mark | None]:
    words, position = context.words, len(context.chain.cuts) - 1
    mark, signature_mark = (
        marks.for_status(context.chain.cuts[-1].status),
        marks.for_set(rrsigs, context.chain.checked_at),
    )
    problem = _set_note(context, rrsigs)
    box = context.box(
        f"records-{number}",
        "records",
        kind or "?",
        problem or words.label("signed" if rrsigs else "not_signed"),
        Mark.WARN if problem and mark is Mark.OK else mark,
        position=position,
        listed=facts.signed_by(words, rrsigs),
    )
    return box, signature_mark


def _set_note(context: Context, rrsigs: Sequence[Signature]) -> str:
    """Return a note about a problem of a set's signatures, taken from the best signing key."""
    at = context.chain.checked_at
    signature_mark = marks.for_set(rrsigs, at)
    found = (each for each in marks.by_signer(rrsigs).values() if marks.for_signatures(each, at) is signature_mark)
    return _signature_note(context, next(found, []))


def _names(context: Context) -> Iterator[tuple[Box, Mark | None]]:
    """Yield a box for each status of the addresses of in-domain name servers."""
    words, position = context.words, len(context.chain.cuts) - 1
    for_keys = marks.for_keys(context.chain.cuts[-1])
    statuses = list(dict.fromkeys(name.status for name in context.chain.names))
    for number, status in enumerate(sorted(statuses, key=lambda status: marks.for_name(status) is not Mark.OK)):
        found = [name for name in context.chain.names if name.status == status]
        mark = marks.for_name(status)
        count = len({name.name for name in found})
        box = context.box(
            f"names-{number}",
            "names",
            words.label("addresses"),
            words.coded("names", status, short=True, count=count),
            for_keys if mark is Mark.OK or for_keys is Mark.NONE else mark,  # an insecure zone has no bogus names
            position=position,
            listed=facts.for_names(words, found),
        )
        yield box, mark if status in _JOINED_TO_KEYS else None


def ends_of(boxes: Iterable[Box], mark: Mark) -> tuple[BundleEnd, ...]:
    """Return ends with the same mark at several boxes."""
    return tuple(BundleEnd(box, mark) for box in boxes)
