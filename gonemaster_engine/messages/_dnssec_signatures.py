"""Texts of the DNSSEC cases about keys and signatures: 04, 05, 06, 08, 09, 13 to 17 and 19."""

_RESIGN = (
    "Validating resolvers refuse data whose signatures do not verify: the zone is down for their users. Sign the zone anew,"
    " and see that the new version reaches all servers."
)
_CLOCK = f"Check that the signer runs and that its clock is right. {_RESIGN}"
_ALGORITHM = "Exchange the keys for ones with algorithm 13 (ECDSA P-256) or 8 (RSA/SHA-256)."
_UNCHECKED = "The test makes no statement about this signature, and few resolvers can verify it either."
_EXPONENT = "Some resolvers refuse such keys as well. Use keys with the exponent 65537."
_BAD_KEY = (
    "Somebody who knows the weakness can compute the private key and forge answers of the zone. Replace the key without"
    " delay, the DS record with it, and update the software that made it."
)
_CDS = (
    "With CDS and CDNSKEY records a zone tells its parent which DS records to publish. The parent ignores sets with faults,"
    " or publishes a DS record that makes the zone fail."
)
_SAME = (
    "All servers must have the same records. One of them probably has an old version of the zone: check zone transfers."
)
_SIZE = "RSA keys of the zone should have 2048 bits or a little more; ECDSA keys (algorithm 13) do with much less."

