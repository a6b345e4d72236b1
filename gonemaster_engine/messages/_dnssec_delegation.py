"""Texts of the DNSSEC cases about the delegation: 01, 02, 07, 11, 18, 21 and 24."""

_DS = (
    "The DS record in the parent zone is the link by which resolvers trust the zone's keys. It is made from a key of the"
    " zone and handed to the parent through the registrar."
)
_NEW_DS = f"{_DS} Hand in new DS data made with digest type 2 (SHA-256) from the key signing key in use."
_FIX_DS = (
    f"{_DS} As things are, validating resolvers may refuse all answers from the zone. Compare the DS data at the registrar"
    " with the keys in the zone, and correct one or the other."
)
_SERVERS_DIFFER = (
    "Some servers give another answer than the others, so what users get depends on chance. Usually one of them did not"
    " receive the latest version of the zone: check zone transfers."
)
_UNSIGNED = (
    "Without DNSSEC, answers from the zone can be forged on their way to users. Most DNS software and providers can sign"
    " a zone at the push of a button; afterwards the DS record goes to the parent."
)
_PARENT = "Only the operator of the parent zone (the registry) can mend this. Report it there if it lasts longer than some hours."
_NO_ANSWER = (
    "The check needs an authoritative answer with DNSSEC data. Look at the server, at firewalls in front of it, and whether"
    " it handles EDNS."
)
_KEY_ALGORITHM = (
    "The algorithm of a key decides who can verify its signatures. Sign with algorithm 13 (ECDSA P-256) or 8 (RSA/SHA-256),"
    " and replace the DS record when the new key is in place."
)
_ROLLOVER = (
    "During the exchange of a key signing key this is normal for some days. If no exchange is under way, remove the key or"
    " DS record that is no longer needed."
)
_CDS = (
    "With CDS and CDNSKEY records a zone tells its parent which DS records to publish. The parent believes only what a key"
    " it trusts already has signed."
)
_SIGNAL = (
    "By a signal below the names of its servers (RFC 9615), the operator of a zone proves to the parent that the keys are"
    " genuine, so that the first DS record can be set automatically."
)

