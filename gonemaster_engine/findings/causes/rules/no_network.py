"""The tester has no network, so the run says nothing about the zone."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts


def _find(run: Evidence) -> Found | None:
    if not run.find("NO_NETWORK"):
        return None
    follows = ("CANNOT_CONTINUE", "B01_PARENT_NOT_FOUND", "B01_PARENT_UNDETERMINED", "B01_CHILD_UNDETERMINED")
    return Found(run.find("NO_NETWORK", "B02_*", *follows))


RULE = Rule(
    "no_network",
    Harm.NOT_TESTABLE,
    Responsible.TESTER,
    Texts(
        "The tester has no network",
        "The test says nothing about the domain.",
        "Check the network connection of the host that runs the test, then test the domain again.",
    ),
    _find,
)
