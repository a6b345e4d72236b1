"""Formats of numbers, times and names, in the language of the request."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise

from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import get_decimal_symbol, get_group_symbol

from gonemaster_api.ui.shell.texts.hidden_characters import clean
from gonemaster_api.ui.shell.texts.languages import ENGLISH, gettext, language, locale
from gonemaster_api.ui.shell.texts.zones import zone
from gonemaster_db.core.clock import utcnow
from gonemaster_engine.names import to_unicode

_GROUP = "\u202f"  # narrow no-break space: unlike a comma, readers of other languages understand it in English
NONE = "–"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_SAME_YEAR = 300 * _DAY  # on an axis of less than this, no day stands twice without its year
_WITH_FRACTION_S = 60


def number(value: float | None, digits: int = 0) -> str:
    """Return a number such as `48 212`, with `digits` decimals; a dash for None."""
    if value is None:
        return NONE
    return f"{value:,.{digits}f}".translate(_symbols(language()))


@cache
def _symbols(code: str) -> dict[int, str]:
    """Return the translation of the separators of English numbers to those of a language."""
    group = _GROUP if code == ENGLISH else get_group_symbol(locale(code)).replace("\u00a0", _GROUP)
    return {ord(","): group, ord("."): get_decimal_symbol(locale(code))}


def percent(part: float, whole: float, digits: int = 0) -> str:
    """Return a share such as `17 %`; a dash if `whole` is 0. Only all is 100 %, and only none is 0 %."""
    if not whole:
        return NONE
    least = 10.0**-digits
    share = 100 * part / whole
    if 0 < share < least / 2:
        return f"<\u00a0{number(least, digits)}\u00a0%"
    if share < 100:
        share = min(share, 100 - least)
    return f"{number(share, digits)}\u00a0%"


def duration(seconds: float | None, *, fractions: bool = True) -> str:
    """Return a duration in suitable units: `340 ms`, `6.4 s`, `18 min 04 s`, `2 h 0 min`, `3 d 4 h`."""
    if seconds is None:
        return NONE
    seconds = max(0.0, float(seconds))
    if seconds < _MINUTE and not fractions:
        return f"{round(seconds)}\u00a0s"
    if seconds < 1:
        return f"{round(seconds * 1000)}\u00a0ms"
    if seconds < _WITH_FRACTION_S:
        return f"{number(seconds, 1)}\u00a0s"
    whole = math.floor(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE}\u00a0min {whole % _MINUTE:02}\u00a0s"
    if whole < _DAY:
        return f"{whole // _HOUR}\u00a0h {whole % _HOUR // _MINUTE}\u00a0min"
    return gettext("%(days)s d %(hours)s h", days=number(whole // _DAY), hours=whole % _DAY // _HOUR)


def size(octets: float | None) -> str:
    """Return an amount of memory such as `212 MiB`; a dash if it is unknown."""
    if not octets:
        return NONE
    mebibytes = octets / 2**20
    if mebibytes < 1:
        return f"{number(octets / 2**10)}\u00a0KiB"
    return f"{number(mebibytes)}\u00a0MiB" if mebibytes < 2**10 else f"{number(mebibytes / 2**10, 1)}\u00a0GiB"


def percentile(milliseconds: float, bounds: Sequence[int]) -> str:
    """Return an estimated percentile of a histogram as a duration; beyond the last bound only that it is over it."""
    text = duration(milliseconds / 1000)
    return gettext("over %(span)s", span=text) if milliseconds >= bounds[-1] else text


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """Return the distance from now, up to a day; beyond that, the date."""
    if moment is None:
        return NONE
    moment = aware(moment)
    seconds = ((now or utcnow()) - moment).total_seconds()
    if seconds >= _DAY or seconds < -_DAY:
        return day(moment)
    span = _coarse(abs(seconds))
    return gettext("in %(span)s", span=span) if seconds < 0 else gettext("%(span)s ago", span=span)


def age(moment: datetime) -> str:
    """Return the duration since a moment, in the format of `duration` without fractions."""
    return duration(max(0, round((utcnow() - aware(moment)).total_seconds())), fractions=False)


def minute(moment: datetime) -> str:
    """Return the time of day in the reader's time zone without seconds, `09:51`."""
    return format_time(local(moment), "HH:mm", tzinfo=zone(), locale=locale())


