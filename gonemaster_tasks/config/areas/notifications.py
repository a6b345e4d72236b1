"""Settings of notifications: webhooks, email, and the receiver of NOTIFY messages."""

from dataclasses import dataclass

from gonemaster_tasks.config.address_types import host_name, optional_listen_address
from gonemaster_tasks.config.mail_types import mail_address, smtp_url
from gonemaster_tasks.config.option_types import boolean, integer
from gonemaster_tasks.config.options import option


@dataclass(frozen=True, kw_only=True)
class NotificationOptions:
    """Webhooks and email of watches, NOTIFY messages."""

    allow_private_webhooks: bool = option(
        False,
        boolean(),
        "allow webhooks to addresses that are not globally reachable, such as those of a private network",
    )
    smtp_url: str = option(
        "",
        smtp_url(),
        "mail server for notifications: without TLS, with STARTTLS or with implicit TLS (certificates are verified); if"
        " empty, watches that notify by email are refused",
        secret=True,
    )
    notify_listen: str = option(
        "",
        optional_listen_address(),
        "address on which gonemaster-server notify receives NOTIFY messages about CDS records, over UDP and TCP",
    )
    notify_target: str = option(
        "",
        host_name(),
        "host name of this receiver in the DSYNC records of the parent zones; domains whose parent names another host"
        " are refused",
    )
    notify_per_minute: int = option(
        60, integer(1, 1_000_000), "maximum number of NOTIFY messages per minute from an IPv4 /24 or an IPv6 /56"
    )
    smtp_from: str = option("", mail_address(), "sender address of notifications by email; required with smtp_url")
