"""Texts of the CONSISTENCY module."""

TEXTS = {
    "MULTIPLE_SOA_SERIALS": "The name servers returned different SOA serials. Number of serials: {count}.",
    "NO_RESPONSE": "{ns}/{address} did not respond.",
    "NO_RESPONSE_SOA_QUERY": "{ns}/{address} responded to an SOA query, but without the SOA record of the zone.",
    "ONE_SOA_SERIAL": "The SOA serial is {serial} on all name servers that returned the SOA record.",
    "SOA_SERIAL": "These name servers returned the SOA serial {serial}: {servers}.",
    "SOA_SERIAL_VARIATION": "The SOA serials range from {serial_min} to {serial_max}; the largest accepted difference is {max_variation}. Name servers with an older serial: {servers_behind}.",
    "MULTIPLE_SOA_RNAMES": "The name servers returned different SOA RNAMEs. Number of RNAMEs: {count}.",
    "ONE_SOA_RNAME": "The SOA RNAME is {rname} on all name servers that returned the SOA record.",
    "SOA_RNAME": "These name servers returned the SOA RNAME {rname}: {servers}.",
    "MULTIPLE_SOA_TIME_PARAMETER_SET": "The name servers returned different SOA timers. Number of sets of timers: {count}.",
    "ONE_SOA_TIME_PARAMETER_SET": "The SOA timers are REFRESH {refresh}, RETRY {retry}, EXPIRE {expire}, MINIMUM {minimum} on all name servers that returned the SOA record.",
    "SOA_TIME_PARAMETER_SET": "These name servers returned the SOA timers REFRESH {refresh}, RETRY {retry}, EXPIRE {expire}, MINIMUM {minimum}: {servers}.",
    "INCONSISTENT_NS_TTL": "The NS RRset at the apex was returned with different TTLs, from {ttl_min} to {ttl_max} seconds. Number of TTLs: {count}.",
    "MULTIPLE_NS_SET": "The name servers returned different NS RRsets at the apex. Number of RRsets: {count}.",
    "NO_RESPONSE_NS_QUERY": "{ns}/{address} gave no authoritative answer with the NS records of the zone.",
    "NS_SET": "The NS RRset with the names {ns_set_servers} was returned by these name servers: {servers}.",
    "ONE_NS_SET": "All name servers that gave an authoritative answer returned the same NS RRset, with these names: {servers}.",
    "ADDRESSES_MATCH": "The glue in the delegation agrees with the addresses in the zone.",
    "CHILD_NS_FAILED": "{ns}/{address} gave no usable response to an address query for the name servers of the zone.",
    "CHILD_ZONE_LAME": "No name server returned the addresses of the name servers in the zone.",
    "DELEGATION_NS_SET": "The delegation to the names {ns_set_servers} was returned by these name servers of the parent zone: {servers}.",
    "EXTRA_ADDRESS_CHILD": "The zone has name server addresses that are missing from the glue: {addresses}.",
    "IN_DOMAIN_ADDR_MISMATCH": "The glue for {ns} contains addresses that the zone does not have. Glue: {parent_servers}. Zone: {zone_servers}.",
    "MISSING_ADDRESS_CHILD": "The delegation has glue for {ns}, but the zone has no address record for this name.",
    "MULTIPLE_DELEGATION_NS_SET": "The name servers of the parent zone returned different NS RRsets for the delegation. Number of RRsets: {count}. All names: {ns_names}.",
    "NOT_IN_DOMAIN_ADDR_MISMATCH": "The glue for a name outside the zone contains addresses that are not found when the name is resolved. Glue: {parent_servers}. Resolved: {zone_servers}.",
    "CS05_CHILD_ZONE_LAME": "No name server serves the zone. Name servers: {servers}.",
    "CS05_DELEGATION": "The delegation to the name servers {ns_set_servers} was returned by these name servers of the parent zone: {servers}.",
    "CS05_EXTRA_ADDR_CHILD": "The zone has name server addresses that are missing from the glue: {servers}.",
    "CS05_ID_ADDR_MISMATCH": "The glue for {ns} differs from the address records in the zone. Glue: {parent_servers}. Zone: {zone_servers}.",
    "CS05_ID_ADDR_MISSING": "The delegation has glue for {ns}, but the zone has no address record for this name.",
    "CS05_INCONSISTENT_DELEGATION": "The name servers of the parent zone returned different NS RRsets for the delegation. Number of RRsets: {count}. All names: {ns_names}.",
    "CS05_MISSING_GLUE_FOR_NS": "The delegation has no glue for {ns}, although the name is in the zone. Name servers of the parent zone that returned no glue: {servers}.",
    "CS05_MISSING_GLUE_FOR_NS_UNDEL": "The supplied delegation has no address for {ns}, although the name is in the zone.",
    "CS05_MISSING_GLUE_FOR_ROOT_NS": "The supplied delegation of the root zone has no address for {ns}.",
    "CS05_NO_MISMATCH_GLUE_ZONE": "The glue in the delegation agrees with the addresses in the zone.",
    "CS05_NO_NS_ADDR_CHILD": "No name server of the zone has an IP address.",
    "CS05_OOD_ADDR_MISMATCH": "The glue for {ns}, a name outside the zone, differs from the addresses that are found when the name is resolved. Glue: {parent_servers}. Resolved: {zone_servers}.",
    "MULTIPLE_SOA_MNAMES": "The name servers returned different SOA MNAMEs. Number of MNAMEs: {count}.",
    "ONE_SOA_MNAME": "The SOA MNAME is {mname} on all name servers that returned the SOA record.",
    "SOA_MNAME": "These name servers returned the SOA MNAME {mname}: {servers}.",
}

