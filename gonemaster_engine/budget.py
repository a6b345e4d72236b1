"""The budget of a run: what it has sent and may still send, and what was left out because a limit was reached.

Every packet of a run is paid for here before it is sent: by `Server` (net/server), which sends all queries over
DNS, and by `AsnLookup` for its connections to whois servers. A query is charged with the most that it can cost; what it
did not need is paid back at its end, so a limit holds at each moment, not only on average.
"""

from __future__ import annotations

from collections import Counter
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
        self.is_cut = False  # whether anyone was refused

    def names(self, wanted: Iterable[str]) -> list[str]:
        """Return those of the names that are admitted, sorted; new ones come in as long as there is room."""
        most = self._budget.limits.max_nameservers
        found = []
        for name in sorted(set(wanted)):
            if name in self._names or len(self._names) < most:
                self._names.add(name)
                found.append(name)
            else:
                self.is_cut = True
                self._budget.leave_out("max_nameservers", most, name)
        return found

    def addresses(self, wanted: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
        """Return the admitted names with their admitted addresses, all sorted.

        The names take turns, so that each keeps an address as long as there is room, and so do the address families.
        """
        most = self._budget.limits.max_addresses
        turns = {name: _by_turns(wanted[name]) for name in self.names(wanted)}
        found: dict[str, list[str]] = {name: [] for name in turns}
        for position in range(max(map(len, turns.values()), default=0)):
            for name, addresses in turns.items():
                if position >= len(addresses):
                    continue
                pair = (name, addresses[position])
                if pair in self._pairs or len(self._pairs) < most:
                    self._pairs.add(pair)
                    found[name].append(pair[1])
                else:
                    self.is_cut = True
                    self._budget.leave_out("max_addresses", most, "/".join(pair))
        return {name: sorted(addresses, key=_address_order) for name, addresses in found.items()}


def _text_octets(value: Any) -> int:
    """Return about how many octets the text in a value of JSON form has."""
    kind = type(value)
    if kind is str:
        return len(value)
    if kind is dict:
        value = value.values()
    elif kind is not list and kind is not tuple:
        return len(value) if isinstance(value, str) else 0
    octets = 0
    for each in value:  # most are the servers of a list, {ns, address}
        octets += len(each) if type(each) is str else _text_octets(each)
    return octets


def _address_order(address: str) -> tuple[bool, str]:
    return (":" in address, address)


def _by_turns(addresses: Iterable[str]) -> list[str]:
    """Return the addresses with both families taking turns: those of IPv6 are not the first to be cut."""
    place: Counter[bool] = Counter()
    ranks = []
    for address in sorted(set(addresses)):
        is_ipv6 = ":" in address
        ranks.append((place[is_ipv6], is_ipv6, address))
        place[is_ipv6] += 1
    return [address for _, _, address in sorted(ranks)]


class Network:
    """What was sent to those addresses of one IPv6 network that have no authority for the tested zone.

    All of them may be one host, for which a limit of each address would be none.
    """

    __slots__ = ("active", "packets", "waiting")

    def __init__(self) -> None:
        self.packets = 0
        self.active = 0  # queries under way, whose packets may be paid back
        self.waiting: dict[int, Callable[[], None]] = {}  # what to call when one of them has ended


class Account:
    """What was sent to one address, and what its answers have earned it.

    Each answer earns some packets more, and only so many ahead. What is sent beyond that is sent to silence: to have
    answered once does not make an address a name server that wants the whole test.
    """

    __slots__ = ("address", "answered", "credit", "is_authoritative", "network", "packets", "shared")

    def __init__(self, address: str, network: Network | None) -> None:
        self.address = address
        self.network = network
        self.packets = 0
        self.shared = 0  # of them, those that count for the network, too
        self.credit = 0  # packets; negative: so many were sent to silence
        self.answered = False
        self.is_authoritative = False  # for the tested zone

    @property
    def silent_packets(self) -> int:
        """How many packets were sent to it beyond what it has earned."""
        return max(0, -self.credit)


class Budget:
    """The budget of one run."""

    def __init__(self, limits: RunLimits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self._most_outside = min(limits.max_outside_packets, limits.max_queries_per_address)
        self.packets = 0
        self.silent_packets = 0  # beyond what answers have earned, to all addresses
        self.stop: Callable[[], None] | None = None  # ends the run when there is nothing left
        self.is_stopped = False
        self.entries = 0
        self._octets = 0
        self._records = 0
        self._entry_items = 0
        self._entry_octets = 0
        self._delegated: set[str] = set()
        self._accounts: dict[str, Account] = {}
        self._networks: dict[str, Network] = {}
        self._admissions: dict[str, Admission] = {}
        self._mail_servers: set[str] = set()
        self._left_out: dict[str, LeftOut] = {}

    def account(self, address: str, *, network: str | None) -> Account:
        """Return the one account of an address, whatever is sent there; `network`: the one that may be one host."""
        account = self._accounts.get(address)
        if account is None:
            shared = None if network is None else self._networks.setdefault(network, Network())
            account = self._accounts[address] = Account(address, shared)
        return account

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
        """Return those of the names of MX records that a run looks at, sorted; who came first stays."""
        most = self.limits.max_mail_servers
        found = []
        for name in sorted(set(wanted)):
            if name in self._mail_servers or len(self._mail_servers) < most:
                self._mail_servers.add(name)
                found.append(name)
            else:
                self.leave_out("max_mail_servers", most, name)
        return found

    def charge(self, account: Account, packets: int) -> bool:
        """Pay for so many packets to an address; say whether they may be sent."""
        limits = self.limits
        if self.packets + packets > limits.max_queries:
            self._end("max_queries", limits.max_queries, account.address)
            return False
        most = self._limit_of(account)
        if account.packets + packets > most:
            name = "max_queries_per_address" if self._serves(account) else "max_outside_packets"
            self.leave_out(name, most, account.address)
            return False
        network = account.network
        if network and not self._fits_network(account, packets):
            self.leave_out("max_outside_packets", limits.max_outside_packets, account.address)
            return False
        if packets > account.credit and not self._may_probe(account, packets):
            return False
        if network and not account.is_authoritative:
            account.shared += packets
            network.packets += packets
        account.packets += packets
        self.packets += packets
        self._earn(account, -packets)
        return True

    def allows(self, account: Account, packets: int) -> bool:
        """Say whether so many packets more are within the limits of an address, with what is under way to it."""
        if account.packets + packets > self._limit_of(account):
            return False
        return packets - account.credit <= self.limits.max_silent_packets_per_address

    def waits_for_network(self, account: Account, packets: int) -> bool:
        """Say whether so many packets are too many for the network of an address because of what is under way there."""
        return account.network is not None and account.network.active > 0 and not self._fits_network(account, packets)

    def _fits_network(self, account: Account, packets: int) -> bool:
        network = account.network
        # Authority is enough here: an address that only the apex names is outside, and honest ones share a network.
        if network is None or account.is_authoritative:
            return True
        return network.packets + packets <= self.limits.max_outside_packets

    def is_earned(self, account: Account, packets: int) -> bool:
        """Say whether the answers of an address have earned it so many packets more."""
        return packets <= account.credit

    def may_get_more(self, account: Account) -> bool:
        """Say whether an address may get packets beyond what it has earned, as many as the limits allow, at once."""
        return self._serves(account) and self.silent_packets < self.limits.max_silent_packets // 3

    def _limit_of(self, account: Account) -> int:
        return self.limits.max_queries_per_address if self._serves(account) else self._most_outside

    def _serves(self, account: Account) -> bool:
        """Say whether an address serves the tested zone.

        To be named by the delegation is not to serve it: glue can hold the address of anybody.
        """
        return account.is_authoritative and account.address in self._delegated

    def _may_probe(self, account: Account, packets: int) -> bool:
        limits = self.limits
        silent = packets - account.credit
        if silent > limits.max_silent_packets_per_address:
            self.leave_out("max_silent_packets_per_address", limits.max_silent_packets_per_address, account.address)
            return False
        # the last third is for addresses of which little is known: not to be asked is not to be silent
        kept = limits.max_silent_packets // 3 if account.silent_packets >= _FEW_PACKETS else 0
        if self.silent_packets - account.silent_packets + silent > limits.max_silent_packets - kept:
            self.leave_out("max_silent_packets", limits.max_silent_packets, account.address)
            return False
        return True

    def pay_back(self, account: Account, packets: int) -> None:
        """Take back what a query was charged with and did not send."""
        account.packets -= packets
        if account.network:
            self._unshare(account, packets)
        self.packets -= packets
        self._earn(account, packets)

    def _unshare(self, account: Account, packets: int) -> None:
        """Count some of an address's packets no longer for its network."""
        if account.network:
            packets = min(packets, account.shared)
            account.shared -= packets
            account.network.packets -= packets

    def note_answer(self, account: Account, *, is_authoritative: bool = False) -> None:
        """Note that an address answered, perhaps as one that serves the tested zone."""
        account.answered = True
        account.is_authoritative |= is_authoritative
        if account.shared and account.is_authoritative:
            self._unshare(account, account.shared)
        self._earn(account, self.limits.packets_per_answer)

    def _earn(self, account: Account, packets: int) -> None:
        before, most = account.credit, self.limits.max_earned_packets
        after = before + packets
        if after > most:
            after = most
        account.credit = after
        if before < 0:  # see Account.silent_packets
            self.silent_packets += before
        if after < 0:
            self.silent_packets -= after

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

    def keep_nothing(self, octets: int, address: str) -> None:
        """Charge a message that was read and cannot be used as if it were kept: reading it cost as much."""
        self._octets += octets
        if self._octets > self.limits.max_octets:
            self._end("max_octets", self.limits.max_octets, address)

    def end_verification(self, work_us: int, rtype: str) -> None:
        """End the run, as so much work on signatures and hashes was all that it may do."""
        self._end("max_verification", work_us, rtype)

    def keep_entry(self, testcase: str, args: Mapping[str, Any]) -> bool:
        """Say whether one more entry with these arguments may be kept."""
        if self.is_stopped:  # found about what is missing already
            return False
        items = octets = 0
        for value in args.values():
            if type(value) is str:  # most are
                octets += len(value)
                continue
            octets += _text_octets(value)
            if isinstance(value, list | tuple | dict):
                items += len(value)
        if self.entries >= self.limits.max_entries:
            self._end("max_entries", self.limits.max_entries, testcase)
            return False
        if self._entry_items + items > self.limits.max_entry_items:
            self._end("max_entry_items", self.limits.max_entry_items, testcase)
            return False
        if self._entry_octets + octets > self.limits.max_entry_octets:
            self._end("max_entry_octets", self.limits.max_entry_octets, testcase)
            return False
        self.entries += 1
        self._entry_items += items
        self._entry_octets += octets
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
        for network in self._networks.values():
            network.waiting.clear()
        self.stop = None

    @property
    def left_out(self) -> dict[str, LeftOut]:
        """What was left out, by the name of the limit, sorted."""
        return dict(sorted(self._left_out.items()))
