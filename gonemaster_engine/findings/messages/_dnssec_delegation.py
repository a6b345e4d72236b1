"""Texts of the DNSSEC cases about the delegation: 01, 02, 07, 11, 18, 21 and 24."""

_DS = (
    "The DS record in the parent zone makes resolvers trust the keys of the zone. It is made from a DNSKEY record of the zone"
    " and submitted to the parent zone through the registrar."
)
_NEW_DS = f"{_DS} Submit a DS record with digest type 2 (SHA-256), made from the key signing key in use."
_FIX_DS = (
    f"{_DS} Validating resolvers may treat all responses from the zone as bogus now. Compare the DS records at the registrar"
    " with the DNSKEY records in the zone, and correct one or the other."
)
_SERVERS_DIFFER = (
    "The result for users depends on the name server that a resolver happens to query. Usually one of the name servers did"
    " not receive the latest version of the zone: check the zone transfers."
)
_UNSIGNED = (
    "Without DNSSEC, responses for the zone can be forged. Most DNS software and providers can sign a zone automatically;"
    " afterwards, submit the DS record to the parent zone."
)
_PARENT = (
    "Only the operator of the parent zone (for example the registry) can correct this. Report it there if it lasts longer"
    " than a few hours."
)
_NO_RESPONSE = (
    "This test needs an authoritative response with DNSSEC records. Check the name server, the firewalls in front of it, and"
    " its support of EDNS and TCP."
)
_KEY_ALGORITHM = (
    "Sign the zone with algorithm 13 (ECDSAP256SHA256) or 8 (RSASHA256), and replace the DS record once the new key is"
    " published."
)
_ROLLOVER = (
    "This is normal for a few days during a rollover of the key signing key (RFC 6781 section 4.1.2). If no rollover is in"
    " progress, remove the key or the DS record that is no longer needed."
)
_CDS = (
    "With CDS and CDNSKEY records a zone tells its parent zone which DS records to publish (RFC 7344). The parent zone"
    " accepts them only if a key with a DS record has signed them."
)
_SIGNAL = (
    "With signaling records below the names of the name servers (RFC 9615), the DNS operator of a zone authenticates its CDS"
    " and CDNSKEY records, so that the parent zone can publish the first DS record automatically."
)

