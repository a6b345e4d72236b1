"""A worker process whose engine takes no time and returns the results of a sweep: a hundred entries."""

import random
import sys

from benchmarks.sweep.sample import Sweep
from gonemaster_db.core.json_text import dump_json
from gonemaster_db.core.records import EntryRecord
from gonemaster_engine.profile.profile import default_profile
from gonemaster_tasks.worker.execute.runner import Listeners, RunOutcome, TestOrder
from gonemaster_tasks.worker.main import main

_DRAWN = 200  # results that are reused in turn, because drawing one takes as long as storing it


class StandIn:
    """Returns results immediately, so that only queue and store take time."""

    def __init__(self) -> None:
        rng, sweep = random.Random(), Sweep()
        profile = dump_json(default_profile().as_dict())
        self._outcomes = [_outcome(sweep, f"d{number}.example", profile, rng) for number in range(_DRAWN)]

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def run(self, order: TestOrder, listeners: Listeners) -> RunOutcome:
        outcome = random.choice(self._outcomes)
        listeners.on_progress(50)
        for entry in outcome.entries:
            listeners.on_entry(entry)
        return outcome


def _outcome(sweep: Sweep, domain: str, profile: str, rng: random.Random) -> RunOutcome:
    drawn = sweep.draw(domain, rng)
    entries: list[EntryRecord] = sweep.records(drawn)
    timings = drawn.timing_records()
    return RunOutcome(
        entries, effective_profile=profile, nameserver_timings=timings, score=drawn.score, grade=drawn.grade
    )


if __name__ == "__main__":
    sys.exit(main(runner=StandIn()))
