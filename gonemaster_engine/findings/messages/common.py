"""Texts of the tags that test cases of several modules report."""

TEXTS = {
    "TEST_CASE_START": "Test case {testcase} started.",
    "TEST_CASE_END": "Test case {testcase} ended.",
    "IPV4_DISABLED": "{ns}/{address} was not queried for {query_type}: IPv4 is disabled.",
    "IPV6_DISABLED": "{ns}/{address} was not queried for {query_type}: IPv6 is disabled.",
    "IPV4_ENABLED": "{ns}/{address} was queried for {query_type}: IPv4 is enabled.",
    "IPV6_ENABLED": "{ns}/{address} was queried for {query_type}: IPv6 is enabled.",
    "CNAME_CHAIN_TOO_LONG": "The CNAME chain that starts at {query_name} is too long to be followed.",
    "CNAME_TARGET_UNRESOLVED": (
        "The CNAME chain that starts at {query_name} leads to {cname_target}, for which no address was found."
    ),
    "CNAME_TOO_MANY_RECORDS": "The response for {query_name} contains more CNAME records than are accepted.",
}

_ALIAS = (
    "The name of a name server must not be an alias (RFC 2181 section 10.3). Give the name its own A and AAAA records, or"
    " in the NS record use a name that has them."
)

ADVICE = {
    "CNAME_CHAIN_TOO_LONG": f"Resolvers stop following a long CNAME chain and cannot use this name server. {_ALIAS}",
    "CNAME_TARGET_UNRESOLVED": (
        f"The CNAME chain is a loop, or ends at a name without addresses, so this name server cannot be used. {_ALIAS}"
    ),
    "CNAME_TOO_MANY_RECORDS": f"Resolvers reject responses with too many CNAME records. {_ALIAS}",
}
