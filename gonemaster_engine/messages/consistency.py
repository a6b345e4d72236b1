"""Texts of the CONSISTENCY module."""

TEXTS = {
    "MULTIPLE_SOA_SERIALS": "The name servers have {count} different SOA serial numbers.",
    "NO_RESPONSE": "{ns}/{address} does not respond.",
    "NO_RESPONSE_SOA_QUERY": "{ns}/{address} answers without the SOA record of the zone.",
    "ONE_SOA_SERIAL": "All name servers have the SOA serial number {serial}.",
    "SOA_SERIAL": "The SOA serial number {serial} is found at {servers}.",
    "SOA_SERIAL_VARIATION": "The SOA serial numbers range from {serial_min} to {serial_max}, further apart than {max_variation}. Behind are: {servers_behind}.",
    "MULTIPLE_SOA_RNAMES": "The name servers have {count} different RNAMEs in the SOA record.",
    "ONE_SOA_RNAME": "All name servers have {rname} as RNAME of the SOA record.",
    "SOA_RNAME": "The RNAME {rname} of the SOA record is found at {servers}.",
    "MULTIPLE_SOA_TIME_PARAMETER_SET": "The name servers have {count} different sets of timers in the SOA record.",
    "ONE_SOA_TIME_PARAMETER_SET": "All name servers have the same timers in the SOA record: refresh {refresh}, retry {retry}, expire {expire}, minimum {minimum}.",
    "SOA_TIME_PARAMETER_SET": "The timers refresh {refresh}, retry {retry}, expire {expire}, minimum {minimum} of the SOA record are found at {servers}.",
    "INCONSISTENT_NS_TTL": "The NS records of the zone have {count} different TTLs, from {ttl_min} to {ttl_max} seconds.",
    "MULTIPLE_NS_SET": "The name servers return {count} different sets of NS records for the zone.",
    "NO_RESPONSE_NS_QUERY": "{ns}/{address} does not return the NS records of the zone with authority.",
    "NS_SET": "The NS set {ns_set_servers} is returned by {servers}.",
    "ONE_NS_SET": "All name servers return the same NS set: {servers}.",
    "ADDRESSES_MATCH": "The addresses in the delegation (glue) agree with those in the zone.",
    "CHILD_NS_FAILED": "{ns}/{address} gives no usable answer when asked for the addresses of the name servers.",
    "CHILD_ZONE_LAME": "No name server gives the addresses of the name servers inside the zone.",
    "DELEGATION_NS_SET": "The zone is delegated to {ns_set_servers} by {servers}.",
    "EXTRA_ADDRESS_CHILD": "The zone has these name server addresses, which the delegation lacks: {addresses}.",
    "IN_DOMAIN_ADDR_MISMATCH": "The delegation has addresses for {ns} ({parent_servers}) that the zone does not have ({zone_servers}).",
    "MISSING_ADDRESS_CHILD": "The delegation has addresses for {ns}, but the zone has none.",
    "MULTIPLE_DELEGATION_NS_SET": "The servers of the parent zone delegate to {count} different sets of name servers. Names in them: {ns_names}.",
    "NOT_IN_DOMAIN_ADDR_MISMATCH": "The delegation has addresses ({parent_servers}) that the name servers do not have when they are looked up ({zone_servers}).",
    "MULTIPLE_SOA_MNAMES": "The name servers have {count} different MNAMEs in the SOA record.",
    "ONE_SOA_MNAME": "All name servers have {mname} as MNAME of the SOA record.",
    "SOA_MNAME": "The MNAME {mname} of the SOA record is found at {servers}.",
}

_TRANSFER = "The servers have different versions of the zone. If this lasts longer than a few minutes after a change, look at the zone transfers of the servers that are behind."
_GLUE = "Resolvers that use the addresses at the parent may end at a server that is no longer there. Have your registrar update the addresses (glue)."
_ADDRESSES = "Update the addresses (glue) at the parent, with your registrar, or the address records in the zone."

ADVICE = {
    "MULTIPLE_SOA_SERIALS": _TRANSFER,
    "SOA_SERIAL_VARIATION": _TRANSFER,
    "MULTIPLE_SOA_RNAMES": _TRANSFER,
    "MULTIPLE_SOA_TIME_PARAMETER_SET": _TRANSFER,
    "MULTIPLE_SOA_MNAMES": f"{_TRANSFER} Some providers put each server's own name there, which is harmless.",
    "MULTIPLE_NS_SET": f"Which name servers are used depends on who is asked. {_TRANSFER}",
    "INCONSISTENT_NS_TTL": "All NS records of the zone should have one TTL on all servers. Look for servers with an old version of the zone, or for one that serves from a cache.",
    "CHILD_ZONE_LAME": "The servers answer neither for the zone nor for their own names. Have them load the zone, or correct the delegation.",
    "EXTRA_ADDRESS_CHILD": _ADDRESSES,
    "IN_DOMAIN_ADDR_MISMATCH": _GLUE,
    "MISSING_ADDRESS_CHILD": f"A name server inside the zone needs its addresses in the zone, too. {_ADDRESSES}",
    "MULTIPLE_DELEGATION_NS_SET": "The parent's servers have different versions of the delegation. If this lasts, ask the operator of the parent zone, or your registrar.",
    "NOT_IN_DOMAIN_ADDR_MISMATCH": _GLUE,
}
