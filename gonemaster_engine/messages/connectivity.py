"""Texts of the CONNECTIVITY module."""

_WHO = "{ns}/{address}"


def _answer_texts(prefix: str, transport: str) -> dict[str, str]:
    texts = {
        f"{prefix}_OK_{transport}": f"These name servers answer SOA and NS queries correctly over {transport}: {{servers}}.",
        f"{prefix}_NO_RESPONSE_{transport}": f"{_WHO} does not answer over {transport}.",
    }
    for query_type in ("SOA", "NS"):
        asked = f"a query for {query_type} over {transport}"
        texts |= {
            f"{prefix}_NO_RESPONSE_{query_type}_QUERY_{transport}": f"{_WHO} does not answer {asked}.",
            f"{prefix}_UNEXPECTED_RCODE_{query_type}_QUERY_{transport}": f"{_WHO} answers {asked} with the error {{rcode}}.",
            f"{prefix}_MISSING_{query_type}_RECORD_{transport}": f"{_WHO} answers {asked} without {query_type} records.",
            f"{prefix}_WRONG_{query_type}_RECORD_{transport}": (
                f"{_WHO} answers {asked} with records of {{domain_found}} instead of {{domain_expected}}."
            ),
            f"{prefix}_{query_type}_RECORD_NOT_AA_{transport}": f"{_WHO} answers {asked}, but not with authority.",
        }
    return texts


def _answer_advice(prefix: str, transport: str) -> dict[str, str]:
    advice = {f"{prefix}_NO_RESPONSE_{transport}": _SILENT[transport]}
    for query_type in ("SOA", "NS"):
        advice |= {
            f"{prefix}_NO_RESPONSE_{query_type}_QUERY_{transport}": _PARTLY_SILENT,
            f"{prefix}_UNEXPECTED_RCODE_{query_type}_QUERY_{transport}": _NOT_SERVED,
            f"{prefix}_MISSING_{query_type}_RECORD_{transport}": _INCOMPLETE,
            f"{prefix}_WRONG_{query_type}_RECORD_{transport}": _WRONG_OWNER,
            f"{prefix}_{query_type}_RECORD_NOT_AA_{transport}": _NOT_AUTHORITATIVE,
        }
    return advice


_SILENT = {
    "UDP": (
        "Resolvers ask over UDP first and wait in vain for this server. Check that it runs, and that UDP port 53 is open"
        " on it and in every firewall before it."
    ),
    "TCP": (
        "Large answers need TCP; without it signed domains fail for some users. Open TCP port 53 on the server and in"
        " every firewall before it, as RFC 7766 demands."
    ),
}
_PARTLY_SILENT = (
    "The server answers one kind of query and is silent about another. Look for a filter or rate limit in front of it, or"
    " for a defect of the software."
)
_NOT_SERVED = (
    "The server is named for the domain but does not serve it: perhaps the zone was not loaded, has expired on a secondary,"
    " or was never set up there. Set it up, or take the server out of the NS records."
)
_INCOMPLETE = (
    "Every server of a zone must have the SOA and NS records of its apex. Look at the zone as this server has it, and at its"
    " log for errors."
)
_WRONG_OWNER = "The server answers for another zone, perhaps the one above. Set up the domain's own zone there."
_NOT_AUTHORITATIVE = (
    "The server hands on what it knows from others instead of serving the zone itself, as resolvers do. Set up the zone on"
    " it, or take it out of the NS records."
)

_SPREAD = "Place name servers in networks of different operators, so that a fault of one leaves the domain reachable."


def _as_texts(family: str) -> dict[str, str]:
    return {
        f"{family.upper()}_DIFFERENT_ASN": f"The {family} addresses are announced by several networks (AS): {{asns}}.",
        f"{family.upper()}_ONE_ASN": f"All {family} addresses are announced by one and the same network, AS {{asn}}.",
        f"{family.upper()}_SAME_ASN": f"All {family} addresses are announced by the same group of networks (AS): {{asns}}.",
    }


def _prefix_texts(family: str) -> dict[str, str]:
    return {
        f"CN04_{family.upper()}_DIFFERENT_PREFIX": f"These {family} servers are alone in their prefixes: {{servers}}.",
        f"CN04_{family.upper()}_SAME_PREFIX": f"These {family} servers share the prefix {{prefixes}}: {{servers}}.",
        f"CN04_{family.upper()}_SINGLE_PREFIX": f"All {family} servers are in one and the same prefix.",
    }


def _spread_advice(family: str) -> dict[str, str]:
    return {
        f"{family}_ONE_ASN": f"When this network has a fault, no name server can be reached over {family}. {_SPREAD}",
        f"{family}_SAME_ASN": f"All servers depend on the same networks. {_SPREAD}",
        f"CN04_{family}_SAME_PREFIX": (
            "Servers in one prefix tend to vanish together when its route does. Move one of them to another network."
        ),
        f"CN04_{family}_SINGLE_PREFIX": f"One lost route makes all {family} servers unreachable. {_SPREAD}",
    }


