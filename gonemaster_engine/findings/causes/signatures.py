"""Shared parts of the rules about signatures."""

from __future__ import annotations

from collections.abc import Sequence

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import validation_harm
from gonemaster_engine.findings.causes.model import Harm

_VALID = (("DS08_", "DS08_DNSKEY_RRSIG_VALID"), ("DS09_", "DS09_SOA_RRSIG_VALID"))
_TYPES = {"DS02": "DNSKEY", "DS08": "DNSKEY", "DS09": "SOA", "DS10": "NSEC"}


def follows_from(run: Evidence, found: Sequence[int]) -> list[int]:
    """Return the entries that follow from signatures that do not validate."""
    follows = run.find(
        "DS10_NSEC_NO_VERIFIED_SIGNATURE", "DS10_NSEC3_NO_VERIFIED_SIGNATURE", "DS11_DS_BUT_UNSIGNED_ZONE",
        "DS16_CDS_INVALID_RRSIG", "DS17_CDNSKEY_INVALID_RRSIG",
    )  # fmt: skip
    if any(run.entries[place].tag.startswith("DS08_") for place in found):
        follows += run.find("DS02_NO_MATCHING_DNSKEY_RRSIG", "DS02_RRSIG_NOT_VALID_BY_DNSKEY")
        follows += run.find("DS02_DNSKEY_NOT_SIGNED_BY_ANY_DS", "DS02_NO_VALID_DNSKEY_FOR_ANY_DS")
    own = run.find("DS22_NS_ADDRESS_*")
    return follows + [place for place in own if run.entries[place].args.get("signer", run.domain) == run.domain]


def signature_harm(run: Evidence, found: Sequence[int]) -> Harm:
    """Return the harm of signatures that do not validate: less if another signature of the same records does."""
    worst, judged = Harm.STANDARD, False
    for prefix, valid in _VALID:
        own = [place for place in found if run.entries[place].tag.startswith(prefix)]
        if own:
            harm = validation_harm(run, run.addresses(own), unharmed=run.addresses_with(valid))
            worst, judged = min(worst, harm, key=lambda each: each.rank), True
    return worst if judged else validation_harm(run, run.addresses(found))


def record_types(run: Evidence, found: Sequence[int]) -> tuple[str, ...]:
    """Return the types of records whose signatures the entries are about."""
    types = {str(run.entries[place].args.get("types") or _TYPES.get(run.entries[place].tag[:4], "")) for place in found}
    return tuple(sorted(types - {""}))


def key_tags(run: Evidence, found: Sequence[int]) -> tuple[int, ...]:
    """Return the key tags in the entries."""
    return tuple(tag for tag in run.values(found, "keytag") if isinstance(tag, int))
