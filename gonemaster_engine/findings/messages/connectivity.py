"""Texts of the CONNECTIVITY module."""


def _answer_texts(prefix: str, transport: str) -> dict[str, str]:
    """Return the texts for SOA and NS queries over one transport, each as a whole sentence."""
    texts = {
        f"{prefix}_OK_{transport}": f"These name servers respond to SOA and NS queries over {transport} correctly: {{servers}}.",
        f"{prefix}_NO_RESPONSE_{transport}": f"{{ns}}/{{address}} did not respond over {transport}.",
    }
    for query_type in ("SOA", "NS"):
        query = f"an {query_type} query over {transport}"
        texts |= {
            f"{prefix}_NO_RESPONSE_{query_type}_QUERY_{transport}": f"{{ns}}/{{address}} did not respond to {query}.",
            f"{prefix}_UNEXPECTED_RCODE_{query_type}_QUERY_{transport}": (
                f"{{ns}}/{{address}} responded with RCODE {{rcode}} to {query}."
            ),
            f"{prefix}_MISSING_{query_type}_RECORD_{transport}": (
                f"{{ns}}/{{address}} responded to {query}, but without an {query_type} record in the answer section."
            ),
            f"{prefix}_WRONG_{query_type}_RECORD_{transport}": (
                f"{{ns}}/{{address}} responded to {query} for {{domain_expected}}, but with an {query_type} record of"
                " {domain_found}."
            ),
            f"{prefix}_{query_type}_RECORD_NOT_AA_{transport}": (
                f"{{ns}}/{{address}} gave a non-authoritative response (AA bit not set) to {query}."
            ),
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
        "Resolvers query over UDP first, and lose time waiting for this name server. Check that it is running, and that UDP port"
        " 53 is open on it and in every firewall in front of it."
    ),
    "TCP": (
        "A DNS server must support TCP (RFC 7766 section 5); large responses, such as those of signed zones, need it. Open"
        " TCP port 53 on the name server and in every firewall in front of it."
    ),
}
_PARTLY_SILENT = (
    "The name server responds to one type of query but not to another. Check for a filter or a rate limit in front of it,"
    " and for a fault in its software."
)
_NOT_SERVED = (
    "The name server is listed for the zone but does not serve it: the zone is not configured there, could not be loaded,"
    " or has expired on a secondary server. Configure the zone on the name server, or remove the name server from the NS"
    " records."
)
_INCOMPLETE = (
    "Every name server of a zone must serve the SOA and NS records of its apex. Check the zone on this name server, and the"
    " name server's log."
)
_WRONG_OWNER = (
    "The name server answers from another zone, perhaps the parent zone. Configure the zone itself on this name server."
)
_NOT_AUTHORITATIVE = (
    "The name server does not serve the zone itself, but answers from a cache, as a resolver does. Configure the zone on the"
    " name server, or remove the name server from the NS records."
)

_SPREAD = (
    "Place name servers in networks of different operators (RFC 2182 section 3.1), so that the domain stays reachable when"
    " one network fails."
)


def _as_texts(family: str) -> dict[str, str]:
    return {
        f"{family.upper()}_DIFFERENT_ASN": (
            f"The {family} addresses of the name servers are announced by different autonomous systems (AS): {{asns}}."
        ),
        f"{family.upper()}_ONE_ASN": (
            f"All {family} addresses of the name servers are announced by a single autonomous system: AS {{asn}}."
        ),
        f"{family.upper()}_SAME_ASN": (
            f"All {family} addresses of the name servers are announced by the same set of autonomous systems (AS): {{asns}}."
        ),
    }


def _prefix_texts(family: str) -> dict[str, str]:
    return {
        f"CN04_{family.upper()}_DIFFERENT_PREFIX": (
            f"Each of these name servers has an {family} address in a separate prefix: {{servers}}."
        ),
        f"CN04_{family.upper()}_SAME_PREFIX": (
            f"These name servers have {family} addresses in the same prefix, {{prefixes}}: {{servers}}."
        ),
        f"CN04_{family.upper()}_SINGLE_PREFIX": f"All {family} addresses of the name servers are in a single prefix.",
    }


def _diversity_advice(family: str) -> dict[str, str]:
    return {
        f"{family.upper()}_ONE_ASN": (
            f"If this autonomous system fails, no name server can be reached over {family}. {_SPREAD}"
        ),
        f"{family.upper()}_SAME_ASN": f"All name servers depend on the same autonomous systems. {_SPREAD}",
        f"CN04_{family.upper()}_SAME_PREFIX": (
            "Name servers in the same prefix become unreachable together when its route is withdrawn. Move one of them to"
            " another network."
        ),
        f"CN04_{family.upper()}_SINGLE_PREFIX": (
            f"If the route to this prefix is withdrawn, no name server can be reached over {family}. {_SPREAD}"
        ),
    }


