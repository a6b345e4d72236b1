"""Sentences for many domains, of the tags of the NAMESERVER module."""

GENERAL = {
    "IS_A_RECURSOR": "Some name servers resolve names in other zones recursively.",
    "NO_RECURSOR": "Some name servers do not resolve names in other zones recursively.",
    "NO_RESPONSE": "A name server did not respond to a query for the domain.",
    "BREAKS_ON_EDNS": (
        "A name server did not respond to a query for the domain with EDNS, although it responded to the query without"
        " EDNS."
    ),
    "EDNS_RESPONSE_WITHOUT_EDNS": (
        "A name server responded to a query for the domain with EDNS, but the response has no OPT record."
    ),
    "EDNS_VERSION_ERROR": (
        "A name server responded to a query for the domain with EDNS version 0, but the response has another EDNS"
        " version."
    ),
    "EDNS0_SUPPORT": "Some name servers support EDNS version 0.",
    "NO_EDNS_SUPPORT": "A name server does not support EDNS: it responded with RCODE FORMERR to a query with EDNS.",
    "NS_ERROR": "A name server gave an unexpected response to a query with EDNS.",
    "AXFR_AVAILABLE": "Some name servers allowed an unauthenticated zone transfer (AXFR).",
    "AXFR_FAILURE": "Some name servers did not allow an unauthenticated zone transfer (AXFR).",
    "DIFFERENT_SOURCE_IP": "A name server responded from another address than the one that was queried.",
    "SAME_SOURCE_IP": "Some name servers responded from the address that was queried.",
    "AAAA_BAD_RDATA": "A name server responded to an AAAA query with a record of the wrong length.",
    "AAAA_QUERY_DROPPED": "A name server did not respond to an AAAA query, although it responded to an A query.",
    "AAAA_UNEXPECTED_RCODE": "A name server responded with an unexpected RCODE to an AAAA query.",
    "AAAA_WELL_PROCESSED": "Some name servers respond to AAAA queries correctly.",
    "A_UNEXPECTED_RCODE": "A name server responded with an unexpected RCODE to an A query.",
    "CAN_NOT_BE_RESOLVED": "No address was found for some name server names.",
    "NO_RESOLUTION": "No address was found for any of the name server names.",
    "NO_UPWARD_REFERRAL": "Some name servers do not refer to the root zone.",
    "UPWARD_REFERRAL": "Some name servers gave an upward referral in response to a query for the NS records of the root zone.",
    "QNAME_CASE_INSENSITIVE": "Some name servers did not preserve the letter case of the query name in the response.",
    "QNAME_CASE_SENSITIVE": "Some name servers preserved the letter case of the query name in the response.",
    "CASE_QUERIES_RESULTS_DIFFER": "The responses depend on the letter case of the query name.",
    "CASE_QUERIES_RESULTS_OK": "The responses do not depend on the letter case of the query name.",
    "CASE_QUERY_DIFFERENT_ANSWER": (
        "A name server responded with different answers to queries for the same name in different letter case."
    ),
    "CASE_QUERY_DIFFERENT_RC": (
        "A name server responded with different RCODEs to queries for the same name in different letter case."
    ),
    "CASE_QUERY_NO_ANSWER": (
        "A name server did not respond to a query for the domain, although it responded to a query for the name in"
        " another letter case."
    ),
    "CASE_QUERY_SAME_ANSWER": (
        "A name server responded with the same answer to queries for the same name in different letter case."
    ),
    "CASE_QUERY_SAME_RC": "A name server responded with the same RCODE to queries for the same name in different letter case.",
    "N10_EDNS_RESPONSE_ERROR": "Some name servers responded with an incorrect BADVERS response to a query with EDNS version 1.",
    "N10_EDNS_VERSION_OK": "Some name servers responded with BADVERS to a query with EDNS version 1, as they should.",
    "N10_NO_RESPONSE_EDNS1_QUERY": "Some name servers did not respond to a query with EDNS version 1.",
    "N10_UNEXPECTED_RCODE": (
        "Some name servers responded with an unexpected RCODE instead of BADVERS to a query with EDNS version 1."
    ),
    "N11_NO_EDNS": "Some name servers responded without an OPT record to a query with an unknown EDNS option.",
    "N11_NO_RESPONSE": "Some name servers did not respond to a query with an unknown EDNS option.",
    "N11_RETURNS_UNKNOWN_OPTION_CODE": "Some name servers returned the unknown EDNS option of the query in the response.",
    "N11_UNEXPECTED_ANSWER_SECTION": (
        "Some name servers responded without the SOA record of the zone to a query with an unknown EDNS option."
    ),
    "N11_UNEXPECTED_RCODE": "Some name servers responded with an unexpected RCODE to a query with an unknown EDNS option.",
    "N11_UNKNOWN_OPTION_OK": "Some name servers ignored an unknown EDNS option, as they should.",
    "N11_UNSET_AA": (
        "Some name servers gave a non-authoritative response (AA bit not set) to a query with an unknown EDNS option."
    ),
    "Z_FLAGS_CLEAR": "Some name servers clear unassigned EDNS flags in the response.",
    "Z_FLAGS_NOTCLEAR": "A name server returned unassigned EDNS flags of the query in the response.",
    "MISSING_OPT_IN_TRUNCATED": "A name server gave a truncated response without an OPT record to a query with EDNS.",
    "N13_EDNS_RESPONSE_OK": "Some name servers include the OPT record in a response of limited size.",
    "N15_ERROR_ON_VERSION_QUERY": (
        "Some name servers did not respond to a query for the version of their software, or responded with RCODE"
        " SERVFAIL."
    ),
    "N15_NO_VERSION_REVEALED": "Some name servers do not reveal the version of their software.",
    "N15_SOFTWARE_VERSION": "Some name servers reveal the version of their software.",
    "N15_WRONG_CLASS": "Some name servers responded to a query of class CH, but with a TXT record of another class.",
    "N16_HAS_NSID": "Some name servers returned a name server identifier (NSID).",
    "N16_NO_NSID_REVEALED": "Some name servers returned no name server identifier (NSID).",
    "N16_NO_RESPONSE": "Some name servers did not respond to a query with the NSID option.",
    "N16_UNEXPECTED_RCODE": "Some name servers responded with an unexpected RCODE to a query with the NSID option.",
    "N17_COOKIE_CLIENT_ONLY": "Some name servers returned the client cookie without a server cookie.",
    "N17_COOKIE_ENFORCED": "Some name servers responded with BADCOOKIE to a query without a server cookie, and sent one.",
    "N17_COOKIE_MALFORMED": "Some name servers returned a malformed DNS Cookie.",
    "N17_COOKIE_ROUNDTRIP_OK": "Some name servers accepted the server cookie that they had sent.",
    "N17_COOKIE_SELF_REJECT": "Some name servers rejected the server cookie that they had sent (BADCOOKIE).",
    "N17_COOKIE_SUPPORTED": "Some name servers support DNS Cookies and returned a server cookie.",
    "N17_NO_COOKIE": "Some name servers returned no DNS Cookie.",
    "N17_NO_RESPONSE": (
        "It is unknown whether some name servers support DNS Cookies, because a query with a cookie got no response or a"
        " truncated response over UDP."
    ),
    "N18_EXTENDED_ERROR_REPORTED": "Some name servers reported an Extended DNS Error.",
    "N18_FILTERED_RESPONSE": "Some name servers reported with an Extended DNS Error that they filter responses.",
    "N18_NO_EXTENDED_ERROR": "Some name servers reported no Extended DNS Error.",
    "N18_NO_RESPONSE": "Some name servers did not respond to an SOA query.",
    "N18_RESOLVER_BEHAVIOR_REPORTED": "Some name servers reported an Extended DNS Error that only resolvers should report.",
    "N18_SERVER_ERROR_REPORTED": "Some name servers reported with an Extended DNS Error that they have a problem.",
}
