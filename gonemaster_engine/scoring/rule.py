"""The version of the rule that turns entries into a score; stored with each score."""

from __future__ import annotations

from typing import Final

FIRST_RULE: Final = 1  # without caps; scores of this rule are stored without a version
RULE_VERSION: Final = 3  # the harm of causes caps the score; raise it with each change of rules of causes
