"""Texts of policies: results, reasons why there is no verdict, and sentences about a run."""

LABELS = {
    "pass": "Pass",
    "fail": "Fail",
    "undecided": "Undecided",
    "policy": "Policy",
    "suite": "Suite",
    "case": "Test case",
    "result": "Result",
    "findings": "Failing findings",
}

REASONS = {
    "no_result": "The run has no result.",
    "no_network": "The host of the test has no network.",
    "not_testable": "The run could not test the name.",
    "cut_off": "The run was cut off before all test cases had finished.",
    "limit": "The run reached a limit, so that it did not check everything.",
    "lost_packets": "Packets to name servers were lost, so that their silence proves nothing.",
    "not_continued": "The run could not continue to this test case.",
    "not_applicable": "The suite does not apply to this domain.",
    "not_selected": "The run did not select this test case.",
    "error": "This test case stopped with an internal error.",
    "no_ipv4": "The policy needs IPv4, but the run did not use it.",
    "no_ipv6": "The policy needs IPv6, but the run did not use it.",
    # Of checks before delegation, whose runs have no result.
    "deadline": "The test did not finish before the deadline.",
    "not_started": "No slot was free before the deadline.",
    "canceled": "The test was canceled.",
    "failed": "The test failed.",
    "deleted": "The run was deleted.",
    "unavailable": "The result cannot be read now.",
}

SUMMARIES = {
    "pass": "The domain passes the policy {policy}, version {version}.",
    "fail": "The domain fails the policy {policy}, version {version}.",
    "undecided": "There is no verdict by the policy {policy}, version {version}.",
    "counts": "passed: {passed}, failed: {failed}, undecided: {undecided}",
}
