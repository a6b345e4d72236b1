"""Texts of the DNSSEC cases about denial of existence and the addresses of name servers: 03, 10, 20, 22 and 23."""

_NSEC3 = (
    "RFC 9276 asks for the NSEC3 parameters 1 0 0 and an empty salt: anything else costs servers and resolvers work, and some"
    " resolvers treat such zones as unsigned. Set the parameters in the signer and sign the zone anew."
)
_PROOF = (
    "NSEC and NSEC3 records prove to validating resolvers that a name or type does not exist. With a faulty proof these"
    " refuse such answers, and mail or web access may fail."
)
_REPAIR = f"{_PROOF} Sign the zone anew, and update the server's software if that does not help."
_SAME = f"{_PROOF} All servers must have the same version of the zone: check zone transfers."
_CLOCK = f"{_PROOF} Check that the signer runs and that its clock is right, and sign the zone anew."
_ADDRESSES = (
    "Resolvers that validate the addresses of the zone's name servers cannot use this one. Sign the zone anew, with all that"
    " lies in it."
)
_NO_KEYS = (
    "Without DNSSEC, answers from the zone can be forged on their way to users. Most DNS software and providers can sign a"
    " zone at the push of a button."
)

TEXTS = {
    # dnssec03
    "DS03_ERROR_RESPONSE_NSEC_QUERY": (
        "These servers answer the question for NSEC records with an error, or without authority: {servers}."
    ),
    "DS03_ERR_MULT_NSEC3": "These servers give several NSEC3 records where one is enough: {servers}.",
    "DS03_ILLEGAL_HASH_ALGO": "The NSEC3 records use hash algorithm {algo_num}; only 1 is defined, on {servers}.",
    "DS03_ILLEGAL_ITERATION_VALUE": "The NSEC3 records use {int} additional iterations; there should be none, on {servers}.",
    "DS03_ILLEGAL_SALT_LENGTH": "The NSEC3 records use a salt of {int} octets; there should be none, on {servers}.",
    "DS03_INCONSISTENT_HASH_ALGO": "The name servers use different NSEC3 hash algorithms.",
    "DS03_INCONSISTENT_ITERATION": "The name servers use different NSEC3 iteration counts.",
    "DS03_INCONSISTENT_NSEC3_FLAGS": "The name servers use different NSEC3 flags.",
    "DS03_INCONSISTENT_SALT_LENGTH": "The name servers use NSEC3 salts of different lengths.",
    "DS03_LEGAL_EMPTY_SALT": "The NSEC3 records use no salt, as they should, on {servers}.",
    "DS03_LEGAL_HASH_ALGO": "The NSEC3 records use hash algorithm 1, as they should, on {servers}.",
    "DS03_LEGAL_ITERATION_VALUE": "The NSEC3 records use no additional iterations, as they should, on {servers}.",
    "DS03_NO_DNSSEC_SUPPORT": "No server has a DNSKEY record, so there are no NSEC3 records to look at: {servers}.",
    "DS03_NO_NSEC3": "The zone does not use NSEC3, on {servers}.",
    "DS03_NO_RESPONSE_NSEC_QUERY": "These servers do not answer the question for NSEC records: {servers}.",
    "DS03_NSEC3_OPT_OUT_DISABLED": "NSEC3 opt-out is not in use, on {servers}.",
    "DS03_NSEC3_OPT_OUT_ENABLED_NON_TLD": "NSEC3 opt-out is in use, which only very large zones need, on {servers}.",
    "DS03_NSEC3_OPT_OUT_ENABLED_TLD": "NSEC3 opt-out is in use, on {servers}.",
    "DS03_SERVER_NO_DNSSEC_SUPPORT": "These servers have no DNSKEY record, although others have: {servers}.",
    "DS03_SERVER_NO_NSEC3": "These servers do not use NSEC3, although others do: {servers}.",
    "DS03_UNASSIGNED_FLAG_USED": "The NSEC3 records have flag bit {int} set, which has no meaning, on {servers}.",
    # dnssec10
    "DS10_ALGO_NOT_SUPPORTED_BY_ZM": (
        "The signature with key tag {keytag} over an NSEC or NSEC3 record uses algorithm {algo_num} ({algo_mnemo}), which"
        " cannot be verified here, on {addresses}."
    ),
    "DS10_ERR_MULT_NSEC": "These servers give several NSEC records where one is expected: {servers}.",
    "DS10_ERR_MULT_NSEC3": "These servers give several NSEC3 records where one is expected: {servers}.",
    "DS10_ERR_MULT_NSEC3PARAM": "These servers have several NSEC3PARAM records: {servers}.",
    "DS10_EXPECTED_NSEC_NSEC3_MISSING": "The zone is signed, but neither NSEC nor NSEC3 records were seen on {servers}.",
    "DS10_HAS_NSEC": "The zone uses NSEC, on {servers}.",
    "DS10_HAS_NSEC3": "The zone uses NSEC3, on {servers}.",
    "DS10_INCONSISTENT_NSEC": (
        "These servers give an NSEC record to only one of the questions for NSEC and NSEC3PARAM: {servers}."
    ),
    "DS10_INCONSISTENT_NSEC3": (
        "These servers give signs of NSEC3 to only one of the questions for NSEC and NSEC3PARAM: {servers}."
    ),
    "DS10_INCONSISTENT_NSEC_NSEC3": "Some of these servers use NSEC, others use NSEC3: {servers}.",
    "DS10_MIXED_NSEC_NSEC3": "These servers use both NSEC and NSEC3: {servers}.",
    "DS10_NONSTANDARD_NSEC_RESPONSE": (
        "These servers answer the question for NSEC with a proof that there is none, as servers that make denials on the fly"
        " do: {servers}."
    ),
    "DS10_NSEC3PARAM_GIVES_ERR_ANSWER": (
        "The answer to the question for NSEC3PARAM holds other records only, on {servers}."
    ),
    "DS10_NSEC3PARAM_MISMATCHES_APEX": "An NSEC3PARAM record is not owned by the zone itself, on {servers}.",
    "DS10_NSEC3PARAM_QUERY_RESPONSE_ERR": "The question for NSEC3PARAM gets no usable answer from {servers}.",
    "DS10_NSEC3_ERR_TYPE_LIST": "The types in the NSEC3 record of the zone itself cannot be right, on {servers}.",
    "DS10_NSEC3_MISMATCHES_APEX": "The NSEC3 record does not belong to the zone itself, on {servers}.",
    "DS10_NSEC3_MISSING_SIGNATURE": "The NSEC3 record has no signature, on {servers}.",
    "DS10_NSEC3_NODATA_MISSING_SOA": "The SOA record is missing beside the NSEC3 record, on {servers}.",
    "DS10_NSEC3_NODATA_WRONG_SOA": "The SOA record beside the NSEC3 record is that of {domain}, on {servers}.",
    "DS10_NSEC3_NO_VERIFIED_SIGNATURE": "No signature over the NSEC3 record verifies, on {servers}.",
    "DS10_NSEC3_RRSIG_EXPIRED": "The signature with key tag {keytag} over the NSEC3 record has expired, on {servers}.",
    "DS10_NSEC3_RRSIG_NOT_YET_VALID": (
        "The signature with key tag {keytag} over the NSEC3 record begins to be valid in the future, on {servers}."
    ),
    "DS10_NSEC3_RRSIG_NO_DNSKEY": (
        "The signature with key tag {keytag} over the NSEC3 record was made by a key that the zone does not have, on {servers}."
    ),
    "DS10_NSEC3_RRSIG_VERIFY_ERROR": (
        "The signature with key tag {keytag} over the NSEC3 record does not verify, on {servers}."
    ),
    "DS10_NSEC_ERR_TYPE_LIST": "The types in the NSEC record of the zone itself cannot be right, on {servers}.",
    "DS10_NSEC_GIVES_ERR_ANSWER": "The answer to the question for NSEC holds other records only, on {servers}.",
    "DS10_NSEC_MISMATCHES_APEX": "The NSEC record does not belong to the zone itself, on {servers}.",
    "DS10_NSEC_MISSING_SIGNATURE": "The NSEC record has no signature, on {servers}.",
    "DS10_NSEC_NODATA_MISSING_SOA": "The SOA record is missing beside the NSEC record, on {servers}.",
    "DS10_NSEC_NODATA_WRONG_SOA": "The SOA record beside the NSEC record is that of {domain}, on {servers}.",
    "DS10_NSEC_NO_VERIFIED_SIGNATURE": "No signature over the NSEC record verifies, on {servers}.",
    "DS10_NSEC_QUERY_RESPONSE_ERR": "The question for NSEC gets no usable answer from {servers}.",
    "DS10_NSEC_RRSIG_EXPIRED": "The signature with key tag {keytag} over the NSEC record has expired, on {servers}.",
    "DS10_NSEC_RRSIG_NOT_YET_VALID": (
        "The signature with key tag {keytag} over the NSEC record begins to be valid in the future, on {servers}."
    ),
    "DS10_NSEC_RRSIG_NO_DNSKEY": (
        "The signature with key tag {keytag} over the NSEC record was made by a key that the zone does not have, on {servers}."
    ),
    "DS10_NSEC_RRSIG_VERIFY_ERROR": (
        "The signature with key tag {keytag} over the NSEC record does not verify, on {servers}."
    ),
    "DS10_SERVER_NO_DNSSEC": "These servers have no DNSKEY record, although others have: {servers}.",
    "DS10_ZONE_NO_DNSSEC": "No server has a DNSKEY record: {servers}.",
    # dnssec20
    "DS20_BITMAP_OK": "The list of types of the zone itself has every type that was found there, on {servers}.",
    "DS20_NO_BITMAP": "No list of types of the zone itself could be obtained from {servers}.",
    "DS20_NO_DNSSEC": "No server gives a usable DNSKEY record: {servers}.",
    "DS20_NSEC3_BITMAP_MISMATCHES_RRTYPE": (
        "The zone has {query_type} records, but its NSEC3 record says that it has none, on {servers}."
    ),
    "DS20_NSEC_BITMAP_MISMATCHES_RRTYPE": (
        "The zone has {query_type} records, but its NSEC record says that it has none, on {servers}."
    ),
    # dnssec22
    "DS22_NO_IN_DOMAIN_NS": "No name server has a name within the zone, so no address has to validate.",
    "DS22_NS_ADDRESS_CHAIN_BROKEN": (
        "The addresses of {ns} cannot be validated: the chain of trust breaks at {signer}, on {servers}."
    ),
    "DS22_NS_ADDRESS_INSECURE": "The name {ns} lies below a delegation without DNSSEC, on {servers}.",
    "DS22_NS_ADDRESS_ORPHAN_ZONE": (
        "The addresses of {ns} are signed in the name of {signer}, which is not a delegated zone, on {servers}."
    ),
    "DS22_NS_ADDRESS_REFERRED": (
        "The name {ns} lies in the signed zone {zone}, whose servers gave no result; referred to by {servers}."
    ),
    "DS22_NS_ADDRESS_RRSIG_EXPIRED": (
        "The signature with key tag {keytag} over the addresses of {ns} has expired, on {servers}."
    ),
    "DS22_NS_ADDRESS_RRSIG_NOT_VALID_BY_DNSKEY": (
        "The signature of {signer} with key tag {keytag} over the addresses of {ns} does not verify, on {servers}."
    ),
    "DS22_NS_ADDRESS_UNSIGNED": "The addresses of {ns} are not signed, on {servers}.",
    "DS22_NS_ADDRESS_VALIDATES": "The addresses of the name servers within the zone validate, on {servers}.",
    "DS22_ZONE_NOT_SECURE": "The zone has no keys or no DS record, so addresses of its name servers were not validated.",
    # dnssec23
    "DS23_DENIAL_PROOF_CONSISTENT": "The proof that a name does not exist is free of contradictions, on {servers}.",
    "DS23_MULTIPLE_NSEC3PARAM": "The zone has several NSEC3PARAM records, on {servers}.",
    "DS23_NO_DENIAL_PROOF": "A negative answer comes without any NSEC or NSEC3 record, on {servers}.",
    "DS23_NSEC3_CHAIN_NOT_PUBLISHED": (
        "The NSEC3 records use parameters that the zone's NSEC3PARAM records do not have, on {servers}."
    ),
    "DS23_NSEC3_DUPLICATE_NEXT": "The NSEC3 records {owner} and {covered} name the same next hash {next}, on {servers}.",
    "DS23_NSEC3_MIXED_PARAMETERS": "One answer holds NSEC3 records with different parameters, on {servers}.",
    "DS23_NSEC3_RANGES_OVERLAP": (
        "The NSEC3 record {owner} (next hash {next}) denies the existence of {covered}, which is in the same answer, on"
        " {servers}."
    ),
    "DS23_NSEC_RANGES_OVERLAP": (
        "The NSEC record {owner} (next name {next}) denies the existence of {covered}, which is in the same answer, on"
        " {servers}."
    ),
}

