"""The words of a result, explained for people who do not run name servers."""

from typing import NamedTuple

from gonemaster_api.ui.shell.texts.languages import gettext, mark


class GlossaryTerm(NamedTuple):
    """A word and what it means."""

    word: str
    meaning: str


_TERMS = (
    GlossaryTerm(mark("Algorithm"), mark("The way in which keys of DNSSEC sign. Old ones can be broken, or are no longer supported by resolvers.")),
    GlossaryTerm(mark("AS (autonomous system)"), mark("A network with its own routing, such as that of a provider. Name servers in several of them survive the failure of one.")),
    GlossaryTerm(mark("Authoritative"), mark("A name server that has the data of a zone itself, instead of asking others.")),
    GlossaryTerm(mark("CDS and CDNSKEY"), mark("Records with which a zone tells its parent zone to change the DS record, so that nobody has to type it.")),
    GlossaryTerm(mark("Chain of trust"), mark("The line of keys and signatures from the root zone to a zone. One broken link makes all below it unusable for resolvers that validate.")),
    GlossaryTerm(mark("CNAME (alias)"), mark("A record that says: look under this other name. It must not stand beside other records of the same name.")),
    GlossaryTerm(mark("Delegation"), mark("The NS records in the parent zone which say where the name servers of a zone are.")),
    GlossaryTerm(mark("DNSKEY"), mark("A record with a public key of a zone. Signatures are checked with it.")),
    GlossaryTerm(mark("DNSSEC"), mark("Signatures in the DNS. With them a resolver notices data that someone has forged.")),
    GlossaryTerm(mark("DS"), mark("A record in the parent zone with the digest of a key of the zone. It is the link between the two in the chain of trust.")),
    GlossaryTerm(mark("EDNS"), mark("The extension of DNS that allows large responses over UDP, which DNSSEC needs.")),
    GlossaryTerm(mark("Glue"), mark("Addresses of name servers in the parent zone. A zone whose name servers have names in the zone cannot be reached without them.")),
    GlossaryTerm(mark("Key tag"), mark("A short number that stands for a key in signatures and DS records.")),
    GlossaryTerm(mark("MX"), mark("A record that names the servers which accept mail for a domain.")),
    GlossaryTerm(mark("Name server"), mark("A server that answers questions about names. Each zone should have at least two, in different networks.")),
    GlossaryTerm(mark("NSEC and NSEC3"), mark("Signed records which prove that a name does not exist. NSEC3 hides the names of the zone behind hashes.")),
    GlossaryTerm(mark("Parent zone"), mark("The zone above, which delegates this one: com for example.com.")),
    GlossaryTerm(mark("Resolver"), mark("The server that a computer asks for names, often that of the provider. It asks the name servers and keeps responses for a while.")),
    GlossaryTerm(mark("RRSIG"), mark("A signature over records. It is valid for a limited time and has to be renewed before.")),
    GlossaryTerm(mark("SOA"), mark("The record at the top of a zone with its serial number and the intervals at which secondary servers ask for changes.")),
    GlossaryTerm(mark("SPF"), mark("A TXT record that names the servers which may send mail of a domain.")),
    GlossaryTerm(mark("TTL"), mark("How many seconds a resolver may keep a record before it asks again.")),
    GlossaryTerm(mark("Undelegated"), mark("A test of a zone with name servers that you give, before the parent zone names them. Useful before a move.")),
    GlossaryTerm(mark("Zone"), mark("The part of the DNS that one set of name servers is responsible for. A domain such as example.com usually is one.")),
)  # fmt: skip


def glossary() -> list[GlossaryTerm]:
    """Return the terms in the language of the request, in the order of its words."""
    terms = [GlossaryTerm(gettext(term.word), gettext(term.meaning)) for term in _TERMS]
    return sorted(terms, key=lambda term: term.word.casefold())