def _coarse(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{int(seconds)}\u00a0s"
    return f"{int(seconds // _MINUTE)}\u00a0min" if seconds < _HOUR else f"{int(seconds // _HOUR)}\u00a0h"


def day(moment: datetime | None) -> str:
    """Return `26 Nov 2026`."""
    return NONE if moment is None else _date(local(moment), "yMMMd")


def axis(moments: Sequence[datetime]) -> list[str]:
    """Return the labels of a time axis: times of day within two days, days within ten months, else full dates.

    Neighbouring labels differ: close moments have seconds, and several moments of a day the time of day.
    """
    span = (moments[-1] - moments[0]).total_seconds() if moments else 0
    if span < 2 * _DAY:
        return _distinct([minute(moment) for moment in moments]) or [clock(moment) for moment in moments]
    skeleton = "MMMd" if span < _SAME_YEAR else "yMMMd"
    days = [_date(local(moment), skeleton) for moment in moments]
    return _distinct(days) or [f"{shown} {minute(moment)}" for shown, moment in zip(days, moments, strict=True)]


def _distinct(labels: list[str]) -> list[str] | None:
    return None if any(label == after for label, after in pairwise(labels)) else labels


def _date(moment: datetime, skeleton: str) -> str:
    """Return a date in the order of a language; in English `26 Nov 2026`, which has the same order everywhere."""
    if language() == ENGLISH:
        return str(format_date(moment.date(), "d MMM y" if "y" in skeleton else "d MMM", locale=locale()))
    return str(format_skeleton(skeleton, moment, tzinfo=moment.tzinfo, locale=locale()))


def clock(moment: datetime | None) -> str:
    """Return the time of day in the reader's time zone, `09:51:58`."""
    return NONE if moment is None else format_time(local(moment), "HH:mm:ss", tzinfo=zone(), locale=locale())


def instant(moment: datetime | None) -> str:
    """Return day and time in the reader's time zone, `26 Nov 2026 09:51:58`; with ` UTC` if that is the zone."""
    if moment is None:
        return NONE
    return f"{_instant(local(moment))}{' UTC' if zone() is UTC else ''}"


def instant_utc(moment: datetime) -> str:
    """Return day and time in UTC, `26 Nov 2026 09:51:58 UTC`."""
    return f"{_instant(aware(moment))} UTC"


def _instant(moment: datetime) -> str:
    time = format_time(moment, "HH:mm:ss", tzinfo=moment.tzinfo, locale=locale())
    return f"{_date(moment, 'yMMMd')} {time}"


def iso(moment: datetime) -> str:
    """Return RFC 3339 in UTC, for the HTML attribute `datetime`."""
    return aware(moment).strftime("%Y-%m-%dT%H:%M:%SZ")


def aware(moment: datetime | str) -> datetime:
    """Return a time in UTC; databases return times without a zone, API documents return text."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def local(moment: datetime | str) -> datetime:
    """Return a time in the reader's time zone."""
    return aware(moment).astimezone(zone())


def u_label(name: str) -> str:
    """Return a domain name with U-labels (RFC 5890), cleaned; unchanged if its A-labels are not valid."""
    return clean(to_unicode(name))


def shortened(text: str, maximum: int = 32) -> str:
    """Return a text of at most `maximum` characters, shortened in the middle."""
    if len(text) <= maximum:
        return text
    head = (maximum - 1) // 2
    return f"{text[:head]}…{text[len(text) - (maximum - 1 - head) :]}"


def actor(label: str) -> str:
    """Return the actor of an audit record; for `open:<address>`, the address and "not logged in"."""
    kind, _, address = label.partition(":")
    return gettext("%(address)s (not logged in)", address=address) if kind == "open" and address else label


def sentence(text: str) -> str:
    """Return a message of the API as a sentence."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")


def slug(text: str) -> str:
    """Return a text as a CSS class or anchor: lower-case letters and digits, `p` for +, `-` for other characters."""
    return "".join(letter if letter.isalnum() else "p" if letter == "+" else "-" for letter in text.lower())


FILTERS = {
    "number": number,
    "percent": percent,
    "duration": duration,
    "size": size,
    "percentile": percentile,
    "ago": ago,
    "age": age,
    "minute": minute,
    "axis": axis,
    "day": day,
    "clock": clock,
    "instant": instant,
    "instant_utc": instant_utc,
    "iso": iso,
    "u_label": u_label,
    "clean": clean,
    "shortened": shortened,
    "sentence": sentence,
    "slug": slug,
    "actor": actor,
}
