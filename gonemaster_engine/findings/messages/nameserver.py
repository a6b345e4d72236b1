"""Texts of the NAMESERVER module."""

_EXTENDED_ERROR = (
    'These name servers reported the Extended DNS Error {info_code} ({info_name}) with the extra text "{extra_text}":'
    " {servers}."
)

TEXTS = {
    "IS_A_RECURSOR": "These name servers resolve names in other zones recursively: {servers}.",
    "NO_RECURSOR": "These name servers do not resolve names in other zones recursively: {servers}.",
    "NO_RESPONSE": "{ns}/{address} did not respond to a query for {domain}.",
    "BREAKS_ON_EDNS": (
        "{ns}/{address} did not respond to a query for {domain} with EDNS, although it responded to the query without EDNS."
    ),
    "EDNS_RESPONSE_WITHOUT_EDNS": (
        "{ns}/{address} responded to a query for {domain} with EDNS, but the response has no OPT record."
    ),
    "EDNS_VERSION_ERROR": (
        "{ns}/{address} responded to a query for {domain} with EDNS version 0, but the response has another EDNS version."
    ),
    "EDNS0_SUPPORT": "These name servers support EDNS version 0: {servers}.",
    "NO_EDNS_SUPPORT": "{ns}/{address} does not support EDNS: it responded with RCODE FORMERR to a query with EDNS.",
    "NS_ERROR": "{ns}/{address} gave an unexpected response to a query with EDNS.",
    "AXFR_AVAILABLE": "These name servers allowed an unauthenticated zone transfer (AXFR): {servers}.",
    "AXFR_FAILURE": "These name servers did not allow an unauthenticated zone transfer (AXFR): {servers}.",
    "DIFFERENT_SOURCE_IP": "{ns}/{address} responded from the different address {source}.",
    "SAME_SOURCE_IP": "These name servers responded from the address that was queried: {servers}.",
    "AAAA_BAD_RDATA": "{ns}/{address} responded to an AAAA query, but with a record of {length} octets instead of 16.",
    "AAAA_QUERY_DROPPED": "{ns}/{address} did not respond to an AAAA query, although it responded to an A query.",
    "AAAA_UNEXPECTED_RCODE": "{ns}/{address} responded with RCODE {rcode} to an AAAA query.",
    "AAAA_WELL_PROCESSED": "These name servers respond to AAAA queries correctly: {servers}.",
    "A_UNEXPECTED_RCODE": "{ns}/{address} responded with RCODE {rcode} to an A query.",
    "CAN_BE_RESOLVED": "All name server names have addresses.",
    "CAN_NOT_BE_RESOLVED": "No address was found for these name server names: {servers}.",
    "NO_RESOLUTION": "No address was found for any of the name server names: {servers}.",
    "NO_UPWARD_REFERRAL": "These name servers do not refer to the root zone: {servers}.",
    "UPWARD_REFERRAL": (
        "These name servers gave an upward referral in response to a query for the NS records of the root zone: {servers}."
    ),
    "UPWARD_REFERRAL_IRRELEVANT": "The tested zone is the root zone, so upward referrals were not checked.",
    "QNAME_CASE_INSENSITIVE": (
        "These name servers did not preserve the letter case of the query name {domain} in the response: {servers}."
    ),
    "QNAME_CASE_SENSITIVE": (
        "These name servers preserved the letter case of the query name {domain} in the response: {servers}."
    ),
    "CASE_QUERIES_RESULTS_DIFFER": (
        "The responses to queries for {domain} {query_type} depend on the letter case of the query name."
    ),
    "CASE_QUERIES_RESULTS_OK": (
        "The responses to queries for {domain} {query_type} do not depend on the letter case of the query name."
    ),
    "CASE_QUERY_DIFFERENT_ANSWER": (
        "{ns}/{address} responded with different answers to queries for {query1} {query_type} and {query2} {query_type}."
    ),
    "CASE_QUERY_DIFFERENT_RC": (
        "{ns}/{address} responded with RCODE {rcode1} to a query for {query1} {query_type}, and with RCODE {rcode2}"
        " to a query for {query2} {query_type}."
    ),
    "CASE_QUERY_NO_ANSWER": (
        "{ns}/{address} did not respond to a query for {domain} {query_type}, although it responded to a query for the name"
        " in another letter case."
    ),
    "CASE_QUERY_SAME_ANSWER": (
        "{ns}/{address} responded with the same answer to queries for {query1} {query_type} and {query2} {query_type}."
    ),
    "CASE_QUERY_SAME_RC": (
        "{ns}/{address} responded with the same RCODE {rcode} to queries for {query1} {query_type} and {query2} {query_type}."
    ),
    "N10_EDNS_RESPONSE_ERROR": (
        "The name servers at these addresses responded with an incorrect BADVERS response to a query with EDNS version 1:"
        " {addresses}."
    ),
    "N10_EDNS_VERSION_OK": (
        "The name servers at these addresses responded with BADVERS to a query with EDNS version 1, as they should:"
        " {addresses}."
    ),
    "N10_NO_RESPONSE_EDNS1_QUERY": (
        "The name servers at these addresses did not respond to a query with EDNS version 1: {addresses}."
    ),
    "N10_UNEXPECTED_RCODE": (
        "The name servers at these addresses responded with RCODE {rcode} instead of BADVERS to a query with EDNS version 1:"
        " {addresses}."
    ),
    "N11_NO_EDNS": (
        "The name servers at these addresses responded without an OPT record to a query with an unknown EDNS option:"
        " {addresses}."
    ),
    "N11_NO_RESPONSE": (
        "The name servers at these addresses did not respond to a query with an unknown EDNS option: {addresses}."
    ),
    "N11_RETURNS_UNKNOWN_OPTION_CODE": (
        "The name servers at these addresses returned the unknown EDNS option of the query in the response: {addresses}."
    ),
    "N11_UNEXPECTED_ANSWER_SECTION": (
        "The name servers at these addresses responded without the SOA record of the zone to a query with an unknown EDNS"
        " option: {addresses}."
    ),
    "N11_UNEXPECTED_RCODE": (
        "The name servers at these addresses responded with RCODE {rcode} to a query with an unknown EDNS option:"
        " {addresses}."
    ),
    "N11_UNKNOWN_OPTION_OK": (
        "The name servers at these addresses ignored an unknown EDNS option, as they should: {addresses}."
    ),
    "N11_UNSET_AA": (
        "The name servers at these addresses gave a non-authoritative response (AA bit not set) to a query with an unknown"
        " EDNS option: {addresses}."
    ),
    "Z_FLAGS_CLEAR": "These name servers clear unassigned EDNS flags in the response: {servers}.",
    "Z_FLAGS_NOTCLEAR": "{ns}/{address} returned unassigned EDNS flags of the query in the response.",
    "MISSING_OPT_IN_TRUNCATED": "{ns}/{address} gave a truncated response without an OPT record to a query with EDNS.",
    "N13_EDNS_RESPONSE_OK": "These name servers include the OPT record in a response of limited size: {servers}.",
    "N15_ERROR_ON_VERSION_QUERY": (
        "These name servers did not respond to a query for {query_name} CH TXT, or responded with RCODE SERVFAIL: {servers}."
    ),
    "N15_NO_VERSION_REVEALED": "These name servers do not reveal the version of their software: {servers}.",
    "N15_SOFTWARE_VERSION": (
        'These name servers revealed the software version "{string}" in response to a query for {query_name} CH TXT:'
        " {servers}."
    ),
    "N15_WRONG_CLASS": (
        "These name servers responded to a query of class CH, but with a TXT record of another class: {servers}."
    ),
    "N16_HAS_NSID": "These name servers returned the name server identifier (NSID) {nsid}: {servers}.",
    "N16_NO_NSID_REVEALED": "These name servers returned no name server identifier (NSID): {servers}.",
    "N16_NO_RESPONSE": "These name servers did not respond to a query with the NSID option: {servers}.",
    "N16_UNEXPECTED_RCODE": (
        "These name servers responded with RCODE {rcode} to a query with the NSID option: {servers}."
    ),
    "N17_COOKIE_CLIENT_ONLY": "These name servers returned the client cookie without a server cookie: {servers}.",
    "N17_COOKIE_ENFORCED": (
        "These name servers responded with BADCOOKIE to a query without a server cookie, and sent one: {servers}."
    ),
    "N17_COOKIE_MALFORMED": "These name servers returned a malformed DNS Cookie ({cookie_bytes} octets): {servers}.",
    "N17_COOKIE_ROUNDTRIP_OK": "These name servers accepted the server cookie that they had sent: {servers}.",
    "N17_COOKIE_SELF_REJECT": "These name servers rejected the server cookie that they had sent (BADCOOKIE): {servers}.",
    "N17_COOKIE_SUPPORTED": "These name servers support DNS Cookies and returned a server cookie: {servers}.",
    "N17_NO_COOKIE": "These name servers returned no DNS Cookie: {servers}.",
    "N17_NO_RESPONSE": (
        "It is unknown whether these name servers support DNS Cookies, because a query with a cookie got no response"
        " or a truncated response over UDP: {servers}."
    ),
    "N18_EXTENDED_ERROR_REPORTED": _EXTENDED_ERROR,
    "N18_FILTERED_RESPONSE": _EXTENDED_ERROR,
    "N18_NO_EXTENDED_ERROR": "These name servers reported no Extended DNS Error: {servers}.",
    "N18_NO_RESPONSE": "These name servers did not respond to an SOA query: {servers}.",
    "N18_RESOLVER_BEHAVIOR_REPORTED": _EXTENDED_ERROR,
    "N18_SERVER_ERROR_REPORTED": _EXTENDED_ERROR,
}

