"""Sentences for many domains, of the tags of the DELEGATION module."""

GENERAL = {
    "ENOUGH_IPV4_NS_CHILD": "The NS records of the zone contain enough name servers with IPv4 addresses.",
    "ENOUGH_IPV4_NS_DEL": "The delegation contains enough name servers with IPv4 addresses.",
    "ENOUGH_IPV6_NS_CHILD": "The NS records of the zone contain enough name servers with IPv6 addresses.",
    "ENOUGH_IPV6_NS_DEL": "The delegation contains enough name servers with IPv6 addresses.",
    "ENOUGH_NS_CHILD": "The NS records of the zone contain enough name servers.",
    "ENOUGH_NS_DEL": "The delegation contains enough name servers.",
    "NOT_ENOUGH_IPV4_NS_CHILD": "The NS records of the zone contain too few name servers with IPv4 addresses.",
    "NOT_ENOUGH_IPV4_NS_DEL": "The delegation contains too few name servers with IPv4 addresses.",
    "NOT_ENOUGH_IPV6_NS_CHILD": "The NS records of the zone contain too few name servers with IPv6 addresses.",
    "NOT_ENOUGH_IPV6_NS_DEL": "The delegation contains too few name servers with IPv6 addresses.",
    "NOT_ENOUGH_NS_CHILD": "The NS records of the zone contain too few name servers.",
    "NOT_ENOUGH_NS_DEL": "The delegation contains too few name servers.",
    "NO_IPV4_NS_CHILD": "The NS records of the zone contain no name server with an IPv4 address.",
    "NO_IPV4_NS_DEL": "The delegation contains no name server with an IPv4 address.",
    "NO_IPV6_NS_CHILD": "The NS records of the zone contain no name server with an IPv6 address.",
    "NO_IPV6_NS_DEL": "The delegation contains no name server with an IPv6 address.",
    "IN_DOMAIN_GLUE_MISSING": "The delegation has no glue for an in-domain name server.",
    "CHILD_NS_SAME_IP": "Some name servers in the NS records of the zone share an address.",
    "DEL_NS_SAME_IP": "Some name servers in the delegation share an address.",
    "SAME_IP_ADDRESS": "Some name servers in the delegation or in the NS records of the zone share an address.",
    "REFERRAL_SIZE_OK": "The largest possible referral to the zone fits into a UDP response without EDNS (512 octets).",
    "REFERRAL_SIZE_LARGE": (
        "The largest possible referral to the zone does not fit into a UDP response without EDNS (512 octets)."
    ),
    "REFERRAL_SIZE_TOO_LARGE": (
        "The largest possible referral to the zone is larger than a UDP response should be to avoid fragmentation (1232"
        " octets)."
    ),
    "ARE_AUTHORITATIVE": "All name servers that responded gave authoritative responses.",
    "IS_NOT_AUTHORITATIVE": "A name server gave a non-authoritative response (AA bit not set) to an SOA query.",
    "NO_RESPONSE": "A name server did not respond to a query.",
    "NS_IS_CNAME": "The name of a name server is an alias (CNAME).",
    "UNEXPECTED_RCODE": "A name server responded with an unexpected RCODE.",
    "SOA_NOT_EXISTS": "A name server responded to an SOA query, but without the SOA record of the zone.",
    "EXTRA_NAME_CHILD": "Some name servers are in the NS records of the zone, but not in the delegation.",
    "EXTRA_NAME_PARENT": "Some name servers are in the delegation, but not in the NS records of the zone.",
    "NAMES_MATCH": "The delegation and the NS records of the zone contain the same name servers.",
    "DEL08_DSYNC_FOUND": "The parent zone publishes a DSYNC record for notifications.",
    "DEL08_ENDPOINT_ANSWERS": "The target of a DSYNC record responded to a NOTIFY message about CDS records.",
    "DEL08_ENDPOINT_NO_RESPONSE": (
        "The target of a DSYNC record did not respond to a NOTIFY message about CDS records, neither over UDP nor over"
        " TCP."
    ),
    "DEL08_NO_DSYNC": "The parent zone publishes no DSYNC record for the zone.",
    "DEL08_TARGET_WITHOUT_ADDRESS": "The target of a DSYNC record has no address.",
    "TOTAL_NAME_MISMATCH": "The delegation and the NS records of the zone have no name server in common.",
}
