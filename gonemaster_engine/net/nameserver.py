"""Name servers as a run sees them: each query is sent once, dead servers given up soon, times kept."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Awaitable, Iterable
from functools import partial
from operator import attrgetter
from typing import TypeAlias

from gonemaster_engine import names
from gonemaster_engine.addresses import counted_as, host_network_of, may_be_target
from gonemaster_engine.budget import Network
from gonemaster_engine.limits import SYN_PACKETS
from gonemaster_engine.net import trace
from gonemaster_engine.net.cache import QueryKey
from gonemaster_engine.net.failures import Failures, silent_ways, unused_packets, way_of
from gonemaster_engine.net.query import GIVEN_UP
from gonemaster_engine.net.run_state import RunState
from gonemaster_engine.net.timings import NameserverTiming
from gonemaster_engine.net.transport import CLOSED, TIMEOUT, Outcome, Query, Timing
from gonemaster_engine.net.wire.messages import AD, CD, DNSSEC_EDNS, RD, Edns, Response, query_body
from gonemaster_engine.net.wire.rrtypes import CLASS_NUMBER, type_number
from gonemaster_engine.waiting import PATIENCE_S

COOKIE_OPTION = 10  # RFC 7873 section 4
CLIENT_COOKIE_OCTETS = 8
_PROMPT_MS = 250.0  # an address that never took longer has lost what it has not answered after six times that

Answer = asyncio.Future[Response | None]


_Held: TypeAlias = "deque[tuple[QueryKey, Answer, Nameserver, bool]]"


class Server:
    """One address in a run: its answers, its failures, its times. All names of the address share it.

    An address that has not answered yet, or no longer answers, gets few queries at a time. The others wait, and most
    are never sent if it stays silent: it may belong to somebody who has nothing to do with the zone.
    """

    __slots__ = (
        "_account",
        "_active",
        "_active_tcp",
        "_cached_ways",
        "_doubtful",
        "_failures",
        "_guarded",
        "_heard_at",
        "_held",
        "_run",
        "_slowest_ms",
        "_spent_ms",
        "_timer",
        "_tried_any_source",
        "_tried_tcp",
        "_under_way",
        "address",
        "answers",
        "is_ipv6",
        "refusals",
        "rtts_ms",
        "timeouts",
    )

    def __init__(self, run: RunState, address: str) -> None:
        self._run = run
        self.address = address
        self.is_ipv6 = ":" in address
        self.answers: dict[QueryKey, Answer] = {}
        self.rtts_ms: list[float] = []
        self.timeouts = 0
        self.refusals = 0
        self._slowest_ms = 0.0
        self._spent_ms = 0.0
        self._failures: dict[tuple[bool, bool, bool], Failures] = {}  # by (TCP, EDNS, any source)
        self._cached_ways: set[tuple[bool, bool, bool]] = set()  # by which answers from the cache had come
        self._tried_tcp = False
        self._tried_any_source = False
        self._held: tuple[_Held, _Held] = (deque(), deque())  # over UDP, over TCP
        self._doubtful: _Held = deque()  # on ways that seem to lead nowhere
        self._under_way: dict[QueryKey, tuple[Query, Nameserver]] = {}
        self._heard_at = 0.0  # time of the event loop
        self._timer: asyncio.TimerHandle | None = None
        self._active = 0
        self._active_tcp = 0
        self._account = run.budget.account(counted_as(address), network=host_network_of(address))
        self._guarded: bool | None = None

    def query(self, key: QueryKey, nameserver: Nameserver, *, shared: bool) -> Answer:
        """Return the answer to a query; it is sent unless the run has sent it before."""
        answer = self.answers.get(key)
        if answer and not self._run.log.traces_queries:
            return answer
        if self._run.log.traces_queries:
            trace.queried(self._run.log, self.address, key)
            if answer and answer.done():
                trace.known(self._run.log, answer.result())
        if answer is None:
            answer = self.answers[key] = self._run.loop.create_future()
            self._begin(key, answer, nameserver, shared=shared)
        return answer

    def restore(self, key: QueryKey, response: Response | None) -> None:
        """Answer a query beforehand, as from a file; an address that answered then is not taken for a silent one."""
        answer = self.answers[key] = self._run.loop.create_future()
        answer.set_result(response)
        if response:
            self._cached_ways.add(way_of(key))

    def client_cookie(self) -> bytes:
        """Return the client cookie for this address: that of earlier, perhaps restored queries, else a random one.

        RFC 7873 section 4.1: one cookie per server. Restored answers belong to the cookie that they were sent with.
        """
        for key in self.answers:
            if key.edns and (cookie := key.edns.option(COOKIE_OPTION)):
                return cookie[:CLIENT_COOKIE_OCTETS]
        return secrets.token_bytes(CLIENT_COOKIE_OCTETS)

    def _begin(self, key: QueryKey, answer: Answer, nameserver: Nameserver, *, shared: bool) -> None:
        run = self._run
        if not self._is_allowed(nameserver):  # before the cache: it may know what this run would not ask
            answer.set_result(None)
            return
        if shared and (known := run.hot.find_answer(self.address, key, run.lifetimes)):
            self._cached_ways.add(way_of(key))
            if not self._account.answered:  # to some other run; that is worth one answer, not one for each query
                run.budget.note_answer(self._account)
            answer.set_result(known)
            if run.log.traces_queries:
                trace.known(run.log, known)
            return
        if not self._may_be_queried(key, nameserver):
            answer.set_result(None)
            return
        if shared:
            answer.add_done_callback(lambda done: self._keep(key, done))
        self._send_or_hold(key, answer, nameserver, shared=shared)

    def _send_or_hold(self, key: QueryKey, answer: Answer, nameserver: Nameserver, *, shared: bool) -> None:
        if self._is_doubtful(key):
            self._doubtful.append((key, answer, nameserver, shared))
        elif self._has_room(key):
            self._send(key, answer, nameserver, mixed_case=shared)
        else:
            self._held[key.tcp].append((key, answer, nameserver, shared))
            if self._failures:  # else it has never been heard
                self._set_timer()
            self._wait_for_network()

    def _wait_for_network(self) -> None:
        if self._account.network and not self._active:  # else its own outcome comes, too
            self._account.network.waiting[id(self)] = self._send_held

    def _has_room(self, key: QueryKey) -> bool:
        """Say whether one more query may be under way.

        Beyond what it has earned an address gets a few, and one connection; more if it serves the zone and is slow.
        """
        limit, budget = self._run.profile.nameserver_concurrency, self._run.budget
        packets = self._packets(key)
        if limit and self._active >= limit:
            return False
        if self._active and not budget.allows(self._account, packets):
            return False  # what is under way may be paid back
        if budget.waits_for_network(self._account, packets):
            return False
        if budget.is_earned(self._account, packets) or self._may_get_more(key):
            return True
        return not self._active_tcp if key.tcp else self._active - self._active_tcp < budget.limits.max_probes

    def _may_get_more(self, key: QueryKey) -> bool:
        """Say whether queries need not wait for answers to others, as those of a slow server come late."""
        failures = self._failures.get(way_of(key))
        if failures is None or not failures.answered or self._run.loop.time() < self._heard_at + PATIENCE_S:
            return False
        return self._run.budget.may_get_more(self._account)

    def _look_again(self) -> None:
        self._timer = None
        self._send_held()
        if any(self._held):
            self._set_timer()

    def close(self) -> None:
        """Send nothing more of what waits; the run has ended."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self) -> None:
        if self._timer is None:
            self._timer = self._run.loop.call_later(PATIENCE_S, self._look_again)

    def _is_doubtful(self, key: QueryKey) -> bool:
        """Say whether the queries under way on the same way are to show first that it leads anywhere."""
        limit, way = self._run.profile.fast_fail_timeout_count, way_of(key)
        failures = self._failures.get(way)
        if not failures or not failures.timeouts or failures.answered or key.probing or way in self._cached_ways:
            return False
        under_way = sum(way_of(each) == way and not each.probing for each in self._under_way)
        return failures.may_be_hopeless(limit, under_way=under_way)

    def _send_doubtful(self) -> None:
        """Send what waited for a way to prove good, or end it if the way was given up."""
        for _ in range(len(self._doubtful)):
            key, answer, nameserver, shared = self._doubtful.popleft()
            if not answer.done() and self._is_given_up(key, nameserver):
                answer.set_result(None)
            elif not answer.done():
                self._send_or_hold(key, answer, nameserver, shared=shared)

    def _send_held(self) -> None:
        """Send what waited, as far as there is room and the address is not given up meanwhile."""
        for held in self._held:
            while held and self._has_room(held[0][0]):
                key, answer, nameserver, shared = held.popleft()
                if not answer.done() and self._is_given_up(key, nameserver):
                    answer.set_result(None)
                elif not answer.done() and self._is_doubtful(key):
                    self._doubtful.append((key, answer, nameserver, shared))
                elif not answer.done():
                    self._send(key, answer, nameserver, mixed_case=shared)
        if any(self._held):
            self._wait_for_network()

    def _send_held_of_network(self, network: Network) -> None:
        """Send what waits at the other addresses of the network, too."""
        waiting = list(network.waiting.values())
        network.waiting.clear()
        for send in waiting:
            send()

    def _keep(self, key: QueryKey, answer: Answer) -> None:
        if not answer.cancelled() and (response := answer.result()):
            self._run.hot.keep_answer(self.address, key, response, self._run.lifetimes)

    def _is_allowed(self, nameserver: Nameserver) -> bool:
        """Say whether the profile lets anything be asked at the address."""
        run = self._run
        if run.profile.no_network or not run.uses_family(ipv6=self.is_ipv6):
            if run.log.traces_queries:
                trace.held_back(run.log, nameserver.name, self.address)
            return False
        if self._guarded is None:
            self._guarded = self._is_guarded(nameserver)
        return not self._guarded

    def _may_be_queried(self, key: QueryKey, nameserver: Nameserver) -> bool:
        """Say whether the address is worth another query."""
        if self._is_given_up(key, nameserver):
            return False
        limit_ms = self._run.profile.nameserver_max_total_ms
        return not limit_ms or self._spent_ms < limit_ms

    def _is_guarded(self, nameserver: Nameserver) -> bool:
        """Say whether nothing may be sent to the address; a supplied one is no exception."""
        run = self._run
        if may_be_target(self.address, guarded=not run.profile.allow_non_global_targets):
            return False
        run.log.aside("NON_GLOBAL_QUERY_BLOCKED", ns=nameserver.name, address=self.address)
        return True

    def _is_given_up(self, key: QueryKey, nameserver: Nameserver) -> bool:
        log = self._run.log
        limit = self._run.profile.fast_fail_timeout_count
        if limit and self.timeouts >= limit and not self._is_worth_querying(key) and (silent := self._silent(key)):
            left_s = self._rest_s(max(each.last_at for each in silent))
            if left_s > 0 and log.traces_queries:
                trace.put_aside(log, nameserver.name, self.address, key)
            if left_s > 0 or not self.has_answered:
                return left_s > 0
        failures = None if way_of(key) in self._cached_ways else self._failures.get(way_of(key))
        left_s = self._rest_s(failures.last_at) if failures and failures.is_hopeless(limit) else 0.0
        if failures and left_s > 0 and log.traces_queries:
            trace.skipped(log, self.address, key, unreachable=failures.is_unreachable, wait_s=left_s)
        return left_s > 0

    def _silent(self, key: QueryKey) -> list[Failures]:
        """Return the ways of which none has ever led to the address, if there were enough timeouts on them.

        They are all ways for an address that never answered, else those over UDP or those over TCP.
        """
        if not self.has_answered:
            return list(self._failures.values())
        if any(way[0] == key.tcp for way in self._cached_ways):
            return []
        return silent_ways(self._failures, tcp=key.tcp, least=self._run.profile.fast_fail_timeout_count)

    def _is_worth_querying(self, key: QueryKey) -> bool:
        """Say whether a way that was not gone yet may lead to an address that never answered."""
        if key.tcp:
            return not self._tried_tcp
        return key.any_source and not self._tried_any_source

    def _rest_s(self, failed_at: float) -> float:
        """Return for how many seconds after a failure nothing more is sent; zero or less when they are over."""
        return failed_at + self._run.profile.error_cache_ttl_s - self._run.loop.time()

    def _send(self, key: QueryKey, answer: Answer, nameserver: Nameserver, *, mixed_case: bool) -> None:
        run = self._run
        timing = self._timing(key)
        packets = self._packets(key)
        if not run.budget.charge(self._account, packets):
            if not run.budget.is_stopped:  # else the run ends, and nobody may take this for silence
                answer.set_result(None)
            return
        self._active += 1
        if self._account.network:
            self._account.network.active += 1
        self._active_tcp += key.tcp
        qname = key.qname_octets or names.to_wire(key.qname)
        qclass = CLASS_NUMBER[key.qclass]
        query = Query(
            self.address,
            query_body(qname, type_number(key.qtype), qclass, key.flags, key.edns),
            timing,
            partial(self._on_outcome, key, answer, nameserver, packets),
            question_octets=len(qname) + 4,
            qclass=qclass,
            any_source=key.any_source,
            mixed_case=mixed_case and key.qname_octets is None,
            source_address=run.profile.source6 if self.is_ipv6 else run.profile.source4,
            tcp_slots=run.tcp_slots,
            pace=run.pace,
            twins=run.twins,
        )
        self._under_way[key] = query, nameserver
        run.queries += 1
        if run.log.traces_queries:
            trace.sent(run.log, self.address, key)
        if key.tcp:
            run.transport.send_tcp(query)
        else:
            run.transport.send_udp(query)

    def _timing(self, key: QueryKey) -> Timing:
        if key.probing:
            return self._run.probe_timing
        return self._run.prompt_timing if self.rtts_ms and self._slowest_ms <= _PROMPT_MS else self._run.timing

    def _packets(self, key: QueryKey) -> int:
        """Return how many packets a query takes at most."""
        return SYN_PACKETS if key.tcp else self._timing(key).tries

    def _on_outcome(
        self, key: QueryKey, answer: Answer, nameserver: Nameserver, packets: int, outcome: Outcome
    ) -> None:
        query, _ = self._under_way.pop(key)
        self._active -= 1
        network = self._account.network
        if network:
            network.active -= 1
        budget = self._run.budget
        if key.tcp:
            self._active_tcp -= 1
            unused = unused_packets(query, packets, outcome)
        else:
            unused = query.tries_left
        if unused:
            budget.pay_back(self._account, unused)
        response = outcome.response
        if response:
            budget.note_answer(self._account, is_authoritative=self._is_authoritative(key, response))
            if not budget.keep(response, self.address):
                outcome, response = Outcome(None, CLOSED), None
        elif outcome.octets:
            budget.keep_nothing(outcome.octets, self.address)
        self._count(key, outcome)
        if budget.is_stopped:
            return  # nobody may take what is missing now for silence
        if response and response.tc and key.fallback and not key.tcp:
            self._retry_over_tcp(key, answer, nameserver, response)
        elif not answer.done():
            answer.set_result(response)
        plain = self._under_way.get(key._replace(any_source=False)) if key.any_source else None
        if plain and response and response.source == self.address:  # which answers the question itself, too
            plain[0].finish(outcome)
        if outcome.error == TIMEOUT and (key.tcp or not self.has_answered):
            self._end_hopeless(tcp=key.tcp)
        if self._doubtful:
            self._send_doubtful()
        if self._held[0] or self._held[1]:
            self._send_held()
        if network and network.waiting:
            self._send_held_of_network(network)

    def _end_hopeless(self, *, tcp: bool) -> None:
        """End the queries under way that would not be sent any more: their silence would only be waited for again.

        Of an address that has answered these are those over TCP: there the kernel has sent again what was lost.
        """
        for key, (query, nameserver) in list(self._under_way.items()):
            if (not self.has_answered or key.tcp == tcp) and self._is_given_up(key, nameserver):
                query.give_up()

    def _is_authoritative(self, key: QueryKey, response: Response) -> bool:
        """Say whether a response shows that the address serves the tested zone."""
        # DS records lie in the parent zone, whose servers answer for them with authority (RFC 4035 section 3.1.4.1).
        return (
            response.aa
            and response.rcode_number in {0, 3}
            and key.qtype != "DS"
            and names.is_in_domain(key.qname, self._run.zone_name)
        )

    def _retry_over_tcp(self, key: QueryKey, answer: Answer, nameserver: Nameserver, truncated: Response) -> None:
        over_tcp = key._replace(tcp=True)
        again = self.answers.get(over_tcp)
        if again is None:
            again = self.answers[over_tcp] = self._run.loop.create_future()
            if self._is_given_up(over_tcp, nameserver):
                again.set_result(None)
            else:
                self._send_or_hold(over_tcp, again, nameserver, shared=False)

        def pass_on(done: Answer) -> None:
            if not answer.done():
                answer.set_result((None if done.cancelled() else done.result()) or truncated)

        again.add_done_callback(pass_on)

    def _count(self, key: QueryKey, outcome: Outcome) -> None:
        if self._run.log.traces_queries:
            trace.ended(self._run.log, self.address, key, outcome)
        if outcome.error == GIVEN_UP or (key.probing and outcome.response is None):
            return
        way = way_of(key)
        if key.any_source and outcome.response and outcome.response.source == self.address:
            way = way_of(key._replace(any_source=False))  # which is how it came
        failures = self._failures.get(way)
        if failures is None:
            failures = self._failures[way] = Failures()
        if outcome.response:
            failures.answered = True
            self._heard_at = self._run.loop.time()
        else:
            failures.count(outcome, self._run.loop.time())
        self._tried_tcp |= key.tcp
        self._tried_any_source |= key.any_source
        if outcome.error == TIMEOUT:
            self.timeouts += 1
            self._spent_ms += self._run.timing.timeout_s * 1000
        if response := outcome.response:
            self.rtts_ms.append(response.rtt_ms)
            self._slowest_ms = max(self._slowest_ms, response.rtt_ms)
            self._spent_ms += response.rtt_ms
            if response.rcode_number == 5:  # REFUSED
                self.refusals += 1

    @property
    def has_answered(self) -> bool:
        """Whether an answer came from the address in this run, or is known from another run or a file."""
        return bool(self.rtts_ms or self._cached_ways)

    @property
    def was_queried(self) -> bool:
        """Whether any query left for the address in this run; answers of caches do not count."""
        return bool(self._failures)

    def timing(self, name: str) -> NameserverTiming:
        """Return how fast the address answered, under one of its names."""
        return NameserverTiming.of(name, self.address, self.rtts_ms, timeouts=self.timeouts, refusals=self.refusals)


