"""The budget of a run: packets sent, packets still allowed, and the names and addresses left out because of a limit.

Every packet of a run is charged here before it is sent: by `Server` (net/server), which sends all DNS queries, and by
`AsnLookup` for its connections to whois servers. A query is charged with its maximum cost and refunded the unused part
at its end, so a limit holds at every moment, not only on average.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from gonemaster_engine.addresses import accounting_address, networks_of
from gonemaster_engine.limits import DEFAULT_LIMITS, SIGNED_SET_MAX_RECORDS, RunLimits

_EXAMPLES = 10  # examples of left-out subjects, per limit
_MAX_SUBJECTS = 10_000
_FEW_PACKETS = 8  # enough to determine whether an address answers


class StoredResponse(Protocol):
    """The interface of a response for the budget."""

    @property
    def held_octets(self) -> int:
        """Estimated memory in bytes."""

    @property
    def record_count(self) -> int:
        """Number of records."""

    def large_sets(self) -> list[tuple[str, str, int]]:
        """Return the sets of which only some records are read: owner, type, number of records read."""


class Omission:
    """The subjects that one limit left out."""

    def __init__(self, value: int) -> None:
        self.value = value
        self._subjects: set[str] = set()

    def add(self, subject: str) -> None:
        """Record a name or address once, as long as memory allows."""
        if len(self._subjects) < _MAX_SUBJECTS:
            self._subjects.add(subject)

    @property
    def count(self) -> int:
        """Number of names or addresses left out, up to a limit."""
        return len(self._subjects)

    @property
    def examples(self) -> list[str]:
        """The first subjects, sorted."""
        return sorted(self._subjects)[:_EXAMPLES]


class Admission:
    """The names and addresses of one zone's servers that are within the limits of the run.

    A decision for a name or address is final: two sets that are compared are truncated at the same point, so the
    comparison finds no artificial difference.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._names: set[str] = set()
        self._pairs: set[tuple[str, str]] = set()
        self.is_cut = False  # whether any name or address was rejected

    def names(self, names: Iterable[str]) -> list[str]:
        """Return the admitted names, sorted; new names are admitted while there is room."""
        maximum = self._budget.limits.max_nameservers
        found = []
        for name in sorted(set(names)):
            if name in self._names or len(self._names) < maximum:
                self._names.add(name)
                found.append(name)
            else:
                self.is_cut = True
                self._budget.omit("max_nameservers", maximum, name)
        return found

    def addresses(self, by_name: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
        """Return the admitted names with their admitted addresses, all sorted.

        Names and address families take turns, so that each name keeps an address while there is room.
        """
        maximum = self._budget.limits.max_addresses
        turns = {name: _alternating(by_name[name]) for name in self.names(by_name)}
        found: dict[str, list[str]] = {name: [] for name in turns}
        for position in range(max(map(len, turns.values()), default=0)):
            for name, addresses in turns.items():
                if position >= len(addresses):
                    continue
                pair = (name, addresses[position])
                if pair in self._pairs or len(self._pairs) < maximum:
                    self._pairs.add(pair)
                    found[name].append(pair[1])
                else:
                    self.is_cut = True
                    self._budget.omit("max_addresses", maximum, "/".join(pair))
        return {name: sorted(addresses, key=_address_order) for name, addresses in found.items()}


def _text_octets(value: Any) -> int:
    """Return the approximate number of octets of the text in a JSON value."""
    kind = type(value)
    if kind is str:
        return len(value)
    if kind is dict:
        value = value.values()
    elif kind is not list and kind is not tuple:
        return len(value) if isinstance(value, str) else 0
    octets = 0
    for item in value:  # most are server lists, {ns, address}
        octets += len(item) if type(item) is str else _text_octets(item)
    return octets


def _address_order(address: str) -> tuple[bool, str]:
    return (":" in address, address)


def _alternating(addresses: Iterable[str]) -> list[str]:
    """Return the addresses alternating between the families, so that truncation does not remove IPv6 first."""
    place: Counter[bool] = Counter()
    ranks = []
    for address in sorted(set(addresses)):
        is_ipv6 = ":" in address
        ranks.append((place[is_ipv6], is_ipv6, address))
        place[is_ipv6] += 1
    return [address for _, _, address in sorted(ranks)]


class Network:
    """Packets sent to addresses of one network that are not authoritative for the tested zone.

    All of them may belong to one victim, for which limits per address would be ineffective.
    """

    __slots__ = ("active", "maximum", "packets", "waiting")

    def __init__(self, maximum: int) -> None:
        self.maximum = maximum
        self.packets = 0
        self.active = 0  # queries in flight, whose packets may be refunded
        self.waiting: dict[int, Callable[[], None]] = {}  # callbacks for the end of one of these queries


class Account:
    """Packets sent to one address, and the credit that its answers have earned.

    Each answer earns some more packets, up to a maximum credit. Packets beyond the credit count as sent to a silent
    address: a single answer does not prove that the address is a name server of the zone.
    """

    __slots__ = ("address", "answered", "credit", "is_authoritative", "is_independent", "networks", "packets", "shared")

    def __init__(self, address: str, networks: tuple[Network, ...]) -> None:
        self.address = address
        self.networks = networks  # the narrowest first; each contains the one before it
        self.packets = 0
        self.shared = 0  # packets that also count for the networks
        self.credit = 0  # packets; negative: packets sent beyond the earned credit
        self.answered = False
        self.is_authoritative = False  # whether it is authoritative for the tested zone
        self.is_independent = False  # whether the tested zone cannot have chosen it

    @property
    def silent_packets(self) -> int:
        """Number of packets sent beyond the earned credit."""
        return max(0, -self.credit)


class Budget:
    """The budget of one run."""

    def __init__(self, limits: RunLimits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self._most_outside = min(limits.max_outside_packets, limits.max_queries_per_address)
        self.packets = 0
        self.silent_packets = 0  # packets to all addresses beyond the earned credit
        self.stop: Callable[[], None] | None = None  # ends the run when the budget is exhausted
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
        self._left_out: dict[str, Omission] = {}

    def account(self, address: str) -> Account:
        """Return the account of an address, shared by all its users and by all forms of one IPv4 address."""
        owner = accounting_address(address)
        account = self._accounts.get(owner)
        if account is None:
            networks = (self._network(*server) for server in networks_of(owner))
            account = self._accounts[owner] = Account(owner, tuple(networks))
        return account

    def _network(self, network: str, factor: int) -> Network:
        return self._networks.setdefault(network, Network(factor * self.limits.max_outside_packets))

    def add_delegated(self, addresses: Iterable[str]) -> None:
        """Register addresses of the tested zone's delegation, which may receive more packets than others."""
        self._delegated.update(addresses)

    def admission(self, zone: str) -> Admission:
        """Return the admission of a zone's servers."""
        admission = self._admissions.get(zone)
        if admission is None:
            admission = self._admissions[zone] = Admission(self)
        return admission

    def mail_servers(self, names: Iterable[str]) -> list[str]:
        """Return the MX host names that are within the limit, sorted; admitted names stay admitted."""
        maximum = self.limits.max_mail_servers
        found = []
        for name in sorted(set(names)):
            if name in self._mail_servers or len(self._mail_servers) < maximum:
                self._mail_servers.add(name)
                found.append(name)
            else:
                self.omit("max_mail_servers", maximum, name)
        return found

    def charge(self, account: Account, packets: int) -> bool:
        """Charge packets to an address; return whether they may be sent."""
        limits = self.limits
        if self.packets + packets > limits.max_queries:
            self._end("max_queries", limits.max_queries, account.address)
            return False
        name, maximum = self._limit_of(account)
        if account.packets + packets > maximum:
            self.omit(name, maximum, account.address)
            return False
        if self._full_networks(account, packets):
            self.omit("max_outside_packets", limits.max_outside_packets, account.address)
            return False
        if packets > account.credit and not self._can_probe(account, packets):
            return False
        self._count(account, packets)
        self._earn(account, -packets)
        return True

    def _count(self, account: Account, packets: int) -> None:
        if not (account.is_authoritative or account.is_independent):
            account.shared += packets
            for network in account.networks:
                network.packets += packets
        account.packets += packets
        self.packets += packets

    def allows(self, account: Account, packets: int) -> bool:
        """Return whether more packets are within the limits of an address, including queries in flight."""
        if account.packets + packets > self._limit_of(account)[1]:
            return False
        return packets - account.credit <= self.limits.max_silent_packets_per_address

    def waits_for_network(self, account: Account, packets: int) -> bool:
        """Return whether the packets must wait because of queries in flight to the networks of the address."""
        full = self._full_networks(account, packets)
        return bool(full) and all(network.active for network in full)

    def _full_networks(self, account: Account, packets: int) -> list[Network]:
        # Authority is enough here: addresses that only the apex NS set contains are not delegated, but may legitimately
        # share a network.
        if account.is_authoritative or account.is_independent:
            return []
        return [network for network in account.networks if network.packets + packets > network.maximum]

    def is_earned(self, account: Account, packets: int) -> bool:
        """Return whether the answers of an address have earned that many more packets."""
        return packets <= account.credit

    def can_exceed_credit(self, account: Account) -> bool:
        """Return whether an address may get packets beyond its credit without waiting, up to the limits."""
        return self._serves(account) and self.silent_packets < self.limits.max_silent_packets // 3

    def _limit_of(self, account: Account) -> tuple[str, int]:
        """Return the name of the limit that applies to an address, and its value."""
        if account.is_independent:
            return "max_independent_packets", self.limits.max_independent_packets
        if self._serves(account):
            return "max_queries_per_address", self.limits.max_queries_per_address
        return "max_outside_packets", self._most_outside

    def _serves(self, account: Account) -> bool:
        """Return whether an address serves the tested zone.

        Being in the delegation is not enough: glue can contain any address.
        """
        return account.is_authoritative and account.address in self._delegated

    def _can_probe(self, account: Account, packets: int) -> bool:
        limits = self.limits
        silent = packets - account.credit
        if silent > limits.max_silent_packets_per_address:
            self.omit("max_silent_packets_per_address", limits.max_silent_packets_per_address, account.address)
            return False
        # The last third is reserved for addresses that received few queries: an address without queries is not silent.
        reserved = limits.max_silent_packets // 3 if account.silent_packets >= _FEW_PACKETS else 0
        if self.silent_packets - account.silent_packets + silent > limits.max_silent_packets - reserved:
            self.omit("max_silent_packets", limits.max_silent_packets, account.address)
            return False
        return True

    def settle(self, account: Account, charged: int, sent: int) -> None:
        """Replace the packets that a query was charged for with the packets that it has sent.

        Only a connection can send more than it was charged for: the ACKs of a long response. They count, but need no
        credit, because each has been earned by a packet of the server.
        """
        if sent > charged:
            self._count(account, sent - charged)
        elif sent < charged:
            unused = charged - sent
            account.packets -= unused
            self._unshare(account, unused)
            self.packets -= unused
            self._earn(account, unused)

    def _unshare(self, account: Account, packets: int) -> None:
        """Subtract packets of an address from the counts of its networks."""
        if not account.shared:  # as with every server of the zone
            return
        packets = min(packets, account.shared)
        account.shared -= packets
        for network in account.networks:
            network.packets -= packets

    def record_answer(self, account: Account, *, is_authoritative: bool = False) -> None:
        """Record that an address answered, and whether it is authoritative for the tested zone."""
        account.answered = True
        if is_authoritative:
            account.is_authoritative = True
            self._unshare(account, account.shared)
        self._earn(account, self.limits.packets_per_answer)

    def note_independent(self, account: Account) -> None:
        """Record that the tested zone has not chosen an address: it serves the parent zone or the AS database."""
        account.is_independent = True
        self._unshare(account, account.shared)

    def _earn(self, account: Account, packets: int) -> None:
        before, maximum = account.credit, self.limits.max_earned_packets
        after = before + packets
        if after > maximum:
            after = maximum
        account.credit = after
        if before < 0:  # see Account.silent_packets
            self.silent_packets += before
        if after < 0:
            self.silent_packets -= after

    def keep(self, response: StoredResponse, address: str) -> bool:
        """Return whether a response may be stored: memory is limited, too."""
        if self.is_stopped:  # late responses may still arrive; parsing them would waste time
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
            for owner, rtype, maximum in response.large_sets():
                self.omit("max_records_of_a_set", maximum, f"{owner} {rtype}")
        return True

    def charge_discarded(self, octets: int, address: str) -> None:
        """Charge an unusable message like a stored message, because reading it cost the same."""
        self._octets += octets
        if self._octets > self.limits.max_octets:
            self._end("max_octets", self.limits.max_octets, address)

    def end_verification(self, work_us: int, rtype: str) -> None:
        """End the run because its limit of work on signatures and hashes is reached."""
        self._end("max_verification", work_us, rtype)

    def keep_entry(self, testcase: str, args: Mapping[str, Any]) -> bool:
        """Return whether one more entry with these arguments may be stored."""
        if self.is_stopped:  # the entry would result from missing answers
            return False
        items = octets = 0
        for value in args.values():
            if type(value) is str:  # the most frequent type
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
        """End the run: without answers to unsent queries, findings would be wrong."""
        self.omit(limit, value, subject)
        if self.stop and not self.is_stopped:
            self.is_stopped = True
            self.stop()

    def omit(self, limit: str, value: int, subject: str) -> None:
        """Record that a name or an address was left out because of a limit."""
        left_out = self._left_out.get(limit)
        if left_out is None:
            left_out = self._left_out[limit] = Omission(value)
        left_out.add(subject)

    def release(self) -> None:
        """Drop references to users of the budget: without reference cycles, a run is freed immediately."""
        self._admissions.clear()
        for network in self._networks.values():
            network.waiting.clear()
        self.stop = None

    @property
    def left_out(self) -> dict[str, Omission]:
        """The subjects that were left out, by the name of the limit, sorted."""
        return dict(sorted(self._left_out.items()))
