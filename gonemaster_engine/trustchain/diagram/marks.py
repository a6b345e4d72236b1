"""The marks of boxes and lines, derived from the statuses and verdicts of the document."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from gonemaster_engine.trustchain.diagram.reading import Signature, Signer, ZoneView

ENDS_SOON = timedelta(hours=12)  # as in dnssec04, by the default profile


class Mark(enum.StrEnum):
    """The style of a box or line; the values are names of style classes."""

    OK = "ok"
    WARN = "warn"  # works, but needs attention
    BAD = "bad"
    NONE = "none"  # insecure
    UNKNOWN = "unknown"


_BEST_FIRST = (Mark.OK, Mark.WARN, Mark.NONE, Mark.UNKNOWN, Mark.BAD)
_BY_STATUS = {"secure": Mark.OK, "insecure": Mark.NONE, "bogus": Mark.BAD}
_BY_NAME_STATUS = {"validates": Mark.OK, "insecure": Mark.NONE} | dict.fromkeys(
    ("unsigned", "orphan", "chain_broken", "rrsig_expired", "rrsig_invalid"), Mark.BAD
)
_UNCHECKABLE = frozenset({"unsupported_algorithm", "unsupported_exponent"})


def best(marks: Iterable[Mark]) -> Mark | None:
    """Return the best of some marks, or None if there are none."""
    return min(marks, key=_BEST_FIRST.index, default=None)


def for_status(status: str) -> Mark:
    """Return the mark of a zone with the given status (RFC 4033)."""
    return _BY_STATUS.get(status, Mark.UNKNOWN)


def for_name(status: str) -> Mark:
    """Return the mark of name server addresses with the given status."""
    return _BY_NAME_STATUS.get(status, Mark.UNKNOWN)


def for_keys(cut: ZoneView) -> Mark:
    """Return the mark of a zone's keys, which may be fine even if the data are bogus."""
    only_data = bool(cut.reasons) and all(reason.startswith("soa_") for reason in cut.reasons)
    return Mark.OK if only_data and cut.status in {"bogus", "indeterminate"} else for_status(cut.status)


def for_verdict(verdict: str) -> Mark:
    """Return the mark of one signature."""
    if verdict == "valid":
        return Mark.OK
    return Mark.UNKNOWN if verdict in _UNCHECKABLE or not verdict else Mark.BAD


def for_set(rrsigs: Iterable[Signature], at: datetime | None) -> Mark | None:
    """Return the mark of a set by its signatures, or None if there are none. The best key determines the mark."""
    return best(filter(None, (for_signatures(each, at) for each in by_signer(rrsigs).values())))


def by_signer(rrsigs: Iterable[Signature]) -> dict[Signer, list[Signature]]:
    """Group signatures by the key that they name."""
    found: dict[Signer, list[Signature]] = {}
    for each in rrsigs:
        found.setdefault(each.by, []).append(each)
    return found


def for_signatures(rrsigs: Sequence[Signature], at: datetime | None) -> Mark | None:
    """Return the mark of one key's signatures over one set, from several servers; None if there are none."""
    found = best(for_verdict(each.verdict) for each in rrsigs)
    if found is Mark.OK and (differs(rrsigs) or ending(rrsigs, at)):
        return Mark.WARN
    return found


def differs(rrsigs: Sequence[Signature]) -> bool:
    """Return whether one key's signatures over one set have different marks on different servers."""
    return len({for_verdict(each.verdict) for each in rrsigs}) > 1


def ending(rrsigs: Sequence[Signature], at: datetime | None) -> datetime | None:
    """Return the expiration of the last valid signature if it is soon, otherwise None."""
    ends = [each.expiration for each in rrsigs if each.verdict == "valid" and each.expiration]
    last = max(ends, default=None)
    return last if last and at and last - at < ENDS_SOON else None


def worst(marks: Iterable[Mark]) -> Mark:
    """Return the worst of some marks, UNKNOWN if there are none."""
    return max(marks, key=_BEST_FIRST.index, default=Mark.UNKNOWN)
