"""Sentences for many domains, of tags that several modules report."""

GENERAL = {
    "TEST_CASE_START": "A test case started.",
    "TEST_CASE_END": "A test case ended.",
    "IPV4_DISABLED": "A name server was not queried, because IPv4 is disabled.",
    "IPV6_DISABLED": "A name server was not queried, because IPv6 is disabled.",
    "IPV4_ENABLED": "A name server was queried over IPv4.",
    "IPV6_ENABLED": "A name server was queried over IPv6.",
    "CNAME_CHAIN_TOO_LONG": "A CNAME chain is too long to be followed.",
    "CNAME_TARGET_UNRESOLVED": "A CNAME chain leads to a name for which no address was found.",
    "CNAME_TOO_MANY_RECORDS": "A response contains more CNAME records than are accepted.",
}
