"""Events, receivers and subjects of watches in words."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from gonemaster_api.ui.shell.texts.formats import u_label
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_db.models import DeliveryStatus, WatchEvent


def event_names() -> dict[str, str]:
    """Return the events in words, and those that only deliveries have."""
    return {
        WatchEvent.DOMAIN_REGRESSED.value: _("A domain got worse"),
        WatchEvent.DOMAIN_RECOVERED.value: _("A domain recovered"),
        WatchEvent.BATCH_FINISHED.value: _("A batch finished"),
        WatchEvent.SNAPSHOT_CAPTURED.value: _("A snapshot was captured"),
        WatchEvent.QUEUE_TROUBLE.value: _("Queue problem"),
        "test": _("Test message"),
        "digest": _("Summary of several events"),
    }


def status_names() -> dict[str, str]:
    """Return the states of deliveries in words."""
    return {
        DeliveryStatus.WAITING.value: _("Waiting"),
        DeliveryStatus.SUCCEEDED.value: _("Delivered"),
        DeliveryStatus.FAILED.value: _("Abandoned"),
    }


def subject(watch: Mapping[str, Any]) -> str:
    """Return what is watched."""
    if watch["tag"]:
        return _("Tag %(tag)s", tag=watch["tag"])
    return u_label(watch["domain"]) if watch["domain"] else _("The queue")


def receiver(watch: Mapping[str, Any]) -> str:
    """Return who is told: a mail address, or of a URL the host only, for its path may be a secret."""
    if watch["email"]:
        return str(watch["email"])
    return urlsplit(str(watch["url"])).netloc.rpartition("@")[2]
