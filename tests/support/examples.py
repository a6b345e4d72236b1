"""How many examples a property is tried with: few in `make test`, all in `make test-long`."""

import os

ALL = os.environ.get("GONEMASTER_EXAMPLES") == "all"


def examples(few: int, all_: int) -> int:
    """Return the number for this run of the tests."""
    return all_ if ALL else few
