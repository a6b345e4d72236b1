"""Texts of the ADDRESS module."""

TEXTS = {
    "A01_ADDR_NOT_GLOBALLY_REACHABLE": "These name servers have addresses that are not globally reachable: {servers}.",
    "A01_DOCUMENTATION_ADDR": "These name servers have addresses that are reserved for documentation: {servers}.",
    "A01_GLOBALLY_REACHABLE_ADDR": "These name servers have globally reachable addresses: {servers}.",
    "A01_LOCAL_USE_ADDR": "These name servers have addresses that are meant for local networks: {servers}.",
    "A01_NO_GLOBALLY_REACHABLE_ADDR": "No name server has a globally reachable address.",
    "A01_NO_NAME_SERVERS_FOUND": "No address of any name server was found, neither in the delegation nor in the zone.",
    "NAMESERVER_IP_PTR_MATCH": "The reverse names of all addresses include the name of their name server.",
    "NAMESERVER_IP_PTR_MISMATCH": (
        "The address {address} of name server {ns} has other reverse names than this: {ptr_names}."
    ),
    "NAMESERVER_IP_WITHOUT_REVERSE": "The address {address} of name server {ns} has no reverse name (PTR record).",
    "NAMESERVERS_IP_WITH_REVERSE": "The addresses of all name servers have reverse names (PTR records).",
    "NO_RESPONSE_PTR_QUERY": "Nobody answered the query for the PTR records of {domain}.",
}

_REPLACE = (
    "Give these name servers addresses that can be reached from the whole Internet, or take them out of the NS records."
)
_REVERSE = "The reverse zone belongs to whoever runs the network: ask the network's operator or hosting company"

ADVICE = {
    "A01_ADDR_NOT_GLOBALLY_REACHABLE": f"IANA has reserved these ranges for special purposes. {_REPLACE}",
    "A01_DOCUMENTATION_ADDR": (
        f"Such addresses belong into manuals and examples and never work. Probably an example was copied. {_REPLACE}"
    ),
    "A01_LOCAL_USE_ADDR": (
        "Private and link-local addresses work inside one network only; resolvers elsewhere lose time on them."
        f" {_REPLACE}"
    ),
    "A01_NO_GLOBALLY_REACHABLE_ADDR": (
        "Nobody outside of your own network can resolve the domain. Give the name servers public addresses."
    ),
    "A01_NO_NAME_SERVERS_FOUND": (
        "Without an address no name server can be asked, and the domain does not work. Check that the NS records name hosts"
        " that exist, and that the parent zone has glue for those inside the domain."
    ),
    "NAMESERVER_IP_PTR_MISMATCH": (
        "Reverse names should lead back to the name of the host; some filters and tools expect it."
        f" {_REVERSE} to add a PTR record with the name server's name."
    ),
    "NAMESERVER_IP_WITHOUT_REVERSE": (
        "The domain works without, but addresses without a reverse name are distrusted by some filters."
        f" {_REVERSE} to add a PTR record."
    ),
    "NO_RESPONSE_PTR_QUERY": (
        "The name servers of the reverse zone are silent or not set up. The domain itself works."
        f" {_REVERSE} to have a look."
    ),
}
