"""Sentences for many domains, of the tags of the DNSSEC module about denial of existence."""

GENERAL = {
    "DS03_ERROR_RESPONSE_NSEC_QUERY": "Some name servers gave an error or a non-authoritative response to an NSEC query.",
    "DS03_ERR_MULT_NSEC3": "Some name servers returned more than one NSEC3 record where one is expected.",
    "DS03_ILLEGAL_HASH_ALGO": "The NSEC3 records use an undefined hash algorithm; only algorithm 1 is defined.",
    "DS03_ILLEGAL_ITERATION_VALUE": "The NSEC3 records use additional iterations instead of 0.",
    "DS03_ILLEGAL_SALT_LENGTH": "The NSEC3 records use a salt.",
    "DS03_LEGAL_EMPTY_SALT": "The NSEC3 records use no salt, as recommended.",
    "DS03_LEGAL_HASH_ALGO": "The NSEC3 records use hash algorithm 1, as required.",
    "DS03_LEGAL_ITERATION_VALUE": "The NSEC3 records use no additional iterations, as recommended.",
    "DS03_NO_DNSSEC_SUPPORT": "No name server returned a DNSKEY record, so no NSEC3 record was checked.",
    "DS03_NO_NSEC3": "Some name servers do not use NSEC3.",
    "DS03_NO_RESPONSE_NSEC_QUERY": "Some name servers did not respond to an NSEC query.",
    "DS03_NSEC3_OPT_OUT_DISABLED": "The NSEC3 records do not use opt-out.",
    "DS03_NSEC3_OPT_OUT_ENABLED_NON_TLD": "The NSEC3 records use opt-out, which is meant for very large zones.",
    "DS03_NSEC3_OPT_OUT_ENABLED_TLD": "The NSEC3 records use opt-out.",
    "DS03_SERVER_NO_DNSSEC_SUPPORT": "Some name servers returned no DNSKEY record, although others did.",
    "DS03_SERVER_NO_NSEC3": "Some name servers do not use NSEC3, although others do.",
    "DS03_UNASSIGNED_FLAG_USED": "The NSEC3 records have an unassigned flag bit set.",
    "DS10_ALGO_NOT_SUPPORTED_BY_ZM": (
        "A signature over an NSEC or NSEC3 record was not verified: its algorithm is not supported."
    ),
    "DS10_ERR_MULT_NSEC": "Some name servers returned more than one NSEC record where one is expected.",
    "DS10_ERR_MULT_NSEC3": "Some name servers returned more than one NSEC3 record where one is expected.",
    "DS10_ERR_MULT_NSEC3PARAM": "Some name servers returned more than one NSEC3PARAM record.",
    "DS10_EXPECTED_NSEC_NSEC3_MISSING": "The zone is signed, but some name servers returned neither NSEC nor NSEC3 records.",
    "DS10_HAS_NSEC": "The zone uses NSEC.",
    "DS10_HAS_NSEC3": "The zone uses NSEC3.",
    "DS10_INCONSISTENT_NSEC": (
        "Some name servers returned an NSEC record in response to only one of the NSEC and NSEC3PARAM queries."
    ),
    "DS10_INCONSISTENT_NSEC3": (
        "Some name servers returned an NSEC3 record for the NSEC query or an NSEC3PARAM record for the NSEC3PARAM query,"
        " but not both."
    ),
    "DS10_INCONSISTENT_NSEC_NSEC3": "Some name servers use NSEC, and some use NSEC3.",
    "DS10_MIXED_NSEC_NSEC3": "Some name servers use both NSEC and NSEC3.",
    "DS10_NONSTANDARD_NSEC_RESPONSE": (
        "Some name servers responded with NODATA to an NSEC query for the apex, with an NSEC record in the authority"
        " section, as name servers with online signing do."
    ),
    "DS10_NSEC3PARAM_GIVES_ERR_ANSWER": (
        "Some name servers returned records other than NSEC3PARAM in response to an NSEC3PARAM query."
    ),
    "DS10_NSEC3PARAM_MISMATCHES_APEX": "Some name servers returned an NSEC3PARAM record whose owner is not the apex.",
    "DS10_NSEC3PARAM_QUERY_RESPONSE_ERR": "Some name servers gave no usable response to an NSEC3PARAM query.",
    "DS10_NSEC3_ERR_TYPE_LIST": (
        "The type bitmap of the NSEC3 record for the apex lacks a required type or contains a forbidden one."
    ),
    "DS10_NSEC3_MISMATCHES_APEX": "The owner of the NSEC3 record is not the hash of the apex.",
    "DS10_NSEC3_MISSING_SIGNATURE": "The NSEC3 record has no signature.",
    "DS10_NSEC3_NODATA_MISSING_SOA": "The NODATA response with the NSEC3 record contains no SOA record.",
    "DS10_NSEC3_NODATA_WRONG_SOA": "The NODATA response with the NSEC3 record contains the SOA record of another name.",
    "DS10_NSEC3_NO_VERIFIED_SIGNATURE": "No signature over the NSEC3 record verifies.",
    "DS10_NSEC3_RRSIG_EXPIRED": "A signature over the NSEC3 record has expired.",
    "DS10_NSEC3_RRSIG_NOT_YET_VALID": "A signature over the NSEC3 record is not yet valid.",
    "DS10_NSEC3_RRSIG_NO_DNSKEY": "The zone has no DNSKEY record for a signature over the NSEC3 record.",
    "DS10_NSEC3_RRSIG_VERIFY_ERROR": "A signature over the NSEC3 record does not verify.",
    "DS10_NSEC_ERR_TYPE_LIST": (
        "The type bitmap of the NSEC record for the apex lacks a required type or contains a forbidden one."
    ),
    "DS10_NSEC_GIVES_ERR_ANSWER": "Some name servers returned records other than NSEC in response to an NSEC query.",
    "DS10_NSEC_MISMATCHES_APEX": "The owner of the NSEC record is not the apex.",
    "DS10_NSEC_MISSING_SIGNATURE": "The NSEC record has no signature.",
    "DS10_NSEC_NODATA_MISSING_SOA": "The NODATA response with the NSEC record contains no SOA record.",
    "DS10_NSEC_NODATA_WRONG_SOA": "The NODATA response with the NSEC record contains the SOA record of another name.",
    "DS10_NSEC_NO_VERIFIED_SIGNATURE": "No signature over the NSEC record verifies.",
    "DS10_NSEC_QUERY_RESPONSE_ERR": "Some name servers gave no usable response to an NSEC query.",
    "DS10_NSEC_RRSIG_EXPIRED": "A signature over the NSEC record has expired.",
    "DS10_NSEC_RRSIG_NOT_YET_VALID": "A signature over the NSEC record is not yet valid.",
    "DS10_NSEC_RRSIG_NO_DNSKEY": "The zone has no DNSKEY record for a signature over the NSEC record.",
    "DS10_NSEC_RRSIG_VERIFY_ERROR": "A signature over the NSEC record does not verify.",
    "DS10_SERVER_NO_DNSSEC": "Some name servers returned no DNSKEY record, although others did.",
    "DS10_ZONE_NO_DNSSEC": "The zone is not signed: no name server returned a DNSKEY record.",
    "DS20_BITMAP_OK": "The type bitmap of the apex contains each queried type that exists there.",
    "DS20_NO_BITMAP": "Some name servers returned no type bitmap of the apex.",
    "DS20_NO_DNSSEC": "No name server returned a usable DNSKEY record.",
    "DS20_NSEC3_BITMAP_MISMATCHES_RRTYPE": (
        "The apex has records of a type that the type bitmap of its NSEC3 record does not contain."
    ),
    "DS20_NSEC_BITMAP_MISMATCHES_RRTYPE": (
        "The apex has records of a type that the type bitmap of its NSEC record does not contain."
    ),
    "DS22_NS_ADDRESS_CHAIN_BROKEN": "The addresses of a name server do not validate: their chain of trust is broken.",
    "DS22_NS_ADDRESS_INSECURE": "The name of a name server is below an insecure delegation.",
    "DS22_NS_ADDRESS_ORPHAN_ZONE": "The addresses of a name server are signed by a zone that is not delegated.",
    "DS22_NS_ADDRESS_REFERRED": "The name of a name server is in a signed zone whose name servers gave no result.",
    "DS22_NS_ADDRESS_RRSIG_EXPIRED": "A signature over the addresses of a name server has expired.",
    "DS22_NS_ADDRESS_RRSIG_NOT_VALID_BY_DNSKEY": "A signature over the addresses of a name server does not verify.",
    "DS22_NS_ADDRESS_UNSIGNED": "The addresses of a name server have no signature.",
    "DS22_NS_ADDRESS_VALIDATES": "The addresses of the in-domain name servers validate.",
    "DS23_DENIAL_PROOF_CONSISTENT": "The proof of nonexistence has no contradictions.",
    "DS23_MULTIPLE_NSEC3PARAM": "Some name servers returned more than one NSEC3PARAM record.",
    "DS23_NO_DENIAL_PROOF": "Some name servers gave a negative response without an NSEC or NSEC3 record.",
    "DS23_NSEC3_CHAIN_NOT_PUBLISHED": "No NSEC3PARAM record has the parameters of the NSEC3 records in the response.",
    "DS23_NSEC3_DUPLICATE_NEXT": "Two NSEC3 records have the same next hashed owner name.",
    "DS23_NSEC3_MIXED_PARAMETERS": "The NSEC3 records in one response have different parameters.",
    "DS23_NSEC3_RANGES_OVERLAP": "An NSEC3 record denies the existence of a name whose NSEC3 record is in the same response.",
    "DS23_NSEC_RANGES_OVERLAP": "An NSEC record denies the existence of a name whose NSEC record is in the same response.",
}
