"""Texts of the DELEGATION module."""


def _counts(family: str, where: str, suffix: str) -> dict[str, str]:
    """Return the texts for the number of name servers that have addresses of a family."""
    return {
        f"ENOUGH_{family}_NS_{suffix}": f"{where} lists {{count}} name servers with {_SHOWN[family]} addresses, at least {{minimum}} are needed: {{servers}}.",
        f"NOT_ENOUGH_{family}_NS_{suffix}": f"{where} lists only {{count}} name server with {_SHOWN[family]} addresses, at least {{minimum}} are needed: {{servers}}.",
        f"NO_{family}_NS_{suffix}": f"{where} lists no name server with an {_SHOWN[family]} address ({{count}}, while {{minimum}} are needed): {{servers}}.",
    }


_SHOWN = {"IPV4": "IPv4", "IPV6": "IPv6"}
_DELEGATION = "The delegation"
_ZONE = "The zone itself"

TEXTS = {
    **_counts("IPV4", _DELEGATION, "DEL"),
    **_counts("IPV6", _DELEGATION, "DEL"),
    **_counts("IPV4", _ZONE, "CHILD"),
    **_counts("IPV6", _ZONE, "CHILD"),
    "ENOUGH_NS_CHILD": "The zone itself lists {count} name servers, at least {minimum} are needed: {servers}.",
    "ENOUGH_NS_DEL": "The delegation lists {count} name servers, at least {minimum} are needed: {servers}.",
    "NOT_ENOUGH_NS_CHILD": "The zone itself lists {count} name servers, fewer than the {minimum} that are needed: {servers}.",
    "NOT_ENOUGH_NS_DEL": "The delegation lists {count} name servers, fewer than the {minimum} that are needed: {servers}.",
    "IN_DOMAIN_GLUE_MISSING": "The name server {ns} lies inside the zone, but the delegation has no address (glue) for it.",
    "CHILD_DISTINCT_NS_IP": "All name servers that the zone itself lists have addresses of their own.",
    "CHILD_NS_SAME_IP": "Several name servers that the zone itself lists share the address {address}: {servers}.",
    "DEL_DISTINCT_NS_IP": "All name servers in the delegation have addresses of their own.",
    "DEL_NS_SAME_IP": "Several name servers in the delegation share the address {address}: {servers}.",
    "DISTINCT_IP_ADDRESS": "All name servers, of the delegation and of the zone itself, have addresses of their own.",
    "SAME_IP_ADDRESS": "Several name servers, of the delegation or of the zone itself, share the address {address}: {servers}.",
    "REFERRAL_SIZE_OK": "The largest possible referral to the zone has {size} octets and needs no EDNS.",
    "REFERRAL_SIZE_LARGE": "The largest possible referral to the zone has {size} octets, more than the 512 that fit without EDNS.",
    "REFERRAL_SIZE_TOO_LARGE": "The largest possible referral to the zone has {size} octets, more than the 1232 that pass without fragmentation.",
    "ARE_AUTHORITATIVE": "All name servers that answer do so with authority: {servers}.",
    "IS_NOT_AUTHORITATIVE": "{ns}/{address} answers over {proto} without authority for the zone.",
    "NO_NS_CNAME": "No name server name is an alias (CNAME).",
    "NO_RESPONSE": "{ns}/{address} does not respond when asked for {query_name} {query_type}.",
    "NS_IS_CNAME": "The name server name {ns} is an alias (CNAME).",
    "UNEXPECTED_RCODE": "{ns}/{address} answers with the response code {rcode} when asked for {query_name} {query_type}.",
    "SOA_EXISTS": "All name servers that answer have the SOA record of the zone.",
    "SOA_NOT_EXISTS": "{ns}/{address} answers, but without the SOA record of the zone.",
    "EXTRA_NAME_CHILD": "These name servers are listed by the zone itself but not by the delegation: {extra}.",
    "EXTRA_NAME_PARENT": "These name servers are listed by the delegation but not by the zone itself: {extra}.",
    "NAMES_MATCH": "The delegation and the zone itself list the same name servers: {servers}.",
    "TOTAL_NAME_MISMATCH": "The delegation ({glue}) and the zone itself ({child}) have no name server in common.",
}

_SPARE = "With a single server, one failure makes the domain unreachable."
_ONE_FAMILY = "Users that have only this kind of address cannot look the domain up when that server fails. Give another name server an address of the kind."
_IPV4 = "Many resolvers still ask over IPv4 only and cannot reach the domain at all. Give at least two name servers IPv4 addresses."
_IPV6 = "Resolvers that have only IPv6 cannot reach the domain. Give at least two name servers IPv6 addresses."
_SHARED = "Names that lead to the same machine are one server under several names and fail together. Put the name servers on different machines, best in different networks."
_TELL_PARENT = "Register the same name servers at the parent, with your registrar, as the zone has in its NS records."

ADVICE = {
    "IN_DOMAIN_GLUE_MISSING": "To find this server a resolver would have to ask the zone that it is looking for. Register the server's addresses (glue) with your registrar.",
    "NOT_ENOUGH_IPV4_NS_CHILD": _ONE_FAMILY,
    "NOT_ENOUGH_IPV4_NS_DEL": _ONE_FAMILY,
    "NOT_ENOUGH_IPV6_NS_CHILD": _ONE_FAMILY,
    "NOT_ENOUGH_IPV6_NS_DEL": _ONE_FAMILY,
    "NOT_ENOUGH_NS_CHILD": f"{_SPARE} Put at least two servers into the NS records of the zone.",
    "NOT_ENOUGH_NS_DEL": f"{_SPARE} Register at least two servers with your registrar.",
    "NO_IPV4_NS_CHILD": _IPV4,
    "NO_IPV4_NS_DEL": _IPV4,
    "NO_IPV6_NS_CHILD": _IPV6,
    "NO_IPV6_NS_DEL": _IPV6,
    "CHILD_NS_SAME_IP": _SHARED,
    "DEL_NS_SAME_IP": _SHARED,
    "SAME_IP_ADDRESS": _SHARED,
    "REFERRAL_SIZE_LARGE": "It works with everything in use today, but very old resolvers need TCP for it. Fewer or shorter name server names make it smaller.",
    "REFERRAL_SIZE_TOO_LARGE": "Such a referral is cut, and resolvers have to ask again over TCP, which is slower and sometimes blocked. Use fewer name servers, or names that share their endings.",
    "IS_NOT_AUTHORITATIVE": "The server is listed for the zone but does not hold it, or its copy has expired. Have it load the zone, or remove it from the delegation.",
    "NS_IS_CNAME": "A name server's name must have addresses of its own (RFC 2181 section 10.3); many resolvers do not follow the alias. Put the name that has the addresses into the NS records.",
    "UNEXPECTED_RCODE": "The server should know the names of the zone's name servers. Look for faults in its copy of the zone.",
    "SOA_NOT_EXISTS": "Each zone has one SOA record, and each of its servers must give it. Have the server load the zone, or remove it from the delegation.",
    "EXTRA_NAME_CHILD": f"The parent does not send anybody to these servers at first. {_TELL_PARENT}",
    "EXTRA_NAME_PARENT": f"Resolvers are sent to servers that the zone does not know, perhaps old ones. {_TELL_PARENT}",
    "TOTAL_NAME_MISMATCH": f"Parent and zone point to entirely different servers, so users may see old data or none. {_TELL_PARENT}",
}
