"""Settings of what watches send: webhooks and mail."""

from dataclasses import dataclass

from gonemaster_tasks.config.mail_types import mail_address, smtp_url
from gonemaster_tasks.config.option_types import boolean
from gonemaster_tasks.config.options import option


@dataclass(frozen=True, kw_only=True)
class NotificationOptions:
    """Webhooks and mail of watches."""

    allow_private_webhooks: bool = option(
        False,
        boolean(),
        "webhooks may be sent to addresses that are not globally reachable, such as those of the own network",
    )
    smtp_url: str = option(
        "",
        smtp_url(),
        "mail server of watches by email: plain, with STARTTLS, or with TLS from the start (certificates are verified);"
        " if empty, watches by email are refused",
        secret=True,
    )
    smtp_from: str = option("", mail_address(), "sender of the mail of watches; needed with smtp_url")