TEXTS = {
    # dnssec01
    "DS01_DS_ALGO_2_MISSING": "The DS set has no record with digest type 2 (SHA-256) for key tag {keytag} on {servers}.",
    "DS01_DS_ALGO_DEPRECATED": (
        "The DS record with key tag {keytag} uses digest type {ds_algo_num} ({ds_algo_descr}), which is deprecated, on"
        " {servers}."
    ),
    "DS01_DS_ALGO_NOT_DS": (
        "The DS record with key tag {keytag} uses digest type {ds_algo_num} ({ds_algo_descr}), which must not be used in a DS"
        " record, on {servers}."
    ),
    "DS01_DS_ALGO_OK": (
        "The DS record with key tag {keytag} uses digest type {ds_algo_num} ({ds_algo_descr}), which is fine, on {servers}."
    ),
    "DS01_DS_ALGO_PRIVATE": (
        "The DS record with key tag {keytag} uses digest type {ds_algo_num} ({ds_algo_descr}), which is for private use, on"
        " {servers}."
    ),
    "DS01_DS_ALGO_RESERVED": (
        "The DS record with key tag {keytag} uses digest type {ds_algo_num} ({ds_algo_descr}), which is reserved, on {servers}."
    ),
    "DS01_DS_ALGO_UNASSIGNED": (
        "The DS record with key tag {keytag} uses digest type {ds_algo_num} ({ds_algo_descr}), which has no meaning yet, on"
        " {servers}."
    ),
    "DS01_KEY_ALGO_DEPRECATED": (
        "The DS record with key tag {keytag} names key algorithm {ds_key_algo_num} ({ds_key_algo_descr}), which is deprecated,"
        " on {servers}."
    ),
    "DS01_KEY_ALGO_NOT_RECOMMENDED": (
        "The DS record with key tag {keytag} names key algorithm {ds_key_algo_num} ({ds_key_algo_descr}), which is not"
        " recommended, on {servers}."
    ),
    "DS01_KEY_ALGO_NOT_ZONE_SIGN": (
        "The DS record with key tag {keytag} names key algorithm {ds_key_algo_num} ({ds_key_algo_descr}), which is not meant"
        " for signing zones, on {servers}."
    ),
    "DS01_KEY_ALGO_OK": (
        "The DS record with key tag {keytag} names key algorithm {ds_key_algo_num} ({ds_key_algo_descr}), which is fine, on"
        " {servers}."
    ),
    "DS01_KEY_ALGO_PRIVATE": (
        "The DS record with key tag {keytag} names key algorithm {ds_key_algo_num} ({ds_key_algo_descr}), which is for private"
        " use, on {servers}."
    ),
    "DS01_KEY_ALGO_RESERVED": (
        "The DS record with key tag {keytag} names key algorithm {ds_key_algo_num} ({ds_key_algo_descr}), which is reserved,"
        " on {servers}."
    ),
    "DS01_KEY_ALGO_UNASSIGNED": (
        "The DS record with key tag {keytag} names key algorithm {ds_key_algo_num} ({ds_key_algo_descr}), which has no meaning"
        " yet, on {servers}."
    ),
    "DS01_NO_RESPONSE": "No server of the parent zone gives a usable answer to the question for DS records: {servers}.",
    "DS01_PARENT_SERVER_NO_DS": "These servers of the parent zone have no DS record, although others have: {servers}.",
    "DS01_PARENT_ZONE_NO_DS": "The parent zone has no DS record for the zone, on {servers}.",
    "DS01_ROOT_N_NO_UNDEL_DS": "The root zone has no parent, and no DS data were supplied for it.",
    "DS01_UNDEL_N_NO_UNDEL_DS": "The delegation was supplied for this test, but no DS data were.",
    # dnssec02
    "DS02_ALGO_NOT_SUPPORTED_BY_ZM": (
        "The signature over the DNSKEY set with key tag {keytag} uses algorithm {algo_num} ({algo_mnemo}), which cannot be"
        " verified here, on {addresses}."
    ),
    "DS02_DNSKEY_NOT_FOR_ZONE_SIGNING": (
        "The key with tag {keytag}, which a DS record stands for, is not marked as a zone key, on {addresses}."
    ),
    "DS02_DNSKEY_NOT_SEP": (
        "The key with tag {keytag}, which a DS record stands for, is not marked as secure entry point, on {addresses}."
    ),
    "DS02_DNSKEY_NOT_SIGNED_BY_ANY_DS": (
        "No key that a DS record stands for has made a valid signature over the DNSKEY set, on {addresses}."
    ),
    "DS02_DS_ALGO_DNSKEY_MISMATCH": (
        "The DS record with key tag {keytag} names algorithm {ds_key_algo_num} ({ds_key_algo_mnemo}), but the key with that"
        " tag has algorithm {algo_num} ({algo_mnemo}), on {addresses}."
    ),
    "DS02_MATCH_DS_DNSKEY": (
        "The key with tag {keytag} matches its DS record and signs the DNSKEY set, on {addresses}."
    ),
    "DS02_NO_DNSKEY_FOR_DS": "No key has the tag {keytag} of a DS record in the parent zone, on {addresses}.",
    "DS02_NO_MATCHING_DNSKEY_RRSIG": (
        "The key with tag {keytag}, which a DS record stands for, has made no valid signature over the DNSKEY set, on"
        " {addresses}."
    ),
    "DS02_NO_MATCH_DS_DNSKEY": (
        "The digest in the DS record with key tag {keytag} is not that of the key with this tag, on {addresses}."
    ),
    "DS02_NO_VALID_DNSKEY_FOR_ANY_DS": "No key matches any DS record in the parent zone, on {addresses}.",
    "DS02_RRSIG_NOT_VALID_BY_DNSKEY": (
        "The signature with key tag {keytag} over the DNSKEY set does not verify by the key that the DS record stands for, on"
        " {addresses}."
    ),
    "DS02_RSA_EXPONENT_UNSUPPORTED": (
        "The signature with key tag {keytag} over the DNSKEY set was not checked, since the RSA exponent of its key is too"
        " large, on {addresses}."
    ),
    # dnssec07
    "DS07_DS_FOR_SIGNED_ZONE": "The zone is signed, and its parent has a DS record for it.",
    "DS07_DS_ON_PARENT_SERVER": "These servers of the parent zone have a DS record for the zone: {servers}.",
    "DS07_INCONSISTENT_DS": "Some servers of the parent zone have a DS record for the zone, others have none.",
    "DS07_INCONSISTENT_SIGNED": "On some name servers the zone is signed, on others it is not.",
    "DS07_NON_AUTH_RESPONSE_DNSKEY": "These servers answer the question for DNSKEY records without authority: {servers}.",
    "DS07_NOT_SIGNED": "The zone is not signed with DNSSEC.",
    "DS07_NOT_SIGNED_ON_SERVER": "The zone is not signed on these servers: {servers}.",
    "DS07_NO_DS_ON_PARENT_SERVER": "These servers of the parent zone have no DS record for the zone: {servers}.",
    "DS07_NO_DS_FOR_SIGNED_ZONE": "The zone is signed, but its parent has no DS record for it.",
    "DS07_NO_RESPONSE_DNSKEY": "These servers do not answer the question for DNSKEY records: {servers}.",
    "DS07_PARENT_PROVES_NO_DELEGATION": (
        "The parent zone {parent} proves by signed records that the zone is not delegated, on {servers}."
    ),
    "DS07_SIGNED": "The zone is signed with DNSSEC.",
    "DS07_SIGNED_ON_SERVER": "The zone is signed on these servers: {servers}.",
    "DS07_UNEXP_RCODE_RESP_DNSKEY": (
        "These servers answer the question for DNSKEY records with the response code {rcode}: {servers}."
    ),
    # dnssec11
    "DS11_CONSISTENT_SIGNED": "The parent zone has a DS record, and the zone is signed on all its name servers.",
    "DS11_DS_BUT_UNSIGNED_ZONE": "The parent zone has a DS record, but the zone is not signed on any name server.",
    "DS11_INCONSISTENT_DS": "Some servers of the parent zone have a DS record for the zone, others have none.",
    "DS11_INCONSISTENT_SIGNED_ZONE": (
        "The parent zone has a DS record, but the zone is signed only on some of its name servers."
    ),
    "DS11_NO_PARENT_DS": "The parent zone has no DS record for the zone.",
    "DS11_NS_WITH_SIGNED_ZONE": "The zone is signed on the servers at {addresses}.",
    "DS11_NS_WITH_UNSIGNED_ZONE": "The zone is not signed on the servers at {addresses}.",
    "DS11_PARENT_WITHOUT_DS": "The parent's servers at {addresses} have no DS record for the zone.",
    "DS11_PARENT_WITH_DS": "The parent's servers at {addresses} have a DS record for the zone.",
    "DS11_UNDETERMINED_DS": "Whether the parent zone has a DS record could not be found out: none of its servers says so.",
    "DS11_UNDETERMINED_SIGNED_ZONE": (
        "The parent zone has a DS record, but whether the zone is signed could not be found out: none of its servers says so."
    ),
    # dnssec18
    "DS18_CDS_MATCHES_DS": "The CDS records (key tags {cds_keytags}) ask for the DS records that exist (key tags {ds_keytags}).",
    "DS18_CDS_ROLLOVER_SIGNALED": (
        "The CDS records (key tags {cds_keytags}) ask the parent for other DS records than it has (key tags {ds_keytags})."
    ),
    "DS18_CDNSKEY_MATCHES_DS": (
        "The CDNSKEY records (key tags {cdnskey_keytags}) ask for the DS records that exist (key tags {ds_keytags})."
    ),
    "DS18_CDNSKEY_ROLLOVER_SIGNALED": (
        "The CDNSKEY records (key tags {cdnskey_keytags}) ask the parent for other DS records than it has (key tags"
        " {ds_keytags})."
    ),
    "DS18_MATCH_CDNSKEY_RRSIG_DS": "The CDNSKEY set is signed by a key that a DS record stands for, on {addresses}.",
    "DS18_MATCH_CDS_RRSIG_DS": "The CDS set is signed by a key that a DS record stands for, on {addresses}.",
    "DS18_NO_MATCH_CDNSKEY_RRSIG_DS": "No key that a DS record stands for has signed the CDNSKEY set, on {addresses}.",
    "DS18_NO_MATCH_CDS_RRSIG_DS": "No key that a DS record stands for has signed the CDS set, on {addresses}.",
    "DS18_NO_CDS_CDNSKEY_BUT_ROLLOVER_EVIDENCE": (
        "The keys look as if a key signing key is being exchanged, but there are neither CDS nor CDNSKEY records."
    ),
    "DS18_ROLLOVER_EVIDENCE_DOUBLE_SIG": "Several secure entry points sign the DNSKEY set: key tags {keytags}.",
    "DS18_ROLLOVER_EVIDENCE_DNSKEY_WITHOUT_DS": "These secure entry points have no DS record: key tags {keytags}.",
    "DS18_ROLLOVER_EVIDENCE_DS_WITHOUT_DNSKEY": "These DS records have no key in the zone: key tags {keytags}.",
    "DS18_ROLLOVER_EVIDENCE_MULTI_KSK": "The zone has several secure entry points: key tags {keytags}.",
    # dnssec21
    "DS21_ALGO_NOT_SUPPORTED": (
        "The parent's signature with key tag {keytag} over the DS set uses algorithm {algo_num} ({algo_mnemo}), which cannot"
        " be verified here, on {addresses}."
    ),
    "DS21_DS_RRSIG_EXPIRED": "The parent's signature with key tag {keytag} over the DS set has expired, on {addresses}.",
    "DS21_DS_RRSIG_NOT_VALID_BY_DNSKEY": (
        "The parent's signature with key tag {keytag} over the DS set does not verify, on {addresses}."
    ),
    "DS21_DS_RRSIG_NOT_VERIFIABLE": "No signature of the parent over the DS set verifies, on {addresses}.",
    "DS21_DS_RRSIG_NOT_YET_VALID": (
        "The parent's signature with key tag {keytag} over the DS set begins to be valid in the future, on {addresses}."
    ),
    "DS21_DS_RRSIG_VERIFIED": "The parent's signature with key tag {keytag} over the DS set verifies, on {addresses}.",
    "DS21_NO_DNSKEY_FOR_DS_RRSIG": (
        "The parent's signature over the DS set was made by a key with tag {keytag} that the parent does not publish, on"
        " {addresses}."
    ),
    "DS21_NO_DS_RRSIG": "The parent's servers give the DS set without a signature, on {addresses}.",
    "DS21_NO_PARENT_ZONE": "The zone {zone} has no parent zone, so there is no DS set to look at.",
    "DS21_PARENT_DNSKEY_MISSING": "The parent zone {parent_zone} gives no keys of its own, on {addresses}.",
    # dnssec24
    "DS24_APEX_UNAVAILABLE": "These servers give no usable answer to the questions for CDS and CDNSKEY records: {servers}.",
    "DS24_BOOTSTRAP_READY": "All bootstrapping signals are valid: the parent may publish the DS records asked for.",
    "DS24_DELEGATION_SECURE": "There is a DS record already, so nothing has to be bootstrapped, on {servers}.",
    "DS24_DELETE_REQUESTED": "The CDS and CDNSKEY records only ask that the DS records be deleted.",
    "DS24_NO_CDS_CDNSKEY": "There are neither CDS nor CDNSKEY records from which a DS record could be bootstrapped.",
    "DS24_NO_SIGNAL": "No bootstrapping signal exists below the names of these servers: {servers}.",
    "DS24_ONLY_IN_DOMAIN_NS": (
        "All name servers have names within the zone, so bootstrapping signals are not possible: {servers}."
    ),
    "DS24_SIGNAL_AT_ZONE_CUT": "A zone of its own begins at {query_name}, the name of the signal of {ns}.",
    "DS24_SIGNAL_CHAIN_BROKEN": "The chain of trust to the signal of {ns} breaks at the zone {zone}.",
    "DS24_SIGNAL_MISMATCH": (
        "The {query_type} records of the signal at {query_name} (name server {ns}) are not those of the zone itself."
    ),
    "DS24_SIGNAL_MISSING": "There is no signal at {query_name} for name server {ns}, although other servers have one.",
    "DS24_SIGNAL_NAME_TOO_LONG": "The name of the signal of {ns} would be too long: {query_name}.",
    "DS24_SIGNAL_UNSIGNED": (
        "The {query_type} records of the signal at {query_name} (name server {ns}) have no valid signature by the zone {zone}."
    ),
    "DS24_SIGNAL_VALIDATED": (
        "The signal at {query_name} (name server {ns}) is signed by the zone {zone} and agrees with the zone itself."
    ),
    "DS24_SIGNAL_ZONE_INSECURE": "The signal of {ns} lies in or below the zone {zone}, which has no DS record.",
    "DS24_SIGNAL_ZONE_UNREACHABLE": (
        "The signal of {ns} could not be looked up: no usable answer about the zone {zone} from {servers}."
    ),
}