_UPDATE = (
    "Update the software of the name server, and check for a firewall or load balancer in front of it that changes or drops"
    " such queries."
)
_EDNS = f"DNSSEC and larger responses need EDNS (RFC 6891). Resolvers must query again without it, or fail. {_UPDATE}"
_UNKNOWN_EDNS = (
    "The name server must handle unknown EDNS versions, options and flags as RFC 6891 section 6.1 requires."
    f" Otherwise resolvers lose time, and new features of the protocol fail. {_UPDATE}"
)
_LETTER_CASE = (
    "Names are compared without regard to letter case (RFC 4343), and resolvers mix the letter case of the query name to"
    f" detect forged responses. {_UPDATE}"
)
_COOKIE = (
    "DNS Cookies protect against forged responses (RFC 7873); clients that use them cannot use this name server properly."
    f" {_UPDATE}"
)

ADVICE = {
    "IS_A_RECURSOR": (
        "An open resolver is abused for attacks on others (RFC 5358), and cached data can get into responses for the zone. Disable"
        " recursion on authoritative name servers, or allow it only for your own network."
    ),
    "BREAKS_ON_EDNS": _EDNS,
    "EDNS_RESPONSE_WITHOUT_EDNS": _EDNS,
    "EDNS_VERSION_ERROR": _EDNS,
    "NO_EDNS_SUPPORT": _EDNS,
    "NS_ERROR": _EDNS,
    "AXFR_AVAILABLE": (
        "Everyone can list all names in the zone. Unless this is intended, allow zone transfers only to your secondary"
        " servers, by address or, better, with a key (TSIG)."
    ),
    "DIFFERENT_SOURCE_IP": (
        "Resolvers discard such a response (RFC 2181 section 4), so the name server cannot be used. Make the name server"
        " respond from the address that was queried: let it listen on each of its addresses, or correct the address"
        " translation in front of it."
    ),
    "AAAA_BAD_RDATA": f"Resolvers cannot use an IPv6 address that is damaged like this. {_UPDATE}",
    "AAAA_QUERY_DROPPED": f"Clients with IPv6 wait for a timeout (RFC 4074). {_UPDATE}",
    "AAAA_UNEXPECTED_RCODE": (
        "Resolvers may take the error as the result for the name, and then not find its A records either (RFC 4074). A name"
        f" server must respond with NOERROR if the name exists without AAAA records. {_UPDATE}"
    ),
    "A_UNEXPECTED_RCODE": (
        "The apex of a zone always exists, so the RCODE of the response must be NOERROR. Check that the zone is configured"
        " on the name server."
    ),
    "CAN_NOT_BE_RESOLVED": (
        "Resolvers cannot query a name server without an address. Correct the names in the NS records, or add A or AAAA"
        " records for them."
    ),
    "NO_RESOLUTION": (
        "Resolvers cannot query any of the name servers, so the domain does not work. Add A or AAAA records for the names,"
        " and glue in the parent zone for the names in the zone itself."
    ),
    "UPWARD_REFERRAL": (
        "Such a referral is of no use to resolvers, and can be abused for amplification attacks. Make the name server respond"
        " with REFUSED to queries for zones that it does not serve; removing the root hints often helps."
    ),
    "QNAME_CASE_INSENSITIVE": _LETTER_CASE,
    "CASE_QUERIES_RESULTS_DIFFER": _LETTER_CASE,
    "CASE_QUERY_DIFFERENT_ANSWER": _LETTER_CASE,
    "CASE_QUERY_DIFFERENT_RC": _LETTER_CASE,
    "CASE_QUERY_NO_ANSWER": _LETTER_CASE,
    "N10_EDNS_RESPONSE_ERROR": (f"A BADVERS response has EDNS version 0 and an empty answer section. {_UNKNOWN_EDNS}"),
    "N10_NO_RESPONSE_EDNS1_QUERY": _UNKNOWN_EDNS,
    "N10_UNEXPECTED_RCODE": _UNKNOWN_EDNS,
    "N11_NO_EDNS": _UNKNOWN_EDNS,
    "N11_NO_RESPONSE": _UNKNOWN_EDNS,
    "N11_RETURNS_UNKNOWN_OPTION_CODE": _UNKNOWN_EDNS,
    "N11_UNEXPECTED_ANSWER_SECTION": _UNKNOWN_EDNS,
    "N11_UNEXPECTED_RCODE": _UNKNOWN_EDNS,
    "N11_UNSET_AA": _UNKNOWN_EDNS,
    "Z_FLAGS_NOTCLEAR": _UNKNOWN_EDNS,
    "MISSING_OPT_IN_TRUNCATED": (
        f"Each response to a query with EDNS must contain an OPT record (RFC 6891 section 6.1.1). {_EDNS}"
    ),
    "N15_ERROR_ON_VERSION_QUERY": (
        "To keep the version secret, respond with REFUSED or with an empty TXT record. A missing response and SERVFAIL look like a"
        " fault."
    ),
    "N15_SOFTWARE_VERSION": (
        "This is not a fault, but it tells attackers which vulnerabilities to try. Most software can be configured to hide"
        " its version."
    ),
    "N15_WRONG_CLASS": f"The records in the answer must have the class of the query. {_UPDATE}",
    "N16_NO_RESPONSE": _UNKNOWN_EDNS,
    "N16_UNEXPECTED_RCODE": f"A name server that does not support NSID (RFC 5001) must ignore the option. {_UPDATE}",
    "N17_COOKIE_CLIENT_ONLY": _COOKIE,
    "N17_COOKIE_MALFORMED": _COOKIE,
    "N17_COOKIE_SELF_REJECT": (
        "Clients that use DNS Cookies get no answer. Name servers that share an address (anycast, load balancer) must share"
        " the server secret and have synchronized clocks (RFC 9018)."
    ),
    "N17_NO_RESPONSE": (
        "A name server that responds to queries without the cookie option, but not to queries with it, does not handle"
        " unknown options as RFC 6891 section 6.1.2 requires: update its software. A truncated response may be due to rate limiting; no"
        " action is needed then."
    ),
    "N18_EXTENDED_ERROR_REPORTED": (
        "The name server reports a condition together with its response (RFC 8914). Check its log for the cause."
    ),
    "N18_FILTERED_RESPONSE": (
        "A filter blocks or changes the responses for this domain. An authoritative name server should have no such filter:"
        " determine who configured it."
    ),
    "N18_NO_RESPONSE": (
        "Check that the name server is running, and that port 53 is open on it and in every firewall in front of it."
    ),
    "N18_RESOLVER_BEHAVIOR_REPORTED": (
        "Resolvers report this error; authoritative name servers do not. Check whether a resolver or a forwarder answers at"
        " the address of the name server."
    ),
    "N18_SERVER_ERROR_REPORTED": (
        "The name server reports that it cannot or may not answer for the domain. Check that the zone is configured on it,"
        " and that queries are allowed from everywhere."
    ),
}