class Nameserver:
    """A name and one of its addresses; sorted by both. A run has one object per pair, so two of them are not equal."""

    __slots__ = ("address", "name", "order", "server")

    def __init__(self, name: str, server: Server) -> None:
        self.name = name
        self.server = server
        self.address = server.address
        self.order = (name, server.is_ipv6, server.address)

    def __repr__(self) -> str:
        return f"{self.name}/{self.address}"

    def __lt__(self, other: Nameserver) -> bool:
        return self.order < other.order

    @property
    def is_ipv6(self) -> bool:
        """Whether the address is an IPv6 address."""
        return self.server.is_ipv6

    def query(
        self,
        qname: str,
        qtype: str,
        *,
        dnssec: bool = False,
        tcp: bool = False,
        edns: Edns | None = None,
        qclass: str = "IN",
        rd: bool = False,
        cd: bool = False,
        ad: bool = False,
        any_source: bool = False,
        qname_octets: bytes | None = None,
        fallback: bool | None = None,
        probing: bool = False,
        shared: bool = False,
    ) -> Awaitable[Response | None]:
        """Ask; the query is sent at once, the result can be awaited later.

        None stands for no usable response: a timeout, an unreachable host, octets that are not a DNS message, an
        address family that is off, an address that may not be queried. `dnssec` sends DO and 1232 octets;
        `qname_octets` gives the name in another spelling; `probing` sends once, and a server that does not answer
        is not the worse for it; `shared` lets the answer come from, and go to, the
        hot cache of the process: for what is not about the tested zone.
        """
        key = QueryKey(
            qname,
            qtype,
            qclass,
            (RD if rd else 0) | (CD if cd else 0) | (AD if ad else 0),
            DNSSEC_EDNS if dnssec and edns is None else edns,
            tcp,
            self.server._run.profile.fallback if fallback is None else fallback,  # noqa: SLF001 - same module
            any_source,
            qname_octets,
            probing,
        )
        return self.server.query(key, self, shared=shared)

    def was_queried(self, qname: str, qtype: str) -> bool:
        """Say whether that query, with DO over UDP, was sent to the address before in this run."""
        fallback = self.server._run.profile.fallback  # noqa: SLF001 - same module
        return QueryKey(qname, qtype, edns=DNSSEC_EDNS, fallback=fallback) in self.server.answers

    def axfr(self, zone_name: str) -> Awaitable[Response | None]:
        """Ask for a zone transfer; the result is its first message (RFC 5936 section 2.2)."""
        return self.query(zone_name, "AXFR", tcp=True)


nameserver_order = attrgetter("order")  # sorts without a call of Python code for each comparison


async def query_all(
    servers: Iterable[Nameserver],
    qname: str,
    qtype: str,
    *,
    dnssec: bool = False,
    tcp: bool = False,
    edns: Edns | None = None,
    rd: bool = False,
    fallback: bool | None = None,
    shared: bool = False,
) -> list[tuple[Nameserver, Response | None]]:
    """Query all servers at once; the results stand in the order of the servers."""
    pending = [
        (
            server,
            server.query(qname, qtype, dnssec=dnssec, tcp=tcp, edns=edns, rd=rd, fallback=fallback, shared=shared),
        )
        for server in servers
    ]
    return [(server, await answer) for server, answer in pending]