ADVICE = {
    "DS03_ERROR_RESPONSE_NSEC_QUERY": _REPAIR,
    "DS03_ERR_MULT_NSEC3": _REPAIR,
    "DS03_ILLEGAL_HASH_ALGO": f"No resolver can use these records. {_NSEC3}",
    "DS03_ILLEGAL_ITERATION_VALUE": _NSEC3,
    "DS03_ILLEGAL_SALT_LENGTH": _NSEC3,
    "DS03_INCONSISTENT_HASH_ALGO": _SAME,
    "DS03_INCONSISTENT_ITERATION": _SAME,
    "DS03_INCONSISTENT_NSEC3_FLAGS": _SAME,
    "DS03_INCONSISTENT_SALT_LENGTH": _SAME,
    "DS03_NO_DNSSEC_SUPPORT": _NO_KEYS,
    "DS03_NO_RESPONSE_NSEC_QUERY": _REPAIR,
    "DS03_NSEC3_OPT_OUT_ENABLED_NON_TLD": (
        "Opt-out saves signatures for delegations without DNSSEC, and leaves names between signed ones without protection."
        " Switch it off unless the zone delegates very many names."
    ),
    "DS03_SERVER_NO_DNSSEC_SUPPORT": _SAME,
    "DS03_SERVER_NO_NSEC3": _SAME,
    "DS03_UNASSIGNED_FLAG_USED": f"Resolvers ignore such records. {_REPAIR}",
    "DS10_ALGO_NOT_SUPPORTED_BY_ZM": (
        "The test makes no statement about this signature, and few resolvers can verify it either. Exchange the keys for ones"
        " with algorithm 13 or 8."
    ),
    "DS10_ERR_MULT_NSEC": _REPAIR,
    "DS10_ERR_MULT_NSEC3": _REPAIR,
    "DS10_ERR_MULT_NSEC3PARAM": (
        "While the NSEC3 parameters are changed this is normal (RFC 5155 section 7.3). If no change is under way, let the"
        " signer remove the old record."
    ),
    "DS10_EXPECTED_NSEC_NSEC3_MISSING": _REPAIR,
    "DS10_INCONSISTENT_NSEC": _REPAIR,
    "DS10_INCONSISTENT_NSEC3": _REPAIR,
    "DS10_INCONSISTENT_NSEC_NSEC3": _SAME,
    "DS10_MIXED_NSEC_NSEC3": _REPAIR,
    "DS10_NONSTANDARD_NSEC_RESPONSE": (
        "Nothing has to be done: services that sign on the fly answer so. It is told because other tests may stumble over it."
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
    "DS20_NSEC3_BITMAP_MISMATCHES_RRTYPE": (
        f"Resolvers that use cached proofs will say that these records do not exist. {_REPAIR}"
    ),
    "DS20_NSEC_BITMAP_MISMATCHES_RRTYPE": (
        f"Resolvers that use cached proofs will say that these records do not exist. {_REPAIR}"
    ),
    "DS22_NS_ADDRESS_CHAIN_BROKEN": f"The keys and the DS records of a zone below do not fit together. {_ADDRESSES}",
    "DS22_NS_ADDRESS_ORPHAN_ZONE": (
        f"The zone below exists on the server, but is not delegated. Add the delegation or remove the zone. {_ADDRESSES}"
    ),
    "DS22_NS_ADDRESS_RRSIG_EXPIRED": f"Check that the signer runs and that its clock is right. {_ADDRESSES}",
    "DS22_NS_ADDRESS_RRSIG_NOT_VALID_BY_DNSKEY": _ADDRESSES,
    "DS22_NS_ADDRESS_UNSIGNED": _ADDRESSES,
    "DS23_MULTIPLE_NSEC3PARAM": (
        "While the NSEC3 parameters are changed this is normal (RFC 5155 section 7.3). If no change is under way, let the"
        " signer remove the old record."
    ),
    "DS23_NO_DENIAL_PROOF": _REPAIR,
    "DS23_NSEC3_CHAIN_NOT_PUBLISHED": _REPAIR,
    "DS23_NSEC3_DUPLICATE_NEXT": f"Two versions of the zone are mixed in one answer. {_REPAIR}",
    "DS23_NSEC3_MIXED_PARAMETERS": f"Two versions of the zone are mixed in one answer. {_REPAIR}",
    "DS23_NSEC3_RANGES_OVERLAP": f"Two versions of the zone are mixed in one answer. {_REPAIR}",
    "DS23_NSEC_RANGES_OVERLAP": f"Two versions of the zone are mixed in one answer. {_REPAIR}",
}
