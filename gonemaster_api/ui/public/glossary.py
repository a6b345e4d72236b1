"""The words of a result, explained for people who do not run name servers."""

from typing import NamedTuple

from gonemaster_api.ui.shell.texts.languages import gettext, mark


class Term(NamedTuple):
    """A word and what it means."""

    word: str
    meaning: str


_TERMS = (
    Term(mark("Algorithm"), mark("The way in which keys of DNSSEC sign. Old ones can be broken, or are no longer supported by resolvers.")),
    Term(mark("AS (autonomous system)"), mark("A network with its own routing, such as that of a provider. Name servers in several of them survive the failure of one.")),
    Term(mark("Authoritative"), mark("A name server that has the data of a zone itself, instead of asking others.")),
    Term(mark("CDS and CDNSKEY"), mark("Records with which a zone tells its parent zone to change the DS record, so that nobody has to type it.")),
    Term(mark("Chain of trust"), mark("The line of keys and signatures from the root zone to a zone. One broken link makes all below it unusable for resolvers that validate.")),
    Term(mark("CNAME (alias)"), mark("A record that says: look under this other name. It must not stand beside other records of the same name.")),
    Term(mark("Delegation"), mark("The NS records in the parent zone which say where the name servers of a zone are.")),
    Term(mark("DNSKEY"), mark("A record with a public key of a zone. Signatures are checked with it.")),
    Term(mark("DNSSEC"), mark("Signatures in the DNS. With them a resolver notices data that someone has forged.")),
    Term(mark("DS"), mark("A record in the parent zone with the digest of a key of the zone. It is the link between the two in the chain of trust.")),
    Term(mark("EDNS"), mark("The extension of DNS that allows large responses over UDP, which DNSSEC needs.")),
    Term(mark("Glue"), mark("Addresses of name servers in the parent zone. A zone whose name servers have names in the zone cannot be reached without them.")),
    Term(mark("Key tag"), mark("A short number that stands for a key in signatures and DS records.")),
    Term(mark("MX"), mark("A record that names the servers which accept mail for a domain.")),
    Term(mark("Name server"), mark("A server that answers questions about names. Each zone should have at least two, in different networks.")),
    Term(mark("NSEC and NSEC3"), mark("Signed records which prove that a name does not exist. NSEC3 hides the names of the zone behind hashes.")),
    Term(mark("Parent zone"), mark("The zone above, which delegates this one: com for example.com.")),
    Term(mark("Resolver"), mark("The server that a computer asks for names, often that of the provider. It asks the name servers and keeps responses for a while.")),
    Term(mark("RRSIG"), mark("A signature over records. It is valid for a limited time and has to be renewed before.")),
    Term(mark("SOA"), mark("The record at the top of a zone with its serial number and the intervals at which secondary servers ask for changes.")),
    Term(mark("SPF"), mark("A TXT record that names the servers which may send mail of a domain.")),
    Term(mark("TTL"), mark("How many seconds a resolver may keep a record before it asks again.")),
    Term(mark("Undelegated"), mark("A test of a zone with name servers that you give, before the parent zone names them. Useful before a move.")),
    Term(mark("Zone"), mark("The part of the DNS that one set of name servers is responsible for. A domain such as example.com usually is one.")),
)  # fmt: skip


def glossary() -> list[Term]:
    """Return the terms in the language of the request, in the order of its words."""
    terms = [Term(gettext(term.word), gettext(term.meaning)) for term in _TERMS]
    return sorted(terms, key=lambda term: term.word.casefold())
