"""Labels of watches: kinds, events, recipients, subjects, and the parts of a rollover."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from gonemaster_api.ui.shell.texts.formats import number, u_label
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_db.models import DeliveryStatus, WatchEvent, WatchKind
from gonemaster_engine.automation.rollover import CachedSet, FaultKind, RolloverVerdict, StepKind
from gonemaster_engine.automation.transfer import TransferLimits, TransferOutcome


def event_names() -> dict[str, str]:
    """Return the labels of events, including those that only deliveries have."""
    return {
        WatchEvent.DOMAIN_REGRESSED.value: _("A domain got worse"),
        WatchEvent.DOMAIN_RECOVERED.value: _("A domain recovered"),
        WatchEvent.BATCH_FINISHED.value: _("A batch finished"),
        WatchEvent.SNAPSHOT_CAPTURED.value: _("A snapshot was captured"),
        WatchEvent.QUEUE_TROUBLE.value: _("Queue problem"),
        WatchEvent.CDS_DECIDED.value: _("A decision about DS records"),
        WatchEvent.ROLLOVER_STEP.value: _("A step of a key rollover"),
        WatchEvent.ROLLOVER_BROKEN.value: _("A fault in a key rollover"),
        WatchEvent.ROLLOVER_COMPLETED.value: _("A key rollover is complete"),
        WatchEvent.VERDICT_CHANGED.value: _("A domain has another verdict"),
        "test": _("Test message"),
        "digest": _("Summary of several events"),
    }


def status_names() -> dict[str, str]:
    """Return the labels of delivery states."""
    return {
        DeliveryStatus.WAITING.value: _("Waiting"),
        DeliveryStatus.SUCCEEDED.value: _("Delivered"),
        DeliveryStatus.FAILED.value: _("Abandoned"),
    }


def kind_names() -> dict[str, str]:
    """Return the labels of the kinds of watches."""
    return {
        WatchKind.CHANGES.value: _("Changes of tests"),
        WatchKind.CDS.value: _("CDS records"),
        WatchKind.ROLLOVER.value: _("Key rollover"),
    }


def rollover_names() -> dict[str | None, str]:
    """Return the labels of the kinds of rollovers."""
    return {
        None: _("No rollover"),
        "zsk": _("ZSK rollover"),
        "ksk": _("KSK rollover"),
        "csk": _("CSK rollover"),
        "algorithm": _("Algorithm rollover"),
    }


def verdict_texts() -> dict[str, tuple[str, str, str]]:
    """Return a severity, a label and a sentence for each verdict about a rollover."""
    return {
        RolloverVerdict.UNCHANGED.value: (
            "notice",
            _("Unchanged"),
            _("All samples show the same keys and DS records."),
        ),
        RolloverVerdict.IN_PROGRESS.value: (
            "notice",
            _("In progress"),
            _("All steps so far agree with the timing of RFC 6781 and RFC 7583."),
        ),
        RolloverVerdict.COMPLETED.value: (
            "ok",
            _("Completed"),
            _("The rollover is complete, and all its steps agree with the timing of RFC 6781 and RFC 7583."),
        ),
        RolloverVerdict.BROKEN.value: (
            "error",
            _("Broken"),
            _("A step violates the timing of RFC 6781 and RFC 7583: validation fails or may fail in some resolvers."),
        ),
    }


def step_names() -> dict[str, str]:
    """Return the labels of steps."""
    return {
        StepKind.KEY_PUBLISHED.value: _("Key published on all name servers"),
        StepKind.KEY_SIGNS.value: _("Key signs the zone"),
        StepKind.DS_ADDED.value: _("DS record added at the parent"),
        StepKind.DS_REMOVED.value: _("DS record removed from the parent"),
        StepKind.KEY_STOPPED.value: _("Key no longer signs the zone"),
        StepKind.KEY_REMOVED.value: _("Key removed from all name servers"),
    }


def fault_texts() -> dict[str, str]:
    """Return a sentence for each fault."""
    return {
        FaultKind.CHAIN_BROKEN.value: _("No key that the DS records identify signs the DNSKEY records."),
        FaultKind.ZONE_UNSIGNED.value: _("No published key signs the zone."),
        FaultKind.ALGORITHM_INCOMPLETE.value: _("An algorithm of the DS records does not sign the zone."),
        FaultKind.SIGNED_TOO_EARLY.value: _(
            "A key signed the zone too early: caches still have DNSKEY records without it."
        ),
        FaultKind.DS_TOO_EARLY.value: _(
            "The DS records changed too early: caches still have DNSKEY records without a key that they identify."
        ),
        FaultKind.KEY_REMOVED_TOO_EARLY.value: _(
            "A key was removed too early: caches still have signatures that no published key validates."
        ),
        FaultKind.CHAIN_KEY_REMOVED_TOO_EARLY.value: _(
            "A key stopped signing the DNSKEY records too early: caches still have DS records that require it."
        ),
        FaultKind.SIGNATURES_LEFT.value: _("Records of the zone have only signatures of keys that are not published."),
        FaultKind.SIGNATURES_INVALID.value: _(
            "Records of the zone have signatures of published keys, but none that is valid."
        ),
    }


def transfer_texts() -> dict[str, str]:
    """Return how the transfer of a zone ended."""
    return {
        TransferOutcome.COMPLETE.value: _("Zone read"),
        TransferOutcome.REFUSED.value: _("The server refused the transfer"),
        TransferOutcome.TOO_SLOW.value: _(
            "Not complete in %(seconds)s s, the time for all transfers of a sample",
            seconds=number(TransferLimits().seconds),
        ),
        TransferOutcome.TOO_LARGE.value: _("The zone is larger than the limits"),
        TransferOutcome.FAILED.value: _("The transfer failed"),
        "": _("Not tried"),
    }


def cached_texts() -> dict[str, tuple[str, str]]:
    """Return a label for each cached record set, and the advice while caches may have its former version."""
    return {
        CachedSet.KEYS.value: (
            _("DNSKEY"),
            _("Caches may have the DNSKEY records without the new key: it should not be the only key that signs."),
        ),
        CachedSet.SIGNATURES.value: (
            _("Signatures"),
            _("Caches may have former signatures of the zone: keep their keys published."),
        ),
        CachedSet.DS.value: (
            _("DS"),
            _("Caches may have the former DS records: let their keys continue to sign the DNSKEY records."),
        ),
    }


def use_names() -> dict[str, str]:
    """Return what a key does, as shown in the timeline."""
    return {
        "published": _("published"),
        "keys": _("signs the DNSKEY records"),
        "zone": _("signs the zone"),
        "both": _("signs the DNSKEY records and the zone"),
    }


def subject(watch: Mapping[str, Any]) -> str:
    """Return the subject of a watch: a tag, a domain or the queue."""
    if watch["tag"]:
        return _("Tag %(tag)s", tag=watch["tag"])
    return u_label(watch["domain"]) if watch["domain"] else _("The queue")


def receiver(watch: Mapping[str, Any]) -> str:
    """Return the recipient: an email address, or only the host of a URL, because the path may contain a secret.

    It is empty for a watch without a recipient.
    """
    if watch["email"]:
        return str(watch["email"])
    return urlsplit(str(watch["url"] or "")).netloc.rpartition("@")[2]
