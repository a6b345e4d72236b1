"""Texts of the DNSSEC cases about keys and signatures: 04, 05, 06, 08, 09, 13 to 17 and 19."""

_RESIGN = (
    "Validating resolvers treat data with invalid signatures as bogus: their users cannot reach the domain. Re-sign the zone,"
    " and check that the new version reaches all name servers."
)
_CLOCK = f"Check that the signer is running and that its clock is correct. {_RESIGN}"
_ALGORITHM = "Replace the keys with keys of algorithm 13 (ECDSAP256SHA256) or 8 (RSASHA256)."
_UNCHECKED = "It is unknown whether this signature is valid, and few resolvers can verify it."
_EXPONENT = "Some resolvers reject such a key. Use keys with the exponent 65537."
_BAD_KEY = (
    "Attackers may be able to compute the private key and to forge responses for the zone. Replace the key and its DS record"
    " immediately, and update the software that generated the key."
)
_CDS = (
    "With CDS and CDNSKEY records a zone tells its parent zone which DS records to publish (RFC 7344). If the RRset is faulty,"
    " the parent zone ignores it, or publishes a DS record that breaks the chain of trust."
)
_SAME = (
    "All name servers must serve the same version of the zone. One of them probably has an old version: check the zone"
    " transfers."
)
_SIZE = "Use RSA keys of 2048 bits or slightly more; ECDSA keys (algorithm 13) are much shorter and sufficient."
_REPLAY = (
    "Old responses can be replayed as long as their signatures are valid. Configure the signer for a signature validity period"
    " of a few weeks (RFC 6781 section 4.4.2)."
)
_ALL_ALGORITHMS = (
    "Each algorithm in the DNSKEY RRset must sign every RRset of the zone (RFC 4035 section 2.2); strict resolvers treat the"
    f" zone as bogus otherwise. {_RESIGN}"
)
_LARGE_RESPONSE = "DNSKEY responses are large, and firewalls sometimes drop them. Check the name servers and their support of EDNS and TCP."
_SEP = "Use only key signing keys (flags 257) in them."
_ZONE_KEY = "Use only zone keys (flags 256 or 257) in them."
_NO_SUCH_KEY = "Remove the records for keys that the zone does not have."
_SIGN_TOO = "Sign them also with the keys that they contain."
_UNSIGNED_ZONE = "Remove them from a zone that is not signed."
_SIGN_KEYS = "The keys in them must sign the DNSKEY RRset before the DS records are changed."
_DELETE_ALONE = "A delete request must be the only record in the RRset (RFC 8078 section 4)."

