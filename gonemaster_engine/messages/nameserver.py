"""Texts of the NAMESERVER module."""

_WHO = "{ns}/{address}"
_ERROR = "The extended error {info_code} ({info_name}) is reported by {servers}; text: {extra_text}"

TEXTS = {
    "IS_A_RECURSOR": "These name servers resolve foreign names, too: {servers}.",
    "NO_RECURSOR": "These name servers do not resolve foreign names: {servers}.",
    "NO_RESPONSE": f"{_WHO} does not answer a query about {{domain}}.",
    "BREAKS_ON_EDNS": f"{_WHO} answers queries about {{domain}} without EDNS, and is silent when the query has EDNS.",
    "EDNS_RESPONSE_WITHOUT_EDNS": f"{_WHO} answers a query about {{domain}} that has EDNS without EDNS.",
    "EDNS_VERSION_ERROR": f"{_WHO} answers a query about {{domain}} with another EDNS version than 0.",
    "EDNS0_SUPPORT": "These name servers know EDNS: {servers}.",
    "NO_EDNS_SUPPORT": f"{_WHO} does not know EDNS.",
    "NS_ERROR": f"{_WHO} gives an unexpected answer to a query with EDNS.",
    "AXFR_AVAILABLE": "These name servers give the whole zone to everybody who asks (AXFR): {servers}.",
    "AXFR_FAILURE": "These name servers do not transfer the zone (AXFR): {servers}.",
    "DIFFERENT_SOURCE_IP": f"{_WHO} answers from another address, {{source}}.",
    "SAME_SOURCE_IP": "The answers come from the addresses that were asked: {servers}.",
    "AAAA_BAD_RDATA": f"{_WHO} answers with an AAAA record of {{length}} octets instead of 16.",
    "AAAA_QUERY_DROPPED": f"{_WHO} answers queries for A and is silent to those for AAAA.",
    "AAAA_UNEXPECTED_RCODE": f"{_WHO} answers a query for AAAA with the error {{rcode}}.",
    "AAAA_WELL_PROCESSED": "These name servers handle queries for AAAA as they should: {servers}.",
    "A_UNEXPECTED_RCODE": f"{_WHO} answers a query for A with the error {{rcode}}.",
    "CAN_BE_RESOLVED": "All names of name servers have addresses.",
    "CAN_NOT_BE_RESOLVED": "These names of name servers have no address: {servers}.",
    "NO_RESOLUTION": "No name of a name server has an address: {servers}.",
    "NO_UPWARD_REFERRAL": "These name servers do not refer to the root: {servers}.",
    "UPWARD_REFERRAL": "These name servers refer to the root for names that are not theirs: {servers}.",
    "UPWARD_REFERRAL_IRRELEVANT": "The root zone itself is tested, so referrals to the root are no fault.",
    "QNAME_CASE_INSENSITIVE": "These name servers change the letter case of {domain} in the answer: {servers}.",
    "QNAME_CASE_SENSITIVE": "These name servers keep the letter case of {domain} in the answer: {servers}.",
    "CASE_QUERIES_RESULTS_DIFFER": "Answers to queries for {domain} {query_type} depend on the letter case.",
    "CASE_QUERIES_RESULTS_OK": "Answers to queries for {domain} {query_type} do not depend on the letter case.",
    "CASE_QUERY_DIFFERENT_ANSWER": f"{_WHO} answers {{query1}} and {{query2}} {{query_type}} with different records.",
    "CASE_QUERY_DIFFERENT_RC": (
        f"{_WHO} answers {{query1}} {{query_type}} with {{rcode1}}, but {{query2}} with {{rcode2}}."
    ),
    "CASE_QUERY_NO_ANSWER": f"{_WHO} is silent to {{domain}} {{query_type}}, and answers another spelling of it.",
    "CASE_QUERY_SAME_ANSWER": f"{_WHO} answers {{query1}} and {{query2}} {{query_type}} with the same records.",
    "CASE_QUERY_SAME_RC": f"{_WHO} answers {{query1}} and {{query2}} {{query_type}} alike, with {{rcode}}.",
    "N10_EDNS_RESPONSE_ERROR": "The answers to an unknown EDNS version are not in the form of BADVERS: {addresses}.",
    "N10_EDNS_VERSION_OK": "An unknown EDNS version is refused as it should be (BADVERS): {addresses}.",
    "N10_NO_RESPONSE_EDNS1_QUERY": "Queries with an unknown EDNS version are not answered: {addresses}.",
    "N10_UNEXPECTED_RCODE": "Queries with an unknown EDNS version are answered with {rcode}, not BADVERS: {addresses}.",
    "N11_NO_EDNS": "Queries with an unknown EDNS option are answered without EDNS: {addresses}.",
    "N11_NO_RESPONSE": "Queries with an unknown EDNS option are not answered: {addresses}.",
    "N11_RETURNS_UNKNOWN_OPTION_CODE": "An unknown EDNS option is sent back: {addresses}.",
    "N11_UNEXPECTED_ANSWER_SECTION": "Queries with an unknown EDNS option are answered without the SOA record: {addresses}.",
    "N11_UNEXPECTED_RCODE": "Queries with an unknown EDNS option are answered with the error {rcode}: {addresses}.",
    "N11_UNKNOWN_OPTION_OK": "An unknown EDNS option is ignored as it should be: {addresses}.",
    "N11_UNSET_AA": "Queries with an unknown EDNS option are answered without authority: {addresses}.",
    "Z_FLAGS_CLEAR": "These name servers clear unknown EDNS flags: {servers}.",
    "Z_FLAGS_NOTCLEAR": f"{_WHO} sends unknown EDNS flags back.",
    "MISSING_OPT_IN_TRUNCATED": f"{_WHO} truncates an answer and leaves EDNS out of it.",
    "N13_EDNS_RESPONSE_OK": "These name servers keep EDNS in answers that are short of room: {servers}.",
    "N15_ERROR_ON_VERSION_QUERY": "These name servers are silent to {query_name} or fail (SERVFAIL): {servers}.",
    "N15_NO_VERSION_REVEALED": "These name servers do not tell their software version: {servers}.",
    "N15_SOFTWARE_VERSION": 'The software version (asked by {query_name}) is "{string}" on {servers}.',
    "N15_WRONG_CLASS": "These name servers answer a query of class CH with records of another class: {servers}.",
    "N16_HAS_NSID": "These name servers identify themselves (NSID) as {nsid}: {servers}.",
    "N16_NO_NSID_REVEALED": "These name servers do not identify themselves (NSID): {servers}.",
    "N16_NO_RESPONSE": "These name servers are silent to a query for their identifier (NSID): {servers}.",
    "N16_UNEXPECTED_RCODE": "Queries for the identifier (NSID) are answered with the error {rcode} by {servers}.",
    "N17_COOKIE_CLIENT_ONLY": "These name servers send back the DNS cookie without a part of their own: {servers}.",
    "N17_COOKIE_ENFORCED": "These name servers ask for a valid DNS cookie (BADCOOKIE): {servers}.",
    "N17_COOKIE_MALFORMED": "These name servers send a DNS cookie of wrong form ({cookie_bytes} octets): {servers}.",
    "N17_COOKIE_ROUNDTRIP_OK": "These name servers accept the DNS cookie that they gave: {servers}.",
    "N17_COOKIE_SELF_REJECT": "These name servers do not accept the DNS cookie that they gave: {servers}.",
    "N17_COOKIE_SUPPORTED": "These name servers know DNS cookies: {servers}.",
    "N17_NO_COOKIE": "These name servers do not use DNS cookies: {servers}.",
    "N17_NO_RESPONSE": "These name servers do not answer a query with a DNS cookie: {servers}.",
    "N18_EXTENDED_ERROR_REPORTED": _ERROR,
    "N18_FILTERED_RESPONSE": _ERROR,
    "N18_NO_EXTENDED_ERROR": "These name servers report no extended error: {servers}.",
    "N18_NO_RESPONSE": "These name servers do not answer a query for SOA: {servers}.",
    "N18_RESOLVER_BEHAVIOR_REPORTED": _ERROR,
    "N18_SERVER_ERROR_REPORTED": _ERROR,
}

