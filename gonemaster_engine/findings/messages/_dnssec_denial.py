"""Texts of the DNSSEC cases about denial of existence and the addresses of name servers: 03, 10, 20, 22 and 23."""

_NSEC3 = (
    "RFC 9276 section 3.1 recommends zero additional iterations and an empty salt (NSEC3PARAM 1 0 0 -). Other values only cost"
    " name servers and resolvers work, and some resolvers treat such a zone as unsigned. Set the parameters in the signer and"
    " re-sign the zone."
)
_PROOF = (
    "NSEC and NSEC3 records prove to validating resolvers that a name or type does not exist. Validating resolvers treat a"
    " response with a faulty proof as bogus, and mail or web access may fail."
)
_REPAIR = f"{_PROOF} Re-sign the zone, and update the software of the name server if that does not help."
_SAME = f"{_PROOF} All name servers must serve the same version of the zone: check the zone transfers."
_CLOCK = f"{_PROOF} Check that the signer is running and that its clock is correct, and re-sign the zone."
_MIXED = f"The response mixes two versions of the zone. {_REPAIR}"
_CACHED = f"Resolvers that use cached proofs (RFC 8198) respond that the records of this type do not exist. {_REPAIR}"
_PARAMETERS = (
    "This is normal while the NSEC3 parameters are being changed (RFC 5155 section 7.3). If no change is in progress, remove"
    " the old record in the signer."
)
_ADDRESSES = "Resolvers that validate the addresses of the name servers cannot use this one. Re-sign the whole zone."
_NO_KEYS = "Without DNSSEC, responses for the zone can be forged. Most DNS software and providers can sign a zone automatically."

