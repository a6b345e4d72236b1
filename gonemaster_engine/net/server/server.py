"""One address in a run: sends each query once, and ends queries on suspended paths."""

from __future__ import annotations

from functools import partial

from gonemaster_engine import names
from gonemaster_engine.addresses import is_allowed_target
from gonemaster_engine.limits import ANSWER_MAX_RECORDS
from gonemaster_engine.loop_time import LoopTime
from gonemaster_engine.net.cache import QueryKey
from gonemaster_engine.net.query import CLOSED, TIMEOUT, Query, QueryOutcome, Timing
from gonemaster_engine.net.server import trace
from gonemaster_engine.net.server.admission import QueryAdmission
from gonemaster_engine.net.server.answers import AnswerCache
from gonemaster_engine.net.server.paths import PathHealth
from gonemaster_engine.net.server.pending import QUERIED, Answer, Pending
from gonemaster_engine.net.server.repeats import Repeats
from gonemaster_engine.net.server.run_state import RunState
from gonemaster_engine.net.timings import NameserverTiming
from gonemaster_engine.net.wire.messages import Response, query_body
from gonemaster_engine.net.wire.rrtypes import CLASS_NUMBER, type_number


class Server:
    """One address in a run; all names with that address share it.

    A query passes four checks in this order, until one of them decides:
    1. `AnswerCache`: was the same query sent before, or does the hot cache have the answer?
    2. The profile: may the address be queried?
    3. `PathHealth`: is the path suspended because it has never answered?
    4. `QueryAdmission`: may one more query be in flight? If not, it waits.

    `Repeats` repeats a query without an answer if the address answers others. The outcome of a query passes admission,
    budget, health and answer; then waiting queries are tried again.
    """

    __slots__ = ("_admission", "_guarded", "_repeats", "_run", "address", "cache", "fallback", "health", "is_ipv6")

    def __init__(self, run: RunState, address: str) -> None:
        self._run = run
        self.address = address
        self.is_ipv6 = ":" in address
        self.fallback = run.profile.fallback  # whether to fall back to TCP, unless a query overrides it
        self.cache = AnswerCache(run, address)
        self.health = PathHealth(address, run.profile)
        self._admission = QueryAdmission(run, address, self.health)
        self._repeats = Repeats(run, self.health, self._admission, self.cache)
        self._guarded: bool | None = None

    @property
    def turns(self) -> LoopTime:
        """The turns in which the run works."""
        return self._run.transport.turns_of(self._run.pace)

    @property
    def state(self) -> str:
        """What is known now: `ok` after an answer, `silent` after a timeout, `asking`, or `none` without a query."""
        if self.health.has_answered:
            return "ok"
        if self.health.timeouts:
            return "silent"
        if any(not answer.done() for answer in self.cache.by_key.values()):
            return "asking"
        return "silent" if self.health.was_queried else "none"

    def query(self, key: QueryKey, name: str, *, shared: bool) -> Answer:
        """Return the answer to a query, and send the query unless the run has already sent it.

        `name` is the name server's.
        """
        answer = self.cache.by_key.get(key)
        if self._run.log.traces_queries:
            trace.queried(self._run.log, self.address, key)
            if answer and answer.done():
                trace.known(self._run.log, answer.result())
        if answer is None:
            answer = self.cache.begin(key)
            self._begin(Pending(key, answer, name, shared))
        if (queried := QUERIED.get()) is not None:
            queried.append(answer)
        return answer

    def restore(self, key: QueryKey, response: Response | None) -> None:
        """Set the answer to a query in advance, for example from a file.

        The address then counts as one that has answered.
        """
        self.cache.restore(key, response)
        if response:
            self.health.record_cached(key)

    def _begin(self, pending: Pending) -> None:
        key, answer, name, shared, _ = pending
        if not self._is_allowed(
            name
        ):  # before the hot cache, which may hold answers to queries that this run must not send
            answer.set_result(None)
        elif shared and (known := self.cache.find_shared(key)):
            self._use_shared(key, answer, known)
        elif self._is_suspended(key, name) or self.health.is_exhausted:
            answer.set_result(None)
        else:
            if shared:
                self.cache.share(key, answer)
            self._send_or_hold(pending)

    def _use_shared(self, key: QueryKey, answer: Answer, known: Response) -> None:
        run, account = self._run, self._admission.account
        self.health.record_cached(key)
        if not account.answered:  # in another run; this counts as one answer, not as one per query
            run.budget.record_answer(account)
        answer.set_result(known)
        if run.log.traces_queries:
            trace.known(run.log, known)

    def _is_allowed(self, name: str) -> bool:
        """Return whether the profile allows queries to the address."""
        run = self._run
        if run.profile.no_network or not run.uses_family(ipv6=self.is_ipv6):
            if run.log.traces_queries:
                trace.family_disabled(run.log, name, self.address)
            return False
        if self._guarded is None:  # supplied addresses, too
            self._guarded = not is_allowed_target(self.address, guarded=not run.profile.allow_non_global_targets)
            if self._guarded:
                run.log.defer("NON_GLOBAL_QUERY_BLOCKED", ns=name, address=self.address)
        return not self._guarded

    def _is_suspended(self, key: QueryKey, name: str) -> bool:
        suspension = self.health.suspension(key, self._run.loop.time())
        if suspension and self._run.log.traces_queries:
            trace.suspended(self._run.log, name, self.address, key, suspension)
        return suspension is not None

    def _send_or_hold(self, pending: Pending) -> None:
        if self._admission.admits(pending, resume=self._send_held):
            self._send(pending)

    def _send_held(self) -> None:
        """Send waiting queries while slots are free, unless their path has been suspended."""
        while pending := self._admission.pop_held():
            if not self._needs_no_packet(pending) and not self._admission.defers(pending):
                self._send(pending)
        if self._admission.has_waiting:
            self._admission.wait_for_network(self._send_held)

    def _send_deferred(self) -> None:
        """Send the queries that waited for their path to answer, or end them if the path is suspended."""
        for pending in self._admission.pop_deferred():
            if not self._needs_no_packet(pending):
                self._send_or_hold(pending)

    def _needs_no_packet(self, pending: Pending) -> bool:
        """Return whether a waiting query needs no packet: it has ended, or its path has been suspended."""
        if not pending.answer.done() and self._is_suspended(pending.key, pending.name):
            pending.answer.set_result(None)
        return pending.answer.done()

    def _send(self, pending: Pending) -> None:
        run, key = self._run, pending.key
        charged = self._admission.charge(pending)
        if not charged:
            if not run.budget.is_stopped:  # Otherwise the run is ending, which must not count as silence.
                pending.answer.set_result(None)
            return
        query = self._query(pending)
        self._admission.start(query, pending, charged)
        run.queries += 1
        if run.log.traces_queries:
            trace.sent(run.log, self.address, key)
        if key.tcp:
            run.transport.send_tcp(query)
        else:
            run.transport.send_udp(query)

    def _query(self, pending: Pending) -> Query:
        run, key = self._run, pending.key
        qname = key.qname_octets or names.to_wire(key.qname)
        qclass = CLASS_NUMBER[key.qclass]
        return Query(
            self.address,
            query_body(qname, type_number(key.qtype), qclass, key.flags, key.edns),
            (pending.repeat and pending.repeat.timing) or self._timing(key),
            partial(self._on_outcome, pending),
            question_octets=len(qname) + 4,
            qclass=qclass,
            any_source=key.any_source,
            mixed_case=pending.shared and key.qname_octets is None,
            source_address=run.profile.source6 if self.is_ipv6 else run.profile.source4,
            tcp_slots=run.tcp_slots,
            pace=run.pace,
            response_pool=run.response_pool,
        )

    def _timing(self, key: QueryKey) -> Timing:
        if key.probing:
            return self._run.probe_timing
        return self._run.prompt_timing if self.health.is_prompt else self._run.timing

    def _on_outcome(self, pending: Pending, outcome: QueryOutcome) -> None:
        run, key = self._run, pending.key
        sent = self._admission.end(key)
        outcome = self._charge_response(key, outcome)
        if run.log.traces_queries:
            trace.ended(run.log, self.address, key, outcome)
        repeat = pending.repeat
        if outcome.response and sent:
            self.health.count_transmissions(sent + (repeat.sent if repeat else 0))
        if outcome.error != TIMEOUT or repeat is None:  # a query has one timeout, however often it is repeated
            self.health.count(key, outcome, run.loop.time())
        if run.budget.is_stopped:
            return  # A missing answer must not count as silence now.
        if outcome.error != TIMEOUT or not self._repeats.takes(pending, sent=sent):
            self._answer(pending, outcome)
        if outcome.error == TIMEOUT and (key.tcp or not self.health.has_answered):
            self._end_suspended(tcp=key.tcp)
        self._send_deferred()
        if self._admission.has_waiting:
            self._send_held()
        if self._repeats.has_waiting:
            self._send_repeat()
        self._admission.resume_network()

    def _send_repeat(self) -> None:
        """Repeat a query that had no answer, if one is due and no other query is in flight."""
        while pending := self._repeats.next_due(self._needs_no_packet, self._send_repeat):
            self._send(pending)

    def _charge_response(self, key: QueryKey, outcome: QueryOutcome) -> QueryOutcome:
        """Charge the budget for a response; return the outcome without it if the budget does not allow it."""
        budget, response = self._run.budget, outcome.response
        if response:
            account = self._admission.account
            is_authoritative = not account.is_authoritative and self._is_authoritative(key, response)
            budget.record_answer(account, is_authoritative=is_authoritative)
            if not account.is_independent and response.is_referral_to(self._run.zone_name):
                budget.note_independent(account)
            if not budget.keep(response, self.address):
                return QueryOutcome(None, CLOSED)
            if response.is_cut and key.qtype != "AXFR":  # only the first record of a transfer is needed
                budget.omit("max_records_of_an_answer", ANSWER_MAX_RECORDS, f"{key.qname} {key.qtype}")
        elif outcome.octets:
            budget.charge_discarded(outcome.octets, self.address)
        return outcome

    def _is_authoritative(self, key: QueryKey, response: Response) -> bool:
        """Return whether a response shows that the address serves the tested zone."""
        # DS records belong to the parent zone, whose servers answer authoritatively for them (RFC 4035 section
        # 3.1.4.1).
        return (
            response.aa
            and response.rcode_number in {0, 3}
            and key.qtype != "DS"
            and names.is_in_domain(key.qname, self._run.zone_name)
        )

    def _answer(self, pending: Pending, outcome: QueryOutcome) -> None:
        """Set the answer to a query; a truncated one is replaced by the answer over TCP."""
        key, answer, response = pending.key, pending.answer, outcome.response
        if response and response.tc and key.fallback and not key.tcp:
            self._retry_over_tcp(pending, response)
        elif not answer.done():
            answer.set_result(response)
        if key.any_source and response and response.source == self.address:
            plain = self._admission.under_way.get(key._replace(any_source=False))
            if plain:  # answered by the same response
                plain[0].finish(outcome)

    def _retry_over_tcp(self, pending: Pending, truncated: Response) -> None:
        over_tcp = pending.key._replace(tcp=True)
        again = self.cache.by_key.get(over_tcp)
        if again is None:
            again = self.cache.begin(over_tcp)
            if self._is_suspended(over_tcp, pending.name):
                again.set_result(None)
            else:
                self._send_or_hold(Pending(over_tcp, again, pending.name, shared=False))

        def pass_on(done: Answer) -> None:
            if not pending.answer.done():
                pending.answer.set_result((None if done.cancelled() else done.result()) or truncated)

        again.add_done_callback(pass_on)

    def _end_suspended(self, *, tcp: bool) -> None:
        """End the queries in flight on suspended paths, which would only time out.

        If the address has answered, only queries over the given protocol end. Over TCP, the kernel has retransmitted
        lost packets by then.
        """
        for query, pending, _ in list(self._admission.under_way.values()):
            is_in_doubt = not self.health.has_answered or pending.key.tcp == tcp
            if is_in_doubt and self._is_suspended(pending.key, pending.name):
                query.give_up()

    def close(self) -> None:
        """Stop: the run has ended, and waiting queries are not sent."""
        self._repeats.close()
        self._admission.close()

    def timing(self, name: str) -> NameserverTiming:
        """Return the response times of the address, under one of its names."""
        health = self.health
        return NameserverTiming.of(
            name,
            self.address,
            health.rtts_ms,
            timeouts=health.timeouts,
            refusals=health.refusals,
            lost=health.lost,
        )
