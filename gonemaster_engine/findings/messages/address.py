"""Texts of the ADDRESS module."""

TEXTS = {
    "A01_ADDR_NOT_GLOBALLY_REACHABLE": "These name servers have addresses that are not globally reachable: {servers}.",
    "A01_DOCUMENTATION_ADDR": "These name servers have addresses that are reserved for documentation: {servers}.",
    "A01_GLOBALLY_REACHABLE_ADDR": "These name servers have globally reachable addresses: {servers}.",
    "A01_LOCAL_USE_ADDR": "These name servers have addresses that are reserved for local use: {servers}.",
    "A01_NO_GLOBALLY_REACHABLE_ADDR": "No name server has a globally reachable address.",
    "A01_NO_NAME_SERVERS_FOUND": "No name server address was found, neither from the delegation nor from the zone.",
    "NAMESERVER_IP_PTR_MATCH": "The PTR records of each name server address contain the name of the name server.",
    "NAMESERVER_IP_PTR_MISMATCH": (
        "The PTR records of the address {address} do not contain the name of the name server {ns}, but these names:"
        " {ptr_names}."
    ),
    "NAMESERVER_IP_WITHOUT_REVERSE": "The address {address} of the name server {ns} has no PTR record.",
    "NAMESERVERS_IP_WITH_REVERSE": "All name server addresses have PTR records.",
    "NO_RESPONSE_PTR_QUERY": "No name server responded to a PTR query for {domain}.",
}

_REPLACE = (
    "Give these name servers addresses that can be reached from the whole Internet, or remove them from the NS records."
)
_REVERSE = "The network operator or hosting provider manages the reverse zone:"

ADVICE = {
    "A01_ADDR_NOT_GLOBALLY_REACHABLE": (
        f"The IANA special-purpose address registries (RFC 6890) mark these addresses as not globally reachable. {_REPLACE}"
    ),
    "A01_DOCUMENTATION_ADDR": (
        f"These addresses are for use in documentation only and are never routed (RFC 5737, RFC 3849). {_REPLACE}"
    ),
    "A01_LOCAL_USE_ADDR": (
        "Private, loopback, link-local and unique local addresses cannot be reached from other networks; resolvers lose"
        f" time when they try. {_REPLACE}"
    ),
    "A01_NO_GLOBALLY_REACHABLE_ADDR": (
        "Resolvers outside your own network cannot resolve the domain. Give the name servers globally reachable addresses."
    ),
    "A01_NO_NAME_SERVERS_FOUND": (
        "Resolvers cannot query a name server without an address, so the domain does not work. Check that the NS records"
        " contain existing host names, and that the parent zone has glue for the names in the zone itself."
    ),
    "NAMESERVER_IP_PTR_MISMATCH": (
        "The PTR record of an address should contain the name of the host (RFC 1912 section 2.1); some filters and tools"
        f" expect it. {_REVERSE} request a PTR record with the name of the name server there."
    ),
    "NAMESERVER_IP_WITHOUT_REVERSE": (
        "The domain works without PTR records, but each address should have a PTR record (RFC 1912 section 2.1), and some filters"
        f" distrust addresses that have none. {_REVERSE} request a PTR record there."
    ),
    "NO_RESPONSE_PTR_QUERY": (
        "The name servers of the reverse zone do not respond, or the reverse zone is not delegated. The domain itself is not"
        f" affected. {_REVERSE} have the reverse zone checked there."
    ),
}
