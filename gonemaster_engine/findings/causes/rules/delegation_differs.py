"""Parent zone and zone, or the name servers of the zone, list different name servers."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_TAGS = (
    "EXTRA_NAME_PARENT",
    "EXTRA_NAME_CHILD",
    "TOTAL_NAME_MISMATCH",
    "MULTIPLE_NS_SET",
    "MULTIPLE_DELEGATION_NS_SET",
)
_SHOWS_CHILD = "The NS records of the zone."
_SHOWS_PARENT = "The NS records that each level of the delegation lists; compare the last two."
_DISJOINT = Texts(
    "The parent zone and the zone list entirely different name servers",
    "Which name servers a resolver queries depends on whose NS records it trusts, and the two sets can answer"
    " differently.",
    "Decide which name servers serve the zone. Publish them as NS records in the zone, and have the registrar set the"
    " same names in the parent zone.",
)


def _find(run: Evidence) -> Found | None:
    found = run.find(*_TAGS)
    if not found:
        return None
    disjoint = run.has("TOTAL_NAME_MISMATCH")
    if not run.has("DEL_NS_SAME_IP", "CHILD_NS_SAME_IP"):
        found += run.find("SAME_IP_ADDRESS")  # the same server under a name in the parent zone and another in the zone
    if run.has("EXTRA_NAME_CHILD") and run.has("ENOUGH_NS_CHILD"):  # the parent zone lacks names that the zone has
        found += run.find("NOT_ENOUGH_NS_DEL", "NOT_ENOUGH_IPV4_NS_DEL", "NOT_ENOUGH_IPV6_NS_DEL")
    if run.has("EXTRA_NAME_PARENT") and run.has("ENOUGH_NS_DEL"):
        found += run.find("NOT_ENOUGH_NS_CHILD", "NOT_ENOUGH_IPV4_NS_CHILD", "NOT_ENOUGH_IPV6_NS_CHILD")
    if run.has("MULTIPLE_NS_SET"):
        extra = {name for entry in run.all("EXTRA_NAME_CHILD") for name in str(entry.args.get("extra")).split(";")}
        follows = run.find("CAN_NOT_BE_RESOLVED", "UNEXPECTED_RCODE")
        found += [place for place in follows if _names(run, place) and _names(run, place) <= extra]
    return Found(
        sorted(found),
        harm=Harm.SOME if disjoint else None,
        texts=_DISJOINT if disjoint else None,
        snippets=(
            command(run.dig("NS", run.domain), _SHOWS_CHILD),
            command(f"dig +trace NS {run.domain}", _SHOWS_PARENT),
        ),
        records=("NS",),
    )


def _names(run: Evidence, position: int) -> set[str]:
    """Return the names that an entry says do not exist."""
    args = run.entries[position].args
    if query_name := args.get("query_name"):
        return {query_name}
    return {item["ns"] for item in args.get("servers") or () if isinstance(item, dict)}


RULE = Rule(
    "delegation_differs",
    Harm.RISK,
    Responsible.REGISTRAR,
    Texts(
        "The NS records in the parent zone and in the zone differ",
        "Resolvers use both sets. A name server that is in one set only may be forgotten at the next change.",
        "Publish the same NS records on all name servers of the zone, and have the registrar set the same names in"
        " the parent zone.",
    ),
    _find,
    variants=(_DISJOINT,),
    shows=(_SHOWS_CHILD, _SHOWS_PARENT),
)