TEXTS = {
    # dnssec01
    "DS01_DS_ALGO_2_MISSING": (
        "There is no DS record with digest type 2 (SHA-256) for key tag {keytag}. Name servers of the parent zone: {servers}."
    ),
    "DS01_DS_ALGO_DEPRECATED": (
        "The DS record with key tag {keytag} uses digest type {ds_algo_num} ({ds_algo_descr}), which is deprecated. Name"
        " servers of the parent zone: {servers}."
    ),
    "DS01_DS_ALGO_NOT_DS": (
        "The DS record with key tag {keytag} uses digest type {ds_algo_num} ({ds_algo_descr}), which is not allowed in a DS"
        " record. Name servers of the parent zone: {servers}."
    ),
    "DS01_DS_ALGO_OK": (
        "The DS record with key tag {keytag} uses digest type {ds_algo_num} ({ds_algo_descr}), which is acceptable. Name"
        " servers of the parent zone: {servers}."
    ),
    "DS01_DS_ALGO_PRIVATE": (
        "The DS record with key tag {keytag} uses digest type {ds_algo_num} ({ds_algo_descr}), which is for private use. Name"
        " servers of the parent zone: {servers}."
    ),
    "DS01_DS_ALGO_RESERVED": (
        "The DS record with key tag {keytag} uses digest type {ds_algo_num} ({ds_algo_descr}), which is reserved. Name"
        " servers of the parent zone: {servers}."
    ),
    "DS01_DS_ALGO_UNASSIGNED": (
        "The DS record with key tag {keytag} uses digest type {ds_algo_num} ({ds_algo_descr}), which is unassigned. Name"
        " servers of the parent zone: {servers}."
    ),
    "DS01_KEY_ALGO_DEPRECATED": (
        "The DS record with key tag {keytag} is for a key of algorithm {ds_key_algo_num} ({ds_key_algo_descr}), which is"
        " deprecated. Name servers of the parent zone: {servers}."
    ),
    "DS01_KEY_ALGO_NOT_RECOMMENDED": (
        "The DS record with key tag {keytag} is for a key of algorithm {ds_key_algo_num} ({ds_key_algo_descr}), which is not"
        " recommended. Name servers of the parent zone: {servers}."
    ),
    "DS01_KEY_ALGO_NOT_ZONE_SIGN": (
        "The DS record with key tag {keytag} is for a key of algorithm {ds_key_algo_num} ({ds_key_algo_descr}), which is not"
        " for zone signing. Name servers of the parent zone: {servers}."
    ),
    "DS01_KEY_ALGO_OK": (
        "The DS record with key tag {keytag} is for a key of algorithm {ds_key_algo_num} ({ds_key_algo_descr}), which is"
        " acceptable. Name servers of the parent zone: {servers}."
    ),
    "DS01_KEY_ALGO_PRIVATE": (
        "The DS record with key tag {keytag} is for a key of algorithm {ds_key_algo_num} ({ds_key_algo_descr}), which is for"
        " private use. Name servers of the parent zone: {servers}."
    ),
    "DS01_KEY_ALGO_RESERVED": (
        "The DS record with key tag {keytag} is for a key of algorithm {ds_key_algo_num} ({ds_key_algo_descr}), which is"
        " reserved. Name servers of the parent zone: {servers}."
    ),
    "DS01_KEY_ALGO_UNASSIGNED": (
        "The DS record with key tag {keytag} is for a key of algorithm {ds_key_algo_num} ({ds_key_algo_descr}), which is"
        " unassigned. Name servers of the parent zone: {servers}."
    ),
    "DS01_NO_RESPONSE": "No name server of the parent zone gave a usable response to a DS query: {servers}.",
    "DS01_PARENT_SERVER_NO_DS": (
        "These name servers of the parent zone returned no DS record, although others did: {servers}."
    ),
    "DS01_PARENT_ZONE_NO_DS": "The parent zone has no DS record for the zone. Name servers of the parent zone: {servers}.",
    "DS01_ROOT_N_NO_UNDEL_DS": "The root zone has no parent zone, and no DS record was supplied for it.",
    "DS01_UNDEL_N_NO_UNDEL_DS": "Delegation data was supplied for this test, but no DS record.",
    # dnssec02
    "DS02_ALGO_NOT_SUPPORTED_BY_ZM": (
        "The signature with key tag {keytag} over the DNSKEY RRset was not verified: algorithm {algo_num} ({algo_mnemo}) is"
        " not supported. Name server addresses: {addresses}."
    ),
    "DS02_DNSKEY_NOT_FOR_ZONE_SIGNING": (
        "The DNSKEY record with key tag {keytag}, to which a DS record refers, does not have the Zone Key flag. Name server"
        " addresses: {addresses}."
    ),
    "DS02_DNSKEY_NOT_SEP": (
        "The DNSKEY record with key tag {keytag}, to which a DS record refers, does not have the SEP flag. Name server"
        " addresses: {addresses}."
    ),
    "DS02_DNSKEY_NOT_SIGNED_BY_ANY_DS": (
        "No DNSKEY record to which a DS record refers has a valid signature over the DNSKEY RRset. Name server addresses:"
        " {addresses}."
    ),
    "DS02_DS_ALGO_DNSKEY_MISMATCH": (
        "The DS record with key tag {keytag} has algorithm {ds_key_algo_num} ({ds_key_algo_mnemo}), but the DNSKEY record"
        " with this key tag has algorithm {algo_num} ({algo_mnemo}). Name server addresses: {addresses}."
    ),
    "DS02_MATCH_DS_DNSKEY": (
        "The DNSKEY record with key tag {keytag} matches a DS record and signs the DNSKEY RRset. Name server addresses:"
        " {addresses}."
    ),
    "DS02_NO_DNSKEY_FOR_DS": (
        "There is no DNSKEY record with the key tag {keytag} of a DS record. Name server addresses: {addresses}."
    ),
    "DS02_NO_MATCHING_DNSKEY_RRSIG": (
        "The DNSKEY record with key tag {keytag}, to which a DS record refers, has no valid signature over the DNSKEY RRset."
        " Name server addresses: {addresses}."
    ),
    "DS02_NO_MATCH_DS_DNSKEY": (
        "The DS record with key tag {keytag} does not match the digest of the DNSKEY record with this key tag. Name server"
        " addresses: {addresses}."
    ),
    "DS02_NO_VALID_DNSKEY_FOR_ANY_DS": (
        "No DNSKEY record matches a DS record in the parent zone. Name server addresses: {addresses}."
    ),
    "DS02_RRSIG_NOT_VALID_BY_DNSKEY": (
        "The signature with key tag {keytag} over the DNSKEY RRset is not valid for the DNSKEY record to which a DS record"
        " refers. Name server addresses: {addresses}."
    ),
    "DS02_RSA_EXPONENT_UNSUPPORTED": (
        "The signature with key tag {keytag} over the DNSKEY RRset was not verified: the RSA exponent of its key is too"
        " large. Name server addresses: {addresses}."
    ),
    # dnssec07
    "DS07_DS_FOR_SIGNED_ZONE": "The zone is signed, and the parent zone has a DS record for it.",
    "DS07_DS_ON_PARENT_SERVER": "These name servers of the parent zone returned a signed DS record: {servers}.",
    "DS07_INCONSISTENT_DS": "Some name servers of the parent zone returned a signed DS record, and some did not.",
    "DS07_INCONSISTENT_SIGNED": "The zone is signed on some name servers, and not signed on others.",
    "DS07_NON_AUTH_RESPONSE_DNSKEY": (
        "These name servers gave a non-authoritative response (AA bit not set) to a DNSKEY query: {servers}."
    ),
    "DS07_NOT_SIGNED": "The zone is not signed with DNSSEC.",
    "DS07_NOT_SIGNED_ON_SERVER": "The zone is not signed on these name servers: {servers}.",
    "DS07_NO_DS_ON_PARENT_SERVER": "These name servers of the parent zone returned no signed DS record: {servers}.",
    "DS07_NO_DS_FOR_SIGNED_ZONE": "The zone is signed, but the parent zone has no signed DS record for it.",
    "DS07_NO_RESPONSE_DNSKEY": "These name servers did not respond to a DNSKEY query: {servers}.",
    "DS07_PARENT_PROVES_NO_DELEGATION": (
        "The parent zone {parent} proves with signed records that the zone is not delegated. Name servers of the parent zone:"
        " {servers}."
    ),
    "DS07_SIGNED": "The zone is signed with DNSSEC.",
    "DS07_SIGNED_ON_SERVER": "The zone is signed on these name servers: {servers}.",
    "DS07_UNEXP_RCODE_RESP_DNSKEY": "These name servers responded with RCODE {rcode} to a DNSKEY query: {servers}.",
    # dnssec11
    "DS11_CONSISTENT_SIGNED": "The parent zone has a DS record, and the zone is signed on all name servers.",
    "DS11_DS_BUT_UNSIGNED_ZONE": "The parent zone has a DS record, but the zone is not signed on any name server.",
    "DS11_INCONSISTENT_DS": "Some name servers of the parent zone returned a DS record, and some did not.",
    "DS11_INCONSISTENT_SIGNED_ZONE": (
        "The parent zone has a DS record, but the zone is signed only on some of its name servers."
    ),
    "DS11_NO_PARENT_DS": "The parent zone has no DS record for the zone.",
    "DS11_NS_WITH_SIGNED_ZONE": "The zone is signed on the name servers at these addresses: {addresses}.",
    "DS11_NS_WITH_UNSIGNED_ZONE": "The zone is not signed on the name servers at these addresses: {addresses}.",
    "DS11_PARENT_WITHOUT_DS": (
        "The name servers of the parent zone at these addresses returned no DS record: {addresses}."
    ),
    "DS11_PARENT_WITH_DS": "The name servers of the parent zone at these addresses returned a DS record: {addresses}.",
    "DS11_UNDETERMINED_DS": "No name server of the parent zone gave a usable response to a DS query.",
    "DS11_UNDETERMINED_SIGNED_ZONE": (
        "The parent zone has a DS record, but no name server of the zone gave a usable response to a DNSKEY query."
    ),
    # dnssec18
    "DS18_CDS_MATCHES_DS": (
        "The CDS records (key tags {cds_keytags}) request the DS records that the parent zone has (key tags {ds_keytags})."
    ),
    "DS18_CDS_ROLLOVER_SIGNALED": (
        "The CDS records (key tags {cds_keytags}) request DS records that differ from those of the parent zone (key tags {ds_keytags})."
    ),
    "DS18_CDNSKEY_MATCHES_DS": (
        "The CDNSKEY records (key tags {cdnskey_keytags}) request the DS records that the parent zone has (key tags"
        " {ds_keytags})."
    ),
    "DS18_CDNSKEY_ROLLOVER_SIGNALED": (
        "The CDNSKEY records (key tags {cdnskey_keytags}) request DS records that differ from those of the parent zone (key tags"
        " {ds_keytags})."
    ),
    "DS18_MATCH_CDNSKEY_RRSIG_DS": (
        "The CDNSKEY RRset is signed by a key with a DS record. Name server addresses: {addresses}."
    ),
    "DS18_MATCH_CDS_RRSIG_DS": "The CDS RRset is signed by a key with a DS record. Name server addresses: {addresses}.",
    "DS18_NO_MATCH_CDNSKEY_RRSIG_DS": (
        "The CDNSKEY RRset is not signed by any key with a DS record. Name server addresses: {addresses}."
    ),
    "DS18_NO_MATCH_CDS_RRSIG_DS": (
        "The CDS RRset is not signed by any key with a DS record. Name server addresses: {addresses}."
    ),
    "DS18_NO_CDS_CDNSKEY_BUT_ROLLOVER_EVIDENCE": (
        "There are signs of a rollover of the key signing key, but no CDS and no CDNSKEY records."
    ),
    "DS18_ROLLOVER_EVIDENCE_DOUBLE_SIG": "More than one key with the SEP flag signs the DNSKEY RRset. Key tags: {keytags}.",
    "DS18_ROLLOVER_EVIDENCE_DNSKEY_WITHOUT_DS": (
        "There are keys with the SEP flag for which the parent zone has no DS record. Key tags: {keytags}."
    ),
    "DS18_ROLLOVER_EVIDENCE_DS_WITHOUT_DNSKEY": (
        "There are DS records for which the zone has no DNSKEY record. Key tags: {keytags}."
    ),
    "DS18_ROLLOVER_EVIDENCE_MULTI_KSK": "The zone has more than one key with the SEP flag. Key tags: {keytags}.",
    # dnssec21
    "DS21_ALGO_NOT_SUPPORTED": (
        "The signature with key tag {keytag} over the DS RRset was not verified: algorithm {algo_num} ({algo_mnemo}) is not"
        " supported. Addresses of name servers of the parent zone: {addresses}."
    ),
    "DS21_DS_RRSIG_EXPIRED": (
        "The signature with key tag {keytag} over the DS RRset has expired. Addresses of name servers of the parent zone:"
        " {addresses}."
    ),
    "DS21_DS_RRSIG_NOT_VALID_BY_DNSKEY": (
        "The signature with key tag {keytag} over the DS RRset does not verify. Addresses of name servers of the parent zone:"
        " {addresses}."
    ),
    "DS21_DS_RRSIG_NOT_VERIFIABLE": (
        "No signature over the DS RRset verifies. Addresses of name servers of the parent zone: {addresses}."
    ),
    "DS21_DS_RRSIG_NOT_YET_VALID": (
        "The signature with key tag {keytag} over the DS RRset is not yet valid. Addresses of name servers of the parent"
        " zone: {addresses}."
    ),
    "DS21_DS_RRSIG_VERIFIED": (
        "The signature with key tag {keytag} over the DS RRset verifies. Addresses of name servers of the parent zone:"
        " {addresses}."
    ),
    "DS21_NO_DNSKEY_FOR_DS_RRSIG": (
        "The parent zone has no DNSKEY record for the signature with key tag {keytag} over the DS RRset. Addresses of name"
        " servers of the parent zone: {addresses}."
    ),
    "DS21_NO_DS_RRSIG": (
        "The DS RRset was returned without a signature. Addresses of name servers of the parent zone: {addresses}."
    ),
    "DS21_NO_PARENT_ZONE": "The zone {zone} has no parent zone, so no DS RRset was checked.",
    "DS21_PARENT_DNSKEY_MISSING": (
        "The name servers of the parent zone {parent_zone} at these addresses returned no DNSKEY record of that zone:"
        " {addresses}."
    ),
    # dnssec24
    "DS24_APEX_UNAVAILABLE": "These name servers gave no usable response to a CDS or CDNSKEY query: {servers}.",
    "DS24_BOOTSTRAP_READY": (
        "The signaling records of all name servers are valid: the parent zone can publish the requested DS records."
    ),
    "DS24_DELEGATION_SECURE": (
        "The parent zone already has a DS record, so no bootstrapping is needed. Name servers of the parent zone: {servers}."
    ),
    "DS24_DELETE_REQUESTED": "The CDS and CDNSKEY records only request the deletion of the DS records.",
    "DS24_NO_CDS_CDNSKEY": "The zone has neither CDS nor CDNSKEY records for bootstrapping a DS record.",
    "DS24_NO_SIGNAL": "There are no signaling records for any of these name servers: {servers}.",
    "DS24_ONLY_IN_DOMAIN_NS": (
        "All name servers have in-domain names, so bootstrapping with signaling records is not possible: {servers}."
    ),
    "DS24_SIGNAL_AT_ZONE_CUT": "The signaling name {query_name} of the name server {ns} is at a zone cut.",
    "DS24_SIGNAL_CHAIN_BROKEN": (
        "The chain of trust to the signaling records of the name server {ns} is broken at the zone {zone}."
    ),
    "DS24_SIGNAL_MISMATCH": (
        "The {query_type} signaling records at {query_name} (name server {ns}) differ from the {query_type} records of the"
        " zone."
    ),
    "DS24_SIGNAL_MISSING": (
        "There are no signaling records at {query_name} (name server {ns}), although another name server has some."
    ),
    "DS24_SIGNAL_NAME_TOO_LONG": "The signaling name of the name server {ns} is too long: {query_name}.",
    "DS24_SIGNAL_UNSIGNED": (
        "The {query_type} signaling records at {query_name} (name server {ns}) have no valid signature of the zone {zone}."
    ),
    "DS24_SIGNAL_VALIDATED": (
        "The signaling records at {query_name} (name server {ns}) are signed by the zone {zone} and equal to the records of"
        " the tested zone."
    ),
    "DS24_SIGNAL_ZONE_INSECURE": (
        "The signaling records of the name server {ns} are in or below the zone {zone}, which has no DS record."
    ),
    "DS24_SIGNAL_ZONE_UNREACHABLE": (
        "The signaling records of the name server {ns} could not be looked up, because these name servers of the zone {zone}"
        " gave no usable response: {servers}."
    ),
}

