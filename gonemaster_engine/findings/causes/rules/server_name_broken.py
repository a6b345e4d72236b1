"""Names in NS records do not lead to addresses, are aliases, or are not host names."""

from __future__ import annotations

from gonemaster_engine import names
from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command, some, tags_of
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_SYNTAX = ("NAMESERVER_NON_ALLOWED_CHARS", "NAMESERVER_NUMERIC_TLD", "NAMESERVER_DISCOURAGED_DOUBLE_DASH")
_ADDRESSES = (
    "NO_RESOLUTION",
    "CAN_NOT_BE_RESOLVED",
    "NS_IS_CNAME",
    "B02_NS_NO_IP_ADDR",
    "CNAME_*",
    "FAKE_DELEGATION_*",
)
_CHAINS = ("DS22_NS_ADDRESS_CHAIN_BROKEN", "DS22_NS_ADDRESS_ORPHAN_ZONE")
_SHOWS = "The address records of the name server; there must be at least one, and no CNAME record."
_NOT_HOST = Texts(
    "The name of a name server is not a host name",
    "Some resolvers and registries refuse such names.",
    "Give the name server a name of letters, digits and hyphens, and replace it in the NS records of the zone and of"
    " the parent zone.",
)


def _find(run: Evidence) -> Found | None:
    found = run.find(*_ADDRESSES, *_SYNTAX)
    found += [place for place in run.find(*_CHAINS) if run.entries[place].args.get("signer") != run.domain]
    if not found:
        return None
    if run.has("NS_IS_CNAME"):
        found += run.find("IN_DOMAIN_ADDR_MISMATCH", "MISSING_ADDRESS_CHILD", "EXTRA_ADDRESS_CHILD")
    dead = run.has("B02_NO_WORKING_NS")
    if dead:
        found += run.find("B02_NO_WORKING_NS", "CANNOT_CONTINUE", "A01_*")
    wrong = _names(run, found)
    outside = wrong and not any(names.is_in_domain(name, run.domain) for name in wrong)
    only_syntax = tags_of(run, found) <= set(_SYNTAX)
    return Found(
        sorted(found),
        harm=Harm.EVERYONE if dead else Harm.STANDARD if only_syntax else None,
        responsible=Responsible.DNS_OPERATOR if outside else None,
        texts=_NOT_HOST if only_syntax else None,
        args={"names": sorted(wrong)},
        snippets=tuple(command(f"dig {name} A {name} AAAA", _SHOWS) for name in some(wrong)),
        records=("NS", "A", "AAAA"),
    )


def _names(run: Evidence, positions: list[int]) -> set[str]:
    found: set[str] = set()
    for place in positions:
        args = run.entries[place].args
        found.update(item["ns"] for item in args.get("servers") or () if isinstance(item, dict) and "ns" in item)
        found.update(args[key] for key in ("ns", "query_name") if args.get(key))
    return found


RULE = Rule(
    "server_name_broken",
    Harm.SOME,
    Responsible.ZONE,
    Texts(
        "The names of name servers do not lead to addresses",
        "Resolvers that choose these name servers cannot reach them, and have to try another.",
        "Publish address records for {names}, without a CNAME record, or remove the names from the NS records of the"
        " zone and of the parent zone.",
    ),
    _find,
    variants=(_NOT_HOST,),
    shows=(_SHOWS,),
)