_TRANSFER = "The name servers serve different versions of the zone. If this lasts longer than a few minutes after a change, check the zone transfers to the name servers with the older version."
_STALE_GLUE = "Resolvers that use the glue may query an address where the name server no longer is. Update the glue at your registrar."
_VERSIONS = "The name servers of the parent zone serve different versions of the delegation. If this lasts longer than a few hours after a change, contact the operator of the parent zone, or your registrar."
_GLUE_OR_ZONE = "Update the glue at your registrar, or the address records in the zone, so that they are equal (RFC 1034 section 4.2.2)."
_LAME = "The name servers do not serve the names in the zone. Configure the zone on them, or correct the delegation."
_NO_ADDRESS_IN_ZONE = (
    f"A name server with a name in the zone needs address records in the zone, not only glue. {_GLUE_OR_ZONE}"
)
_SUPPLIED = "Resolvers cannot find a name server whose name is in the zone without glue (RFC 9471 section 3). Supply its addresses together with its name."

ADVICE = {
    "MULTIPLE_SOA_SERIALS": _TRANSFER,
    "SOA_SERIAL_VARIATION": _TRANSFER,
    "MULTIPLE_SOA_RNAMES": _TRANSFER,
    "MULTIPLE_SOA_TIME_PARAMETER_SET": _TRANSFER,
    "MULTIPLE_SOA_MNAMES": f"{_TRANSFER} Some providers set the MNAME to each name server's own name, which is harmless.",
    "MULTIPLE_NS_SET": f"The name servers that a resolver uses depend on the name server that it happens to query. {_TRANSFER}",
    "INCONSISTENT_NS_TTL": "All records of an RRset must have the same TTL (RFC 2181 section 5.2), on every name server. Check for name servers that serve an old version of the zone, or that answer from a cache.",
    "CHILD_ZONE_LAME": _LAME,
    "CS05_CHILD_ZONE_LAME": _LAME,
    "CS05_EXTRA_ADDR_CHILD": _GLUE_OR_ZONE,
    "CS05_ID_ADDR_MISMATCH": _STALE_GLUE,
    "CS05_ID_ADDR_MISSING": _NO_ADDRESS_IN_ZONE,
    "CS05_INCONSISTENT_DELEGATION": _VERSIONS,
    "CS05_MISSING_GLUE_FOR_NS": "Resolvers cannot find a name server whose name is in the zone without glue (RFC 9471 section 3). Set its addresses as glue at your registrar.",
    "CS05_MISSING_GLUE_FOR_NS_UNDEL": _SUPPLIED,
    "CS05_MISSING_GLUE_FOR_ROOT_NS": _SUPPLIED,
    "CS05_NO_NS_ADDR_CHILD": "No resolver can reach the zone. Publish address records for the name servers, and have the registrar set them as glue for names in the zone.",
    "CS05_OOD_ADDR_MISMATCH": _STALE_GLUE,
    "EXTRA_ADDRESS_CHILD": _GLUE_OR_ZONE,
    "IN_DOMAIN_ADDR_MISMATCH": _STALE_GLUE,
    "MISSING_ADDRESS_CHILD": _NO_ADDRESS_IN_ZONE,
    "MULTIPLE_DELEGATION_NS_SET": _VERSIONS,
    "NOT_IN_DOMAIN_ADDR_MISMATCH": _STALE_GLUE,
}
