"""Sentences for many domains, of the tags of the ADDRESS module."""

GENERAL = {
    "A01_ADDR_NOT_GLOBALLY_REACHABLE": "Some name servers have addresses that are not globally reachable.",
    "A01_DOCUMENTATION_ADDR": "Some name servers have addresses that are reserved for documentation.",
    "A01_GLOBALLY_REACHABLE_ADDR": "Some name servers have globally reachable addresses.",
    "A01_LOCAL_USE_ADDR": "Some name servers have addresses that are reserved for local use.",
    "NAMESERVER_IP_PTR_MISMATCH": "The PTR records of name server addresses do not contain the name of the name server.",
    "NAMESERVER_IP_WITHOUT_REVERSE": "Name server addresses have no PTR record.",
    "NO_RESPONSE_PTR_QUERY": "No name server responded to a PTR query for the address of a name server.",
}
