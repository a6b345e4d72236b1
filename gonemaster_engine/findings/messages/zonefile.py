"""Texts about a zone file: its lines, what is left out, and its differences from the published delegation."""

TEXTS = {
    "ZF_SYNTAX": "{place}: {reason}",
    "ZF_NO_SOA": "The file has no SOA record for {domain}, so name servers cannot load it.",
    "ZF_NO_NS": "The file has no NS records for {domain}, so name servers cannot load it.",
    "ZF_NS_TOO_LARGE": "The {count} NS records of {domain} do not fit in a DNS message of {limit} octets, so the zone cannot be delegated.",
    "ZF_RRSET_TOO_LARGE": "The {count} {query_type} records of {query_name} do not fit in a DNS message of {limit} octets, so name servers cannot return them.",
    "ZF_OUT_OF_ZONE": "{place}: the record {query_name} is outside of the zone, so name servers ignore it.",
    "ZF_NO_SIGNATURE": "{query_name} {query_type} has no signature.",
    "ZF_SIGNATURE_INVALID": "No signature over {query_name} {query_type} is valid: {reason}",
    "ZF_DENIAL_BROKEN": "The chain of {query_type} records is broken at {query_name}: {reason}",
    "ZF_SIGNATURES_NOT_CHECKED": "Only {count} RRsets were checked for signatures, because the zone is large.",
    "ZF_DS_WITHOUT_KEY": "The DS record with key tag {keytag} at the parent matches no key in the file.",
    "ZF_DS_NO_LONGER_VALIDATES": "The parent has DS records, but the file has no key that one of them matches: validating resolvers will return SERVFAIL.",
    "ZF_NO_DS_YET": "The file is signed, and the parent has no DS record yet.",
    "ZF_GLUE_MISSING": "The parent has no glue for {ns}, which the file adds.",
    "ZF_GLUE_DIFFERS": "The file changes the addresses of {ns} to {file_addresses}, but the parent has this glue: {addresses}.",
    "ZF_NS_ADDED": "The file adds the name server {ns}, which the parent does not have.",
    "ZF_NS_REMOVED": "The parent has the name server {ns}, which the file removes.",
    "ZF_NS_NO_RESPONSE": "{ns}/{address} does not respond.",
    "ZF_NS_NOT_SERVING": "{ns}/{address} responds, but does not serve the zone yet.",
    "ZF_NS_NO_ADDRESS": "{ns} has no address.",
    "ZF_SERIAL_NOT_HIGHER": "The serial {serial} of the file is not higher than the published serial {published_serial}, so secondary servers do not transfer the zone.",
    "ZF_NOT_DELEGATED": "{domain} is not delegated yet.",
}

ADVICE = {
    "ZF_SYNTAX": "The name server refuses the zone or ignores the record. Correct the line.",
    "ZF_NO_SOA": "Add one SOA record for the zone itself. Check that the file belongs to this domain.",
    "ZF_NO_NS": "Add an NS record for each name server of the zone.",
    "ZF_NS_TOO_LARGE": "Remove NS records. A zone needs a few name servers; the address of one can be that of many hosts (anycast).",
    "ZF_RRSET_TOO_LARGE": "Divide the records among several names, or remove some.",
    "ZF_OUT_OF_ZONE": "Check the name. A name without a final dot is relative to $ORIGIN.",
    "ZF_NO_SIGNATURE": "Validating resolvers reject the records. Sign the zone again.",
    "ZF_SIGNATURE_INVALID": "Validating resolvers reject the records. Sign the zone again.",
    "ZF_DENIAL_BROKEN": "Validating resolvers may reject negative responses. Sign the zone again.",
    "ZF_SIGNATURES_NOT_CHECKED": "Validate the complete zone with the program that signs it.",
    "ZF_DS_WITHOUT_KEY": "Remove the DS record at the registry, unless a key for it will be published first.",
    "ZF_DS_NO_LONGER_VALIDATES": "Keep a key that a DS record matches, or replace the DS records at the registry first and wait for their TTL.",
    "ZF_NO_DS_YET": "Publish the zone first, then give the DS record to the registry.",
    "ZF_GLUE_MISSING": "Give the addresses of the name server to the registry.",
    "ZF_GLUE_DIFFERS": "Update the addresses at the registry when the zone is published.",
    "ZF_NS_ADDED": "Give the name server to the registry when it serves the zone.",
    "ZF_NS_REMOVED": "Keep the server running until the registry and the caches no longer have it.",
    "ZF_NS_NO_RESPONSE": "Start the name server, and allow queries to port 53 over UDP and TCP.",
    "ZF_NS_NOT_SERVING": "Configure the zone on the name server before you publish it.",
    "ZF_NS_NO_ADDRESS": "Add an address record for the name server.",
    "ZF_SERIAL_NOT_HIGHER": "Increase the serial.",
    "ZF_NOT_DELEGATED": "Register the domain with the name servers of the file.",
}

LABELS = {
    "servers": "the name servers that will serve the zone",
    "networks": "the networks of the name servers",
    "parent": "the parent zone",
    "other_zones": "other zones",
    "ds": "the DS records of the parent (--ds)",
}

SUMMARIES = {
    "left_out": "Not tested, because it needs {need}: {testcases}",
    "not_loadable": "Nothing else was tested, because name servers cannot serve this file.",
}
