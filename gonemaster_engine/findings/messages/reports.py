"""Texts of the output formats for other programs and of comparisons."""

LABELS = {
    # titles of table columns
    "domain": "Domain",
    "level": "Level",
    "message": "Message",
    "testcase": "Test case",
    # titles of the parts of a comparison
    "appeared": "Appeared",
    "cleared": "Cleared",
    "level_changed": "Level changed",
}

SUMMARIES = {
    "no_findings": "No findings at level {level} or above.",
    "only_in_first": "{domain} is only in the first file.",
    "only_in_second": "{domain} is only in the second file.",
    "same": "The findings are the same.",
    "score": "Score {score}, grade {grade}",
}