_UPDATE = "Update the server's software, and look for a firewall or load balancer that changes or drops such queries."
_EDNS = f"EDNS carries DNSSEC and larger answers; resolvers have to try again without it, or give up. {_UPDATE}"
_FUTURE = f"This gets in the way of new versions of the protocol, and some resolvers lose time on it. {_UPDATE}"
_LETTERS = f"Letter case must make no difference, and resolvers mix it on purpose to fend off forged answers. {_UPDATE}"
_COOKIE = (
    f"DNS cookies protect against forged answers; clients that use them cannot talk to this server well. {_UPDATE}"
)

ADVICE = {
    "IS_A_RECURSOR": (
        "An open resolver is misused for attacks on others, and mixing both roles puts the domain at risk. Switch recursion"
        " off on authoritative servers, or allow it to your own network only."
    ),
    "BREAKS_ON_EDNS": _EDNS,
    "EDNS_RESPONSE_WITHOUT_EDNS": _EDNS,
    "EDNS_VERSION_ERROR": _EDNS,
    "NO_EDNS_SUPPORT": _EDNS,
    "NS_ERROR": _EDNS,
    "AXFR_AVAILABLE": (
        "Everybody can list all names of the domain. Unless that is wanted, allow transfers to your secondary servers only,"
        " by address or better by key (TSIG)."
    ),
    "DIFFERENT_SOURCE_IP": (
        "Resolvers drop such answers as forged, so the server seems dead. Let the server answer from the address that was"
        " asked: bind it to each address, or mend the address translation before it."
    ),
    "AAAA_BAD_RDATA": f"Addresses that are damaged like this cannot be used over IPv6. {_UPDATE}",
    "AAAA_QUERY_DROPPED": f"Every user with IPv6 has to wait for a timeout. {_UPDATE}",
    "AAAA_UNEXPECTED_RCODE": (
        "Resolvers may take the error as an answer and then not find the IPv4 address either. A server without AAAA records"
        f" must answer without error. {_UPDATE}"
    ),
    "A_UNEXPECTED_RCODE": (
        "The apex of a zone always exists, so a query for it must not be answered with an error. Check that the server has"
        " the zone."
    ),
    "CAN_NOT_BE_RESOLVED": (
        "These servers can never be asked. Correct their names in the NS records, or give the names A or AAAA records."
    ),
    "NO_RESOLUTION": (
        "None of the servers can be asked, so the domain does not work. Give the names A or AAAA records, and the parent"
        " zone glue for those inside the domain."
    ),
    "UPWARD_REFERRAL": (
        "Such referrals help nobody and can be misused for attacks. Let the server refuse (REFUSED) what it is not"
        " responsible for, by leaving out the root hints."
    ),
    "QNAME_CASE_INSENSITIVE": _LETTERS,
    "CASE_QUERIES_RESULTS_DIFFER": _LETTERS,
    "CASE_QUERY_DIFFERENT_ANSWER": _LETTERS,
    "CASE_QUERY_DIFFERENT_RC": _LETTERS,
    "CASE_QUERY_NO_ANSWER": _LETTERS,
    "N10_EDNS_RESPONSE_ERROR": _FUTURE,
    "N10_NO_RESPONSE_EDNS1_QUERY": _FUTURE,
    "N10_UNEXPECTED_RCODE": _FUTURE,
    "N11_NO_EDNS": _FUTURE,
    "N11_NO_RESPONSE": _FUTURE,
    "N11_RETURNS_UNKNOWN_OPTION_CODE": _FUTURE,
    "N11_UNEXPECTED_ANSWER_SECTION": _FUTURE,
    "N11_UNEXPECTED_RCODE": _FUTURE,
    "N11_UNSET_AA": _FUTURE,
    "Z_FLAGS_NOTCLEAR": _FUTURE,
    "MISSING_OPT_IN_TRUNCATED": _EDNS,
    "N15_ERROR_ON_VERSION_QUERY": (
        "To keep the version secret, answer with REFUSED or an empty text. Silence and SERVFAIL look like a fault."
    ),
    "N15_SOFTWARE_VERSION": (
        "This is no fault, but it tells attackers which holes to try. It can be hidden in the server's settings."
    ),
    "N15_WRONG_CLASS": f"The answer must have the class of the question. {_UPDATE}",
    "N16_NO_RESPONSE": _FUTURE,
    "N16_UNEXPECTED_RCODE": f"A server that does not know the option must ignore it. {_UPDATE}",
    "N17_COOKIE_CLIENT_ONLY": _COOKIE,
    "N17_COOKIE_MALFORMED": _COOKIE,
    "N17_COOKIE_SELF_REJECT": (
        "Clients with cookies are turned away. Servers that share an address (anycast, load balancer) must share the"
        " secret for their cookies, and their clocks must agree."
    ),
    "N17_NO_RESPONSE": _FUTURE,
    "N18_EXTENDED_ERROR_REPORTED": "The server itself reports a condition with its answer. Look into its log for the cause.",
    "N18_FILTERED_RESPONSE": (
        "Answers about the domain are blocked or changed by a filter. An authoritative server should have none: find out"
        " who has set it up."
    ),
    "N18_NO_RESPONSE": "Check that the server runs, and that port 53 is open on it and in every firewall before it.",
    "N18_RESOLVER_BEHAVIOR_REPORTED": (
        "Resolvers report this, authoritative servers do not. Perhaps a resolver or a relay stands where the name server"
        " should be."
    ),
    "N18_SERVER_ERROR_REPORTED": (
        "The server says that it may not or cannot answer for the domain. Check that it has the zone and allows queries"
        " from everywhere."
    ),
}
