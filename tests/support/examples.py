"""The number of examples for tests: few, or many with `make test-long ALL=1`."""

import os

ALL = os.environ.get("GONEMASTER_EXAMPLES") == "all"


def examples(few: int, all_: int) -> int:
    """Return the number for this test run."""
    return all_ if ALL else few
