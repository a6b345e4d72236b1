"""The scenarios that DNSSEC16 (CDS) and DNSSEC17 (CDNSKEY) share: signals of the child and their keys."""

from __future__ import annotations

from tests.support.case_runs import A1, Scenario
from tests.support.dnssec_worlds import ADDRESSES, secure, signatures, with_fault
from tests.support.dnsworld import KeySpec, Signing, World, faults

PUBLISHED = Signing(publish_cds=True)
KSK_TAG, IDLE_TAG = 3787, 32095


def naming(*keys: KeySpec) -> World:
    """Publish CDS and CDNSKEY records for the described keys, in addition to a zone-signing key."""
    return secure(Signing(keys=(*keys, KeySpec("zsk", flags=256)), publish_cds=True))


def scenarios(
    case: str, rtype: str, *, deletion: str, stray: str, stray_tag: int, idle: tuple[KeySpec, KeySpec]
) -> dict[str, Scenario]:
    """Return the scenarios of a case about records of that type.

    `deletion` is the rdata that requests the deletion of the DS set, and `stray` the rdata of a record without a key.
    The second key of `idle` signs nothing.
    """
    of_ksk = {"keytag": KSK_TAG, "addresses": ADDRESSES}
    of_idle = {"keytag": IDLE_TAG, "addresses": ADDRESSES}
    return {
        "none": (secure(), []),
        "good": (secure(PUBLISHED), []),
        "request to delete": (
            secure(records=f"@ {rtype} {deletion}"),
            [(f"{case}_DELETE_{rtype}", {"addresses": ADDRESSES})],
        ),
        "request to delete among others": (
            secure(PUBLISHED, records=f"@ {rtype} {deletion}"),
            [(f"{case}_MIXED_DELETE_{rtype}", {"addresses": ADDRESSES})],
        ),
        "without keys": (
            with_fault(secure(PUBLISHED), faults.empty_answer(), A1, qtype="DNSKEY"),
            [(f"{case}_{rtype}_WITHOUT_DNSKEY", {"addresses": [A1]})],
        ),
        "for no key": (
            secure(PUBLISHED, records=f"@ {rtype} {stray}"),
            [(f"{case}_{rtype}_MATCHES_NO_DNSKEY", {"keytag": stray_tag, "addresses": ADDRESSES})],
        ),
        "for a key that does not sign": (
            naming(*idle),
            [(f"{case}_DNSKEY_NOT_SIGNED_BY_{rtype}", of_idle), (f"{case}_{rtype}_NOT_SIGNED_BY_{rtype}", of_idle)],
        ),
        "does not verify": (
            secure(Signing(publish_cds=True, bogus_types=(rtype,))),
            [(f"{case}_{rtype}_INVALID_RRSIG", of_ksk)],
        ),
        "not signed": (
            secure(Signing(publish_cds=True, unsigned_types=(rtype,))),
            [
                (f"{case}_{rtype}_NOT_SIGNED_BY_{rtype}", of_ksk),
                (f"{case}_{rtype}_UNSIGNED", {"addresses": ADDRESSES}),
            ],
        ),
        "signed by another key": (
            with_fault(secure(PUBLISHED), signatures(f"RRSIG/{rtype}", key_tag=1), A1, qtype=rtype),
            [
                (f"{case}_{rtype}_NOT_SIGNED_BY_{rtype}", {"keytag": KSK_TAG, "addresses": [A1]}),
                (f"{case}_{rtype}_SIGNED_BY_UNKNOWN_DNSKEY", {"keytag": 1, "addresses": [A1]}),
            ],
        ),
        "without authority": (with_fault(secure(PUBLISHED), faults.no_aa(), qtype=rtype), []),
    }