TEXTS = {
    # dnssec04
    "DURATION_LONG": (
        "The signature with key tag {keytag} over the {types} RRset has a total validity period of {duration}, which"
        " is too long."
    ),
    "DURATION_OK": (
        "The signature with key tag {keytag} over the {types} RRset has a total validity period of {duration}, which"
        " is acceptable."
    ),
    "REMAINING_LONG": (
        "The signature with key tag {keytag} over the {types} RRset remains valid for {duration}, which is too long."
    ),
    "REMAINING_SHORT": (
        "The signature with key tag {keytag} over the {types} RRset remains valid for only {duration}."
    ),
    "RRSIG_EXPIRATION": "The signature with key tag {keytag} over the {types} RRset expires at {date}.",
    "RRSIG_EXPIRED": "The signature with key tag {keytag} over the {types} RRset expired at {expiration}.",
    # dnssec05
    "DS05_ALGO_DEPRECATED": (
        "The DNSKEY record with key tag {keytag} uses algorithm {algo_num} ({algo_mnemo}, {algo_descr}), which is deprecated."
        " Name servers: {servers}."
    ),
    "DS05_ALGO_MAY": (
        "The DNSKEY record with key tag {keytag} uses algorithm {algo_num} ({algo_mnemo}, {algo_descr}), which is permitted,"
        " but not one of the recommended algorithms. Name servers: {servers}."
    ),
    "DS05_ALGO_NOT_RECOMMENDED": (
        "The DNSKEY record with key tag {keytag} uses algorithm {algo_num} ({algo_mnemo}, {algo_descr}), which is not"
        " recommended. Name servers: {servers}."
    ),
    "DS05_ALGO_NOT_ZONE_SIGN": (
        "The DNSKEY record with key tag {keytag} uses algorithm {algo_num} ({algo_mnemo}, {algo_descr}), which is not for zone"
        " signing. Name servers: {servers}."
    ),
    "DS05_ALGO_OK": (
        "The DNSKEY record with key tag {keytag} uses algorithm {algo_num} ({algo_mnemo}, {algo_descr}), which is acceptable."
        " Name servers: {servers}."
    ),
    "DS05_ALGO_PRIVATE": (
        "The DNSKEY record with key tag {keytag} uses algorithm {algo_num} ({algo_mnemo}, {algo_descr}), which is for private"
        " use. Name servers: {servers}."
    ),
    "DS05_ALGO_RECOMMENDED": (
        "The DNSKEY record with key tag {keytag} uses algorithm {algo_num} ({algo_mnemo}, {algo_descr}), which is recommended."
        " Name servers: {servers}."
    ),
    "DS05_ALGO_RESERVED": (
        "The DNSKEY record with key tag {keytag} uses algorithm {algo_num} ({algo_mnemo}, {algo_descr}), which is reserved."
        " Name servers: {servers}."
    ),
    "DS05_ALGO_UNASSIGNED": (
        "The DNSKEY record with key tag {keytag} uses algorithm {algo_num} ({algo_mnemo}, {algo_descr}), which is unassigned."
        " Name servers: {servers}."
    ),
    "DS05_NO_RESPONSE": "No name server gave a usable response to a DNSKEY query: {servers}.",
    "DS05_SERVER_NO_DNSSEC": "These name servers returned no DNSKEY record, although others did: {servers}.",
    "DS05_ZONE_NO_DNSSEC": "The zone is not signed: none of these name servers returned a DNSKEY record: {servers}.",
    # dnssec06
    "EXTRA_PROCESSING_BROKEN": (
        "The name server at {address} responded to a DNSKEY query, but without keys or without signatures (DNSKEY records: {keys};"
        " RRSIG records: {sigs})."
    ),
    "EXTRA_PROCESSING_OK": (
        "The name server at {address} responded to a DNSKEY query with keys and signatures (DNSKEY records: {keys}; RRSIG"
        " records: {sigs})."
    ),
    # dnssec08
    "DS08_ALGO_NOT_SUPPORTED_BY_ZM": (
        "The signature with key tag {keytag} over the DNSKEY RRset was not verified: algorithm {algo_num} ({algo_mnemo}) is"
        " not supported. Name server addresses: {addresses}."
    ),
    "DS08_DNSKEY_RRSIG_EXPIRED": (
        "The signature with key tag {keytag} over the DNSKEY RRset has expired. Name server addresses: {addresses}."
    ),
    "DS08_DNSKEY_RRSIG_NOT_YET_VALID": (
        "The signature with key tag {keytag} over the DNSKEY RRset is not yet valid. Name server addresses: {addresses}."
    ),
    "DS08_DNSKEY_RRSIG_VALID": "All signatures over the DNSKEY RRset verify. Name server addresses: {addresses}.",
    "DS08_MISSING_RRSIG_IN_RESPONSE": "The DNSKEY RRset has no signature. Name server addresses: {addresses}.",
    "DS08_NO_MATCHING_DNSKEY": (
        "The zone has no DNSKEY record for the signature with key tag {keytag} over the DNSKEY RRset. Name server addresses:"
        " {addresses}."
    ),
    "DS08_RRSIG_NOT_VALID_BY_DNSKEY": (
        "The signature with key tag {keytag} over the DNSKEY RRset does not verify. Name server addresses: {addresses}."
    ),
    "DS08_RSA_EXPONENT_UNSUPPORTED": (
        "The signature with key tag {keytag} over the DNSKEY RRset was not verified: the RSA exponent of its key is too"
        " large. Name server addresses: {addresses}."
    ),
    # dnssec09
    "DS09_ALGO_NOT_SUPPORTED_BY_ZM": (
        "The signature with key tag {keytag} over the SOA RRset was not verified: algorithm {algo_num} ({algo_mnemo}) is not"
        " supported. Name server addresses: {addresses}."
    ),
    "DS09_MISSING_RRSIG_IN_RESPONSE": "The SOA RRset has no signature. Name server addresses: {addresses}.",
    "DS09_NO_MATCHING_DNSKEY": (
        "The zone has no DNSKEY record for the signature with key tag {keytag} over the SOA RRset. Name server addresses:"
        " {addresses}."
    ),
    "DS09_RRSIG_NOT_VALID_BY_DNSKEY": (
        "The signature with key tag {keytag} over the SOA RRset does not verify. Name server addresses: {addresses}."
    ),
    "DS09_RSA_EXPONENT_UNSUPPORTED": (
        "The signature with key tag {keytag} over the SOA RRset was not verified: the RSA exponent of its key is too large."
        " Name server addresses: {addresses}."
    ),
    "DS09_SOA_RRSIG_EXPIRED": (
        "The signature with key tag {keytag} over the SOA RRset has expired. Name server addresses: {addresses}."
    ),
    "DS09_SOA_RRSIG_NOT_YET_VALID": (
        "The signature with key tag {keytag} over the SOA RRset is not yet valid. Name server addresses: {addresses}."
    ),
    "DS09_SOA_RRSIG_VALID": "All signatures over the SOA RRset verify. Name server addresses: {addresses}.",
    # dnssec13
    "DS13_ALGO_NOT_SIGNED_DNSKEY": (
        "The DNSKEY RRset contains a key of algorithm {algo_num} ({algo_mnemo}), but the DNSKEY RRset has no signature of this"
        " algorithm. Name server addresses: {addresses}."
    ),
    "DS13_ALGO_NOT_SIGNED_NS": (
        "The DNSKEY RRset contains a key of algorithm {algo_num} ({algo_mnemo}), but the NS RRset has no signature of this"
        " algorithm. Name server addresses: {addresses}."
    ),
    "DS13_ALGO_NOT_SIGNED_SOA": (
        "The DNSKEY RRset contains a key of algorithm {algo_num} ({algo_mnemo}), but the SOA RRset has no signature of this"
        " algorithm. Name server addresses: {addresses}."
    ),
    "DS13_ALL_ALGOS_SIGNED": "Each algorithm in the DNSKEY RRset signs the DNSKEY, SOA and NS RRsets.",
    # dnssec14
    "DNSKEY_RSA_EXPONENT_LARGE": (
        "The RSA key with key tag {keytag} (algorithm {algo_num}, {algo_descr}) has a public exponent of {exponent_bits} bits,"
        " more than some resolvers support."
    ),
    "DNSKEY_SMALLER_THAN_REC": (
        "The RSA key with key tag {keytag} (algorithm {algo_num}, {algo_descr}) has {keysize} bits, less than the recommended"
        " {keysizerec} bits (minimum {keysizemin}, maximum {keysizemax})."
    ),
    "DNSKEY_TOO_LARGE_FOR_ALGO": (
        "The RSA key with key tag {keytag} (algorithm {algo_num}, {algo_descr}) has {keysize} bits, more than the maximum of"
        " {keysizemax} bits (minimum {keysizemin}, recommended {keysizerec})."
    ),
    "DNSKEY_TOO_SMALL_FOR_ALGO": (
        "The RSA key with key tag {keytag} (algorithm {algo_num}, {algo_descr}) has {keysize} bits, less than the minimum of"
        " {keysizemin} bits (maximum {keysizemax}, recommended {keysizerec})."
    ),
    "KEY_SIZE_OK": "The sizes of all keys are acceptable.",
    "NO_RESPONSE": "{ns}/{address} did not respond to a DNSKEY query.",
    "NO_RESPONSE_DNSKEY": "{ns}/{address} responded to a DNSKEY query, but without a DNSKEY record.",
    # dnssec15
    "DS15_CDS_NON_MUST_DIGEST": (
        "A CDS record uses a digest type that parent zones need not support (all support SHA-256). Name server addresses:"
        " {addresses}."
    ),
    "DS15_HAS_CDNSKEY_NO_CDS": (
        "The name servers at these addresses returned CDNSKEY records, but no CDS record: {addresses}."
    ),
    "DS15_HAS_CDS_AND_CDNSKEY": "The name servers at these addresses returned CDS and CDNSKEY records: {addresses}.",
    "DS15_HAS_CDS_NO_CDNSKEY": (
        "The name servers at these addresses returned CDS records, but no CDNSKEY record: {addresses}."
    ),
    "DS15_INCONSISTENT_CDNSKEY": "The name servers returned different CDNSKEY RRsets.",
    "DS15_INCONSISTENT_CDS": "The name servers returned different CDS RRsets.",
    "DS15_MISMATCH_CDS_CDNSKEY": "The CDS and CDNSKEY records are for different keys. Name server addresses: {addresses}.",
    "DS15_NO_CDS_CDNSKEY": "The zone has neither CDS nor CDNSKEY records.",
    # dnssec16
    "DS16_CDS_INVALID_RRSIG": (
        "The signature with key tag {keytag} over the CDS RRset is not valid. Name server addresses: {addresses}."
    ),
    "DS16_CDS_MATCHES_NON_SEP_DNSKEY": (
        "The CDS record with key tag {keytag} is for a key without the SEP flag. Name server addresses: {addresses}."
    ),
    "DS16_CDS_MATCHES_NON_ZONE_DNSKEY": (
        "The CDS record with key tag {keytag} is for a key without the Zone Key flag. Name server addresses: {addresses}."
    ),
    "DS16_CDS_MATCHES_NO_DNSKEY": (
        "The zone has no DNSKEY record for the CDS record with key tag {keytag}. Name server addresses: {addresses}."
    ),
    "DS16_CDS_NOT_SIGNED_BY_CDS": (
        "The CDS RRset is not signed by the key with key tag {keytag}, for which it contains a record. Name server addresses:"
        " {addresses}."
    ),
    "DS16_CDS_SIGNED_BY_UNKNOWN_DNSKEY": (
        "The zone has no DNSKEY record for the signature with key tag {keytag} over the CDS RRset. Name server addresses:"
        " {addresses}."
    ),
    "DS16_CDS_UNSIGNED": "The CDS RRset has no signature. Name server addresses: {addresses}.",
    "DS16_CDS_WITHOUT_DNSKEY": (
        "The name servers at these addresses returned CDS records, but no DNSKEY record: {addresses}."
    ),
    "DS16_DELETE_CDS": "The CDS record requests the deletion of the DS records. Name server addresses: {addresses}.",
    "DS16_DNSKEY_NOT_SIGNED_BY_CDS": (
        "The DNSKEY RRset is not signed by the key with key tag {keytag}, for which there is a CDS record. Name server"
        " addresses: {addresses}."
    ),
    "DS16_MIXED_DELETE_CDS": (
        "The CDS RRset contains a delete request together with other records. Name server addresses: {addresses}."
    ),
    # dnssec17
    "DS17_CDNSKEY_INVALID_RRSIG": (
        "The signature with key tag {keytag} over the CDNSKEY RRset is not valid. Name server addresses: {addresses}."
    ),
    "DS17_CDNSKEY_IS_NON_SEP": (
        "The CDNSKEY record with key tag {keytag} does not have the SEP flag. Name server addresses: {addresses}."
    ),
    "DS17_CDNSKEY_IS_NON_ZONE": (
        "The CDNSKEY record with key tag {keytag} does not have the Zone Key flag. Name server addresses: {addresses}."
    ),
    "DS17_CDNSKEY_MATCHES_NO_DNSKEY": (
        "The zone has no DNSKEY record for the CDNSKEY record with key tag {keytag}. Name server addresses: {addresses}."
    ),
    "DS17_CDNSKEY_NOT_SIGNED_BY_CDNSKEY": (
        "The CDNSKEY RRset is not signed by the key with key tag {keytag}, for which it contains a record. Name server"
        " addresses: {addresses}."
    ),
    "DS17_CDNSKEY_SIGNED_BY_UNKNOWN_DNSKEY": (
        "The zone has no DNSKEY record for the signature with key tag {keytag} over the CDNSKEY RRset. Name server addresses:"
        " {addresses}."
    ),
    "DS17_CDNSKEY_UNSIGNED": "The CDNSKEY RRset has no signature. Name server addresses: {addresses}.",
    "DS17_CDNSKEY_WITHOUT_DNSKEY": (
        "The name servers at these addresses returned CDNSKEY records, but no DNSKEY record: {addresses}."
    ),
    "DS17_DELETE_CDNSKEY": (
        "The CDNSKEY record requests the deletion of the DS records. Name server addresses: {addresses}."
    ),
    "DS17_DNSKEY_NOT_SIGNED_BY_CDNSKEY": (
        "The DNSKEY RRset is not signed by the key with key tag {keytag}, for which there is a CDNSKEY record. Name server"
        " addresses: {addresses}."
    ),
    "DS17_MIXED_DELETE_CDNSKEY": (
        "The CDNSKEY RRset contains a delete request together with other records. Name server addresses: {addresses}."
    ),
    # dnssec19
    "DS19_BADKEY_BLOCKLIST": (
        "The key with key tag {keytag} (algorithm {algo_num}, {algo_descr}) is on the list {blocklist_name} of compromised"
        " keys. Name servers: {servers}."
    ),
    "DS19_BADKEY_FERMAT": (
        "The key with key tag {keytag} (algorithm {algo_num}, {algo_descr}) is weak: its prime factors are too close to each"
        " other. Name servers: {servers}."
    ),
    "DS19_BADKEY_PATTERN": (
        "The key with key tag {keytag} (algorithm {algo_num}, {algo_descr}) is weak: its modulus repeats the same octet many"
        " times. Name servers: {servers}."
    ),
    "DS19_BADKEY_ROCA": (
        "The key with key tag {keytag} (algorithm {algo_num}, {algo_descr}) is weak: it has the ROCA vulnerability"
        " (CVE-2017-15361). Name servers: {servers}."
    ),
    "DS19_BADKEY_RSA_INVALID": (
        "The key with key tag {keytag} (algorithm {algo_num}, {algo_descr}) is not a valid RSA key (failed check: {subtest})."
        " Name servers: {servers}."
    ),
    "DS19_BADKEY_SMALL_D": (
        "The key with key tag {keytag} (algorithm {algo_num}, {algo_descr}) is weak: its private exponent is too small. Name"
        " servers: {servers}."
    ),
    "DS19_BADKEY_SMALL_FACTORS": (
        "The key with key tag {keytag} (algorithm {algo_num}, {algo_descr}) is weak: its modulus has a small prime factor."
        " Name servers: {servers}."
    ),
    "DS19_BLOCKLIST_NOT_FOUND": "The list of compromised keys was not found at the path in the profile, so only the other key checks were made.",
    "DS19_KEY_OK": (
        "The key with key tag {keytag} (algorithm {algo_num}, {algo_descr}) has no known weakness. Name servers: {servers}."
    ),
    "DS19_NO_DNSKEY": "No name server returned a DNSKEY record: {servers}.",
    "DS19_NO_RESPONSE": "No name server gave a usable response to a DNSKEY query: {servers}.",
}