TEXTS = {
    # dnssec03
    "DS03_ERROR_RESPONSE_NSEC_QUERY": (
        "These name servers gave an error or a non-authoritative response to an NSEC query: {servers}."
    ),
    "DS03_ERR_MULT_NSEC3": "These name servers returned more than one NSEC3 record where one is expected: {servers}.",
    "DS03_ILLEGAL_HASH_ALGO": (
        "The NSEC3 records use hash algorithm {algo_num}; only algorithm 1 is defined. Name servers: {servers}."
    ),
    "DS03_ILLEGAL_ITERATION_VALUE": (
        "The NSEC3 records use {int} additional iterations instead of 0. Name servers: {servers}."
    ),
    "DS03_ILLEGAL_SALT_LENGTH": "The NSEC3 records use a salt of {int} octets instead of 0. Name servers: {servers}.",
    "DS03_INCONSISTENT_HASH_ALGO": "The NSEC3 records use different hash algorithms.",
    "DS03_INCONSISTENT_ITERATION": "The NSEC3 records use different numbers of additional iterations.",
    "DS03_INCONSISTENT_NSEC3_FLAGS": "The NSEC3 records have different flags.",
    "DS03_INCONSISTENT_SALT_LENGTH": "The NSEC3 records use salts of different lengths.",
    "DS03_LEGAL_EMPTY_SALT": "The NSEC3 records use no salt, as recommended. Name servers: {servers}.",
    "DS03_LEGAL_HASH_ALGO": "The NSEC3 records use hash algorithm 1, as required. Name servers: {servers}.",
    "DS03_LEGAL_ITERATION_VALUE": (
        "The NSEC3 records use no additional iterations, as recommended. Name servers: {servers}."
    ),
    "DS03_NO_DNSSEC_SUPPORT": "No name server returned a DNSKEY record, so no NSEC3 record was checked: {servers}.",
    "DS03_NO_NSEC3": "These name servers do not use NSEC3: {servers}.",
    "DS03_NO_RESPONSE_NSEC_QUERY": "These name servers did not respond to an NSEC query: {servers}.",
    "DS03_NSEC3_OPT_OUT_DISABLED": "The NSEC3 records do not use opt-out. Name servers: {servers}.",
    "DS03_NSEC3_OPT_OUT_ENABLED_NON_TLD": (
        "The NSEC3 records use opt-out, which is meant for very large zones. Name servers: {servers}."
    ),
    "DS03_NSEC3_OPT_OUT_ENABLED_TLD": "The NSEC3 records use opt-out. Name servers: {servers}.",
    "DS03_SERVER_NO_DNSSEC_SUPPORT": "These name servers returned no DNSKEY record, although others did: {servers}.",
    "DS03_SERVER_NO_NSEC3": "These name servers do not use NSEC3, although others do: {servers}.",
    "DS03_UNASSIGNED_FLAG_USED": (
        "The NSEC3 records have the unassigned flag bit {int} set (bit 0 is the most significant). Name servers: {servers}."
    ),
    # dnssec10
    "DS10_ALGO_NOT_SUPPORTED_BY_ZM": (
        "The signature with key tag {keytag} over an NSEC or NSEC3 record was not verified: algorithm {algo_num}"
        " ({algo_mnemo}) is not supported. Name server addresses: {addresses}."
    ),
    "DS10_ERR_MULT_NSEC": "These name servers returned more than one NSEC record where one is expected: {servers}.",
    "DS10_ERR_MULT_NSEC3": "These name servers returned more than one NSEC3 record where one is expected: {servers}.",
    "DS10_ERR_MULT_NSEC3PARAM": "These name servers returned more than one NSEC3PARAM record: {servers}.",
    "DS10_EXPECTED_NSEC_NSEC3_MISSING": (
        "The zone is signed, but these name servers returned neither NSEC nor NSEC3 records: {servers}."
    ),
    "DS10_HAS_NSEC": "The zone uses NSEC. Name servers: {servers}.",
    "DS10_HAS_NSEC3": "The zone uses NSEC3. Name servers: {servers}.",
    "DS10_INCONSISTENT_NSEC": (
        "These name servers returned an NSEC record in response to only one of the NSEC and NSEC3PARAM queries: {servers}."
    ),
    "DS10_INCONSISTENT_NSEC3": (
        "These name servers returned an NSEC3 record for the NSEC query or an NSEC3PARAM record for the NSEC3PARAM query, but"
        " not both: {servers}."
    ),
    "DS10_INCONSISTENT_NSEC_NSEC3": "Some of these name servers use NSEC, and some use NSEC3: {servers}.",
    "DS10_MIXED_NSEC_NSEC3": "These name servers use both NSEC and NSEC3: {servers}.",
    "DS10_NONSTANDARD_NSEC_RESPONSE": (
        "These name servers responded with NODATA to an NSEC query for the apex, with an NSEC record in the authority section,"
        " as name servers with online signing do: {servers}."
    ),
    "DS10_NSEC3PARAM_GIVES_ERR_ANSWER": (
        "These name servers returned records other than NSEC3PARAM in response to an NSEC3PARAM query: {servers}."
    ),
    "DS10_NSEC3PARAM_MISMATCHES_APEX": (
        "These name servers returned an NSEC3PARAM record whose owner is not the apex: {servers}."
    ),
    "DS10_NSEC3PARAM_QUERY_RESPONSE_ERR": (
        "These name servers gave no usable response to an NSEC3PARAM query: {servers}."
    ),
    "DS10_NSEC3_ERR_TYPE_LIST": (
        "The type bitmap of the NSEC3 record for the apex lacks a required type or contains a forbidden one. Name servers:"
        " {servers}."
    ),
    "DS10_NSEC3_MISMATCHES_APEX": "The owner of the NSEC3 record is not the hash of the apex. Name servers: {servers}.",
    "DS10_NSEC3_MISSING_SIGNATURE": "The NSEC3 record has no signature. Name servers: {servers}.",
    "DS10_NSEC3_NODATA_MISSING_SOA": (
        "The NODATA response with the NSEC3 record contains no SOA record. Name servers: {servers}."
    ),
    "DS10_NSEC3_NODATA_WRONG_SOA": (
        "The NODATA response with the NSEC3 record contains the SOA record of {domain}. Name servers: {servers}."
    ),
    "DS10_NSEC3_NO_VERIFIED_SIGNATURE": "No signature over the NSEC3 record verifies. Name servers: {servers}.",
    "DS10_NSEC3_RRSIG_EXPIRED": (
        "The signature with key tag {keytag} over the NSEC3 record has expired. Name servers: {servers}."
    ),
    "DS10_NSEC3_RRSIG_NOT_YET_VALID": (
        "The signature with key tag {keytag} over the NSEC3 record is not yet valid. Name servers: {servers}."
    ),
    "DS10_NSEC3_RRSIG_NO_DNSKEY": (
        "The zone has no DNSKEY record for the signature with key tag {keytag} over the NSEC3 record. Name servers: {servers}."
    ),
    "DS10_NSEC3_RRSIG_VERIFY_ERROR": (
        "The signature with key tag {keytag} over the NSEC3 record does not verify. Name servers: {servers}."
    ),
    "DS10_NSEC_ERR_TYPE_LIST": (
        "The type bitmap of the NSEC record for the apex lacks a required type or contains a forbidden one. Name servers:"
        " {servers}."
    ),
    "DS10_NSEC_GIVES_ERR_ANSWER": (
        "These name servers returned records other than NSEC in response to an NSEC query: {servers}."
    ),
    "DS10_NSEC_MISMATCHES_APEX": "The owner of the NSEC record is not the apex. Name servers: {servers}.",
    "DS10_NSEC_MISSING_SIGNATURE": "The NSEC record has no signature. Name servers: {servers}.",
    "DS10_NSEC_NODATA_MISSING_SOA": (
        "The NODATA response with the NSEC record contains no SOA record. Name servers: {servers}."
    ),
    "DS10_NSEC_NODATA_WRONG_SOA": (
        "The NODATA response with the NSEC record contains the SOA record of {domain}. Name servers: {servers}."
    ),
    "DS10_NSEC_NO_VERIFIED_SIGNATURE": "No signature over the NSEC record verifies. Name servers: {servers}.",
    "DS10_NSEC_QUERY_RESPONSE_ERR": "These name servers gave no usable response to an NSEC query: {servers}.",
    "DS10_NSEC_RRSIG_EXPIRED": (
        "The signature with key tag {keytag} over the NSEC record has expired. Name servers: {servers}."
    ),
    "DS10_NSEC_RRSIG_NOT_YET_VALID": (
        "The signature with key tag {keytag} over the NSEC record is not yet valid. Name servers: {servers}."
    ),
    "DS10_NSEC_RRSIG_NO_DNSKEY": (
        "The zone has no DNSKEY record for the signature with key tag {keytag} over the NSEC record. Name servers: {servers}."
    ),
    "DS10_NSEC_RRSIG_VERIFY_ERROR": (
        "The signature with key tag {keytag} over the NSEC record does not verify. Name servers: {servers}."
    ),
    "DS10_SERVER_NO_DNSSEC": "These name servers returned no DNSKEY record, although others did: {servers}.",
    "DS10_ZONE_NO_DNSSEC": "The zone is not signed: none of these name servers returned a DNSKEY record: {servers}.",
    # dnssec20
    "DS20_BITMAP_OK": (
        "The type bitmap of the apex contains each queried type that exists there. Name servers: {servers}."
    ),
    "DS20_NO_BITMAP": "These name servers returned no type bitmap of the apex: {servers}.",
    "DS20_NO_DNSSEC": "No name server returned a usable DNSKEY record: {servers}.",
    "DS20_NSEC3_BITMAP_MISMATCHES_RRTYPE": (
        "The apex has {query_type} records, but the type bitmap of its NSEC3 record does not contain this type. Name servers:"
        " {servers}."
    ),
    "DS20_NSEC_BITMAP_MISMATCHES_RRTYPE": (
        "The apex has {query_type} records, but the type bitmap of its NSEC record does not contain this type. Name servers:"
        " {servers}."
    ),
    # dnssec22
    "DS22_NO_IN_DOMAIN_NS": "No name server has an in-domain name, so no address was validated.",
    "DS22_NS_ADDRESS_CHAIN_BROKEN": (
        "The addresses of {ns} do not validate: the chain of trust is broken at {signer}. Name servers: {servers}."
    ),
    "DS22_NS_ADDRESS_INSECURE": "The name {ns} is below an insecure delegation. Name servers: {servers}.",
    "DS22_NS_ADDRESS_ORPHAN_ZONE": (
        "The addresses of {ns} are signed by the zone {signer}, which is not delegated. Name servers: {servers}."
    ),
    "DS22_NS_ADDRESS_REFERRED": (
        "The name {ns} is in the signed zone {zone}, whose name servers gave no result. Name servers that referred to that"
        " zone: {servers}."
    ),
    "DS22_NS_ADDRESS_RRSIG_EXPIRED": (
        "The signature with key tag {keytag} over the addresses of {ns} has expired. Name servers: {servers}."
    ),
    "DS22_NS_ADDRESS_RRSIG_NOT_VALID_BY_DNSKEY": (
        "The signature with key tag {keytag} of the zone {signer} over the addresses of {ns} does not verify. Name servers:"
        " {servers}."
    ),
    "DS22_NS_ADDRESS_UNSIGNED": "The addresses of {ns} have no signature. Name servers: {servers}.",
    "DS22_NS_ADDRESS_VALIDATES": "The addresses of the in-domain name servers validate. Name servers: {servers}.",
    "DS22_ZONE_NOT_SECURE": (
        "The zone has no DNSKEY record or no DS record, so the addresses of its name servers were not validated."
    ),
    # dnssec23
    "DS23_DENIAL_PROOF_CONSISTENT": "The proof of nonexistence has no contradictions. Name servers: {servers}.",
    "DS23_MULTIPLE_NSEC3PARAM": "These name servers returned more than one NSEC3PARAM record: {servers}.",
    "DS23_NO_DENIAL_PROOF": "These name servers gave a negative response without an NSEC or NSEC3 record: {servers}.",
    "DS23_NSEC3_CHAIN_NOT_PUBLISHED": (
        "No NSEC3PARAM record has the parameters of the NSEC3 records in the response. Name servers: {servers}."
    ),
    "DS23_NSEC3_DUPLICATE_NEXT": (
        "The NSEC3 records of {owner} and {covered} have the same next hashed owner name {next}. Name servers: {servers}."
    ),
    "DS23_NSEC3_MIXED_PARAMETERS": (
        "The NSEC3 records in one response have different parameters. Name servers: {servers}."
    ),
    "DS23_NSEC3_RANGES_OVERLAP": (
        "The NSEC3 record of {owner} (next hashed owner name {next}) denies the existence of {covered}, whose NSEC3 record is"
        " in the same response. Name servers: {servers}."
    ),
    "DS23_NSEC_RANGES_OVERLAP": (
        "The NSEC record of {owner} (next domain name {next}) denies the existence of {covered}, whose NSEC record is in the"
        " same response. Name servers: {servers}."
    ),
}

