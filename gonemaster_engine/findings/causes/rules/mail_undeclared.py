"""The zone has no MX or SPF records."""

from __future__ import annotations

from gonemaster_engine.findings.causes.finding import tagged
from gonemaster_engine.findings.causes.model import Harm, Responsible, Rule, Texts
from gonemaster_engine.findings.causes.rules.mail_broken import ABSENT

RULE = Rule(
    "mail_undeclared",
    Harm.ADVICE,
    Responsible.ZONE,
    Texts(
        "The zone does not say whether it takes and sends mail",
        "Other mail servers try its address records, and anyone can send mail in its name.",
        'Publish MX and SPF records. A domain without mail has the MX record "0 ." and the SPF record "v=spf1 -all".',
    ),
    tagged(*sorted(ABSENT)),
)