TEXTS = {
    # dnssec04
    "DURATION_LONG": (
        "The signature over {types} with key tag {keytag} is valid for {duration} seconds in all, which is very long."
    ),
    "DURATION_OK": "The signature over {types} with key tag {keytag} is valid for {duration} seconds in all, which is fine.",
    "REMAINING_LONG": (
        "The signature over {types} with key tag {keytag} remains valid for {duration} seconds, which is very long."
    ),
    "REMAINING_SHORT": ("The signature over {types} with key tag {keytag} remains valid for only {duration} seconds."),
    "RRSIG_EXPIRATION": "The signature over {types} with key tag {keytag} expires at {date}.",
    "RRSIG_EXPIRED": (
        "The signature over {types} with key tag {keytag} has expired (at {expiration} seconds since 1970)."
    ),
    # dnssec05
    "DS05_ALGO_DEPRECATED": (
        "The key with tag {keytag} has algorithm {algo_num} ({algo_mnemo}, {algo_descr}), which is deprecated, on {servers}."
    ),
    "DS05_ALGO_NOT_RECOMMENDED": (
        "The key with tag {keytag} has algorithm {algo_num} ({algo_mnemo}, {algo_descr}), which is not recommended, on"
        " {servers}."
    ),
    "DS05_ALGO_NOT_ZONE_SIGN": (
        "The key with tag {keytag} has algorithm {algo_num} ({algo_mnemo}, {algo_descr}), which is not meant for signing zones,"
        " on {servers}."
    ),
    "DS05_ALGO_OK": (
        "The key with tag {keytag} has algorithm {algo_num} ({algo_mnemo}, {algo_descr}), which is fine, on {servers}."
    ),
    "DS05_ALGO_PRIVATE": (
        "The key with tag {keytag} has algorithm {algo_num} ({algo_mnemo}, {algo_descr}), which is for private use, on"
        " {servers}."
    ),
    "DS05_ALGO_RESERVED": (
        "The key with tag {keytag} has algorithm {algo_num} ({algo_mnemo}, {algo_descr}), which is reserved, on {servers}."
    ),
    "DS05_ALGO_UNASSIGNED": (
        "The key with tag {keytag} has algorithm {algo_num} ({algo_mnemo}, {algo_descr}), which has no meaning yet, on"
        " {servers}."
    ),
    "DS05_NO_RESPONSE": "No server gives a usable answer to the question for DNSKEY records: {servers}.",
    "DS05_SERVER_NO_DNSSEC": "These servers have no DNSKEY record, although others have: {servers}.",
    "DS05_ZONE_NO_DNSSEC": "No server has a DNSKEY record: {servers}.",
    # dnssec06
    "EXTRA_PROCESSING_BROKEN": (
        "The server at {address} answers the question for DNSKEY records with {keys} keys and {sigs} signatures; both are"
        " needed."
    ),
    "EXTRA_PROCESSING_OK": (
        "The server at {address} answers the question for DNSKEY records with {keys} keys and {sigs} signatures."
    ),
    # dnssec08
    "DS08_ALGO_NOT_SUPPORTED_BY_ZM": (
        "The signature with key tag {keytag} over the DNSKEY set uses algorithm {algo_num} ({algo_mnemo}), which cannot be"
        " verified here, on {addresses}."
    ),
    "DS08_DNSKEY_RRSIG_EXPIRED": "The signature with key tag {keytag} over the DNSKEY set has expired, on {addresses}.",
    "DS08_DNSKEY_RRSIG_NOT_YET_VALID": (
        "The signature with key tag {keytag} over the DNSKEY set begins to be valid in the future, on {addresses}."
    ),
    "DS08_DNSKEY_RRSIG_VALID": "All signatures over the DNSKEY set verify, on {addresses}.",
    "DS08_MISSING_RRSIG_IN_RESPONSE": "The DNSKEY set comes without any signature, on {addresses}.",
    "DS08_NO_MATCHING_DNSKEY": (
        "The signature with key tag {keytag} over the DNSKEY set was made by a key that is not in the set, on {addresses}."
    ),
    "DS08_RRSIG_NOT_VALID_BY_DNSKEY": (
        "The signature with key tag {keytag} over the DNSKEY set does not verify, on {addresses}."
    ),
    "DS08_RSA_EXPONENT_UNSUPPORTED": (
        "The signature with key tag {keytag} over the DNSKEY set was not checked, since the RSA exponent of its key is too"
        " large, on {addresses}."
    ),
    # dnssec09
    "DS09_ALGO_NOT_SUPPORTED_BY_ZM": (
        "The signature with key tag {keytag} over the SOA record uses algorithm {algo_num} ({algo_mnemo}), which cannot be"
        " verified here, on {addresses}."
    ),
    "DS09_MISSING_RRSIG_IN_RESPONSE": "The SOA record comes without any signature, on {addresses}.",
    "DS09_NO_MATCHING_DNSKEY": (
        "The signature with key tag {keytag} over the SOA record was made by a key that is not in the DNSKEY set, on"
        " {addresses}."
    ),
    "DS09_RRSIG_NOT_VALID_BY_DNSKEY": (
        "The signature with key tag {keytag} over the SOA record does not verify, on {addresses}."
    ),
    "DS09_RSA_EXPONENT_UNSUPPORTED": (
        "The signature with key tag {keytag} over the SOA record was not checked, since the RSA exponent of its key is too"
        " large, on {addresses}."
    ),
    "DS09_SOA_RRSIG_EXPIRED": "The signature with key tag {keytag} over the SOA record has expired, on {addresses}.",
    "DS09_SOA_RRSIG_NOT_YET_VALID": (
        "The signature with key tag {keytag} over the SOA record begins to be valid in the future, on {addresses}."
    ),
    "DS09_SOA_RRSIG_VALID": "All signatures over the SOA record verify, on {addresses}.",
    # dnssec13
    "DS13_ALGO_NOT_SIGNED_DNSKEY": (
        "There are keys with algorithm {algo_num} ({algo_mnemo}), but none of them signs the DNSKEY set, on {addresses}."
    ),
    "DS13_ALGO_NOT_SIGNED_NS": (
        "There are keys with algorithm {algo_num} ({algo_mnemo}), but none of them signs the NS set, on {addresses}."
    ),
    "DS13_ALGO_NOT_SIGNED_SOA": (
        "There are keys with algorithm {algo_num} ({algo_mnemo}), but none of them signs the SOA record, on {addresses}."
    ),
    "DS13_ALL_ALGOS_SIGNED": "Each algorithm among the keys signs the DNSKEY, SOA and NS sets.",
    # dnssec14
    "DNSKEY_RSA_EXPONENT_LARGE": (
        "The RSA key with tag {keytag} (algorithm {algo_num}, {algo_descr}) has an exponent of {exponent_bits} bits, more than"
        " some resolvers take."
    ),
    "DNSKEY_SMALLER_THAN_REC": (
        "The key with tag {keytag} (algorithm {algo_num}, {algo_descr}) has {keysize} bits; {keysizerec} are recommended, and"
        " {keysizemin} to {keysizemax} are allowed."
    ),
    "DNSKEY_TOO_LARGE_FOR_ALGO": (
        "The key with tag {keytag} (algorithm {algo_num}, {algo_descr}) has {keysize} bits, more than the {keysizemax} that are"
        " allowed (at least {keysizemin}, recommended {keysizerec})."
    ),
    "DNSKEY_TOO_SMALL_FOR_ALGO": (
        "The key with tag {keytag} (algorithm {algo_num}, {algo_descr}) has {keysize} bits, less than the {keysizemin} that are"
        " demanded (at most {keysizemax}, recommended {keysizerec})."
    ),
    "KEY_SIZE_OK": "The sizes of all keys are fine.",
    "NO_RESPONSE": "{ns}/{address} does not answer the question for DNSKEY records.",
    "NO_RESPONSE_DNSKEY": "The answer of {ns}/{address} to the question for DNSKEY records holds none.",
    # dnssec15
    "DS15_CDS_NON_MUST_DIGEST": (
        "A CDS record uses a digest type that parents need not support (all support SHA-256), on {addresses}."
    ),
    "DS15_HAS_CDNSKEY_NO_CDS": "There are CDNSKEY records, but no CDS record, on {addresses}.",
    "DS15_HAS_CDS_AND_CDNSKEY": "There are both CDS and CDNSKEY records, on {addresses}.",
    "DS15_HAS_CDS_NO_CDNSKEY": "There are CDS records, but no CDNSKEY record, on {addresses}.",
    "DS15_INCONSISTENT_CDNSKEY": "The name servers have different CDNSKEY sets.",
    "DS15_INCONSISTENT_CDS": "The name servers have different CDS sets.",
    "DS15_MISMATCH_CDS_CDNSKEY": "The CDS and the CDNSKEY records do not stand for the same keys, on {addresses}.",
    "DS15_NO_CDS_CDNSKEY": "There are neither CDS nor CDNSKEY records.",
    # dnssec16
    "DS16_CDS_INVALID_RRSIG": "The signature with key tag {keytag} over the CDS set does not verify, on {addresses}.",
    "DS16_CDS_MATCHES_NON_SEP_DNSKEY": (
        "The CDS record with key tag {keytag} stands for a key that is not marked as secure entry point, on {addresses}."
    ),
    "DS16_CDS_MATCHES_NON_ZONE_DNSKEY": (
        "The CDS record with key tag {keytag} stands for a key that is not marked as a zone key, on {addresses}."
    ),
    "DS16_CDS_MATCHES_NO_DNSKEY": "The CDS record with key tag {keytag} stands for no key of the zone, on {addresses}.",
    "DS16_CDS_NOT_SIGNED_BY_CDS": (
        "The CDS set is not signed by the key with tag {keytag} that a CDS record stands for, on {addresses}."
    ),
    "DS16_CDS_SIGNED_BY_UNKNOWN_DNSKEY": (
        "The CDS set is signed by a key with tag {keytag} that is not in the DNSKEY set, on {addresses}."
    ),
    "DS16_CDS_UNSIGNED": "The CDS set has no signature, on {addresses}.",
    "DS16_CDS_WITHOUT_DNSKEY": "There are CDS records, but no DNSKEY record, on {addresses}.",
    "DS16_DELETE_CDS": "The CDS record asks the parent to delete the DS records, on {addresses}.",
    "DS16_DNSKEY_NOT_SIGNED_BY_CDS": (
        "The DNSKEY set is not signed by the key with tag {keytag} that a CDS record stands for, on {addresses}."
    ),
    "DS16_MIXED_DELETE_CDS": "A CDS record that asks for deletion stands beside other CDS records, on {addresses}.",
    # dnssec17
    "DS17_CDNSKEY_INVALID_RRSIG": "The signature with key tag {keytag} over the CDNSKEY set does not verify, on {addresses}.",
    "DS17_CDNSKEY_IS_NON_SEP": (
        "The CDNSKEY record with key tag {keytag} is not marked as secure entry point, on {addresses}."
    ),
    "DS17_CDNSKEY_IS_NON_ZONE": "The CDNSKEY record with key tag {keytag} is not marked as a zone key, on {addresses}.",
    "DS17_CDNSKEY_MATCHES_NO_DNSKEY": (
        "The CDNSKEY record with key tag {keytag} equals no key of the zone, on {addresses}."
    ),
    "DS17_CDNSKEY_NOT_SIGNED_BY_CDNSKEY": (
        "The CDNSKEY set is not signed by the key with tag {keytag} that it names, on {addresses}."
    ),
    "DS17_CDNSKEY_SIGNED_BY_UNKNOWN_DNSKEY": (
        "The CDNSKEY set is signed by a key with tag {keytag} that is not in the DNSKEY set, on {addresses}."
    ),
    "DS17_CDNSKEY_UNSIGNED": "The CDNSKEY set has no signature, on {addresses}.",
    "DS17_CDNSKEY_WITHOUT_DNSKEY": "There are CDNSKEY records, but no DNSKEY record, on {addresses}.",
    "DS17_DELETE_CDNSKEY": "The CDNSKEY record asks the parent to delete the DS records, on {addresses}.",
    "DS17_DNSKEY_NOT_SIGNED_BY_CDNSKEY": (
        "The DNSKEY set is not signed by the key with tag {keytag} that a CDNSKEY record names, on {addresses}."
    ),
    "DS17_MIXED_DELETE_CDNSKEY": (
        "A CDNSKEY record that asks for deletion stands beside other CDNSKEY records, on {addresses}."
    ),
    # dnssec19
    "DS19_BADKEY_BLOCKLIST": (
        "The key with tag {keytag} (algorithm {algo_num}, {algo_descr}) is known to be compromised (list {blocklist_name}), on"
        " {servers}."
    ),
    "DS19_BADKEY_FERMAT": (
        "The key with tag {keytag} (algorithm {algo_num}, {algo_descr}) can be broken: its two primes lie too close to each"
        " other, on {servers}."
    ),
    "DS19_BADKEY_PATTERN": (
        "The key with tag {keytag} (algorithm {algo_num}, {algo_descr}) repeats one octet many times, so it is damaged or was"
        " made carelessly, on {servers}."
    ),
    "DS19_BADKEY_ROCA": (
        "The key with tag {keytag} (algorithm {algo_num}, {algo_descr}) was made by hardware with the ROCA weakness and can be"
        " broken, on {servers}."
    ),
    "DS19_BADKEY_RSA_INVALID": (
        "The key with tag {keytag} (algorithm {algo_num}, {algo_descr}) has impossible numbers (check {subtest}), on {servers}."
    ),
    "DS19_BADKEY_SMALL_D": (
        "The key with tag {keytag} (algorithm {algo_num}, {algo_descr}) can be broken: its private exponent is too short, on"
        " {servers}."
    ),
    "DS19_BADKEY_SMALL_FACTORS": (
        "The key with tag {keytag} (algorithm {algo_num}, {algo_descr}) can be broken: its modulus has a small factor, on"
        " {servers}."
    ),
    "DS19_BLOCKLIST_NOT_FOUND": (
        "The list of compromised keys was not found, so keys were not looked up in it; the other checks were made."
    ),
    "DS19_KEY_OK": "The key with tag {keytag} (algorithm {algo_num}, {algo_descr}) shows no weakness, on {servers}.",
    "DS19_NO_DNSKEY": "There is no key to examine on {servers}.",
    "DS19_NO_RESPONSE": "No server gives a usable answer to the question for DNSKEY records: {servers}.",
}

