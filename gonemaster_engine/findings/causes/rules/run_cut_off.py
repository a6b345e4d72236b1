"""The run left out test cases or name servers, so its statements about silent servers are less certain."""

from __future__ import annotations

from gonemaster_engine.findings.causes.finding import tagged
from gonemaster_engine.findings.causes.model import Harm, Responsible, Rule, Texts

RULE = Rule(
    "run_cut_off",
    Harm.ADVICE,
    Responsible.TESTER,
    Texts(
        "The test is incomplete",
        "Some test cases did not finish, so problems may be missing, and name servers that did not respond may only"
        " be slow.",
        "Test the domain again. If the test is incomplete again, raise the limits of a run, and check the name"
        " servers that respond slowly.",
    ),
    tagged("RUN_DEADLINE_REACHED", "RUN_LIMIT_REACHED", "MODULE_ERROR"),
    comes_first=True,
)
