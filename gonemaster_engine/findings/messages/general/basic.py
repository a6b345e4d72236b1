"""Sentences for many domains, of the tags of the BASIC module."""

GENERAL = {
    "B01_CHILD_IS_ALIAS": "The domain is not a zone: the name has a DNAME record.",
    "B01_CHILD_FOUND": "The zone exists.",
    "B01_CHILD_UNDETERMINED": (
        "It is unknown whether the domain is a zone: no name server on the path from the root gave a usable response, or"
        " none was queried."
    ),
    "B01_CHILD_NOT_EXIST": "The zone does not exist, although DS records were supplied for it.",
    "B01_INCONSISTENT_ALIAS": (
        "The name servers of the parent zone returned DNAME records with different targets for the domain."
    ),
    "B01_INCONSISTENT_DELEGATION": "Only some name servers of the parent zone delegate the domain.",
    "B01_NO_CHILD": "The domain is not a zone: the name is not delegated.",
    "B01_PARENT_FOUND": "The parent zone was found.",
    "B01_PARENT_NXDOMAIN_HIDES_DELEGATION": (
        "A name server responded with NXDOMAIN to a query for a name above the domain, although it delegates or serves"
        " the domain."
    ),
    "B01_PARENT_UNDETERMINED": "More than one parent zone was found.",
    "B01_SERVER_ZONE_ERROR": "A name server gave no usable response while the delegations were followed from the root.",
    "LOOP_PROTECTION": "The search for the parent zone was stopped after too many steps.",
    "B02_AUTH_RESPONSE_SOA": "Some name servers gave an authoritative answer with the SOA record of the domain.",
    "B02_NO_DELEGATION": "The domain is not delegated: no NS record was found for it.",
    "B02_NO_WORKING_NS": "No name server in the delegation of the domain gave an authoritative answer with the SOA record.",
    "B02_NS_BROKEN": "A name server gave an authoritative response to an SOA query, but without the SOA record of the zone.",
    "B02_NS_NOT_AUTH": "A name server gave a non-authoritative response (AA bit not set) to an SOA query.",
    "B02_NS_NO_IP_ADDR": "No address was found for a name server in the delegation.",
    "B02_NS_NO_RESPONSE": "A name server did not respond to an SOA query.",
    "B02_UNEXPECTED_RCODE": "A name server responded with an unexpected RCODE to an SOA query.",
    "DOMAIN_NAME_LABEL_TOO_LONG": "A label of the domain name is too long.",
    "DOMAIN_NAME_TOO_LONG": "The domain name is too long.",
    "DOMAIN_NAME_ZERO_LENGTH_LABEL": "The domain name has an empty label: two consecutive dots, or a leading dot.",
    "HAS_A_RECORDS": "A name server returned A records for the domain, although the zone has no working name server.",
    "HAS_NAMESERVER_NO_WWW_A_TEST": (
        "The domain has a working name server, so the A records of its www name were not looked up."
    ),
    "NO_A_RECORDS": "A name server returned no A record for the domain.",
}
