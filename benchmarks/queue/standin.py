"""A worker process whose engine takes no time and finds thirty entries, as many as a run of a common zone stores."""

import sys

from gonemaster_db.records import EntryRecord
from gonemaster_tasks.worker.main import main
from gonemaster_tasks.worker.runner import Listeners, Outcome, TestOrder

ENTRIES = 30


class StandIn:
    """Answers at once; what is left is the work of queue and store."""

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def run(self, order: TestOrder, listeners: Listeners) -> Outcome:
        entries = [_entry(order.domain, number) for number in range(ENTRIES)]
        listeners.on_progress(50)
        for entry in entries:
            listeners.on_entry(entry)
        return Outcome(entries, effective_profile={"net": {"ipv4": True, "ipv6": True}}, score=90, grade="A")


def _entry(domain: str, number: int) -> EntryRecord:
    args = {"domain": domain, "ns": f"ns{number % 3}.{domain}", "address": f"192.0.2.{number}", "query_type": "SOA"}
    level = "NOTICE" if number == 0 else "INFO"
    return EntryRecord(number / 10, "CONNECTIVITY", "connectivity01", "CN01_IPV4_OK", level, args)


if __name__ == "__main__":
    sys.exit(main(runner=StandIn()))
