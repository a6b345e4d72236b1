"""MX or SPF records are wrong."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command, tags_of
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts
from gonemaster_engine.replaced_tags import with_successors

_TAGS = (
    "MX_*",
    "Z09_*",
    "Z11_*",
    "Z13_*",
)
_OF_CONTACT = ("RNAME_MAIL_DOMAIN_INVALID", "RNAME_MAIL_ILLEGAL_CNAME")
ABSENT = with_successors(frozenset({"Z09_MISSING_MAIL_TARGET", "Z11_NO_SPF_FOUND"}))
_SHOWS_MX = "The hosts that take mail for the domain."
_SHOWS_TXT = "One of the records may start with v=spf1."


def _find(run: Evidence) -> Found | None:
    found = run.find(*_TAGS)
    found += [place for place in run.find(*_OF_CONTACT) if _is_of_own_mail(run, place)]
    if tags_of(run, found) <= ABSENT:
        return None
    return Found(
        sorted(found),
        harm=Harm.SOME if run.has("MX_RECORD_IS_CNAME") else None,
        snippets=(
            command(run.dig("+short", "MX", run.domain), _SHOWS_MX),
            command(run.dig("+short", "TXT", run.domain), _SHOWS_TXT),
        ),
        records=("MX", "TXT"),
    )


def _is_of_own_mail(run: Evidence, position: int) -> bool:
    """Return whether an entry about the contact of the zone is about its own mail, whose MX records are the cause."""
    entry = run.entries[position]
    own = {run.domain, *(each.args.get("domain") for each in run.all("MX_SYNTAX_OK"))}
    return entry.args.get("domain") in own.union(
        *(each.args.get("mail_targets") or () for each in run.all("Z09_MX_DATA"))
    )


RULE = Rule(
    "mail_broken",
    Harm.STANDARD,
    Responsible.ZONE,
    Texts(
        "The records for mail are wrong or missing",
        "Mail to the domain may be lost or delayed, or mail from it may be refused or forged.",
        'Correct the MX and SPF records as the findings say. A domain without mail has the MX record "0 ." and the'
        ' SPF record "v=spf1 -all".',
    ),
    _find,
    shows=(_SHOWS_MX, _SHOWS_TXT),
)
