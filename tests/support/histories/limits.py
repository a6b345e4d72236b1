"""Limits that decide how the store reads a list: with lower limits, a hundred runs take the code paths of millions."""

from collections.abc import Mapping
from importlib import import_module
from random import Random

import pytest

from gonemaster_api.queries.runs import entries

Values = Mapping[str, Mapping[str, object]]  # by name by module

LONGEST = 2  # list of tag values that the statistics of a batch answer
# No response depends on these limits.
_ALWAYS: Values = {
    "gonemaster_api.queries.runs.entries": {"MIN_ROWS": 7, "MAX_ROWS": 40},
    "gonemaster_api.use_cases.batch_deletion": {"WAIT_S": 0.0},
    "gonemaster_db.batches.batch_comparison": {"MAX_EXAMINED": 6, "MIN_SLICE": 3},
    "gonemaster_db.batches.batch_statistics": {"SLICE": 2, "ROWS_AT_A_TIME": 3},
    "gonemaster_db.runs.documents.outcomes": {"AT_A_TIME": 2},
    "gonemaster_db.runs.documents.value_table": {"MAX_VALUES": LONGEST},
    "gonemaster_db.batches.tag_values": {"MAX_VALUES": LONGEST, "SLICE": 3},
}
# Each limit is low in half of the histories, so that the code paths for many and few rows occur in all combinations.
_SOMETIMES: Values = {
    "gonemaster_db.domains.run_domains": {
        "FEW_RUNS": 2,
        "FEW_DOMAINS": 3,
        "LONG_WALK": 0,
        "SMALL_BATCH": 0,
        "SOON_READ": 0,
    },
    "gonemaster_db.runs.entries": {
        "FEW_RUNS": 3,
        "MAX_STREAMS": 2,
        "FIRST_SLICE": 2,
        "MAX_SLICE": 4,
        "MAX_TRIED": 3,
        "MIN_SKIPPED": 2,
        "FIRST_SKIPPED": 1,
    },
    "gonemaster_db.runs.runs": {"MAX_TRIED": (2, 20)},
    "gonemaster_db.batches.batch_comparison": {"SMALL_BATCH_FACTOR": 0},
    "gonemaster_db.domains.domain_list": {"FEW": 0, "FEW_MEMBERS": 0},
    "gonemaster_db.domains.domain_walk": {"MAX_LOOKED_UP": 3},
    "gonemaster_db.runs.matching_outcomes": {"MAX_FEW": 2, "MAX_ROWS": 5},
}


class Limits:
    """The limits of one test; an unknown name is an error."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, chance: Random) -> None:
        self._monkeypatch = monkeypatch
        for values, probability in ((_ALWAYS, 1.0), (_SOMETIMES, 0.5)):
            for module, names in values.items():
                for name, value in names.items():
                    if chance.random() < probability:
                        monkeypatch.setattr(import_module(module), name, value)

    def count_entries_up_to(self, count: int) -> None:
        """Limit the count of the list of entries."""
        self._monkeypatch.setattr(entries, "COUNTED", count)
