"""The terms of a result, explained for readers who do not run name servers."""

from typing import NamedTuple

from gonemaster_api.ui.shell.texts.languages import gettext, mark


class GlossaryTerm(NamedTuple):
    """A term and its definition."""

    word: str
    meaning: str


_TERMS = (
    GlossaryTerm(mark("Algorithm"), mark("The method that creates and verifies DNSSEC signatures. Older "
                                         "algorithms may be broken or no longer supported by resolvers.")),
    GlossaryTerm(mark("AS (autonomous system)"), mark("A network with its own routing policy, usually run by one "
                                                      "provider. Name servers in several autonomous systems "
                                                      "survive the failure of one.")),
    GlossaryTerm(mark("Authoritative"), mark("A name server that holds the data of a zone and does not need to "
                                             "ask other servers.")),
    GlossaryTerm(mark("CDS and CDNSKEY"), mark("Records that ask the parent zone to update the DS record "
                                               "automatically.")),
    GlossaryTerm(mark("Chain of trust"), mark("The sequence of keys and signatures from the root zone to a zone. "
                                              "If one link is broken, validating resolvers reject all names "
                                              "below it.")),
    GlossaryTerm(mark("CNAME (alias)"), mark("A record that makes one name an alias of another. A name with a "
                                             "CNAME record must not have other records.")),
    GlossaryTerm(mark("Delegation"), mark("The NS records in the parent zone that list the name servers of a zone.")),
    GlossaryTerm(mark("DNSKEY"), mark("A record with a public key of a zone. Resolvers use it to verify signatures.")),
    GlossaryTerm(mark("DNSSEC"), mark("Signatures in the DNS that allow resolvers to detect forged data.")),
    GlossaryTerm(mark("DS"), mark("A record in the parent zone with a digest of a key of the zone. It links the "
                                  "two zones in the chain of trust.")),
    GlossaryTerm(mark("EDNS"), mark("An extension of DNS that allows large responses over UDP. DNSSEC requires it.")),
    GlossaryTerm(mark("Glue"), mark("Name server addresses in the parent zone. They are required if the names of "
                                    "a zone's name servers are in the zone.")),
    GlossaryTerm(mark("Key tag"), mark("A short number that identifies a key in signatures and DS records.")),
    GlossaryTerm(mark("MX"), mark("A record that lists the servers that receive mail for a domain.")),
    GlossaryTerm(mark("Name server"), mark("A server that answers DNS queries about a zone. Each zone should "
                                           "have at least two, in different networks.")),
    GlossaryTerm(mark("NSEC and NSEC3"), mark("Signed records that prove that a name does not exist. NSEC3 uses "
                                              "hashes to hide the names of the zone.")),
    GlossaryTerm(mark("Parent zone"), mark("The zone that delegates this zone, for example com for example.com.")),
    GlossaryTerm(mark("Resolver"), mark("A server that looks up names for other computers, often run by an "
                                        "internet provider. It queries name servers and caches their responses.")),
    GlossaryTerm(mark("RRSIG"), mark("A signature over a set of records. It is valid for a limited time and must "
                                     "be renewed before it expires.")),
    GlossaryTerm(mark("SOA"), mark("The record at the top of a zone with its serial number and the intervals at "
                                   "which secondary servers check for changes.")),
    GlossaryTerm(mark("SPF"), mark("A TXT record that lists the servers allowed to send mail for a domain.")),
    GlossaryTerm(mark("TTL"), mark("The number of seconds for which a resolver may cache a record.")),
    GlossaryTerm(mark("Undelegated"), mark("A test with name servers that you specify instead of those in the "
                                           "parent zone. Useful before you move a zone.")),
    GlossaryTerm(mark("Zone"), mark("A part of the DNS that is served by one set of name servers. A domain such "
                                    "as example.com is usually one zone.")),
)  # fmt: skip


def glossary() -> list[GlossaryTerm]:
    """Return the terms in the language of the request, in alphabetical order."""
    terms = [GlossaryTerm(gettext(term.word), gettext(term.meaning)) for term in _TERMS]
    return sorted(terms, key=lambda term: term.word.casefold())