_NS_SIGNAL = f"{_SIGNAL} The operator of the name server publishes the signaling records: contact that operator."

ADVICE = {
    "DS01_DS_ALGO_2_MISSING": f"All validating resolvers support digest type 2. {_NEW_DS}",
    "DS01_DS_ALGO_DEPRECATED": f"The digest type is too weak, and resolvers may ignore the record. {_NEW_DS}",
    "DS01_DS_ALGO_NOT_DS": f"Resolvers cannot use the record. {_NEW_DS}",
    "DS01_DS_ALGO_PRIVATE": f"Resolvers on the Internet cannot use the record. {_NEW_DS}",
    "DS01_DS_ALGO_RESERVED": f"Resolvers cannot use the record. {_NEW_DS}",
    "DS01_DS_ALGO_UNASSIGNED": f"Resolvers cannot use the record. {_NEW_DS}",
    "DS01_KEY_ALGO_DEPRECATED": f"Resolvers may treat a zone with a deprecated algorithm as unsigned. {_KEY_ALGORITHM}",
    "DS01_KEY_ALGO_NOT_RECOMMENDED": f"Resolvers still support the algorithm, but it is being phased out. {_KEY_ALGORITHM}",
    "DS01_KEY_ALGO_NOT_ZONE_SIGN": f"A key of this algorithm cannot sign a zone. {_KEY_ALGORITHM}",
    "DS01_KEY_ALGO_PRIVATE": f"Resolvers on the Internet cannot verify signatures of this algorithm. {_KEY_ALGORITHM}",
    "DS01_KEY_ALGO_RESERVED": f"Resolvers cannot verify signatures of this algorithm. {_KEY_ALGORITHM}",
    "DS01_KEY_ALGO_UNASSIGNED": f"Resolvers cannot verify signatures of this algorithm. {_KEY_ALGORITHM}",
    "DS01_NO_RESPONSE": f"Resolvers need the DS records, or the proof that there are none, to validate the zone. {_PARENT}",
    "DS01_PARENT_SERVER_NO_DS": f"The name servers of the parent zone serve different versions of it. {_PARENT}",
    "DS01_PARENT_ZONE_NO_DS": f"Without a DS record, resolvers do not validate the zone. {_NEW_DS}",
    "DS02_ALGO_NOT_SUPPORTED_BY_ZM": f"Few resolvers can verify such a signature. {_KEY_ALGORITHM}",
    "DS02_DNSKEY_NOT_FOR_ZONE_SIGNING": (
        f"A key without the Zone Key flag must not be used to verify signatures (RFC 4034 section 2.1.1). {_FIX_DS}"
    ),
    "DS02_DNSKEY_NOT_SEP": (
        "The SEP flag (RFC 4034 section 2.1.1) tells people and tools that the key is meant for a DS record. Use the flags"
        " value 257 for key signing keys."
    ),
    "DS02_DNSKEY_NOT_SIGNED_BY_ANY_DS": f"The chain of trust from the parent zone to the DNSKEY RRset is broken. {_FIX_DS}",
    "DS02_DS_ALGO_DNSKEY_MISMATCH": f"Such a DS record matches no key. {_FIX_DS}",
    "DS02_NO_DNSKEY_FOR_DS": (
        f"A DS record without a DNSKEY record is harmless as long as another DS record matches. {_DS} Remove the DS record"
        " that is not used."
    ),
    "DS02_NO_MATCHING_DNSKEY_RRSIG": "A DS record is useful only if its key signs the DNSKEY RRset. Validating resolvers may treat all responses from the zone as bogus now. Sign the DNSKEY RRset with this key or, if another DS record matches, remove this DS record.",
    "DS02_NO_MATCH_DS_DNSKEY": f"The DS record was made from another key, or was entered incorrectly. {_FIX_DS}",
    "DS02_NO_VALID_DNSKEY_FOR_ANY_DS": f"The chain of trust from the parent zone to the DNSKEY RRset is broken. {_FIX_DS}",
    "DS02_RRSIG_NOT_VALID_BY_DNSKEY": "The signature is incorrect or has expired. Validating resolvers may treat all responses from the zone as bogus now. Re-sign the zone.",
    "DS02_RSA_EXPONENT_UNSUPPORTED": "Some resolvers reject such a key. Use keys with the exponent 65537.",
    "DS07_INCONSISTENT_DS": f"The name servers of the parent zone serve different versions of it. {_PARENT}",
    "DS07_INCONSISTENT_SIGNED": _SERVERS_DIFFER,
    "DS07_NON_AUTH_RESPONSE_DNSKEY": f"The name server does not serve the zone properly. {_NO_RESPONSE}",
    "DS07_NOT_SIGNED": _UNSIGNED,
    "DS07_NOT_SIGNED_ON_SERVER": _UNSIGNED,
    "DS07_NO_DS_ON_PARENT_SERVER": f"Without a DS record, resolvers do not validate the zone. {_NEW_DS}",
    "DS07_NO_DS_FOR_SIGNED_ZONE": f"Without a DS record, resolvers do not validate the zone. {_NEW_DS}",
    "DS07_NO_RESPONSE_DNSKEY": f"DNSKEY responses are large, and firewalls sometimes drop them. {_NO_RESPONSE}",
    "DS07_PARENT_PROVES_NO_DELEGATION": (
        "A validating resolver that gets this proof never queries the name servers of the zone; for its users the zone does"
        " not exist. The operator of the parent zone must add the delegation (NS records) on all name servers of the parent"
        " zone."
    ),
    "DS07_UNEXP_RCODE_RESP_DNSKEY": f"The name server responds to SOA queries, but not to DNSKEY queries. {_NO_RESPONSE}",
    "DS11_DS_BUT_UNSIGNED_ZONE": (
        "Validating resolvers treat all responses from the zone as bogus: their users cannot reach the domain. Sign the zone"
        " with the previous key again, or have the registrar remove the DS record."
    ),
    "DS11_INCONSISTENT_DS": f"The name servers of the parent zone serve different versions of it. {_PARENT}",
    "DS11_INCONSISTENT_SIGNED_ZONE": (
        f"Validating resolvers treat the responses without signatures as bogus. {_SERVERS_DIFFER}"
    ),
    "DS11_NS_WITH_SIGNED_ZONE": "No action is needed on these name servers; compare the others with them.",
    "DS11_NS_WITH_UNSIGNED_ZONE": (
        f"Validating resolvers treat the responses of these name servers as bogus. {_SERVERS_DIFFER}"
    ),
    "DS11_PARENT_WITHOUT_DS": f"These name servers lack a DS record that others have. {_PARENT}",
    "DS11_PARENT_WITH_DS": "These name servers have the DS record; compare the others with them.",
    "DS11_UNDETERMINED_DS": f"Without a response, resolvers may not be able to resolve the domain. {_PARENT}",
    "DS11_UNDETERMINED_SIGNED_ZONE": f"Validating resolvers need the DNSKEY records. {_NO_RESPONSE}",
    "DS18_CDS_ROLLOVER_SIGNALED": f"{_CDS} {_ROLLOVER}",
    "DS18_CDNSKEY_ROLLOVER_SIGNALED": f"{_CDS} {_ROLLOVER}",
    "DS18_NO_MATCH_CDNSKEY_RRSIG_DS": f"{_CDS} Sign the CDNSKEY RRset with a key that has a DS record.",
    "DS18_NO_MATCH_CDS_RRSIG_DS": f"{_CDS} Sign the CDS RRset with a key that has a DS record.",
    "DS18_ROLLOVER_EVIDENCE_DOUBLE_SIG": _ROLLOVER,
    "DS18_ROLLOVER_EVIDENCE_DNSKEY_WITHOUT_DS": _ROLLOVER,
    "DS18_ROLLOVER_EVIDENCE_DS_WITHOUT_DNSKEY": _ROLLOVER,
    "DS18_ROLLOVER_EVIDENCE_MULTI_KSK": _ROLLOVER,
    "DS21_ALGO_NOT_SUPPORTED": f"It is unknown whether this signature is valid. {_PARENT}",
    "DS21_DS_RRSIG_EXPIRED": f"Validating resolvers treat the delegation as bogus. {_PARENT}",
    "DS21_DS_RRSIG_NOT_VALID_BY_DNSKEY": f"Validating resolvers treat the delegation as bogus. {_PARENT}",
    "DS21_DS_RRSIG_NOT_VERIFIABLE": f"Validating resolvers treat the delegation as bogus. {_PARENT}",
    "DS21_DS_RRSIG_NOT_YET_VALID": f"The clock of this host or of the parent zone's signer may be wrong. {_PARENT}",
    "DS21_NO_DNSKEY_FOR_DS_RRSIG": f"Validating resolvers cannot use the signature. {_PARENT}",
    "DS21_NO_DS_RRSIG": f"Validating resolvers treat a DS record without a signature as bogus. {_PARENT}",
    "DS21_PARENT_DNSKEY_MISSING": f"Validating resolvers need the DNSKEY records of the parent zone. {_PARENT}",
    "DS24_APEX_UNAVAILABLE": (
        f"All name servers in the delegation must return the same CDS and CDNSKEY records. {_NO_RESPONSE}"
    ),
    "DS24_NO_SIGNAL": f"{_SIGNAL} Alternatively, submit the DS record through the registrar.",
    "DS24_ONLY_IN_DOMAIN_NS": (
        f"{_SIGNAL} This needs a name server whose name is in another, signed zone. Alternatively, submit the DS record"
        " through the registrar."
    ),
    "DS24_SIGNAL_AT_ZONE_CUT": f"A signaling name must not be at a zone cut (RFC 9615). {_NS_SIGNAL}",
    "DS24_SIGNAL_CHAIN_BROKEN": f"Signaling records must validate from the root zone down. {_NS_SIGNAL}",
    "DS24_SIGNAL_MISMATCH": f"All signaling records must equal the records of the zone. {_NS_SIGNAL}",
    "DS24_SIGNAL_MISSING": f"Each name server outside the zone needs signaling records. {_NS_SIGNAL}",
    "DS24_SIGNAL_NAME_TOO_LONG": (
        f"{_SIGNAL} A domain name has at most 255 octets, so this name server cannot have signaling records for the zone."
        " Submit the DS record through the registrar."
    ),
    "DS24_SIGNAL_UNSIGNED": f"Signaling records without a valid signature are not accepted. {_NS_SIGNAL}",
    "DS24_SIGNAL_ZONE_INSECURE": f"Signaling records must validate from the root zone down. {_NS_SIGNAL}",
    "DS24_SIGNAL_ZONE_UNREACHABLE": f"The name servers may be down, or reject the query. {_NS_SIGNAL}",
}