ADVICE = {
    "DURATION_LONG": _REPLAY,
    "REMAINING_LONG": _REPLAY,
    "REMAINING_SHORT": (
        "When the signature expires, users of validating resolvers cannot reach the domain. Check that the signer is running,"
        " and configure it to renew signatures a few days before they expire."
    ),
    "RRSIG_EXPIRED": _CLOCK,
    "DS05_ALGO_DEPRECATED": f"Resolvers may treat the zone as unsigned or bogus. {_ALGORITHM}",
    "DS05_ALGO_MAY": "Resolvers that do not support the algorithm treat the zone as unsigned. If you chose it on purpose, no change is needed. The recommended algorithms are 8 (RSASHA256), 13 (ECDSAP256SHA256) and 15 (ED25519).",
    "DS05_ALGO_NOT_RECOMMENDED": f"Resolvers still support the algorithm, but it is being phased out. {_ALGORITHM}",
    "DS05_ALGO_NOT_ZONE_SIGN": f"Resolvers ignore signatures of this key. {_ALGORITHM}",
    "DS05_ALGO_PRIVATE": f"Resolvers on the Internet cannot verify signatures of this algorithm. {_ALGORITHM}",
    "DS05_ALGO_RESERVED": f"Resolvers cannot verify signatures of this algorithm. {_ALGORITHM}",
    "DS05_ALGO_UNASSIGNED": f"Resolvers cannot verify signatures of this algorithm. {_ALGORITHM}",
    "DS05_NO_RESPONSE": _LARGE_RESPONSE,
    "DS05_SERVER_NO_DNSSEC": f"Validating resolvers treat the responses of these name servers as bogus. {_SAME}",
    "DS05_ZONE_NO_DNSSEC": (
        "Without DNSSEC, responses for the zone can be forged. Most DNS software and providers can sign a zone automatically."
    ),
    "EXTRA_PROCESSING_BROKEN": (
        "A name server of a signed zone must return RRsets together with their signatures (RFC 4035 section 3.1.1). Check that"
        " it has the signed version of the zone and that DNSSEC is enabled on it, or update its software."
    ),
    "DS08_ALGO_NOT_SUPPORTED_BY_ZM": f"{_UNCHECKED} {_ALGORITHM}",
    "DS08_DNSKEY_RRSIG_EXPIRED": _CLOCK,
    "DS08_DNSKEY_RRSIG_NOT_YET_VALID": _CLOCK,
    "DS08_MISSING_RRSIG_IN_RESPONSE": _RESIGN,
    "DS08_NO_MATCHING_DNSKEY": f"The response mixes keys and signatures of different versions of the zone. {_RESIGN}",
    "DS08_RRSIG_NOT_VALID_BY_DNSKEY": _RESIGN,
    "DS08_RSA_EXPONENT_UNSUPPORTED": _EXPONENT,
    "DS09_ALGO_NOT_SUPPORTED_BY_ZM": f"{_UNCHECKED} {_ALGORITHM}",
    "DS09_MISSING_RRSIG_IN_RESPONSE": _RESIGN,
    "DS09_NO_MATCHING_DNSKEY": f"Keys and signatures are of different versions of the zone. {_RESIGN}",
    "DS09_RRSIG_NOT_VALID_BY_DNSKEY": f"The zone may have been changed after it was signed. {_RESIGN}",
    "DS09_RSA_EXPONENT_UNSUPPORTED": _EXPONENT,
    "DS09_SOA_RRSIG_EXPIRED": _CLOCK,
    "DS09_SOA_RRSIG_NOT_YET_VALID": _CLOCK,
    "DS13_ALGO_NOT_SIGNED_DNSKEY": _ALL_ALGORITHMS,
    "DS13_ALGO_NOT_SIGNED_NS": _ALL_ALGORITHMS,
    "DS13_ALGO_NOT_SIGNED_SOA": _ALL_ALGORITHMS,
    "DNSKEY_RSA_EXPONENT_LARGE": _EXPONENT,
    "DNSKEY_SMALLER_THAN_REC": f"Short keys can be broken sooner. {_SIZE}",
    "DNSKEY_TOO_LARGE_FOR_ALGO": f"Resolvers reject larger keys. {_SIZE}",
    "DNSKEY_TOO_SMALL_FOR_ALGO": f"Keys this short can be broken, and resolvers reject them. {_SIZE}",
    "NO_RESPONSE_DNSKEY": f"Validating resolvers treat the responses of this name server as bogus. {_SAME}",
    "DS15_CDS_NON_MUST_DIGEST": "Publish CDS records with digest type 2 (SHA-256); parent zones may ignore the others.",
    "DS15_HAS_CDNSKEY_NO_CDS": "Some parent zones use only CDS records. Publish both types.",
    "DS15_HAS_CDS_NO_CDNSKEY": "Some parent zones use only CDNSKEY records. Publish both types.",
    "DS15_INCONSISTENT_CDNSKEY": f"{_CDS} {_SAME}",
    "DS15_INCONSISTENT_CDS": f"{_CDS} {_SAME}",
    "DS15_MISMATCH_CDS_CDNSKEY": f"{_CDS} Configure the signer to make both RRsets from the same keys.",
    "DS16_CDS_INVALID_RRSIG": f"{_CDS} Re-sign the zone.",
    "DS16_CDS_MATCHES_NON_SEP_DNSKEY": f"{_CDS} {_SEP}",
    "DS16_CDS_MATCHES_NON_ZONE_DNSKEY": f"{_CDS} {_ZONE_KEY}",
    "DS16_CDS_MATCHES_NO_DNSKEY": f"{_CDS} {_NO_SUCH_KEY}",
    "DS16_CDS_NOT_SIGNED_BY_CDS": f"{_CDS} {_SIGN_TOO}",
    "DS16_CDS_SIGNED_BY_UNKNOWN_DNSKEY": f"{_CDS} Re-sign the zone.",
    "DS16_CDS_UNSIGNED": f"{_CDS} Sign the CDS RRset.",
    "DS16_CDS_WITHOUT_DNSKEY": f"{_CDS} {_UNSIGNED_ZONE}",
    "DS16_DNSKEY_NOT_SIGNED_BY_CDS": f"{_CDS} {_SIGN_KEYS}",
    "DS16_MIXED_DELETE_CDS": f"{_CDS} {_DELETE_ALONE}",
    "DS17_CDNSKEY_INVALID_RRSIG": f"{_CDS} Re-sign the zone.",
    "DS17_CDNSKEY_IS_NON_SEP": f"{_CDS} {_SEP}",
    "DS17_CDNSKEY_IS_NON_ZONE": f"{_CDS} {_ZONE_KEY}",
    "DS17_CDNSKEY_MATCHES_NO_DNSKEY": f"{_CDS} {_NO_SUCH_KEY}",
    "DS17_CDNSKEY_NOT_SIGNED_BY_CDNSKEY": f"{_CDS} {_SIGN_TOO}",
    "DS17_CDNSKEY_SIGNED_BY_UNKNOWN_DNSKEY": f"{_CDS} Re-sign the zone.",
    "DS17_CDNSKEY_UNSIGNED": f"{_CDS} Sign the CDNSKEY RRset.",
    "DS17_CDNSKEY_WITHOUT_DNSKEY": f"{_CDS} {_UNSIGNED_ZONE}",
    "DS17_DNSKEY_NOT_SIGNED_BY_CDNSKEY": f"{_CDS} {_SIGN_KEYS}",
    "DS17_MIXED_DELETE_CDNSKEY": f"{_CDS} {_DELETE_ALONE}",
    "DS19_BADKEY_BLOCKLIST": "The private key is publicly known, so anyone can forge responses for the zone. Replace the key and its DS record immediately, and update the software that generated the key.",
    "DS19_BADKEY_FERMAT": _BAD_KEY,
    "DS19_BADKEY_PATTERN": f"The key is damaged or was generated incorrectly. {_BAD_KEY}",
    "DS19_BADKEY_ROCA": _BAD_KEY,
    "DS19_BADKEY_RSA_INVALID": f"Such a key protects nothing, and resolvers reject it. {_BAD_KEY}",
    "DS19_BADKEY_SMALL_D": _BAD_KEY,
    "DS19_BADKEY_SMALL_FACTORS": _BAD_KEY,
    "DS19_BLOCKLIST_NOT_FOUND": (
        "This concerns the installation of gonemaster, not the zone. Correct badkeys.path in the profile, or fetch"
        " the list into that directory with gonemaster --badkeys-update, which requires the extra"
        " gonemaster[dnssec-badkeys]."
    ),
    "DS19_NO_RESPONSE": _LARGE_RESPONSE,
}
