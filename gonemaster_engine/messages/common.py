"""Texts of the tags that test cases of several modules give."""

TEXTS = {
    "TEST_CASE_START": "Test case {testcase} starts.",
    "TEST_CASE_END": "Test case {testcase} has ended.",
    "IPV4_DISABLED": "IPv4 is switched off: {ns}/{address} is not asked for {query_type}.",
    "IPV6_DISABLED": "IPv6 is switched off: {ns}/{address} is not asked for {query_type}.",
    "IPV4_ENABLED": "IPv4 is in use: {ns}/{address} is asked for {query_type}.",
    "IPV6_ENABLED": "IPv6 is in use: {ns}/{address} is asked for {query_type}.",
    "CNAME_CHAIN_TOO_LONG": "The aliases (CNAME) that start at {query_name} form a chain that is too long to follow.",
    "CNAME_TARGET_UNRESOLVED": (
        "{query_name} is an alias (CNAME) that leads to {cname_target}, where no address is found."
    ),
    "CNAME_TOO_MANY_RECORDS": "The answer for {query_name} holds more alias (CNAME) records than are followed.",
}

_ALIAS = (
    "A name server's name must lead straight to its addresses and must not be an alias. Give the name its own A and AAAA"
    " records, or put a name that has them into the NS records."
)

ADVICE = {
    "CNAME_CHAIN_TOO_LONG": f"Resolvers stop following such a chain, and the server is lost to them. {_ALIAS}",
    "CNAME_TARGET_UNRESOLVED": f"The chain of aliases ends nowhere or in a circle, so the server cannot be used. {_ALIAS}",
    "CNAME_TOO_MANY_RECORDS": f"Resolvers refuse answers with that many aliases. {_ALIAS}",
}
