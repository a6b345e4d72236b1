"""Keys, digests or hashes of DNSSEC are weak."""

from __future__ import annotations

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command, has_level
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_ALGORITHMS = ("DEPRECATED", "NOT_RECOMMENDED", "RESERVED", "UNASSIGNED", "PRIVATE", "NOT_ZONE_SIGN", "NOT_DS")
_TAGS = (
    *(f"DS01_{kind}_ALGO_{state}" for kind in ("DS", "KEY") for state in _ALGORITHMS),
    *(f"DS05_ALGO_{state}" for state in _ALGORITHMS),
    "DNSKEY_SMALLER_THAN_REC",
    "DNSKEY_TOO_SMALL_FOR_ALGO",
    "DNSKEY_TOO_LARGE_FOR_ALGO",
    "DS19_BADKEY_*",
    "DS03_ILLEGAL_ITERATION_VALUE",
    "DS01_DS_ALGO_2_MISSING",
)
_SHOWS = "The keys of the zone: the third number of each is its algorithm."
_ITERATIONS = Texts(
    "The NSEC3 hash has too many iterations",
    "Resolvers may treat the zone as unsigned, or answer SERVFAIL (RFC 9276).",
    "Set the iterations to 0 and the salt to empty in the configuration of the signer, and sign the zone again.",
)


def _find(run: Evidence) -> Found | None:
    found = run.find(*_TAGS)
    if not found:
        return None
    iterations = {run.entries[place].tag for place in found} == {"DS03_ILLEGAL_ITERATION_VALUE"}
    if run.has("DS03_ILLEGAL_ITERATION_VALUE"):
        found += run.find("DS03_ILLEGAL_SALT_LENGTH")
    return Found(
        sorted(found),
        harm=None if run.is_secure and has_level(run, found, Level.WARNING) else Harm.STANDARD,
        texts=_ITERATIONS if iterations else None,
        snippets=(command(run.dig("+multiline", "DNSKEY", run.domain), _SHOWS),),
        records=("DNSKEY", "DS"),
        key_tags=tuple(tag for tag in run.values(found, "keytag") if isinstance(tag, int)),
    )


RULE = Rule(
    "weak_cryptography",
    Harm.RISK,
    Responsible.ZONE,
    Texts(
        "Keys or digests of DNSSEC are weak",
        "Attackers may forge signatures, and some resolvers already treat the zone as unsigned.",
        "Roll the keys to algorithm 13 (ECDSA P-256 with SHA-256), or to RSA keys of at least 2048 bits with"
        " algorithm 8, and use digest type 2 (SHA-256) for DS records.",
    ),
    _find,
    variants=(_ITERATIONS,),
    shows=(_SHOWS,),
)