TEXTS = {
    **_answer_texts("CN01", "UDP"),
    **_answer_texts("CN02", "TCP"),
    "CN01_IPV4_DISABLED": "IPv4 is disabled, so these name servers were not queried: {servers}.",
    "CN01_IPV6_DISABLED": "IPv6 is disabled, so these name servers were not queried: {servers}.",
    "ASN_INFOS_RAW": "The AS database returned for {address}: {data}",
    "ASN_INFOS_ANNOUNCE_BY": "The address {address} is announced by AS {asns}.",
    "ASN_INFOS_ANNOUNCE_IN": "The address {address} is announced in the prefix {prefixes}.",
    "EMPTY_ASN_SET": "The AS database contains no autonomous system that announces {address}.",
    "ERROR_ASN_DATABASE": "The AS database could not be queried for {address}.",
    **_as_texts("IPv4"),
    **_as_texts("IPv6"),
    "CN04_ASN_INFOS_RAW": "The AS database returned for {address}: {data}",
    "CN04_ASN_INFOS_ANNOUNCE_IN": "The address {address} is announced in the prefix {prefixes}.",
    "CN04_EMPTY_PREFIX_SET": "The AS database contains no announced prefix for {address}.",
    "CN04_ERROR_PREFIX_DATABASE": "The AS database could not be queried for the prefix of {address}.",
    **_prefix_texts("IPv4"),
    **_prefix_texts("IPv6"),
    "CN05_ANSWER_FITS_UDP": (
        "These name servers sent the {query_type} response over UDP (largest response: {size} octets; UDP payload size of"
        " the query: {payload} octets): {servers}."
    ),
    "CN05_ANSWER_NEEDS_TCP": (
        "These name servers truncated the {query_type} response over UDP and sent it over TCP (response: {size} octets; UDP"
        " payload size of the query: {payload} octets): {servers}."
    ),
    "CN05_LARGE_ANSWER_DELIVERED_UDP": (
        "These name servers sent the {query_type} response over UDP when the query allowed a larger response (response:"
        " {size} octets; UDP payload size of the query: {payload} octets): {servers}."
    ),
    "CN05_LARGE_ANSWER_NO_UDP_ANSWER": (
        "No {query_type} response arrived over UDP from these name servers when the query allowed a larger response"
        " (response over TCP: {size} octets; UDP payload size of the query: {payload} octets): {servers}."
    ),
    "CN05_SERVER_CAPS_UDP_ANSWER": (
        "These name servers truncated the {query_type} response over UDP, although it fits into the UDP payload size of the"
        " query (response over TCP: {size} octets; UDP payload size of the query: {payload} octets): {servers}."
    ),
    "CN05_TCP_ANSWER_TRUNCATED": (
        "These name servers truncated the {query_type} response (TC bit set) even over TCP ({size} octets): {servers}."
    ),
    "CN05_UDP_LOSS_SIZE_DEPENDENT": (
        "No {query_type} response arrived over UDP from these name servers, although a query with a smaller UDP payload"
        " size got a truncated response (response over TCP: {size} octets; UDP payload size of the query: {payload}"
        " octets): {servers}."
    ),
}

_UNKNOWN = "This says nothing about the domain: the AS database is a service of a third party. Test again later."
_NO_ROUTE = (
    "An address in no announced prefix cannot be reached from the Internet. Check the address; a new network may take a day"
    " to appear in the AS database."
)
_FRAGMENTS = (
    "Large UDP responses are fragmented, and something on the path drops the fragments. Limit UDP responses to 1232 octets"
    " in the configuration of the name server (RFC 9715), keep TCP port 53 open, and prefer algorithms with short keys and"
    " signatures (ECDSA)."
)

ADVICE = {
    **_answer_advice("CN01", "UDP"),
    **_answer_advice("CN02", "TCP"),
    "CN01_IPV4_DISABLED": "These name servers are not part of the result. Enable IPv4 to test them.",
    "CN01_IPV6_DISABLED": "These name servers are not part of the result. Enable IPv6 to test them.",
    "EMPTY_ASN_SET": _NO_ROUTE,
    "ERROR_ASN_DATABASE": _UNKNOWN,
    "CN04_EMPTY_PREFIX_SET": _NO_ROUTE,
    "CN04_ERROR_PREFIX_DATABASE": _UNKNOWN,
    **_diversity_advice("IPv4"),
    **_diversity_advice("IPv6"),
    "CN05_ANSWER_NEEDS_TCP": (
        "The response is larger than what fits safely into one UDP datagram. It arrives as long as TCP works, but takes"
        " longer. Fewer keys, and algorithms with short keys (ECDSA), make the response smaller."
    ),
    "CN05_LARGE_ANSWER_NO_UDP_ANSWER": _FRAGMENTS,
    "CN05_TCP_ANSWER_TRUNCATED": (
        "The whole response cannot be received over any transport, so resolvers cannot validate the zone. Repair or replace"
        " the software of the name server, or the proxy in front of it."
    ),
    "CN05_UDP_LOSS_SIZE_DEPENDENT": _FRAGMENTS,
}
