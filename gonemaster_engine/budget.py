"""The budget of a run: what it has sent and may still send, and what was left out because a limit was reached.

Every packet of a run passes `Server` (net/nameserver.py), and every packet there is paid for here before it is sent.
A query is charged with the most that it can cost; what it did not need is paid back at its end, so a limit holds
at each moment, not only on average.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from gonemaster_engine.limits import DEFAULT_LIMITS, SIGNED_SET_MAX_RECORDS, RunLimits

_EXAMPLES = 10  # of what was left out, per limit
_MAX_SUBJECTS = 10_000
_FEW_PACKETS = 8  # what it takes to find out whether an address answers


class Kept(Protocol):
    """What the budget needs to know of a response."""

    @property
    def held_octets(self) -> int:
        """About how much memory it takes."""

    @property
    def record_count(self) -> int:
        """How many records it has."""

    def large_sets(self) -> list[tuple[str, str, int]]:
        """Return the sets of which only some records are looked at: owner, type, how many are."""


class LeftOut:
    """What one limit left out."""

    def __init__(self, value: int) -> None:
        self.value = value
        self._subjects: set[str] = set()

    def add(self, subject: str) -> None:
        """Note a name or address, once; no more are noted than memory may be used for."""
        if len(self._subjects) < _MAX_SUBJECTS:
            self._subjects.add(subject)

    @property
    def count(self) -> int:
        """How many names or addresses were left out, as far as they were counted."""
        return len(self._subjects)

    @property
    def examples(self) -> list[str]:
        """The first of them, sorted."""
        return sorted(self._subjects)[:_EXAMPLES]


class Admission:
    """The names and addresses of one zone's servers that a run works with, whatever else its NS sets hold.

    Who was admitted once stays so, and who was refused is refused everywhere: two sets that are compared are cut at the
    same place, so no difference is found between them that is not there.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._names: set[str] = set()
        self._pairs: set[tuple[str, str]] = set()

    def names(self, wanted: Iterable[str]) -> list[str]:
        """Return those of the names that are admitted, sorted; new ones come in as long as there is room."""
        most = self._budget.limits.max_nameservers
        found = []
        for name in sorted(set(wanted)):
            if name in self._names or len(self._names) < most:
                self._names.add(name)
                found.append(name)
            else:
                self._budget.leave_out("max_nameservers", most, name)
        return found

    def addresses(self, wanted: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
        """Return the admitted names with their admitted addresses, all sorted.

        The names take turns, so that each keeps an address as long as there is room.
        """
        most = self._budget.limits.max_addresses
        lists = {name: sorted(set(wanted[name]), key=_address_order) for name in self.names(wanted)}
        found: dict[str, list[str]] = {name: [] for name in lists}
        for position in range(max(map(len, lists.values()), default=0)):
            for name, addresses in lists.items():
                if position >= len(addresses):
                    continue
                pair = (name, addresses[position])
                if pair in self._pairs or len(self._pairs) < most:
                    self._pairs.add(pair)
                    found[name].append(pair[1])
                else:
                    self._budget.leave_out("max_addresses", most, "/".join(pair))
        return found


def _address_order(address: str) -> tuple[bool, str]:
    return (":" in address, address)


class Account:
    """What was sent to one address."""

    __slots__ = ("address", "answered", "packets")

    def __init__(self, address: str) -> None:
        self.address = address
        self.packets = 0
        self.answered = False


class Budget:
    """The budget of one run."""

    def __init__(self, limits: RunLimits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self.packets = 0
        self.silent_packets = 0  # to addresses that have not answered
        self.stop: Callable[[], None] | None = None  # ends the run when there is nothing left
        self.is_stopped = False
        self.entries = 0
        self._octets = 0
        self._records = 0
        self._entry_items = 0
        self._delegated: set[str] = set()
        self._admissions: dict[str, Admission] = {}
        self._left_out: dict[str, LeftOut] = {}

    def add_delegated(self, addresses: Iterable[str]) -> None:
        """Note addresses of the tested zone's delegation: what the run is about, so more may be sent to them."""
        self._delegated.update(addresses)

    def admission(self, zone: str) -> Admission:
        """Return whom of a zone's servers the run works with."""
        admission = self._admissions.get(zone)
        if admission is None:
            admission = self._admissions[zone] = Admission(self)
        return admission

    def mail_servers(self, wanted: Iterable[str]) -> list[str]:
        """Return the names of MX records, sorted, as many as a run looks at."""
        most = self.limits.max_mail_servers
        found = sorted(set(wanted))
        for name in found[most:]:
            self.leave_out("max_mail_servers", most, name)
        return found[:most]

    def charge(self, account: Account, packets: int) -> bool:
        """Pay for so many packets to an address; say whether they may be sent."""
        limits = self.limits
        if self.packets + packets > limits.max_queries:
            self._end("max_queries", limits.max_queries, account.address)
            return False
        name, most = self._limit_of(account)
        if account.packets + packets > most:
            self.leave_out(name, most, account.address)
            return False
        if not account.answered:
            if not self._may_probe(account, packets):
                return False
            self.silent_packets += packets
        account.packets += packets
        self.packets += packets
        return True

    def allows(self, account: Account, packets: int) -> bool:
        """Say whether so many packets more are within the limit of an address, with what is under way to it."""
        return account.packets + packets <= self._limit_of(account)[1]

    def _limit_of(self, account: Account) -> tuple[str, int]:
        limits = self.limits
        if account.address in self._delegated:
            return "max_queries_per_address", limits.max_queries_per_address
        return "max_outside_packets", min(limits.max_outside_packets, limits.max_queries_per_address)

    def _may_probe(self, account: Account, packets: int) -> bool:
        limits = self.limits
        if account.packets + packets > limits.max_silent_packets_per_address:
            self.leave_out("max_silent_packets_per_address", limits.max_silent_packets_per_address, account.address)
            return False
        # the last third is for addresses of which little is known: not to be asked is not to be silent
        kept = limits.max_silent_packets // 3 if account.packets >= _FEW_PACKETS else 0
        if self.silent_packets + packets > limits.max_silent_packets - kept:
            self.leave_out("max_silent_packets", limits.max_silent_packets, account.address)
            return False
        return True

    def pay_back(self, account: Account, packets: int) -> None:
        """Take back what a query was charged with and did not send."""
        account.packets -= packets
        self.packets -= packets
        if not account.answered:
            self.silent_packets -= packets

    def note_answer(self, account: Account) -> None:
        """Note that an address answers: nothing sent to it was sent to a silent one."""
        if not account.answered:
            account.answered = True
            self.silent_packets -= account.packets

    def keep(self, response: Kept, address: str) -> bool:
        """Say whether a response may be kept: memory is bounded, too."""
        if self.is_stopped:  # what was under way may still come in; to look inside would only cost time
            return False
        records, octets = response.record_count, response.held_octets
        if self._octets + octets > self.limits.max_octets:
            self._end("max_octets", self.limits.max_octets, address)
            return False
        if self._records + records > self.limits.max_records:
            self._end("max_records", self.limits.max_records, address)
            return False
        self._octets += octets
        self._records += records
        if records > SIGNED_SET_MAX_RECORDS:
            for owner, rtype, most in response.large_sets():
                self.leave_out("max_records_of_a_set", most, f"{owner} {rtype}")
        return True

    def end_verification(self, work: int) -> None:
        """End the run, as so much work on signatures, in microseconds, was all that it may do."""
        self._end("max_verification", work, "RRSIG")

    def keep_entry(self, testcase: str, args: Mapping[str, Any]) -> bool:
        """Say whether one more entry with these arguments may be kept."""
        if self.is_stopped:  # found about what is missing already
            return False
        items = sum(len(value) for value in args.values() if isinstance(value, list | tuple | dict))
        if self.entries >= self.limits.max_entries:
            self._end("max_entries", self.limits.max_entries, testcase)
            return False
        if self._entry_items + items > self.limits.max_entry_items:
            self._end("max_entry_items", self.limits.max_entry_items, testcase)
            return False
        self.entries += 1
        self._entry_items += items
        return True

    def _end(self, limit: str, value: int, subject: str) -> None:
        """End the run: without answers to queries that were never sent, no finding would be true."""
        self.leave_out(limit, value, subject)
        if self.stop and not self.is_stopped:
            self.is_stopped = True
            self.stop()

    def leave_out(self, limit: str, value: int, subject: str) -> None:
        """Note that a name or an address was left out because of a limit."""
        left_out = self._left_out.get(limit)
        if left_out is None:
            left_out = self._left_out[limit] = LeftOut(value)
        left_out.add(subject)

    def release(self) -> None:
        """Let go of what knows the budget: without reference cycles a run is freed at once."""
        self._admissions.clear()
        self.stop = None

    @property
    def left_out(self) -> dict[str, LeftOut]:
        """What was left out, by the name of the limit, sorted."""
        return dict(sorted(self._left_out.items()))
