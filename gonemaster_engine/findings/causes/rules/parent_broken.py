"""The servers of the parent zone disagree, do not respond, or serve DS records that do not validate."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import tags_of
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_UNSIGNED_DS = (
    "DS21_NO_DS_RRSIG",
    "DS21_DS_RRSIG_EXPIRED",
    "DS21_DS_RRSIG_NOT_YET_VALID",
    "DS21_NO_DNSKEY_FOR_DS_RRSIG",
    "DS21_DS_RRSIG_NOT_VALID_BY_DNSKEY",
)
_TAGS = (
    "B01_CHILD_UNDETERMINED",
    "B01_PARENT_NOT_FOUND",
    "B01_PARENT_UNDETERMINED",
    "B01_INCONSISTENT_DELEGATION",
    "B01_INCONSISTENT_ALIAS",
    "B01_PARENT_NXDOMAIN_HIDES_DELEGATION",
    "DS07_PARENT_PROVES_NO_DELEGATION",
    "DS07_INCONSISTENT_DS",
    "DS11_INCONSISTENT_DS",
    "DS11_UNDETERMINED_DS",
    "DS01_PARENT_SERVER_NO_DS",
    "DS01_NO_RESPONSE",
)
_DS = Texts(
    "Resolvers cannot validate the DS records in the parent zone",
    "Validating resolvers answer SERVFAIL for every name in the zone.",
    "Only the operator of the parent zone can fix its signatures. Report the findings there.",
)


def _find(run: Evidence) -> Found | None:
    unsigned, found = run.find(*_UNSIGNED_DS), run.find(*_TAGS, "DS21_*")
    if not found:
        return None
    harm = Harm.STANDARD if tags_of(run, found) <= {"DS21_PARENT_DNSKEY_MISSING", "DS21_ALGO_NOT_SUPPORTED"} else None
    if run.has("B01_CHILD_UNDETERMINED"):
        harm, found = Harm.NOT_TESTABLE, found + run.find("CANNOT_CONTINUE")
    elif unsigned:
        harm = Harm.SOME if run.has("DS21_DS_RRSIG_VERIFIED") else Harm.VALIDATING_RESOLVERS
    found += run.find("DS11_PARENT_WITHOUT_DS", "DS11_PARENT_WITH_DS", "DS07_NO_DS_ON_PARENT_SERVER")
    return Found(found, harm=harm, texts=_DS if unsigned else None, records=("DS",) if unsigned else ("NS",))


RULE = Rule(
    "parent_broken",
    Harm.SOME,
    Responsible.PARENT,
    Texts(
        "The servers of the parent zone do not agree",
        "Some resolvers do not find the domain, depending on which server of the parent zone they query.",
        "Only the operator of the parent zone can fix its servers. Report the findings there.",
    ),
    _find,
    variants=(_DS,),
)