ADVICE = {
    "DURATION_LONG": (
        "Somebody who has recorded old answers can replay them for as long as their signatures live. Let the signer make"
        " signatures that live for some weeks."
    ),
    "REMAINING_LONG": (
        "Somebody who has recorded old answers can replay them for as long as their signatures live. Let the signer make"
        " signatures that live for some weeks."
    ),
    "REMAINING_SHORT": (
        "When the signature expires the zone stops working for users of validating resolvers. Check that the signer still"
        " runs, and let it renew signatures some days before they end."
    ),
    "RRSIG_EXPIRED": _CLOCK,
    "DS05_ALGO_DEPRECATED": f"Resolvers may treat the zone as unsigned, or refuse it. {_ALGORITHM}",
    "DS05_ALGO_NOT_RECOMMENDED": f"The algorithm still works, but is on its way out. {_ALGORITHM}",
    "DS05_ALGO_NOT_ZONE_SIGN": f"No signature by this key counts. {_ALGORITHM}",
    "DS05_ALGO_PRIVATE": f"Nobody outside of a private network can verify such signatures. {_ALGORITHM}",
    "DS05_ALGO_RESERVED": f"No resolver can verify such signatures. {_ALGORITHM}",
    "DS05_ALGO_UNASSIGNED": f"No resolver can verify such signatures. {_ALGORITHM}",
    "DS05_NO_RESPONSE": (
        "Keys make large answers, which firewalls sometimes drop. Look at the servers and whether they handle EDNS and TCP."
    ),
    "DS05_SERVER_NO_DNSSEC": f"Validating resolvers refuse answers of these servers. {_SAME}",
    "DS05_ZONE_NO_DNSSEC": (
        "Without DNSSEC, answers from the zone can be forged on their way to users. Most DNS software and providers can sign"
        " a zone at the push of a button."
    ),
    "EXTRA_PROCESSING_BROKEN": (
        "A server of a signed zone must send keys and signatures together when it is asked for DNSSEC data. Update its"
        " software or switch DNSSEC on, and check that it has the signed version of the zone."
    ),
    "DS08_ALGO_NOT_SUPPORTED_BY_ZM": f"{_UNCHECKED} {_ALGORITHM}",
    "DS08_DNSKEY_RRSIG_EXPIRED": _CLOCK,
    "DS08_DNSKEY_RRSIG_NOT_YET_VALID": _CLOCK,
    "DS08_MISSING_RRSIG_IN_RESPONSE": _RESIGN,
    "DS08_NO_MATCHING_DNSKEY": f"Keys and signatures of different versions of the zone are mixed. {_RESIGN}",
    "DS08_RRSIG_NOT_VALID_BY_DNSKEY": _RESIGN,
    "DS08_RSA_EXPONENT_UNSUPPORTED": _EXPONENT,
    "DS09_ALGO_NOT_SUPPORTED_BY_ZM": f"{_UNCHECKED} {_ALGORITHM}",
    "DS09_MISSING_RRSIG_IN_RESPONSE": _RESIGN,
    "DS09_NO_MATCHING_DNSKEY": f"Keys and signatures of different versions of the zone are mixed. {_RESIGN}",
    "DS09_RRSIG_NOT_VALID_BY_DNSKEY": f"The zone was perhaps changed after it was signed. {_RESIGN}",
    "DS09_RSA_EXPONENT_UNSUPPORTED": _EXPONENT,
    "DS09_SOA_RRSIG_EXPIRED": _CLOCK,
    "DS09_SOA_RRSIG_NOT_YET_VALID": _CLOCK,
    "DS13_ALGO_NOT_SIGNED_DNSKEY": (
        f"Each algorithm among the keys has to sign everything, or strict resolvers refuse the zone. {_RESIGN}"
    ),
    "DS13_ALGO_NOT_SIGNED_NS": (
        f"Each algorithm among the keys has to sign everything, or strict resolvers refuse the zone. {_RESIGN}"
    ),
    "DS13_ALGO_NOT_SIGNED_SOA": (
        f"Each algorithm among the keys has to sign everything, or strict resolvers refuse the zone. {_RESIGN}"
    ),
    "DNSKEY_RSA_EXPONENT_LARGE": _EXPONENT,
    "DNSKEY_SMALLER_THAN_REC": f"Short keys can be broken sooner. {_SIZE}",
    "DNSKEY_TOO_LARGE_FOR_ALGO": f"Resolvers refuse keys that large. {_SIZE}",
    "DNSKEY_TOO_SMALL_FOR_ALGO": f"Keys this short can be broken, and resolvers refuse them. {_SIZE}",
    "NO_RESPONSE_DNSKEY": f"Validating resolvers refuse answers of this server. {_SAME}",
    "DS15_CDS_NON_MUST_DIGEST": "Publish CDS records with digest type 2 (SHA-256); parents may ignore the others.",
    "DS15_HAS_CDNSKEY_NO_CDS": "Some parents read only CDS records. Publish both types.",
    "DS15_HAS_CDS_NO_CDNSKEY": "Some parents read only CDNSKEY records. Publish both types.",
    "DS15_INCONSISTENT_CDNSKEY": f"{_CDS} {_SAME}",
    "DS15_INCONSISTENT_CDS": f"{_CDS} {_SAME}",
    "DS15_MISMATCH_CDS_CDNSKEY": f"{_CDS} Let the signer make both sets from the same keys.",
    "DS16_CDS_INVALID_RRSIG": f"{_CDS} Sign the zone anew.",
    "DS16_CDS_MATCHES_NON_SEP_DNSKEY": f"{_CDS} Name key signing keys (flags 257) in them.",
    "DS16_CDS_MATCHES_NON_ZONE_DNSKEY": f"{_CDS} Name only zone keys (flags 256 or 257) in them.",
    "DS16_CDS_MATCHES_NO_DNSKEY": f"{_CDS} Remove records for keys that the zone does not have.",
    "DS16_CDS_NOT_SIGNED_BY_CDS": f"{_CDS} Let the keys named in them sign them too.",
    "DS16_CDS_SIGNED_BY_UNKNOWN_DNSKEY": f"{_CDS} Sign the zone anew.",
    "DS16_CDS_UNSIGNED": f"{_CDS} Sign the CDS set.",
    "DS16_CDS_WITHOUT_DNSKEY": f"{_CDS} Remove them from a zone that is not signed.",
    "DS16_DNSKEY_NOT_SIGNED_BY_CDS": f"{_CDS} The key named in them must sign the DNSKEY set before the DS is changed.",
    "DS16_MIXED_DELETE_CDS": f"{_CDS} A request to delete must stand alone.",
    "DS17_CDNSKEY_INVALID_RRSIG": f"{_CDS} Sign the zone anew.",
    "DS17_CDNSKEY_IS_NON_SEP": f"{_CDS} Name key signing keys (flags 257) in them.",
    "DS17_CDNSKEY_IS_NON_ZONE": f"{_CDS} Name only zone keys (flags 256 or 257) in them.",
    "DS17_CDNSKEY_MATCHES_NO_DNSKEY": f"{_CDS} Remove records for keys that the zone does not have.",
    "DS17_CDNSKEY_NOT_SIGNED_BY_CDNSKEY": f"{_CDS} Let the keys named in them sign them too.",
    "DS17_CDNSKEY_SIGNED_BY_UNKNOWN_DNSKEY": f"{_CDS} Sign the zone anew.",
    "DS17_CDNSKEY_UNSIGNED": f"{_CDS} Sign the CDNSKEY set.",
    "DS17_CDNSKEY_WITHOUT_DNSKEY": f"{_CDS} Remove them from a zone that is not signed.",
    "DS17_DNSKEY_NOT_SIGNED_BY_CDNSKEY": f"{_CDS} The key named in them must sign the DNSKEY set before the DS is changed.",
    "DS17_MIXED_DELETE_CDNSKEY": f"{_CDS} A request to delete must stand alone.",
    "DS19_BADKEY_BLOCKLIST": f"The private key is known to others. {_BAD_KEY}",
    "DS19_BADKEY_FERMAT": _BAD_KEY,
    "DS19_BADKEY_PATTERN": _BAD_KEY,
    "DS19_BADKEY_ROCA": _BAD_KEY,
    "DS19_BADKEY_RSA_INVALID": f"Such a key protects nothing, and resolvers refuse it. {_BAD_KEY}",
    "DS19_BADKEY_SMALL_D": _BAD_KEY,
    "DS19_BADKEY_SMALL_FACTORS": _BAD_KEY,
    "DS19_BLOCKLIST_NOT_FOUND": (
        "This concerns the tester, not the zone: install the extra gonemaster[dnssec-badkeys] and run gonemaster"
        " --badkeys-update."
    ),
    "DS19_NO_RESPONSE": (
        "Keys make large answers, which firewalls sometimes drop. Look at the servers and whether they handle EDNS and TCP."
    ),
}