_NS_SIGNAL_ADVICE = f"{_SIGNAL} The operator of the name server publishes the signals; ask there."

ADVICE = {
    "DS01_DS_ALGO_2_MISSING": f"Digest type 2 is the one that all validating resolvers understand. {_NEW_DS}",
    "DS01_DS_ALGO_DEPRECATED": f"The digest type is considered too weak, and resolvers may ignore the record. {_NEW_DS}",
    "DS01_DS_ALGO_NOT_DS": f"Resolvers cannot use the record. {_NEW_DS}",
    "DS01_DS_ALGO_PRIVATE": f"Nobody outside of a private network understands the record. {_NEW_DS}",
    "DS01_DS_ALGO_RESERVED": f"Resolvers cannot use the record. {_NEW_DS}",
    "DS01_DS_ALGO_UNASSIGNED": f"Resolvers cannot use the record. {_NEW_DS}",
    "DS01_KEY_ALGO_DEPRECATED": f"Resolvers may treat a zone with a deprecated algorithm as unsigned. {_KEY_ALGORITHM}",
    "DS01_KEY_ALGO_NOT_RECOMMENDED": f"The algorithm still works, but is on its way out. {_KEY_ALGORITHM}",
    "DS01_KEY_ALGO_NOT_ZONE_SIGN": f"No key of a zone can have this algorithm. {_KEY_ALGORITHM}",
    "DS01_KEY_ALGO_PRIVATE": f"Nobody outside of a private network can verify such signatures. {_KEY_ALGORITHM}",
    "DS01_KEY_ALGO_RESERVED": f"No resolver can verify signatures of this algorithm. {_KEY_ALGORITHM}",
    "DS01_KEY_ALGO_UNASSIGNED": f"No resolver can verify signatures of this algorithm. {_KEY_ALGORITHM}",
    "DS01_NO_RESPONSE": f"Whether the zone can be trusted depends on answers of the parent's servers. {_PARENT}",
    "DS01_PARENT_SERVER_NO_DS": f"The servers of the parent zone do not agree about the zone. {_PARENT}",
    "DS01_PARENT_ZONE_NO_DS": f"Without DS record the signatures of the zone have no effect. {_NEW_DS}",
    "DS02_ALGO_NOT_SUPPORTED_BY_ZM": f"Few resolvers can verify such signatures either. {_KEY_ALGORITHM}",
    "DS02_DNSKEY_NOT_FOR_ZONE_SIGNING": f"A key without the zone flag must not sign a zone. {_FIX_DS}",
    "DS02_DNSKEY_NOT_SEP": (
        "The flag is a hint for people and tools that this key belongs into the DS record. Give key signing keys the flags"
        " value 257."
    ),
    "DS02_DNSKEY_NOT_SIGNED_BY_ANY_DS": f"The chain from the parent to the keys is broken here. {_FIX_DS}",
    "DS02_DS_ALGO_DNSKEY_MISMATCH": f"Such a DS record never matches. {_FIX_DS}",
    "DS02_NO_DNSKEY_FOR_DS": (
        f"A DS record without a key is harmless as long as another one matches. {_DS} Remove the one that is not used."
    ),
    "DS02_NO_MATCHING_DNSKEY_RRSIG": f"The key must sign the DNSKEY set, or its DS record is of no use. {_FIX_DS}",
    "DS02_NO_MATCH_DS_DNSKEY": f"The DS record was made from another key, or was mistyped. {_FIX_DS}",
    "DS02_NO_VALID_DNSKEY_FOR_ANY_DS": f"The chain from the parent to the keys is broken here. {_FIX_DS}",
    "DS02_RRSIG_NOT_VALID_BY_DNSKEY": f"The signature is wrong or out of date. Sign the zone anew. {_FIX_DS}",
    "DS02_RSA_EXPONENT_UNSUPPORTED": "Some resolvers refuse such keys as well. Use keys with the exponent 65537.",
    "DS07_INCONSISTENT_DS": f"The servers of the parent zone do not agree about the zone. {_PARENT}",
    "DS07_INCONSISTENT_SIGNED": _SERVERS_DIFFER,
    "DS07_NON_AUTH_RESPONSE_DNSKEY": f"The server does not seem to hold the zone properly. {_NO_ANSWER}",
    "DS07_NOT_SIGNED": _UNSIGNED,
    "DS07_NOT_SIGNED_ON_SERVER": _UNSIGNED,
    "DS07_NO_DS_ON_PARENT_SERVER": f"Without DS record the signatures of the zone have no effect. {_NEW_DS}",
    "DS07_NO_DS_FOR_SIGNED_ZONE": f"Without DS record the signatures of the zone have no effect. {_NEW_DS}",
    "DS07_NO_RESPONSE_DNSKEY": f"Keys make large answers, which firewalls sometimes drop. {_NO_ANSWER}",
    "DS07_PARENT_PROVES_NO_DELEGATION": (
        "Validating resolvers that see this proof never ask the zone's name servers; for them the zone does not exist. The"
        " delegation (NS records) has to be added to the parent zone, on all its servers."
    ),
    "DS07_UNEXP_RCODE_RESP_DNSKEY": f"The server answers other questions about the zone, but not this one. {_NO_ANSWER}",
    "DS11_DS_BUT_UNSIGNED_ZONE": (
        "Validating resolvers refuse all answers of the zone: it is down for their users. Sign the zone again with the old"
        " key, or let the registrar remove the DS record."
    ),
    "DS11_INCONSISTENT_DS": f"The servers of the parent zone do not agree about the zone. {_PARENT}",
    "DS11_INCONSISTENT_SIGNED_ZONE": f"Answers of the servers without signatures are refused. {_SERVERS_DIFFER}",
    "DS11_NS_WITH_SIGNED_ZONE": "These servers are in order; compare the others with them.",
    "DS11_NS_WITH_UNSIGNED_ZONE": f"Validating resolvers refuse answers of these servers. {_SERVERS_DIFFER}",
    "DS11_PARENT_WITHOUT_DS": f"These servers of the parent zone lack what others have. {_PARENT}",
    "DS11_PARENT_WITH_DS": "These servers of the parent zone have the DS record; compare the others with them.",
    "DS11_UNDETERMINED_DS": f"Without an answer the zone may not resolve at all. {_PARENT}",
    "DS11_UNDETERMINED_SIGNED_ZONE": f"Validating resolvers need the keys and do not get them. {_NO_ANSWER}",
    "DS18_CDS_ROLLOVER_SIGNALED": f"{_CDS} {_ROLLOVER}",
    "DS18_CDNSKEY_ROLLOVER_SIGNALED": f"{_CDS} {_ROLLOVER}",
    "DS18_NO_MATCH_CDNSKEY_RRSIG_DS": f"{_CDS} Sign the CDNSKEY set with the key that the present DS record stands for.",
    "DS18_NO_MATCH_CDS_RRSIG_DS": f"{_CDS} Sign the CDS set with the key that the present DS record stands for.",
    "DS18_ROLLOVER_EVIDENCE_DOUBLE_SIG": _ROLLOVER,
    "DS18_ROLLOVER_EVIDENCE_DNSKEY_WITHOUT_DS": _ROLLOVER,
    "DS18_ROLLOVER_EVIDENCE_DS_WITHOUT_DNSKEY": _ROLLOVER,
    "DS18_ROLLOVER_EVIDENCE_MULTI_KSK": _ROLLOVER,
    "DS21_ALGO_NOT_SUPPORTED": f"The test makes no statement about this signature. {_PARENT}",
    "DS21_DS_RRSIG_EXPIRED": f"Validating resolvers refuse the delegation. {_PARENT}",
    "DS21_DS_RRSIG_NOT_VALID_BY_DNSKEY": f"Validating resolvers refuse the delegation. {_PARENT}",
    "DS21_DS_RRSIG_NOT_VERIFIABLE": f"Validating resolvers refuse the delegation. {_PARENT}",
    "DS21_DS_RRSIG_NOT_YET_VALID": f"Clocks may be wrong, here or at the parent. {_PARENT}",
    "DS21_NO_DNSKEY_FOR_DS_RRSIG": f"Validating resolvers cannot use the signature. {_PARENT}",
    "DS21_NO_DS_RRSIG": f"Validating resolvers refuse a DS record without signature. {_PARENT}",
    "DS21_PARENT_DNSKEY_MISSING": f"Validating resolvers need the keys of the parent. {_PARENT}",
    "DS24_APEX_UNAVAILABLE": f"The parent must find the same records on all servers of the delegation. {_NO_ANSWER}",
    "DS24_NO_SIGNAL": f"{_SIGNAL} The other way is to hand in the DS record by hand, through the registrar.",
    "DS24_ONLY_IN_DOMAIN_NS": (
        f"{_SIGNAL} It needs a name server whose name lies in another, signed zone. The other way is to hand in the DS record"
        " by hand, through the registrar."
    ),
    "DS24_SIGNAL_AT_ZONE_CUT": f"A signal must not lie at the top of a zone. {_NS_SIGNAL_ADVICE}",
    "DS24_SIGNAL_CHAIN_BROKEN": f"A signal counts only if it validates from the root down. {_NS_SIGNAL_ADVICE}",
    "DS24_SIGNAL_MISMATCH": f"All signals must repeat the records of the zone. {_NS_SIGNAL_ADVICE}",
    "DS24_SIGNAL_MISSING": f"Each name server outside of the zone needs a signal. {_NS_SIGNAL_ADVICE}",
    "DS24_SIGNAL_NAME_TOO_LONG": (
        f"{_SIGNAL} A domain name has at most 255 octets, so this server cannot carry one for the zone; hand in the DS record"
        " through the registrar."
    ),
    "DS24_SIGNAL_UNSIGNED": f"A signal without a valid signature proves nothing. {_NS_SIGNAL_ADVICE}",
    "DS24_SIGNAL_ZONE_INSECURE": f"A signal counts only in a zone that validates from the root down. {_NS_SIGNAL_ADVICE}",
    "DS24_SIGNAL_ZONE_UNREACHABLE": f"The servers may be down, or refuse the question. {_NS_SIGNAL_ADVICE}",
}