ADVICE = {
    "DS03_ERROR_RESPONSE_NSEC_QUERY": _REPAIR,
    "DS03_ERR_MULT_NSEC3": _REPAIR,
    "DS03_ILLEGAL_HASH_ALGO": f"Resolvers ignore NSEC3 records with an unknown hash algorithm. {_NSEC3}",
    "DS03_ILLEGAL_ITERATION_VALUE": _NSEC3,
    "DS03_ILLEGAL_SALT_LENGTH": _NSEC3,
    "DS03_INCONSISTENT_HASH_ALGO": _SAME,
    "DS03_INCONSISTENT_ITERATION": _SAME,
    "DS03_INCONSISTENT_NSEC3_FLAGS": _SAME,
    "DS03_INCONSISTENT_SALT_LENGTH": _SAME,
    "DS03_NO_DNSSEC_SUPPORT": _NO_KEYS,
    "DS03_NO_RESPONSE_NSEC_QUERY": _REPAIR,
    "DS03_NSEC3_OPT_OUT_ENABLED_NON_TLD": (
        "Opt-out saves signatures for insecure delegations, but does not protect against forged delegations between the signed"
        " names. Disable it unless the zone has very many delegations (RFC 9276 section 3.1)."
    ),
    "DS03_SERVER_NO_DNSSEC_SUPPORT": _SAME,
    "DS03_SERVER_NO_NSEC3": _SAME,
    "DS03_UNASSIGNED_FLAG_USED": (
        f"Resolvers ignore NSEC3 records with unassigned flags (RFC 5155 section 8.2). {_REPAIR}"
    ),
    "DS10_ALGO_NOT_SUPPORTED_BY_ZM": (
        "It is unknown whether this signature is valid, and few resolvers can verify it. Replace the keys with keys of"
        " algorithm 13 (ECDSAP256SHA256) or 8 (RSASHA256)."
    ),
    "DS10_ERR_MULT_NSEC": _REPAIR,
    "DS10_ERR_MULT_NSEC3": _REPAIR,
    "DS10_ERR_MULT_NSEC3PARAM": _PARAMETERS,
    "DS10_EXPECTED_NSEC_NSEC3_MISSING": _REPAIR,
    "DS10_INCONSISTENT_NSEC": _REPAIR,
    "DS10_INCONSISTENT_NSEC3": _REPAIR,
    "DS10_INCONSISTENT_NSEC_NSEC3": _SAME,
    "DS10_MIXED_NSEC_NSEC3": _REPAIR,
    "DS10_NONSTANDARD_NSEC_RESPONSE": (
        "No action is needed: services with online signing respond like this (RFC 4470, RFC 9824). Other tests may report"
        " it as a fault."
    ),
    "DS10_NSEC3PARAM_GIVES_ERR_ANSWER": _REPAIR,
    "DS10_NSEC3PARAM_MISMATCHES_APEX": _REPAIR,
    "DS10_NSEC3PARAM_QUERY_RESPONSE_ERR": _REPAIR,
    "DS10_NSEC3_ERR_TYPE_LIST": _REPAIR,
    "DS10_NSEC3_MISMATCHES_APEX": _REPAIR,
    "DS10_NSEC3_MISSING_SIGNATURE": _REPAIR,
    "DS10_NSEC3_NODATA_MISSING_SOA": _REPAIR,
    "DS10_NSEC3_NODATA_WRONG_SOA": _REPAIR,
    "DS10_NSEC3_NO_VERIFIED_SIGNATURE": _REPAIR,
    "DS10_NSEC3_RRSIG_EXPIRED": _CLOCK,
    "DS10_NSEC3_RRSIG_NOT_YET_VALID": _CLOCK,
    "DS10_NSEC3_RRSIG_NO_DNSKEY": _REPAIR,
    "DS10_NSEC3_RRSIG_VERIFY_ERROR": _REPAIR,
    "DS10_NSEC_ERR_TYPE_LIST": _REPAIR,
    "DS10_NSEC_GIVES_ERR_ANSWER": _REPAIR,
    "DS10_NSEC_MISMATCHES_APEX": _REPAIR,
    "DS10_NSEC_MISSING_SIGNATURE": _REPAIR,
    "DS10_NSEC_NODATA_MISSING_SOA": _REPAIR,
    "DS10_NSEC_NODATA_WRONG_SOA": _REPAIR,
    "DS10_NSEC_NO_VERIFIED_SIGNATURE": _REPAIR,
    "DS10_NSEC_QUERY_RESPONSE_ERR": _REPAIR,
    "DS10_NSEC_RRSIG_EXPIRED": _CLOCK,
    "DS10_NSEC_RRSIG_NOT_YET_VALID": _CLOCK,
    "DS10_NSEC_RRSIG_NO_DNSKEY": _REPAIR,
    "DS10_NSEC_RRSIG_VERIFY_ERROR": _REPAIR,
    "DS10_SERVER_NO_DNSSEC": _SAME,
    "DS10_ZONE_NO_DNSSEC": _NO_KEYS,
    "DS20_NO_BITMAP": _REPAIR,
    "DS20_NO_DNSSEC": _NO_KEYS,
    "DS20_NSEC3_BITMAP_MISMATCHES_RRTYPE": _CACHED,
    "DS20_NSEC_BITMAP_MISMATCHES_RRTYPE": _CACHED,
    "DS22_NS_ADDRESS_CHAIN_BROKEN": "The DNSKEY records of a child zone do not match its DS records. Resolvers that validate the addresses of the name servers cannot use this one. Correct the DS records of the child zone, and re-sign the zone that has them.",
    "DS22_NS_ADDRESS_ORPHAN_ZONE": (
        f"The child zone exists on the name server, but is not delegated. Add the delegation, or remove the child zone."
        f" {_ADDRESSES}"
    ),
    "DS22_NS_ADDRESS_RRSIG_EXPIRED": f"Check that the signer is running and that its clock is correct. {_ADDRESSES}",
    "DS22_NS_ADDRESS_RRSIG_NOT_VALID_BY_DNSKEY": _ADDRESSES,
    "DS22_NS_ADDRESS_UNSIGNED": _ADDRESSES,
    "DS23_MULTIPLE_NSEC3PARAM": _PARAMETERS,
    "DS23_NO_DENIAL_PROOF": _REPAIR,
    "DS23_NSEC3_CHAIN_NOT_PUBLISHED": _REPAIR,
    "DS23_NSEC3_DUPLICATE_NEXT": _MIXED,
    "DS23_NSEC3_MIXED_PARAMETERS": _MIXED,
    "DS23_NSEC3_RANGES_OVERLAP": _MIXED,
    "DS23_NSEC_RANGES_OVERLAP": _MIXED,
}
