"""Sentences for many domains, of the tags of the CONNECTIVITY module."""

GENERAL = {
    "CN01_OK_UDP": "Some name servers respond to SOA and NS queries over UDP correctly.",
    "CN01_NO_RESPONSE_UDP": "A name server did not respond over UDP.",
    "CN01_NO_RESPONSE_SOA_QUERY_UDP": "A name server did not respond to an SOA query over UDP.",
    "CN01_UNEXPECTED_RCODE_SOA_QUERY_UDP": "A name server responded with an unexpected RCODE to an SOA query over UDP.",
    "CN01_MISSING_SOA_RECORD_UDP": (
        "A name server responded to an SOA query over UDP, but without an SOA record in the answer section."
    ),
    "CN01_WRONG_SOA_RECORD_UDP": "A name server responded to an SOA query over UDP with the SOA record of another name.",
    "CN01_SOA_RECORD_NOT_AA_UDP": "A name server gave a non-authoritative response (AA bit not set) to an SOA query over UDP.",
    "CN01_NO_RESPONSE_NS_QUERY_UDP": "A name server did not respond to an NS query over UDP.",
    "CN01_UNEXPECTED_RCODE_NS_QUERY_UDP": "A name server responded with an unexpected RCODE to an NS query over UDP.",
    "CN01_MISSING_NS_RECORD_UDP": (
        "A name server responded to an NS query over UDP, but without an NS record in the answer section."
    ),
    "CN01_WRONG_NS_RECORD_UDP": "A name server responded to an NS query over UDP with the NS records of another name.",
    "CN01_NS_RECORD_NOT_AA_UDP": "A name server gave a non-authoritative response (AA bit not set) to an NS query over UDP.",
    "CN02_OK_TCP": "Some name servers respond to SOA and NS queries over TCP correctly.",
    "CN02_NO_RESPONSE_TCP": "A name server did not respond over TCP.",
    "CN02_NO_RESPONSE_SOA_QUERY_TCP": "A name server did not respond to an SOA query over TCP.",
    "CN02_UNEXPECTED_RCODE_SOA_QUERY_TCP": "A name server responded with an unexpected RCODE to an SOA query over TCP.",
    "CN02_MISSING_SOA_RECORD_TCP": (
        "A name server responded to an SOA query over TCP, but without an SOA record in the answer section."
    ),
    "CN02_WRONG_SOA_RECORD_TCP": "A name server responded to an SOA query over TCP with the SOA record of another name.",
    "CN02_SOA_RECORD_NOT_AA_TCP": "A name server gave a non-authoritative response (AA bit not set) to an SOA query over TCP.",
    "CN02_NO_RESPONSE_NS_QUERY_TCP": "A name server did not respond to an NS query over TCP.",
    "CN02_UNEXPECTED_RCODE_NS_QUERY_TCP": "A name server responded with an unexpected RCODE to an NS query over TCP.",
    "CN02_MISSING_NS_RECORD_TCP": (
        "A name server responded to an NS query over TCP, but without an NS record in the answer section."
    ),
    "CN02_WRONG_NS_RECORD_TCP": "A name server responded to an NS query over TCP with the NS records of another name.",
    "CN02_NS_RECORD_NOT_AA_TCP": "A name server gave a non-authoritative response (AA bit not set) to an NS query over TCP.",
    "CN01_IPV4_DISABLED": "Some name servers were not queried over UDP, because IPv4 is disabled.",
    "CN01_IPV6_DISABLED": "Some name servers were not queried over UDP, because IPv6 is disabled.",
    "ASN_INFOS_RAW": "The AS database returned data about a name server address.",
    "ASN_INFOS_ANNOUNCE_BY": "An autonomous system (AS) announces a name server address.",
    "ASN_INFOS_ANNOUNCE_IN": "A name server address is announced in a prefix.",
    "EMPTY_ASN_SET": "The AS database contains no autonomous system that announces the address of a name server.",
    "ERROR_ASN_DATABASE": "The AS database could not be queried for the address of a name server.",
    "IPV4_DIFFERENT_ASN": "The IPv4 addresses of the name servers are announced by different autonomous systems (AS).",
    "IPV4_ONE_ASN": "All IPv4 addresses of the name servers are announced by a single autonomous system.",
    "IPV4_SAME_ASN": "All IPv4 addresses of the name servers are announced by the same set of autonomous systems (AS).",
    "IPV6_DIFFERENT_ASN": "The IPv6 addresses of the name servers are announced by different autonomous systems (AS).",
    "IPV6_ONE_ASN": "All IPv6 addresses of the name servers are announced by a single autonomous system.",
    "IPV6_SAME_ASN": "All IPv6 addresses of the name servers are announced by the same set of autonomous systems (AS).",
    "CN04_ASN_INFOS_RAW": "The AS database returned prefixes for a name server address.",
    "CN04_ASN_INFOS_ANNOUNCE_IN": "A name server address is announced in a prefix.",
    "CN04_EMPTY_PREFIX_SET": "The AS database contains no announced prefix for the address of a name server.",
    "CN04_ERROR_PREFIX_DATABASE": "The AS database could not be queried for the prefix of a name server address.",
    "CN04_IPV4_DIFFERENT_PREFIX": "Some name servers have an IPv4 address in a separate prefix.",
    "CN04_IPV4_SAME_PREFIX": "Some name servers have IPv4 addresses in the same prefix.",
    "CN04_IPV6_DIFFERENT_PREFIX": "Some name servers have an IPv6 address in a separate prefix.",
    "CN04_IPV6_SAME_PREFIX": "Some name servers have IPv6 addresses in the same prefix.",
    "CN05_ANSWER_FITS_UDP": "Some name servers sent the whole response over UDP.",
    "CN05_ANSWER_NEEDS_TCP": "Some name servers truncated a response over UDP and sent it over TCP.",
    "CN05_LARGE_ANSWER_DELIVERED_UDP": "Some name servers sent a response over UDP when the query allowed a larger response.",
    "CN05_LARGE_ANSWER_NO_UDP_ANSWER": (
        "No response arrived over UDP from some name servers when the query allowed a larger response."
    ),
    "CN05_SERVER_CAPS_UDP_ANSWER": (
        "Some name servers truncated a response over UDP, although it fits into the UDP payload size of the query."
    ),
    "CN05_TCP_ANSWER_TRUNCATED": "Some name servers truncated a response (TC bit set) even over TCP.",
    "CN05_UDP_LOSS_SIZE_DEPENDENT": (
        "No response arrived over UDP from some name servers, although a query with a smaller UDP payload size got a"
        " truncated response."
    ),
}
