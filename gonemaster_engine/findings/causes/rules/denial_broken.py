"""The zone cannot prove that a name or a type of record does not exist."""

from __future__ import annotations

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command, has_level, validation_harm
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_FATAL = (
    "DS10_EXPECTED_NSEC_NSEC3_MISSING",
    "DS10_NSEC_MISSING_SIGNATURE",
    "DS10_NSEC3_MISSING_SIGNATURE",
    "DS10_NSEC_NO_VERIFIED_SIGNATURE",
    "DS10_NSEC3_NO_VERIFIED_SIGNATURE",
    "DS10_NSEC_RRSIG_*",
    "DS10_NSEC3_RRSIG_*",
    "DS10_NSEC_NODATA_*",
    "DS10_NSEC3_NODATA_*",
    "DS10_NSEC_MISMATCHES_APEX",
    "DS10_NSEC3_MISMATCHES_APEX",
    "DS20_NSEC*",
    "DS23_NO_DENIAL_PROOF",
    "DS23_NSEC3_CHAIN_NOT_PUBLISHED",
    "DS23_NSEC_RANGES_OVERLAP",
    "DS23_NSEC3_RANGES_OVERLAP",
    "DS23_NSEC3_DUPLICATE_NEXT",
)
_OTHER = (
    "DS10_ERR_*",
    "DS10_INCONSISTENT_*",
    "DS10_MIXED_*",
    "DS10_NSEC*",
    "DS20_NO_BITMAP",
    "DS23_*",
    "DS03_SERVER_NO_NSEC3",
    "DS03_ERR_MULT_NSEC3",
    "DS03_INCONSISTENT_*",
    "DS03_ILLEGAL_HASH_ALGO",
    "DS03_UNASSIGNED_FLAG_USED",
)
_SHOWS = "The proof that the name does not exist: NSEC or NSEC3 records, each with a signature."
_DIFFERS = Texts(
    "The NSEC or NSEC3 records are inconsistent",
    "Resolvers validate today, but name servers, records or parameters do not agree, so that a change can break"
    " validation.",
    "Sign the whole zone again with one kind of denial, NSEC or NSEC3, and load it on every name server.",
)


def _find(run: Evidence) -> Found | None:
    fatal, other = _of_edns_servers(run, *_FATAL), _of_edns_servers(run, *_OTHER, "DS10_NONSTANDARD_NSEC_RESPONSE")
    if not fatal and not other:
        return None
    if fatal:
        harm = validation_harm(run, run.addresses(fatal))
    else:
        serious = run.is_secure and has_level(run, other, Level.WARNING)
        harm = Harm.RISK if serious else Harm.STANDARD
    return Found(
        sorted({*fatal, *other}),
        harm=harm,
        addresses=run.addresses(fatal or other),
        texts=None if fatal else _DIFFERS,
        snippets=(command(run.dig("+dnssec", f"no-such-name.{run.domain}", "A"), _SHOWS),),
        records=("NSEC", "NSEC3", "NSEC3PARAM"),
    )


def _of_edns_servers(run: Evidence, *patterns: str) -> list[int]:
    """Return the entries with these tags, except those about name servers that cannot serve any proof."""
    return [place for place in run.find(*patterns) if not (own := run.addresses_of(place)) or own - run.without_edns]


RULE = Rule(
    "denial_broken",
    Harm.VALIDATING_RESOLVERS,
    Responsible.ZONE,
    Texts(
        "The zone cannot prove that names do not exist",
        "Validating resolvers answer SERVFAIL for names and types of records that do not exist, for example the AAAA"
        " records of a host with IPv4 only.",
        "Sign the whole zone again with NSEC or NSEC3 records, and load it on every name server.",
    ),
    _find,
    variants=(_DIFFERS,),
    shows=(_SHOWS,),
)
