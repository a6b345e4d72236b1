"""Labels of events, recipients and subjects of watches."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from gonemaster_api.ui.shell.texts.formats import u_label
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_db.models import DeliveryStatus, WatchEvent


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


def subject(watch: Mapping[str, Any]) -> str:
    """Return the subject of a watch: a tag, a domain or the queue."""
    if watch["tag"]:
        return _("Tag %(tag)s", tag=watch["tag"])
    return u_label(watch["domain"]) if watch["domain"] else _("The queue")


def receiver(watch: Mapping[str, Any]) -> str:
    """Return the recipient: an email address, or only the host of a URL, because the path may contain a secret."""
    if watch["email"]:
        return str(watch["email"])
    return urlsplit(str(watch["url"] or "")).netloc.rpartition("@")[2]