_SIZE = "{size} octets, with {payload} announced"

TEXTS = {
    **_answer_texts("CN01", "UDP"),
    **_answer_texts("CN02", "TCP"),
    "CN01_IPV4_DISABLED": "IPv4 is switched off, so these name servers are not asked: {servers}.",
    "CN01_IPV6_DISABLED": "IPv6 is switched off, so these name servers are not asked: {servers}.",
    "ASN_INFOS_RAW": "The AS database says about {address}: {data}",
    "ASN_INFOS_ANNOUNCE_BY": "{address} is announced by AS {asns}.",
    "ASN_INFOS_ANNOUNCE_IN": "{address} is announced in {prefixes}.",
    "EMPTY_ASN_SET": "The AS database knows no network that announces {address}.",
    "ERROR_ASN_DATABASE": "No AS database could be asked about {address}, so its network is unknown.",
    **_as_texts("IPv4"),
    **_as_texts("IPv6"),
    "CN04_ASN_INFOS_RAW": "The AS database says about {address}: {data}",
    "CN04_ASN_INFOS_ANNOUNCE_IN": "{address} is announced in {prefixes}.",
    "CN04_EMPTY_PREFIX_SET": "The AS database knows no prefix with {address} in it.",
    "CN04_ERROR_PREFIX_DATABASE": "No AS database could be asked about {address}, so its prefix is unknown.",
    **_prefix_texts("IPv4"),
    **_prefix_texts("IPv6"),
    "CN05_ANSWER_FITS_UDP": f"The {{query_type}} answer of these servers arrives over UDP (up to {_SIZE}): {{servers}}.",
    "CN05_ANSWER_NEEDS_TCP": (
        f"The {{query_type}} answer of these servers is too large for UDP and is fetched over TCP ({_SIZE}): {{servers}}."
    ),
    "CN05_LARGE_ANSWER_DELIVERED_UDP": (
        f"These servers send the large {{query_type}} answer over UDP when they may ({_SIZE}): {{servers}}."
    ),
    "CN05_LARGE_ANSWER_NO_UDP_ANSWER": (
        f"The large {{query_type}} answer of these servers does not arrive over UDP ({_SIZE}): {{servers}}."
    ),
    "CN05_SERVER_CAPS_UDP_ANSWER": (
        f"These servers truncate the {{query_type}} answer over UDP although it would fit ({_SIZE}): {{servers}}."
    ),
    "CN05_TCP_ANSWER_TRUNCATED": (
        f"These servers truncate the {{query_type}} answer even over TCP ({_SIZE}): {{servers}}."
    ),
    "CN05_UDP_LOSS_SIZE_DEPENDENT": (
        f"The {{query_type}} answer of these servers gets lost over UDP because of its size ({_SIZE}): {{servers}}."
    ),
}

_UNKNOWN = "This says nothing about the domain. The database is a service of others; test again later."
_NO_ROUTE = (
    "An address that nobody announces cannot be reached from the Internet. Check the address; a new network may take a day"
    " to appear in the database."
)
_FRAGMENTS = (
    "Large UDP packets are sent in fragments, and something on the way drops these. Limit UDP answers to 1232 octets in the"
    " server's settings, keep TCP port 53 open, and prefer keys and signatures that are short (ECDSA)."
)

ADVICE = {
    **_answer_advice("CN01", "UDP"),
    **_answer_advice("CN02", "TCP"),
    "CN01_IPV4_DISABLED": "These servers are not part of the result. Switch IPv4 on to have them tested.",
    "CN01_IPV6_DISABLED": "These servers are not part of the result. Switch IPv6 on to have them tested.",
    "EMPTY_ASN_SET": _NO_ROUTE,
    "ERROR_ASN_DATABASE": _UNKNOWN,
    "CN04_EMPTY_PREFIX_SET": _NO_ROUTE,
    "CN04_ERROR_PREFIX_DATABASE": _UNKNOWN,
    **_spread_advice("IPV4"),
    **_spread_advice("IPV6"),
    "CN05_ANSWER_NEEDS_TCP": (
        "The answer is larger than what safely fits into one UDP packet. It works as long as TCP does, but costs time."
        " Shorter keys (ECDSA) and fewer of them make it smaller."
    ),
    "CN05_LARGE_ANSWER_NO_UDP_ANSWER": _FRAGMENTS,
    "CN05_TCP_ANSWER_TRUNCATED": (
        "There is no way to get the whole answer, so signatures of the domain cannot be checked. Repair or replace the"
        " software of the server, or whatever relays TCP to it."
    ),
    "CN05_UDP_LOSS_SIZE_DEPENDENT": _FRAGMENTS,
}
