"""Names of the holders of AS numbers, looked up over DNS in the format of Team Cymru.

Source: Team Cymru "IP to ASN mapping" over DNS, the zone of AS numbers: `AS64500.asn.cymru.com TXT` has "64500 | ZZ |
registry | date | HANDLE - Name, ZZ".
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass

from gonemaster_engine.context import RunContext
from gonemaster_engine.names import is_in_domain
from gonemaster_engine.net.wire.txt import joined_strings
from gonemaster_engine.profile.profile import Profile
from gonemaster_engine.resolver.recursor import Recursor
from gonemaster_engine.resources import Resources
from gonemaster_engine.run_log import Log

MAX_LABEL = 255  # characters
AT_ONCE = 8
EACH_S = 10.0
HIGHEST_ASN = 2**32 - 1
_STYLE = "cymru"
_COUNTRY = re.compile(r"[A-Z]{2}")
_UNKNOWN_COUNTRY = "ZZ"  # ISO 3166: user-assigned; the registries use it for "none"
_NO_ZONE = "as-names.invalid"  # no zone is tested, so cached data of all zones can be used


@dataclass(frozen=True, slots=True)
class AsName:
    """The holder of an AS number. Unknown fields are empty. `country` is an ISO 3166 code."""

    asn: int
    handle: str = ""
    name: str = ""
    country: str = ""

    @property
    def label(self) -> str:
        """The display text "handle - name, country", at most 255 characters; empty if nothing is known."""
        holder = " - ".join(part for part in (self.handle, self.name) if part)
        if not holder:
            return ""
        end = f", {self.country}" if self.country else ""
        return holder[: MAX_LABEL - len(end)] + end


async def look_up_as_names(
    asns: Iterable[int], profile: Profile, resources: Resources, *, limit_s: float | None = None
) -> dict[int, AsName | None]:
    """Look up the holders of AS numbers in the databases of the profile; None means that the number has no name.

    Numbers without an answer, and numbers that were not reached in time, are missing from the result. At most AT_ONCE
    lookups run concurrently, each for at most EACH_S seconds, all together for `limit_s`.
    """
    found: dict[int, AsName | None] = {}
    slots = asyncio.Semaphore(AT_ONCE)
    context = RunContext(_NO_ZONE, profile, resources, log=Log(profile))
    recursor = Recursor(context)

    async def look_up(asn: int) -> None:
        async with slots:
            try:
                async with asyncio.timeout(EACH_S):
                    found[asn] = await _ask_all(recursor, profile, asn)
            except (TimeoutError, _NoAnswer):
                return

    tasks = [asyncio.ensure_future(look_up(asn)) for asn in dict.fromkeys(asns) if 0 <= asn <= HIGHEST_ASN]
    try:
        if tasks:
            await asyncio.wait(tasks, timeout=limit_s)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await context.close()
        context.release()
    return found


class _NoAnswer(Exception):
    """A database did not answer, or gave an invalid answer."""


async def _ask_all(recursor: Recursor, profile: Profile, asn: int) -> AsName | None:
    """Query one database after the other, because a database without a name may lack this zone."""
    denied = False
    for source in profile.asn_db.sources.get(_STYLE, ()):
        try:
            name = await _ask(recursor, source, asn)
        except _NoAnswer:
            continue
        if name is not None:
            return name
        denied = True
    if not denied:
        raise _NoAnswer
    return None


async def _ask(recursor: Recursor, source: str, asn: int) -> AsName | None:
    resolution = await recursor.resolve(f"as{asn}.{source}", "TXT")
    response = resolution.response
    if response is None or resolution.problem is not None or not response.aa:
        raise _NoAnswer
    soas = response.records("SOA", section="authority")
    if response.rcode == "NXDOMAIN" and any(is_in_domain(record.owner, source) for record in soas):
        return None
    if response.rcode != "NOERROR":
        raise _NoAnswer
    texts = [joined_strings(record.octets).decode("utf-8", "replace") for record in resolution.records("TXT")]
    return next((name for text in sorted(texts) if (name := read_as_name(asn, text))), None)


def read_as_name(asn: int, text: str) -> AsName | None:
    """Parse one record; None if it is not about this AS or has no name."""
    fields = [_plain(field) for field in text.split("|", 4)]
    if len(fields) < 5 or fields[0] != str(asn) or not fields[4]:
        return None
    holder, comma, country = fields[4].rpartition(", ")
    if not (comma and _COUNTRY.fullmatch(country)):
        holder, country = fields[4], fields[1]
    country_code = country if _COUNTRY.fullmatch(country) and country != _UNKNOWN_COUNTRY else ""
    handle, _, name = holder.partition(" - ")
    return AsName(asn, handle.strip(), name.strip(), country_code)


def _plain(text: str) -> str:
    """Return one line without non-printable characters: the text comes from the holder of the AS."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
