"""Settings of notifications: webhooks and email."""

from dataclasses import dataclass

from gonemaster_tasks.config.mail_types import mail_address, smtp_url
from gonemaster_tasks.config.option_types import boolean
from gonemaster_tasks.config.options import option


@dataclass(frozen=True, kw_only=True)
class NotificationOptions:
    """Webhooks and email of watches."""

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
    smtp_from: str = option("", mail_address(), "sender address of notifications by email; required with smtp_url")
